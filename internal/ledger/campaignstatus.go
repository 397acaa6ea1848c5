package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

// CampaignStatus is where a campaign stands.
type CampaignStatus struct {
	Campaign
	// Counts are of all accounts. They always add up to Total: what is on its way
	// between two accounts waits.
	Counts Counts
	// Parts are the accounts' own, which add up to the part's Total.
	Parts []PartStatus
	// Why counts the ends that have a reason, the most frequent first.
	Why []ReasonCount
	// FirstEnd and LastEnd are when the first and the latest row ended.
	FirstEnd, LastEnd time.Time
}

// PartStatus is where one account's part of a campaign stands.
type PartStatus struct {
	Account string
	Total   int64
	Counts  Counts
	// Last are the latest ends, at most 50, the newest last. Known is how many rows had
	// ended elsewhere; these and the times are not of those.
	Last  []tasks.State
	Known int64
	// FirstEnd and LastEnd as in CampaignStatus; Finished is when nothing was left.
	FirstEnd, LastEnd, Finished time.Time
}

// ReasonCount says how many rows ended in a state for a reason.
type ReasonCount struct {
	State  tasks.State
	Reason tasks.Reason
	Rows   int64
}

// Open says whether anything is left to do.
func (s CampaignStatus) Open() bool { return s.Counts.Open() > 0 }

// CampaignStatus reads the counters of a campaign, two looks at Redis whatever its
// size. Errors: ErrNoCampaign, and Redis'.
func (l *Ledger) CampaignStatus(ctx context.Context, idOrName string) (CampaignStatus, error) {
	c, err := l.Campaign(ctx, idOrName)
	if err != nil {
		return CampaignStatus{}, err
	}
	parts, whys := make([]*redis.MapStringStringCmd, len(c.Accounts)), make([]*redis.MapStringStringCmd, len(c.Accounts))
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, account := range c.Accounts {
			parts[i], whys[i] = p.HGetAll(ctx, keyPart(account, c.ID)), p.HGetAll(ctx, keyPart(account, c.ID)+":why")
		}
		return nil
	}); err != nil {
		return CampaignStatus{}, fmt.Errorf("reading how campaign %s stands: %w", c.ID, err)
	}
	s := CampaignStatus{Campaign: c, Counts: Counts{}}
	why := map[ReasonCount]int64{}
	for i, account := range c.Accounts {
		p := readPart(account, parts[i].Val())
		s.Parts = append(s.Parts, p)
		s.Counts.add(p.Counts)
		s.FirstEnd, s.LastEnd = earliest(s.FirstEnd, p.FirstEnd), latest(s.LastEnd, p.LastEnd)
		for field, text := range whys[i].Val() {
			n, _ := strconv.ParseInt(text, 10, 64) // written by our own scripts
			if len(field) > 1 && n > 0 {
				why[ReasonCount{State: letters[field[0]], Reason: tasks.Reason(field[1:])}] += n
			}
		}
	}
	rest, moving := tasks.Waiting, c.Total-s.Counts.Sum()
	if c.Closed != "" {
		rest = c.Closed
	}
	s.Counts[rest] += moving
	for _, part := range parts { // rows that are not swept yet count as what closed them
		if f := part.Val(); f["closed"] != "" {
			raw, state := countsOf(f), letters[f["closed"][0]]
			if n := raw[tasks.Waiting] + raw[tasks.Retrying]; n > 0 {
				why[ReasonCount{State: state, Reason: closeReason(state)}] += n
			}
		}
	}
	for w, n := range why {
		w.Rows = n
		s.Why = append(s.Why, w)
	}
	slices.SortFunc(s.Why, func(a, b ReasonCount) int {
		return cmp.Or(-cmp.Compare(a.Rows, b.Rows), cmp.Compare(a.State, b.State), cmp.Compare(a.Reason, b.Reason))
	})
	return s, nil
}

func readPart(account string, f map[string]string) PartStatus {
	p := PartStatus{Account: account, Counts: countsOf(f), FirstEnd: stamp(f["first_end"]), LastEnd: stamp(f["last_end"]), Finished: stamp(f["finished"])}
	p.Total, _ = strconv.ParseInt(f["total"], 10, 64) // written by our own scripts
	p.Known, _ = strconv.ParseInt(f["known"], 10, 64)
	if f["closed"] != "" {
		p.Counts[letters[f["closed"][0]]] += p.Counts[tasks.Waiting] + p.Counts[tasks.Retrying]
		p.Counts[tasks.Waiting], p.Counts[tasks.Retrying] = 0, 0
	}
	for _, letter := range []byte(f["last"]) {
		p.Last = append(p.Last, letters[letter])
	}
	return p
}

// closeReason is why a row ended that its campaign was closed with.
func closeReason(state tasks.State) tasks.Reason {
	if state == tasks.Expired {
		return tasks.ExpiredTime
	}
	return tasks.Stopped
}

// countsOf reads the counters of a part as they are.
func countsOf(f map[string]string) Counts {
	c := Counts{}
	for letter, state := range letters {
		c[state], _ = strconv.ParseInt(f[string(letter)], 10, 64) // written by our own scripts; absent is zero
	}
	return c
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
