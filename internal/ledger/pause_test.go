package ledger_test

import (
	"testing"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

func flagKey(queue string) string { return "asynq:{" + queue + "}:paused" }

func (e *env) flagged(t testing.TB, queue string) bool {
	t.Helper()
	n, err := e.rdb.Exists(t.Context(), flagKey(queue)).Result()
	if err != nil {
		t.Fatal(err)
	}
	return n == 1
}

func (e *env) lane(t testing.TB) ledger.LaneState {
	t.Helper()
	s, err := e.Lane(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// mirror is one process' look at the flags.
func (e *env) mirror(t testing.TB, accounts ...string) []ledger.LaneState {
	t.Helper()
	states, err := e.Mirror(t.Context(), accounts...)
	if err != nil || len(states) != len(accounts) {
		t.Fatalf("Mirror = %d states, %v; want %d", len(states), err, len(accounts))
	}
	return states
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPause_NoTurnUntilResumed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e *env) {
		// Given an account that an operator paused; then no turn is granted, and who did it and why is known.
		began := e.clock(t)
		changed, err := e.Pause(t.Context(), account, "the operator", "phone is charging")
		if err != nil || !changed {
			t.Fatalf("got %t, %v", changed, err)
		}
		if s := e.lane(t); s.By != "the operator" || s.For != "phone is charging" || s.PausedSince.Before(began.Truncate(1e6)) {
			t.Errorf("got %+v", s)
		}
		if changed, err := e.Pause(t.Context(), account, "somebody else", ""); err != nil || changed || e.lane(t).By != "the operator" {
			t.Errorf("got %t, %v, %+v", changed, err, e.lane(t))
		}
		x := e.started(t, "a")
		if wait := x.ask(t, ledger.Wait); wait.Why != "paused" {
			t.Errorf("got %+v", wait)
		}
		// When it is resumed, there is a turn.
		if changed, err := e.Resume(t.Context(), account, "another"); err != nil || !changed {
			t.Fatalf("got %t, %v", changed, err)
		}
		x.next().ask(t, ledger.Go)
		if changed, err := e.Resume(t.Context(), account, "another"); err != nil || changed {
			t.Errorf("got %t, %v", changed, err)
		}
	})
}

func TestMirror_BothWays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e *env) {
		ctx, queue, bulk := t.Context(), tasks.Queue(account), tasks.BulkQueue(account)
		agree := func(paused bool, by string) {
			t.Helper()
			e.mirror(t, account, "another")
			if s := e.lane(t); !s.PausedSince.IsZero() != paused || s.By != by || e.flagged(t, queue) != paused || e.flagged(t, bulk) != paused {
				t.Fatalf("got %+v, flags %t and %t; want paused: %t", s, e.flagged(t, queue), e.flagged(t, bulk), paused)
			}
		}
		agree(false, "")
		// What is paused here shows there, and what is resumed there goes on here.
		_, err := e.Pause(ctx, account, "op", "")
		must(t, err)
		agree(true, "op")
		must(t, e.rdb.Del(ctx, flagKey(queue)).Err())
		agree(false, "")
		// And the other way round.
		must(t, e.rdb.Set(ctx, flagKey(queue), 1, 0).Err())
		agree(true, ledger.WebUI)
		_, err = e.Resume(ctx, account, "op")
		must(t, err)
		agree(false, "")
		// A bulk queue that is paused alone is left alone.
		must(t, e.rdb.Set(ctx, flagKey(bulk), 1, 0).Err())
		e.mirror(t, account)
		if s := e.lane(t); !s.PausedSince.IsZero() || !e.flagged(t, bulk) || e.flagged(t, queue) {
			t.Errorf("got %+v, flags %t and %t", s, e.flagged(t, queue), e.flagged(t, bulk))
		}
	})
}
