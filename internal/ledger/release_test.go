package ledger_test

import (
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestRelease_Refunds(t *testing.T) {
	t.Parallel()
	// Given a turn, when it is given back with a refund, then the next turn
	// counts as the refund says, and sending it again gives nothing more.
	for _, tt := range []struct {
		name         string
		back         ledger.Refund
		calls, spent int // of the next turn
	}{
		{"nothing", ledger.Nothing, 2, 2},
		{"the attempt", ledger.Attempt, 2, 1},
		{"the call", ledger.Call, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				x := e.started(t, "a")
				x.ask(t, ledger.Go)
				for range 3 {
					x.give(t, "ok", refund(tt.back))
				}
				if got := x.next().ask(t, ledger.Go); got.Calls != tt.calls || got.Spent != tt.spent {
					t.Errorf("the next turn counts %d calls, %d spent; want %d, %d", got.Calls, got.Spent, tt.calls, tt.spent)
				}
			})
		})
	}
}

func TestRelease_FreesTheTurnAtOnce(t *testing.T) {
	t.Parallel()
	// Given a call under way, when its turn is given back, then the next update
	// of the group and of the account goes without waiting for the lease.
	each(t, func(t *testing.T, e *env) {
		a, b := e.started(t, "a"), e.started(t, "b")
		a.ask(t, ledger.Go)
		b.waits(t, "group", lease)
		a.give(t, "ok")
		b.ask(t, ledger.Go)
	})
}

func TestRelease_ALateCopyHarmsNobody(t *testing.T) {
	t.Parallel()
	// Given a run on its second turn, when a late copy of the first release
	// arrives, then the second turn stands and is counted.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		x.give(t, "ok", refund(ledger.Attempt))
		x.next().ask(t, ledger.Go)
		x.turns--
		x.give(t, "ok", refund(ledger.Attempt), says(ledger.SaidFailing, time.Minute, time.Hour))
		x.turns++
		if got := x.ask(t, ledger.Go); got.Calls != 2 || got.Spent != 1 {
			t.Errorf("calls %d, spent %d; want 2, 1", got.Calls, got.Spent)
		}
		if got := e.look(t, "a").Outcome.State; got != tasks.Calling {
			t.Errorf("state %s; want calling", got)
		}
		e.started(t, "b", inGroupB).waits(t, "limit", lease) // held by nothing but the living turn
	})
}

func TestRelease_OfALostRun(t *testing.T) {
	t.Parallel()
	// Given a run whose lease is over and whose update another run has, when
	// it gives its turn back, then it is told, and the other's turn stands.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		e.pass(t, lease)
		y := e.start(t, ledger.Registered{Update: x.update}, "a", "t2", ledger.Run)
		y.ask(t, ledger.Go)
		x.give(t, ledger.Lost, refund(ledger.Call))
		if got := y.ask(t, ledger.Go); got.Calls != 2 || got.Spent != 2 {
			t.Errorf("calls %d, spent %d; want 2, 2", got.Calls, got.Spent)
		}
		e.started(t, "b").waits(t, "group", lease)
	})
}

func TestRelease_OfAnEndedUpdate(t *testing.T) {
	t.Parallel()
	// Given an update cancelled between two runs, when the first run gives back
	// what it has, then it learns that it ended.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		if _, _, err := e.Cancel(t.Context(), account, "a", "somebody"); err != nil {
			t.Fatalf("Cancel: %v", err)
		}
		x.give(t, ledger.Settled, func(r *ledger.ReleaseRequest) { r.Turn = "" })
		if got := e.look(t, "a").Outcome.State; got != tasks.Cancelled {
			t.Errorf("state %s; want cancelled", got)
		}
	})
}

func TestRelease_TellsPeopleWhenAndWhyAgain(t *testing.T) {
	t.Parallel()
	// Given a failed attempt, when the turn is given back, then the record
	// shows state, reason, detail, status and the next run's time.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		x.give(t, "ok", func(r *ledger.ReleaseRequest) {
			r.Reason, r.Detail, r.HTTPStatus, r.Again = tasks.ProviderError, "it said 503", 503, time.Minute
		})
		got := e.look(t, "a")
		if o := got.Outcome; o.State != tasks.Retrying || o.Reason != tasks.ProviderError || o.Detail != "it said 503" || o.HTTPStatus != 503 || o.Attempts != 1 || o.Value != nil {
			t.Errorf("outcome %+v", o)
		}
		if wait := got.Again.Sub(e.clock(t)); wait > time.Minute || wait < 30*time.Second {
			t.Errorf("again in %s; want one minute", wait)
		}
	})
}

func TestRelease_OfATurnThatWasNeverSeen(t *testing.T) {
	t.Parallel()
	// Given a question for a turn whose answer never came, when the turn is given
	// back before the question reaches Redis, then the late question finds it void.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		r := ledger.ReleaseRequest{Handle: x.Handle, Turn: x.request().Turn, Refund: ledger.Call, State: tasks.Waiting}
		if got, err := e.Release(t.Context(), r); err != nil || got.Verdict != "ok" {
			t.Fatalf("Release = %+v, %v", got, err)
		}
		x.ask(t, ledger.Lost)
		if got := e.look(t, "a"); got.Outcome.Attempts != 0 || got.Outcome.State != tasks.Waiting {
			t.Errorf("the record says %+v", got.Outcome)
		}
	})
}
