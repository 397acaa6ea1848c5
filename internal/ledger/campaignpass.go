package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed campaign_again.lua
var campaignAgainLua string

var campaignAgainScript = newRowScript(campaignAgainLua)

// againChunks are gone through in one round trip.
const againChunks = 16

// PassRequest chooses ended rows that are to wait again.
type PassRequest struct {
	// States are refused, failed and expired when there are none.
	States []tasks.State
	// Reasons and Accounts limit the choice; none: all.
	Reasons  []tasks.Reason
	Accounts []string
	// Expires is the campaign's new expiry; one that is earlier changes nothing.
	Expires time.Time
	By      string
}

// PassCampaign makes ended rows wait again, as a new pass, and returns how many. A
// closed campaign opens again. How they ended before is kept: see RowHistory. When
// it breaks off, the same again goes through the rest. Errors: ErrNoCampaign, and
// Redis'.
func (l *Ledger) PassCampaign(ctx context.Context, id string, r PassRequest) (int64, error) {
	wanted, err := r.letters()
	if err != nil {
		return 0, err
	}
	c, err := l.Campaign(ctx, id)
	if err != nil {
		return 0, err
	}
	expires := latest(c.Expires, r.Expires)
	until := latest(c.until, time.Now().Add(time.Until(expires)+l.keep+Outlive))
	answer, err := l.run(ctx, "beginning a pass", campaignWishScript, []string{keyHead(c.ID), keyHeadLog(c.ID)},
		"again", r.By, r.why(), unixMillis(expires), unixMillis(until))
	if err != nil {
		return 0, err
	}
	if answer.text(0) != "ok" {
		return 0, fmt.Errorf("campaign %s: %w", id, ErrNoCampaign)
	}
	pass := answer.number(2)
	if c, err = l.Campaign(ctx, c.ID); err != nil {
		return 0, err
	}
	for err = ErrCampaignBusy; errors.Is(err, ErrCampaignBusy) && ctx.Err() == nil; {
		if err = l.SweepCampaign(ctx, c); err == nil {
			err = l.ApplyCampaign(ctx, c)
		}
	}
	if err != nil {
		return 0, err
	}
	var rows int64
	for _, account := range c.Accounts {
		chosen := wanted
		if len(r.Accounts) > 0 && !slices.Contains(r.Accounts, account) {
			chosen = "-" // these are kept as long as the others
		}
		n, err := l.passPart(ctx, c, account, pass, chosen, r.Reasons)
		if rows += n; err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func (r PassRequest) letters() (string, error) {
	states := r.States
	if len(states) == 0 {
		states = []tasks.State{tasks.Refused, tasks.Failed, tasks.Expired}
	}
	var text strings.Builder
	for _, state := range states {
		if !state.Ended() {
			return "", fmt.Errorf("rows in state %q have not ended", state)
		}
		text.WriteString(letterOf(state))
	}
	return text.String(), nil
}

// why is what the log says of the choice.
func (r PassRequest) why() string {
	var words []string
	for _, state := range r.States {
		words = append(words, string(state))
	}
	for _, reason := range r.Reasons {
		words = append(words, string(reason))
	}
	return strings.Join(append(words, r.Accounts...), " ")
}

func (l *Ledger) passPart(ctx context.Context, c Campaign, account string, pass int64, wanted string, reasons []tasks.Reason) (rows int64, err error) {
	chunks, err := l.chunksOf(ctx, account, c.ID)
	if err != nil {
		return 0, err
	}
	more := []any{string(tasks.Stopped), string(tasks.ExpiredTime)}
	for _, reason := range reasons {
		more = append(more, string(reason))
	}
	for some := range slices.Chunk(chunks, againChunks) {
		answers := make([]*redis.Cmd, len(some))
		err := pipelined(ctx, l.rdb, campaignAgainScript, func(p redis.Pipeliner) {
			for i, n := range some {
				answers[i] = campaignAgainScript.EvalSha(ctx, p, []string{keyPart(account, c.ID), keyCampaigns(account)},
					append([]any{n, pass, wanted, unixMillis(c.until)}, more...)...)
			}
		})
		if err != nil {
			return rows, fmt.Errorf("letting rows of account %s wait again: %w", account, err)
		}
		for _, answer := range answers {
			list, _ := answer.Slice()
			rows += reply(list).number(0)
		}
	}
	return rows, nil
}

// RowHistory returns how a row ended in every pass in which it did, the oldest
// first. Errors: ErrNoRow, and Redis'.
func (l *Ledger) RowHistory(ctx context.Context, c Campaign, account string, row int64) ([]RowEnd, error) {
	n, at := chunkOf(row)
	part := l.readerOf(c, account)
	states, ends := make([]*redis.StringCmd, c.Pass+1), make([]*redis.StringCmd, c.Pass+1)
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for pass := 1; pass <= c.Pass+1; pass++ {
			suffix := ":" + strconv.Itoa(pass)
			if pass > c.Pass {
				suffix = "" // as it stands
			}
			states[pass-1] = p.GetRange(ctx, chunkKey(part.key, 's', n)+suffix, int64(at), int64(at))
			ends[pass-1] = p.GetRange(ctx, chunkKey(part.key, 'd', n)+suffix, int64(at)*endWidth, int64(at+1)*endWidth-1)
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("reading the passes of row %d: %w", row, err)
	}
	if states[c.Pass].Val() == "" {
		return nil, fmt.Errorf("row %d of campaign %s: %w", row, c.ID, ErrNoRow)
	}
	var history []RowEnd
	for i := range states {
		// A copy holds the whole chunk: a row that did not wait again is in the next one as well.
		if state := states[i].Val(); state != "" && letters[state[0]].Ended() && !sameEnd(states, ends, i) {
			if err := part.learn(ctx, state, ends[i].Val()); err != nil {
				return nil, err
			}
			history = append(history, part.end(letters[state[0]], ends[i].Val(), 0))
		}
	}
	return history, nil
}

// sameEnd says whether the next pass that has a copy shows the same end.
func sameEnd(states, ends []*redis.StringCmd, i int) bool {
	for next := i + 1; next < len(states); next++ {
		if states[next].Val() != "" {
			return states[next].Val() == states[i].Val() && ends[next].Val() == ends[i].Val()
		}
	}
	return false
}
