package ledger_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// before is a connection of a process that is held up, or dies, before a script.
type before struct{ script func(redis.Cmder) error }

func (before) DialHook(next redis.DialHook) redis.DialHook { return next }

func (before) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (b before) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "evalsha" || cmd.Name() == "eval" {
			if err := b.script(cmd); err != nil {
				cmd.SetErr(err)
				return err
			}
		}
		return next(ctx, cmd)
	}
}

// slow is a process for which something happens before a script that it sends.
func (e *env) slow(t testing.TB, script func(redis.Cmder) error) *ledger.Ledger {
	t.Helper()
	c := e.mini.Client(t)
	c.AddHook(before{script})
	return ledger.New(c, keep)
}

// slowLook is such a process' look at the flags.
func (e *env) slowLook(t testing.TB, script func(redis.Cmder) error) {
	t.Helper()
	_, err := e.slow(t, script).Mirror(t.Context(), account)
	must(t, err)
}

// sets says whether a script is to bring asynq's flag to a value.
func sets(cmd redis.Cmder, value func(string) bool) bool {
	args := cmd.Args()
	to, _ := args[len(args)-1].(string)
	return slices.Contains(args, any(flagKey(tasks.Queue(account)))) && value(to)
}

// once gives what happens the first time.
func once(when func(redis.Cmder) bool, do func()) func(redis.Cmder) error {
	done := false
	return func(cmd redis.Cmder) error {
		if !done && when(cmd) {
			done = true
			do()
		}
		return nil
	}
}

func anything(redis.Cmder) bool { return true }

func TestMirror_ASlowProcessUndoesNothing(t *testing.T) {
	t.Parallel()
	flag := flagKey(tasks.Queue(account))
	pause := func(t *testing.T, e *env) {
		t.Helper()
		_, err := e.Pause(t.Context(), account, "op", "stop")
		must(t, err)
	}
	for name, f := range map[string]func(t *testing.T, e *env) (paused bool){
		// Given a hold that is over, when an operator pauses just as one process removes the flag and another wants to set
		// it again,
		"a pause, by noting a flag that it did not set": func(t *testing.T, e *env) bool {
			_, err := e.Probed(t.Context(), account, "", ledger.StatusAway, tasks.Unavailable, "", time.Second, time.Second)
			must(t, err)
			e.mirror(t, account)
			e.pass(t, 2*time.Second)
			removed := func(to string) bool { return to == "" }
			set := func(to string) bool { return to != "" }
			e.slowLook(t, once(func(c redis.Cmder) bool { return sets(c, removed) }, func() {
				pause(t, e)
				e.slowLook(t, once(func(c redis.Cmder) bool { return sets(c, set) }, func() {
					must(t, e.rdb.Del(t.Context(), flag).Err())
				}))
			}))
			return true
		},
		// Given a queue that somebody resumed, when an operator pauses before a slow process has heeded that,
		"a pause, by heeding an old resume": func(t *testing.T, e *env) bool {
			must(t, e.rdb.Set(t.Context(), flag, 1, 0).Err())
			e.mirror(t, account)
			must(t, e.rdb.Del(t.Context(), flag).Err())
			e.slowLook(t, once(anything, func() {
				e.mirror(t, account)
				pause(t, e)
				e.mirror(t, account)
			}))
			return true
		},
		// Given a queue that somebody paused, when an operator resumes before a slow process has heeded that,
		"a resume, by heeding an old pause": func(t *testing.T, e *env) bool {
			must(t, e.rdb.Set(t.Context(), flag, 1, 0).Err())
			e.slowLook(t, once(anything, func() {
				e.mirror(t, account)
				_, err := e.Resume(t.Context(), account, "op")
				must(t, err)
			}))
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// then the operator's word stands.
			e := newMini(t)
			want := f(t, e)
			for range 3 {
				e.mirror(t, account)
			}
			if s := e.lane(t); !s.PausedSince.IsZero() != want || e.flagged(t, tasks.Queue(account)) != want {
				t.Errorf("got %+v, flag %t; want paused: %t", s, e.flagged(t, tasks.Queue(account)), want)
			}
		})
	}
}

// Given pauses, resumes and troubles in any order, here and in the web UI, when a process dies at any step of a look at
// them, then the next look makes up for it: what was said last counts, and nobody's word is undone.
func TestProperty_ACrashInAMirror(t *testing.T) {
	t.Parallel()
	e := newMini(t)
	died := errors.New("the process has died")
	left := 0 // scripts until the process dies
	mortal := e.slow(t, func(redis.Cmder) error {
		if left--; left < 0 {
			return died
		}
		return nil
	})
	rapid.Check(t, func(rt *rapid.T) {
		e.mini.FlushDB()
		ctx, flag, want := t.Context(), flagKey(tasks.Queue(account)), false
		look := func(rt *rapid.T) {
			if left = rapid.IntRange(0, 3).Draw(rt, "scripts"); left < 3 {
				_, err := mortal.Mirror(ctx, account)
				if err != nil && !errors.Is(err, died) {
					rt.Fatal(err)
				}
			}
			e.mirror(t, account)
			e.mirror(t, account)
			s := e.lane(t)
			if !s.PausedSince.IsZero() != want || e.flagged(t, tasks.Queue(account)) != (want || s.Trouble != "") {
				rt.Fatalf("got %+v, flag %t; want paused: %t", s, e.flagged(t, tasks.Queue(account)), want)
			}
		}
		then := func(do func()) func(*rapid.T) { return func(rt *rapid.T) { do(); look(rt) } }
		rt.Repeat(map[string]func(*rapid.T){
			"pause":  then(func() { _, err := e.Pause(ctx, account, "op", ""); must(t, err); want = true }),
			"resume": then(func() { _, err := e.Resume(ctx, account, "op"); must(t, err); want = false }),
			"pause there": then(func() {
				set, err := e.rdb.SetNX(ctx, flag, 1, 0).Result() // asynq says so when it is paused already
				must(t, err)
				want = want || set
			}),
			"resume there": then(func() {
				was, err := e.rdb.Del(ctx, flag).Result()
				must(t, err)
				want = want && was == 0
			}),
			"trouble": then(func() {
				_, err := e.Probed(ctx, account, "", ledger.StatusDown, tasks.Subscription, "", time.Hour, time.Hour)
				must(t, err)
			}),
			"well": then(func() { must(t, e.rdb.HDel(ctx, key("lane"), "trouble", "hold").Err()) }),
		})
	})
}
