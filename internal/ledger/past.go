package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

// Past reads an account's stream of outcomes backwards: at most count entries
// that are older than a position ("" begins with the newest) and not older than
// since. An account that has none has an empty past.
func (l *Ledger) Past(ctx context.Context, account, before string, since time.Time, count int64) ([]End, error) {
	newest := "+"
	if before != "" {
		newest = "(" + before
	}
	oldest := "-"
	if !since.IsZero() {
		oldest = strconv.FormatInt(since.UnixMilli(), 10)
	}
	messages, err := l.rdb.XRevRangeN(ctx, keyOutcomes(account), newest, oldest, count).Result()
	if err != nil {
		return nil, fmt.Errorf("reading the stream of outcomes: %w", err)
	}
	ends := make([]End, len(messages))
	for i, m := range messages {
		ends[i] = endOf(m)
	}
	return ends, nil
}

// Ended returns the whole outcome of each end; of one whose update has been sent
// again since, or whose record is gone, what the stream knows.
func (l *Ledger) Ended(ctx context.Context, account string, ends []End) ([]tasks.Outcome, error) {
	if len(ends) == 0 {
		return nil, nil
	}
	answers := make([]*redis.SliceCmd, len(ends))
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, end := range ends {
			answers[i] = p.HMGet(ctx, keyRecord(account, end.ID), "outcome")
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("reading outcomes: %w", err)
	}
	outcomes := make([]tasks.Outcome, len(ends))
	for i, end := range ends {
		outcomes[i] = end.Outcome(account)
		text, _ := answers[i].Val()[0].(string)
		if o, err := decodeOutcome(text); err == nil && o.State == end.State && o.Reason == end.Reason {
			outcomes[i] = o
		}
	}
	return outcomes, nil
}

// Outcome is what the stream alone knows of an end.
func (e End) Outcome(account string) tasks.Outcome {
	return tasks.Outcome{ID: e.ID, Account: account, GroupID: e.Group, State: e.State, Reason: e.Reason, FinishedAt: e.At()}
}

// At is when the end was recorded, by Redis' clock.
func (e End) At() time.Time {
	ms, _, _ := strings.Cut(e.Position, "-")
	return stamp(ms).UTC()
}

func endOf(m redis.XMessage) End {
	field := func(name string) string { s, _ := m.Values[name].(string); return s }
	return End{
		Position: m.ID, ID: field("id"), State: tasks.State(field("state")),
		Group: tasks.GroupID(field("group")), Reason: tasks.Reason(field("reason")),
	}
}
