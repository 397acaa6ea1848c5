// Package ledger keeps the truth about updates in Redis: who may run one now,
// when its account may make the next call, how it ended, what each group shows,
// and the photos themselves. asynq's tasks are tickets to run; what this
// package has recorded is what happened.
//
// Every decision that must not be torn apart is one Lua script, kept beside the
// Go that calls it. Scripts use Redis' clock alone, may arrive twice without
// doing more, and clamp stored times, so that neither a lost reply nor a clock
// that jumps leads to a second call or a frozen account. All keys of an account
// share one hash tag.
//
// The package refuses to know asynq, HTTP, what an answer means and what
// follows from it: it stores the worker's policy state as an opaque text.
package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Limits that Redis keys and scripts rely on.
const (
	// DefaultKeep is how long outcomes are kept when nothing else is asked for.
	DefaultKeep = 30 * 24 * time.Hour
	// Outlive is how long a record stays after its update expired, so that a
	// late run always finds the outcome.
	Outlive = 7 * 24 * time.Hour
	// DefaultLife is the life of an update that names no expiry.
	DefaultLife = 24 * time.Hour
	// MaxLease is the longest turn there is, and so the longest that a jump of
	// Redis' clock can keep an account from calling.
	MaxLease = 6 * time.Minute
	// maxHold bounds every hold of an account that a script believes.
	maxHold = 6 * time.Hour
	// maxGap bounds the gap between two turns that a script believes.
	maxGap = time.Hour
)

// ErrUnknown says that the ledger has no such update, or no longer.
var ErrUnknown = errors.New("no such update")

// Ledger reads and writes the records. It is safe for concurrent use.
type Ledger struct {
	rdb  redis.UniversalClient
	keep time.Duration
}

// New returns a ledger on an open connection. keep is how long outcomes are
// kept after the end; 0 is DefaultKeep.
func New(rdb redis.UniversalClient, keep time.Duration) *Ledger {
	if keep <= 0 {
		keep = DefaultKeep
	}
	return &Ledger{rdb: rdb, keep: keep}
}

// Keep returns how long outcomes are kept after the end.
func (l *Ledger) Keep() time.Duration { return l.keep }

// groupLife is how long a group's order is remembered after its last call: as
// long as an older update could still turn up.
func (l *Ledger) groupLife() time.Duration { return max(l.keep, DefaultKeep) + Outlive }

//go:embed common.lua
var commonLua string

// newScript joins the shared beginning and one script's own text.
func newScript(text string) *redis.Script { return redis.NewScript(commonLua + "\n" + text) }

// reply is one script answer: a list of texts.
type reply []any

// run calls a script and wants a non-empty list back.
func (l *Ledger) run(ctx context.Context, what string, script *redis.Script, keys []string, args ...any) (reply, error) {
	answer, err := script.Run(ctx, l.rdb, keys, args...).Slice()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if len(answer) == 0 {
		return nil, fmt.Errorf("%s: Redis gave an empty answer", what)
	}
	return answer, nil
}

func (r reply) text(i int) string {
	if i >= len(r) {
		return ""
	}
	s, _ := r[i].(string) // scripts answer texts; nil and absence mean the same: ""
	return s
}

func (r reply) number(i int) int64 {
	n, err := strconv.ParseInt(r.text(i), 10, 64)
	if err != nil {
		return 0 // written by our own scripts; absent means zero
	}
	return n
}

func (r reply) duration(i int) time.Duration { return time.Duration(r.number(i)) * time.Millisecond }

func (r reply) time(i int) time.Time { return fromMillis(r.number(i)) }

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func unixMillis(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func flag(yes bool) string {
	if yes {
		return "1"
	}
	return ""
}
