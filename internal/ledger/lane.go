package ledger

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

// LaneState is how an account stands, by Redis' clock.
type LaneState struct {
	Calling int       // turns that are held now
	Next    time.Time // no turn before this moment, because of the pace; zero: none was ever granted
	// Trouble says that the account is in trouble: the last Holds calls in a row told
	// so. Then it makes no call until Until, and after that one at a time, until one
	// gets a normal answer.
	Trouble bool
	Holds   int
	Why     tasks.Reason
	Since   time.Time
	Until   time.Time
	// PausedSince is when an operator stopped the account; zero: nobody did. By and
	// For say who, and what for.
	PausedSince time.Time
	By, For     string
}

// Lane tells how an account stands; one that never had a turn is not in trouble.
func (l *Ledger) Lane(ctx context.Context, account string) (LaneState, error) {
	var fields *redis.MapStringStringCmd
	var turns *redis.ZSliceCmd
	var clock *redis.TimeCmd
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		fields, turns, clock = p.HGetAll(ctx, keyLane(account)), p.ZRangeWithScores(ctx, keyTurns(account), 0, -1), p.Time(ctx)
		return nil
	}); err != nil {
		return LaneState{}, fmt.Errorf("reading the lane of account %s: %w", account, err)
	}
	f := fields.Val()
	s := LaneState{Next: stamp(f["next"]), Why: tasks.Reason(f["why"]), Since: stamp(f["since"]), PausedSince: stamp(f["paused"]), By: f["paused_by"], For: f["paused_why"]}
	for _, turn := range turns.Val() {
		if turn.Score > float64(clock.Val().UnixMilli()) {
			s.Calling++
		}
	}
	if s.Holds, _ = strconv.Atoi(f["trouble"]); s.Holds > 0 {
		s.Trouble, s.Until = true, stamp(f["hold"])
	} else {
		s.Why, s.Since = "", time.Time{}
	}
	return s, nil
}
