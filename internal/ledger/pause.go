package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed pause.lua
var pauseLua string

//go:embed mirror.lua
var mirrorLua string

var (
	pauseScript  = newScript(pauseLua)
	mirrorScript = newScript(mirrorLua)
)

// WebUI is who paused an account whose queue was paused in asynq's web UI, or
// with another of asynq's tools.
const WebUI = "the asynq web UI"

// Pause stops an account until Resume: no turn is granted, by any process. It
// says false when the account was paused before; then by and why stay as they
// were.
func (l *Ledger) Pause(ctx context.Context, account, by, why string) (bool, error) {
	answer, err := l.run(ctx, "pausing the account", pauseScript, []string{keyLane(account)}, "1", by, why)
	return err == nil && answer.text(0) == "ok", err
}

// Resume ends a Pause. It says false when there was none.
func (l *Ledger) Resume(ctx context.Context, account string) (bool, error) {
	answer, err := l.run(ctx, "resuming the account", pauseScript, []string{keyLane(account)}, "", "", "")
	return err == nil && answer.text(0) == "ok", err
}

// pausedFlag is asynq's own key: a queue is paused while it is there.
func pausedFlag(queue string) string { return "asynq:{" + queue + "}:paused" }

// Mirror brings asynq's flags and the operator's pauses of accounts together,
// both ways: what was changed last counts. Somebody who pauses an account's queue
// in asynq's web UI pauses the account, and who resumes it there resumes it. The
// flag of the bulk queue follows, but pausing it alone is left alone: that stops
// campaigns only. Any number of processes may do this at the same time.
func (l *Ledger) Mirror(ctx context.Context, accounts ...string) error {
	flags, lanes := make([]*redis.IntCmd, len(accounts)), make([]*redis.SliceCmd, len(accounts))
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, account := range accounts {
			flags[i] = p.Exists(ctx, pausedFlag(tasks.Queue(account)))
			lanes[i] = p.HMGet(ctx, keyLane(account), "flag", "paused")
		}
		return nil
	}); err != nil {
		return fmt.Errorf("reading which accounts are paused: %w", err)
	}
	var problems []error
	for i, account := range accounts {
		mirrored, _ := lanes[i].Val()[0].(string)
		paused, _ := lanes[i].Val()[1].(string)
		problems = append(problems, l.mirror(ctx, account, mirrored, paused, flag(flags[i].Val() > 0)))
	}
	return errors.Join(problems...)
}

// mirror compares one account's flag with what was written of it last.
func (l *Ledger) mirror(ctx context.Context, account, mirrored, paused, now string) error {
	changed := ""
	switch {
	case now != mirrored: // somebody used asynq's tools
		changed = "0"
		if now == "1" {
			changed = "1"
		}
	case flag(paused != "") != mirrored:
		now = flag(paused != "")
	default:
		return nil
	}
	if err := l.setFlags(ctx, account, now == "1", changed != ""); err != nil {
		return err
	}
	answer, err := l.run(ctx, "noting that an account is paused", mirrorScript, []string{keyLane(account)}, mirrored, paused, now, changed, WebUI)
	if err == nil && answer.text(0) == "changed" && changed == "" {
		// The pause was changed meanwhile: a flag that followed the old one would be taken for somebody's wish.
		return l.setFlags(ctx, account, now != "1", false)
	}
	return err
}

// setFlags pauses or resumes an account's queues for asynq, as its own inspector
// does. With bulkOnly the other queue is so already.
func (l *Ledger) setFlags(ctx context.Context, account string, paused, bulkOnly bool) error {
	queues := []string{tasks.BulkQueue(account)}
	if !bulkOnly {
		queues = append(queues, tasks.Queue(account))
	}
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, queue := range queues {
			if paused {
				p.SetNX(ctx, pausedFlag(queue), time.Now().Unix(), 0)
			} else {
				p.Del(ctx, pausedFlag(queue))
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("pausing or resuming asynq's queues: %w", err)
	}
	return nil
}
