package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

// Owner is who keeps an account from calling. An operator's pause may stand beside
// one of the others.
type Owner string

// The owners.
const (
	Operator Owner = "operator" // somebody stopped it
	Provider Owner = "account"  // the provider says that the account cannot work
	Breaker  Owner = "breaker"  // the provider gave no usable answer several times in a row
)

// LaneState is how an account stands, by Redis' clock.
type LaneState struct {
	Calling int       // turns that are held now; only Lane counts them
	Next    time.Time // no turn before this moment, because of the pace; zero: none was ever granted
	// Closed says that nobody may call now, whether an operator or trouble holds the account.
	Closed bool
	// Trouble is who holds the account because of the provider, "" when nobody does.
	// It was found Holds times in a row, at first Since, for the reason Why, with
	// Detail in the provider's words. Nobody calls before Until; after that one call
	// at a time, until one gets a normal answer.
	Trouble Owner
	Holds   int
	Why     tasks.Reason
	Detail  string
	Since   time.Time
	Until   time.Time
	// Probe is when /status is to be asked; zero: it is not.
	Probe time.Time
	// Told says that the trouble is more than a suspicion against one update.
	Told bool
	// Widen is what the gap between calls is multiplied with, 1 for the configured
	// one; since WidenedAt, because of WidenedWhy. Rest is when the provider wants to
	// see the next call at the soonest.
	Widen      float64
	WidenedAt  time.Time
	WidenedWhy tasks.Reason
	Rest       time.Time
	// Unanswered is how many calls may have landed although no answer came.
	Unanswered int64
	// PausedSince is when an operator stopped the account; zero: nobody did. By and
	// For say who, and what for.
	PausedSince time.Time
	By, For     string
	// StatusAt is when /status said last that the number is connected; zero: it was
	// not asked, or said something else since.
	StatusAt time.Time
	// QueuePaused says that somebody paused the account's queue with asynq's tools
	// and that no Mirror has seen it yet; BulkPaused, that somebody paused the bulk
	// queue alone, which stops campaigns only. Only Lane tells them.
	QueuePaused, BulkPaused bool
	// Campaigns is how many campaigns have rows left in the account. Only Mirror counts
	// them.
	Campaigns int64
	// Event is the position of the newest event, Hooked of the one told outside last.
	Event, Hooked string
	// Now is when all this was so.
	Now time.Time

	flagged, cleared string // our flags: that is said to stand at asynq's queue, and that went last
	jumped           bool   // Until is from before a jump of the clock
}

var laneFields = []string{
	"next", "trouble", "owner", "hold", "why", "detail", "since", "probe_at", "told", "widen", "widened_at", "widened_why", "rest",
	"unanswered", "paused", "paused_by", "paused_why", "status_at", "event", "hooked", "flagged", "cleared",
	"held_for",
}

// laneReader is a lane's fields on their way.
type laneReader struct{ fields *redis.SliceCmd }

func readLane(ctx context.Context, p redis.Pipeliner, account string) laneReader {
	return laneReader{p.HMGet(ctx, keyLane(account), laneFields...)}
}

func (r laneReader) state(now time.Time) LaneState {
	f := map[string]string{}
	for i, v := range r.fields.Val() {
		f[laneFields[i]], _ = v.(string) // a missing field is ""
	}
	number := func(name string) int64 { n, _ := strconv.ParseInt(f[name], 10, 64); return n } // written by our scripts
	s := LaneState{
		Now: now, Next: stamp(f["next"]), Widen: 1, Rest: stamp(f["rest"]), Unanswered: number("unanswered"),
		PausedSince: stamp(f["paused"]), By: f["paused_by"], For: f["paused_why"], StatusAt: stamp(f["status_at"]),
		Event: f["event"], Hooked: f["hooked"], flagged: f["flagged"], cleared: f["cleared"],
	}
	if s.Rest.Before(now) {
		s.Rest = time.Time{}
	}
	if w := number("widen"); w > 1000 {
		s.Widen, s.WidenedAt, s.WidenedWhy = float64(w)/1000, stamp(f["widened_at"]), tasks.Reason(f["widened_why"])
	}
	if holds := number("trouble"); holds > 0 {
		s.Trouble, s.Holds, s.Until, s.Since = Owner(f["owner"]), int(holds), stamp(f["hold"]), stamp(f["since"])
		s.jumped = s.Until.Sub(now) > time.Duration(number("held_for"))*time.Millisecond
		s.Why, s.Detail, s.Told, s.Probe = tasks.Reason(f["why"]), f["detail"], f["told"] != "", stamp(f["probe_at"])
	}
	s.Closed = !s.PausedSince.IsZero() || s.Until.After(now)
	return s
}

// Lane tells how an account stands; one that never had a turn is not in trouble.
func (l *Ledger) Lane(ctx context.Context, account string) (LaneState, error) {
	var lane laneReader
	var turns *redis.ZSliceCmd
	var clock *redis.TimeCmd
	var flag, bulk *redis.StringCmd
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		lane, turns, clock = readLane(ctx, p, account), p.ZRangeWithScores(ctx, keyTurns(account), 0, -1), p.Time(ctx)
		flag, bulk = p.Get(ctx, pausedFlag(tasks.Queue(account))), p.Get(ctx, pausedFlag(tasks.BulkQueue(account)))
		return nil
	}); err != nil && !errors.Is(err, redis.Nil) {
		return LaneState{}, fmt.Errorf("reading the lane of account %s: %w", account, err)
	}
	s := lane.state(clock.Val())
	s.QueuePaused, s.BulkPaused = foreign(flag.Val()), foreign(bulk.Val())
	for _, turn := range turns.Val() {
		if turn.Score > float64(clock.Val().UnixMilli()) {
			s.Calling++
		}
	}
	return s, nil
}
