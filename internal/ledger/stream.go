package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

// End is one entry of an account's stream of outcomes.
type End struct {
	Position string // where the entry stands in the stream
	ID       string // "" for the end of a campaign
	State    tasks.State
	Group    tasks.GroupID
	Reason   tasks.Reason
}

// StreamEnd returns the position behind the newest entry of an account's stream.
func (l *Ledger) StreamEnd(ctx context.Context, account string) (string, error) {
	newest, err := l.rdb.XRevRangeN(ctx, keyOutcomes(account), "+", "-", 1).Result()
	if err != nil {
		return "", fmt.Errorf("reading the stream of outcomes: %w", err)
	}
	if len(newest) == 0 {
		return "0-0", nil
	}
	return newest[0].ID, nil
}

// Follow waits up to block for entries behind a position and returns at most
// count of them, oldest first; none when the time passed without one. A block of
// less than a millisecond only looks.
func (l *Ledger) Follow(ctx context.Context, account, after string, block time.Duration, count int64) ([]End, error) {
	if block < time.Millisecond {
		block = -1 // to Redis 0 means for ever
	}
	streams, err := l.rdb.XRead(ctx, &redis.XReadArgs{
		Streams: []string{keyOutcomes(account), after}, Block: block, Count: count,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("following the stream of outcomes: %w", err)
	}
	var ends []End
	for _, stream := range streams {
		for _, m := range stream.Messages {
			ends = append(ends, endOf(m))
		}
	}
	return ends, nil
}
