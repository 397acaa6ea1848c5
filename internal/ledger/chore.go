package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Chore asks to be the one process that does a chore of an account's, for a
// while. It says false while another does it, or has done it within that time.
func (l *Ledger) Chore(ctx context.Context, account, chore string, alone time.Duration) (bool, error) {
	mine, err := l.rdb.SetNX(ctx, accountKey(account, "chore:"+chore), 1, alone).Result()
	if err != nil {
		return false, fmt.Errorf("asking for the chore %s of account %s: %w", chore, account, err)
	}
	return mine, nil
}

// EndChore lets others do a chore before its time.
func (l *Ledger) EndChore(ctx context.Context, account, chore string) error {
	if err := l.rdb.Del(ctx, accountKey(account, "chore:"+chore)).Err(); err != nil {
		return fmt.Errorf("giving the chore %s of account %s back: %w", chore, account, err)
	}
	return nil
}

// Open returns those of the updates that the ledger knows and that have not
// ended, in the order given.
func (l *Ledger) Open(ctx context.Context, account string, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	answers := make([]*redis.SliceCmd, len(ids))
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			answers[i] = p.HMGet(ctx, keyRecord(account, id), "print", "outcome")
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("reading which updates have ended: %w", err)
	}
	var open []string
	for i, answer := range answers {
		if known, outcome := answer.Val()[0], answer.Val()[1]; known != nil && outcome == nil {
			open = append(open, ids[i])
		}
	}
	return open, nil
}
