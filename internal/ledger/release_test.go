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
		x.give(t, "ok", refund(ledger.Attempt), hold(time.Minute, time.Hour))
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

func TestRelease_HoldsGrowAndANormalAnswerEndsThem(t *testing.T) {
	t.Parallel()
	// Given an account in trouble, when one call after the other says so, then
	// the holds double up to their longest; a normal answer clears them all.
	each(t, func(t *testing.T, e *env) {
		const first, most = 50 * time.Millisecond, 300 * time.Millisecond
		x := e.started(t, "a")
		for n, want := range []time.Duration{first, 2 * first, 4 * first, most, most} {
			x.next().ask(t, ledger.Go)
			got := x.give(t, "ok", hold(first, most), refund(ledger.Attempt))
			if got.Holds != n+1 {
				t.Errorf("hold %d counts as %d in a row", n+1, got.Holds)
			}
			e.left(t, "the hold", got.Hold, want)
			if held := x.next().ask(t, ledger.Wait); held.Why != "hold" || held.Reason != tasks.Disconnected {
				t.Errorf("waits for %q because of %q; want hold, disconnected", held.Why, held.Reason)
			}
			e.pass(t, want)
		}
		x.next().ask(t, ledger.Go)
		if got := x.give(t, "ok", normal); got.Hold != 0 || got.Holds != 0 {
			t.Errorf("after a normal answer: hold %s, %d in a row; want none", got.Hold, got.Holds)
		}
		x.next().ask(t, ledger.Go)
		got := x.give(t, "ok", hold(first, most))
		e.left(t, "the first hold of a new row", got.Hold, first)
	})
}

func TestRelease_CallsThatFailTogetherHoldOnce(t *testing.T) {
	t.Parallel()
	// Given two calls under way, when both report trouble, then the account is
	// held once, not twice as long; a copy of either changes nothing.
	each(t, func(t *testing.T, e *env) {
		a, b := e.started(t, "a"), e.started(t, "b", inGroupB)
		a.ask(t, ledger.Go, limit(2))
		b.ask(t, ledger.Go, limit(2))
		for _, x := range []*run{a, b, a, b} {
			got := x.give(t, "ok", hold(time.Minute, time.Hour))
			e.left(t, "the hold", got.Hold, time.Minute)
			if got.Holds != 1 {
				t.Errorf("%d holds in a row; want 1", got.Holds)
			}
		}
	})
}

func TestRelease_WithoutAHoldTellsTheHoldThatStands(t *testing.T) {
	t.Parallel()
	// Given an account that is held for a minute, when a call that was under
	// way is given back without trouble of its own, or with a shorter hold,
	// then the answer is what is left of the minute.
	each(t, func(t *testing.T, e *env) {
		a, b := e.started(t, "a"), e.started(t, "b", inGroupB)
		a.ask(t, ledger.Go, limit(2))
		b.ask(t, ledger.Go, limit(2))
		a.give(t, "ok", hold(time.Minute, time.Hour))
		for _, changes := range [][]func(*ledger.ReleaseRequest){{}, {hold(time.Second, time.Second)}} {
			if got := b.give(t, "ok", changes...); got.Hold < 30*time.Second || got.Hold > time.Minute || got.Holds != 1 {
				t.Errorf("hold %s, %d in a row; want what is left of a minute, 1", got.Hold, got.Holds)
			}
		}
	})
}

func TestRelease_AfterTroubleOneCallAtATime(t *testing.T) {
	t.Parallel()
	// Given a hold that is over, when two updates ask under a limit of two,
	// then one goes alone; once it brings a normal answer two may.
	for _, how := range []string{"release", "settle"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				a, b := e.started(t, "a"), e.started(t, "b", inGroupB)
				a.ask(t, ledger.Go, limit(2))
				a.give(t, "ok", hold(50*time.Millisecond, time.Second))
				e.pass(t, 50*time.Millisecond)
				a.next().ask(t, ledger.Go, limit(2))
				b.waits(t, "limit", lease, limit(2))
				if how == "release" {
					a.give(t, "ok", normal)
				} else {
					a.end(t, tasks.Updated, "", func(s *ledger.Settlement) { s.Normal = true })
				}
				b.ask(t, ledger.Go, limit(2))
				e.started(t, "c").ask(t, ledger.Go, limit(2))
			})
		})
	}
}

func TestRelease_AHoldIsNeverLongerThanSixHours(t *testing.T) {
	t.Parallel()
	// Given a hold of a week, when it is set, then it lasts six hours.
	e := newMini(t)
	x := e.started(t, "a")
	x.ask(t, ledger.Go)
	got := x.give(t, "ok", hold(7*24*time.Hour, 30*24*time.Hour))
	e.left(t, "the hold", got.Hold, 6*time.Hour)
	e.pass(t, 6*time.Hour)
	x.next().ask(t, ledger.Go)
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

func TestRelease_AHoldIsLiftedByLaterCallsOnly(t *testing.T) {
	t.Parallel()
	// Given two calls under way, when one meets trouble and the other, which
	// began before it, gets a normal answer, then the hold stays.
	each(t, func(t *testing.T, e *env) {
		x, y := e.started(t, "a"), e.started(t, "b", inGroupB)
		x.ask(t, ledger.Go, limit(2))
		y.ask(t, ledger.Go, limit(2))
		e.pass(t, time.Second)
		trouble := ledger.ReleaseRequest{
			Handle: x.Handle, Turn: x.request().Turn, State: tasks.Retrying, Reason: tasks.Throttled,
			Hold: ledger.Hold{First: time.Minute, Most: time.Minute, Why: tasks.Throttled},
		}
		if _, err := e.Release(t.Context(), trouble); err != nil {
			t.Fatal(err)
		}
		normal := ledger.ReleaseRequest{Handle: y.Handle, Turn: y.request().Turn, State: tasks.Retrying, Normal: true}
		if got, err := e.Release(t.Context(), normal); err != nil || got.Holds != 1 || got.Hold < 50*time.Second {
			t.Errorf("Release = %+v, %v; want the hold to stay", got, err)
		}
	})
}

func TestRelease_ALongerWishUnderAShorterHold(t *testing.T) {
	t.Parallel()
	// Given a hold of a second, when a call that was under way is asked to wait
	// ten minutes, then the account waits ten minutes, and it counts as one trouble.
	each(t, func(t *testing.T, e *env) {
		x, y := e.started(t, "a"), e.started(t, "b", inGroupB)
		x.ask(t, ledger.Go, limit(2))
		y.ask(t, ledger.Go, limit(2))
		for _, one := range []struct {
			run  *run
			wait time.Duration
		}{{x, time.Second}, {y, 10 * time.Minute}} {
			got, err := e.Release(t.Context(), ledger.ReleaseRequest{
				Handle: one.run.Handle, Turn: one.run.request().Turn, State: tasks.Retrying,
				Hold: ledger.Hold{First: one.wait, Most: one.wait, Why: tasks.Throttled},
			})
			if err != nil || got.Holds != 1 || got.Hold > one.wait || got.Hold < one.wait-time.Second {
				t.Errorf("Release = %+v, %v; want a hold of %s", got, err, one.wait)
			}
		}
	})
}
