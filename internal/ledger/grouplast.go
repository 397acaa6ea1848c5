package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

// GroupsLast returns what each group shows as far as is known: the wire form of the
// photo that was accepted for it last; "" when nobody knows, as after a call whose
// answer was not true. All are asked in one round trip: a few hundred at a time.
func (l *Ledger) GroupsLast(ctx context.Context, account string, groups []tasks.GroupID) ([]string, error) {
	if len(groups) == 0 {
		return nil, nil
	}
	answers := make([]*redis.StringCmd, len(groups))
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, group := range groups {
			answers[i] = p.HGet(ctx, keyGroup(account, group), "last")
		}
		return nil
	}); err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("reading what groups of account %s show: %w", account, err)
	}
	last := make([]string, len(groups))
	for i, answer := range answers {
		text, err := answer.Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, fmt.Errorf("reading what group %s of account %s shows: %w", groups[i], account, err)
		}
		last[i] = unpackPhoto(text)
	}
	return last, nil
}

// KeepPhotos is KeepPhoto for several photos in one round trip: a few hundred at a
// time.
func (l *Ledger) KeepPhotos(ctx context.Context, refs []tasks.PhotoRef, until time.Time) ([]bool, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	answers := make([]*redis.Cmd, len(refs))
	if err := pipelined(ctx, l.rdb, photoKeepScript, func(p redis.Pipeliner) {
		for i, ref := range refs {
			answers[i] = photoKeepScript.EvalSha(ctx, p, []string{keyPhoto(ref)}, unixMillis(until))
		}
	}); err != nil {
		return nil, fmt.Errorf("looking for photos in the store: %w", err)
	}
	there := make([]bool, len(refs))
	for i, answer := range answers {
		n, err := answer.Int()
		if err != nil {
			return nil, fmt.Errorf("looking for photo %s in the store: %w", refs[i], err)
		}
		there[i] = n == 1
	}
	return there, nil
}
