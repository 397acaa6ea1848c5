package ledger

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed campaign_feed.lua
var campaignFeedLua string

//go:embed campaign_quiet.lua
var campaignQuietLua string

//go:embed campaign_back.lua
var campaignBackLua string

var (
	campaignFeedScript  = newRowScript(campaignFeedLua)
	campaignQuietScript = newRowScript(campaignQuietLua)
	campaignBackScript  = newRowScript(campaignBackLua)
)

const (
	// QuietAfter is how long a row may be under way without news before its task is
	// looked for.
	QuietAfter = 5 * time.Minute
	// MaxFeed is how many rows are fed at most in one go.
	MaxFeed = 1000
	// maxFeederLease is the longest lease that campaign_feed.lua believes.
	maxFeederLease = 5 * time.Minute
)

// FeedRequest asks for rows to be fed.
type FeedRequest struct {
	Account string
	// Feeder differs between processes; Lease, up to 5 minutes, is how long nobody
	// else may feed.
	Feeder string
	Lease  time.Duration
	// Question differs from one request to the next. The same again gives the same
	// rows again.
	Question string
	// Room is how many rows are wanted at most, up to MaxFeed; Queue is how many of the
	// account may be queued at a time, 0: MaxFeed.
	Room, Queue int
	// Campaigns are those that may go on, each as far as its Window allows; nil: all of
	// them, at any time.
	Campaigns map[string]Window
}

// Window is when a campaign may go on. The zero value is any time.
type Window struct {
	// Shut says that it may not now. Until is when it may no longer: a row that is not
	// called by then waits again.
	Shut  bool
	Until time.Time
	// StopAt stops it, as a pause does, when so many of the account's last 50 ends are
	// refused or failed rows; 0: never. PauseCampaign must say so to all accounts.
	StopAt int
}

func (w Window) text() string {
	switch {
	case w.Shut:
		return "0"
	case w.Until.IsZero():
		return ""
	}
	return unixMillis(w.Until)
}

// FedRow is a row on its way to its queue.
type FedRow struct {
	RowRef
	// Seq is its place in the account's order.
	Seq int64
	// Given is the row as it was given.
	Given CampaignRow
}

// Fed answers a FeedRequest.
type Fed struct {
	Rows []FedRow
	// Held is for how long another feeder has the lane; there are no rows then.
	Held time.Duration
	// Taken says that another one had it before: its last rows may have no tasks.
	Taken bool
}

// Feed moves rows of an account's campaigns to queued, the campaigns in turn, and
// returns them for their tasks to be enqueued: retrying rows that are due, then those
// that wait, then those that were to be the last.
func (l *Ledger) Feed(ctx context.Context, r FeedRequest) (Fed, error) {
	args := []any{r.Feeder, millis(min(r.Lease, maxFeederLease)), r.Question, min(max(0, r.Room), MaxFeed), cmp.Or(r.Queue, MaxFeed), flag(r.Campaigns != nil)}
	for id, window := range r.Campaigns {
		args = append(args, id, window.text(), window.StopAt)
	}
	answer, err := l.run(ctx, "feeding rows", campaignFeedScript,
		[]string{keyCampaigns(r.Account), keyFeeder(r.Account), keySeq(r.Account)}, args...)
	if err != nil || answer.text(0) == "held" {
		return Fed{Held: answer.duration(1)}, err
	}
	fed := Fed{Taken: answer.text(2) != ""}
	for f := range rowLines(r.Account, answer.text(1)) {
		fed.Rows = append(fed.Rows, f)
	}
	return fed, l.fill(ctx, fed.Rows)
}

// Quiet lists at most so many rows under way that there was no news of for some time,
// of one campaign or, with "", of all: their tasks must be looked for. Then BackRows
// says what was found.
func (l *Ledger) Quiet(ctx context.Context, account, campaign string, since time.Duration, most int) ([]RowRef, error) {
	answer, err := l.run(ctx, "looking for rows without news", campaignQuietScript, []string{keyCampaigns(account)}, millis(since), most, campaign)
	if err != nil {
		return nil, err
	}
	var refs []RowRef
	for f := range rowLines(account, answer.text(0)) {
		refs = append(refs, f.RowRef)
	}
	return refs, nil
}

// BackRows lets rows of one campaign be fed again whose tasks are missing, and notes
// that there is news of those whose tasks are there. Rows fed again meanwhile are
// left alone. It returns how many are fed again.
func (l *Ledger) BackRows(ctx context.Context, account, campaign string, missing, there []RowRef) (int, error) {
	var args []any
	for _, r := range missing {
		args = append(args, r.Row, r.Feed, "")
	}
	for _, r := range there {
		args = append(args, r.Row, r.Feed, "1")
	}
	answer, err := l.run(ctx, "letting rows wait again", campaignBackScript, []string{keyPart(account, campaign)}, args...)
	return int(answer.number(0)), err
}

// rowLines reads what the scripts write of rows.
func rowLines(account, text string) func(yield func(FedRow) bool) {
	return func(yield func(FedRow) bool) {
		for line := range strings.Lines(text) {
			var n [3]int64
			fields := strings.Fields(line)
			for i, field := range fields[1:] {
				n[i], _ = strconv.ParseInt(field, 10, 64) // written by our own scripts
			}
			if !yield(FedRow{RowRef: RowRef{account, fields[0], n[0], n[1]}, Seq: n[2]}) {
				return
			}
		}
	}
}

// fill reads the rows themselves, each chunk once.
func (l *Ledger) fill(ctx context.Context, rows []FedRow) error {
	type chunk struct {
		part string
		n    int64
	}
	answers := map[chunk]*redis.StringCmd{}
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, r := range rows {
			n, _ := chunkOf(r.Row)
			if c := (chunk{r.part(), n}); answers[c] == nil {
				answers[c] = p.Get(ctx, chunkKey(c.part, 'r', n))
			}
		}
		return nil
	}); err != nil && len(rows) > 0 {
		return fmt.Errorf("reading the rows that were fed: %w", err)
	}
	read := map[chunk][]CampaignRow{}
	for i, r := range rows {
		n, at := chunkOf(r.Row)
		c := chunk{r.part(), n}
		if read[c] == nil {
			var err error
			if read[c], err = unpack(r.Account, []byte(answers[c].Val())); err != nil {
				return fmt.Errorf("reading the rows that were fed: %w", err)
			}
		}
		if at >= len(read[c]) {
			return fmt.Errorf("row %s: %w", r.ID(), ErrNoRow)
		}
		rows[i].Given = read[c][at]
	}
	return nil
}

// Update is what the task of a fed row carries.
func (f FedRow) Update(c Campaign, by string, now time.Time) tasks.Update {
	return tasks.Update{
		GroupID: f.Given.Group, Photo: f.Given.Photo, Account: f.Account, Campaign: f.Campaign, Seq: f.Seq,
		EnqueuedAt: now.UTC().Truncate(time.Millisecond), ExpiresAt: c.Expires, SkipUnchanged: c.SkipUnchanged, Ref: f.Given.Ref, By: by,
	}
}
