package redisconn

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	reviveTimeout = 3 * time.Second
	fetchPause    = 500 * time.Millisecond
)

// engineHook mends two habits of asynq v0.26 where it talks to Redis.
//
// Completions. When the script that finishes a task (Done, MarkAsComplete,
// Retry, Archive) fails, asynq logs "Will retry syncing" and hands the call to
// its syncer, which repeats it every 5 s until the task's lease ends. But the
// call carries a context that its function cancelled on returning, and go-redis
// refuses a cancelled context: no repetition ever leaves the process, the lease
// runs out, and the task is executed again one to two minutes later. The hook
// gives such a call a fresh context.
//
// Fetches. When the script that takes the next task fails, asynq tries again at
// once; with Redis down the dialer soon answers from memory and the loop burns
// a processor per server. The hook waits half a second before reporting that.
type engineHook struct {
	log *slog.Logger
}

// DialHook changes nothing.
func (h engineHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook changes nothing: asynq sends no pipelines, and through an
// AutoPipeliner a command's own context is not looked at.
func (h engineHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook revives completions and paces fetches.
func (h engineHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		switch scriptOf(cmd) {
		case completionScript:
			if revivable(ctx) {
				return h.revive(ctx, cmd, next)
			}
		case fetchScript:
			err := next(ctx, cmd)
			if unreachable(err) {
				pause(ctx)
			}
			return err
		}
		return next(ctx, cmd)
	}
}

func (h engineHook) revive(ctx context.Context, cmd redis.Cmder, next redis.ProcessHook) error {
	until := time.Now().Add(reviveTimeout)
	if lease, ok := ctx.Deadline(); ok && lease.Before(until) {
		until = lease
	}
	fresh, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	err := next(fresh, cmd)
	switch {
	case err == nil:
		h.log.InfoContext(fresh, "engine completion repeated", "result", "recorded")
	case redis.HasErrorPrefix(err, "NOT FOUND"):
		// The task is no longer active under this run: the first try arrived
		// and only its answer was lost, or the recoverer took the task. There
		// is nothing left to record, so the syncer need not go on asking.
		h.log.InfoContext(fresh, "engine completion repeated", "result", "already recorded")
		cmd.SetErr(nil)
		return nil
	case !redis.HasErrorPrefix(err, "NOSCRIPT"): // that one is answered with an EVAL at once
		h.log.WarnContext(fresh, "engine completion still failing", "error", err)
	}
	return err
}

// revivable tells a call that the syncer repeats from all others: its context
// was cancelled by its function's return, and its deadline, which is the end of
// the task's lease, has not come. After that moment another worker may hold the
// task, and finishing it here would finish that other run.
func revivable(ctx context.Context) bool {
	if !errors.Is(ctx.Err(), context.Canceled) {
		return false
	}
	lease, ok := ctx.Deadline()
	return ok && time.Now().Before(lease)
}

func unreachable(err error) bool {
	if err == nil || errors.Is(err, redis.ErrClosed) {
		return false
	}
	// A server that answers is not unreachable, whatever it says; redis.Nil,
	// the answer of an empty queue, counts as an answer too.
	_, answered := errors.AsType[redis.Error](err)
	return !answered
}

func pause(ctx context.Context) {
	t := time.NewTimer(fetchPause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

type script int

const (
	otherScript script = iota
	completionScript
	fetchScript
)

// scriptOf recognises asynq's scripts by their keys: all five that take a task
// out of the hands of a worker, and the one that puts it there, name the
// queue's active and lease keys, and only the latter its paused key. The
// scripts themselves are internal to asynq, and their hashes would change
// with any edit; the keys are its data format.
func scriptOf(cmd redis.Cmder) script {
	if name := cmd.Name(); name != "evalsha" && name != "eval" {
		return otherScript
	}
	args := cmd.Args()
	if len(args) < 3 {
		return otherScript
	}
	n, ok := args[2].(int)
	if !ok || n < 0 || n > len(args)-3 {
		return otherScript
	}
	var active, lease, paused bool
	for _, a := range args[3 : 3+n] {
		key, _ := a.(string)
		if !strings.HasPrefix(key, "asynq:{") {
			continue
		}
		active = active || strings.HasSuffix(key, "}:active")
		lease = lease || strings.HasSuffix(key, "}:lease")
		paused = paused || strings.HasSuffix(key, "}:paused")
	}
	switch {
	case !active || !lease:
		return otherScript
	case paused:
		return fetchScript
	default:
		return completionScript
	}
}
