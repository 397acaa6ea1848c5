package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// waits asserts that the run must wait for a reason and a time.
func (x *run) waits(t testing.TB, why ledger.Obstacle, want time.Duration, changes ...func(*ledger.TurnRequest)) {
	t.Helper()
	got := x.ask(t, ledger.Wait, changes...)
	if got.Why != why {
		t.Errorf("%s waits for %q; want %q", x.Token, got.Why, why)
	}
	x.e.left(t, "the wait", got.Wait, want)
}

func TestTurn_SentAgainIsTheSameTurn(t *testing.T) {
	t.Parallel()
	// Given a granted turn whose reply was lost, when the request comes again,
	// then it is the same turn, counted once, with what is left of its lease.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		first := x.ask(t, ledger.Go, gap(time.Hour))
		if first.Calls != 1 || first.Spent != 1 || first.Previous != "" {
			t.Errorf("calls %d, spent %d, previous %q; want 1, 1 and none", first.Calls, first.Spent, first.Previous)
		}
		e.left(t, "the lease", first.Lease, lease)
		e.pass(t, 100*time.Millisecond)
		again := x.ask(t, ledger.Go, gap(time.Hour))
		e.left(t, "the lease, sent again", again.Lease, lease-100*time.Millisecond)
		if again.Calls != 1 || again.Spent != 1 {
			t.Errorf("calls %d, spent %d after the same request; want 1, 1", again.Calls, again.Spent)
		}
		if n := e.rdb.ZCard(t.Context(), key("turns")).Val(); n != 1 {
			t.Errorf("%d turns stand in Redis; want 1", n)
		}
		x.next().waits(t, "group", lease-100*time.Millisecond) // another id is another turn
	})
}

func TestTurn_InFlightLimit(t *testing.T) {
	t.Parallel()
	// Given a limit of two, when three updates of three groups ask, then two
	// go and the third goes as one of them ends or its lease is over.
	each(t, func(t *testing.T, e *env) {
		third := tasks.GroupID("120363000000000003-group")
		a, b := e.started(t, "a"), e.started(t, "b", inGroupB)
		c := e.started(t, "c", func(n *ledger.Entry) { n.Update.GroupID = third })
		a.ask(t, ledger.Go, limit(2))
		b.ask(t, ledger.Go, limit(2), forLease(2*lease))
		c.waits(t, "limit", lease, limit(2))
		a.end(t, tasks.Failed, "")
		c.ask(t, ledger.Go, limit(2), forLease(2*lease))

		d := e.started(t, "d")
		d.waits(t, "limit", 2*lease, limit(2), forLease(2*lease))
		e.pass(t, 2*lease)
		d.ask(t, ledger.Go, limit(2))
	})
}

func TestTurn_ALimitBelowOneIsOne(t *testing.T) {
	t.Parallel()
	// Given no limit, when two updates ask, then one goes.
	each(t, func(t *testing.T, e *env) {
		a, b := e.started(t, "a"), e.started(t, "b", inGroupB)
		a.ask(t, ledger.Go, limit(0))
		b.waits(t, "limit", lease, limit(-3))
	})
}

func TestTurn_GapBetweenTurns(t *testing.T) {
	t.Parallel()
	// Given a turn with a gap, when the next update asks, then it waits for the
	// gap, however many ask and although the first call has ended.
	each(t, func(t *testing.T, e *env) {
		const between = 500 * time.Millisecond
		a, b := e.started(t, "a"), e.started(t, "b", inGroupB)
		a.ask(t, ledger.Go, gap(between))
		a.end(t, tasks.Failed, "")
		for range 3 {
			b.waits(t, "pace", between, gap(between))
		}
		e.pass(t, between)
		b.ask(t, ledger.Go, gap(between))
	})
}

func TestTurn_OneCallOfAGroupAtATime(t *testing.T) {
	t.Parallel()
	// Given a call of a group under way, when a newer update of the group asks,
	// then it waits for the older one's end; the limit allows more.
	each(t, func(t *testing.T, e *env) {
		older, newer := e.started(t, "older"), e.started(t, "newer")
		older.ask(t, ledger.Go, limit(5))
		newer.waits(t, "group", lease, limit(5))
		older.end(t, tasks.Failed, "")
		newer.ask(t, ledger.Go, limit(5))
	})
}

func TestTurn_AnOlderUpdateIsSuperseded(t *testing.T) {
	t.Parallel()
	// Given a newer update whose call started, when an older one of the group
	// asks, then it is superseded, also after the newer one ended; an update
	// of another group is not.
	each(t, func(t *testing.T, e *env) {
		older, newer, other := e.started(t, "older"), e.started(t, "newer"), e.started(t, "other", inGroupB)
		newer.ask(t, ledger.Go, limit(5))
		for range 2 {
			if got := older.ask(t, ledger.IsOld, limit(5)); got.By != "newer" {
				t.Errorf("superseded by %q; want newer", got.By)
			}
			newer.give(t, "ok")
		}
		other.ask(t, ledger.Go, limit(5))
		newer.next().ask(t, ledger.Go, limit(5)) // the fence never stops its own update
		e.ttlAtLeast(t, group(groupA), keep+ledger.Outlive)
	})
}

func TestTurn_TheFenceRisesWithTheCallOnly(t *testing.T) {
	t.Parallel()
	// Given a newer update that ended without a call, when the older one asks,
	// then it goes.
	each(t, func(t *testing.T, e *env) {
		older, newer := e.started(t, "older"), e.started(t, "newer")
		newer.end(t, tasks.Failed, "", func(s *ledger.Settlement) { s.Turn = "" })
		older.ask(t, ledger.Go)
	})
}

func TestTurn_AsksTheClaimsQuestionsAgain(t *testing.T) {
	t.Parallel()
	// Given a claimed update, when it expires, is cancelled, or ends before its
	// turn, then there is no turn.
	each(t, func(t *testing.T, e *env) {
		late := e.started(t, "late", func(n *ledger.Entry) { n.Update.ExpiresAt = n.Update.EnqueuedAt.Add(2 * time.Second) })
		e.pass(t, 2*time.Second)
		late.ask(t, ledger.IsExpired)

		x := e.started(t, "stopped")
		e.put(t, record("stopped"), "cancel", "somebody")
		if got := x.ask(t, ledger.IsStopped); got.By != "somebody" {
			t.Errorf("cancelled by %q; want somebody", got.By)
		}
		if _, _, err := e.Cancel(t.Context(), account, "stopped", "somebody"); err != nil {
			t.Fatalf("Cancel: %v", err)
		}
		if got := x.ask(t, ledger.Settled); got.Outcome.State != tasks.Cancelled {
			t.Errorf("ended as %q; want cancelled", got.Outcome.State)
		}
	})
}

func TestTurn_UnchangedWhenTheGroupShowsThePhoto(t *testing.T) {
	t.Parallel()
	// Given a group whose last accepted photo is known, when an update asks
	// with the same one and wants to skip, then it is unchanged; with another
	// photo, without the wish or without a finished photo it goes.
	each(t, func(t *testing.T, e *env) {
		skip := func(r *ledger.TurnRequest) { r.SkipUnchanged = true }
		shows := func(p string) func(*ledger.TurnRequest) { return func(r *ledger.TurnRequest) { r.Photo = p } }
		show := func(id string) {
			x := e.started(t, id)
			x.ask(t, ledger.Go)
			x.end(t, tasks.Updated, "")
		}
		show("first")
		e.started(t, "skipped").ask(t, ledger.IsThere, skip)
		for id, change := range map[string][]func(*ledger.TurnRequest){
			"other": {skip, shows(photo2)}, "asked": {shows(photo1)}, "unmade": {skip, shows("")},
		} {
			x := e.started(t, id)
			if got := x.ask(t, ledger.Go, change...); got.Previous != photo1 {
				t.Errorf("%s: previous photo %q; want %s", id, got.Previous, photo1)
			}
			x.end(t, tasks.Failed, "")
			show("show-after-" + id)
		}
	})
}

func TestTurn_NobodyKnowsThePhotoWhileACallIsUnanswered(t *testing.T) {
	t.Parallel()
	// Given a group with a known photo, when a call started and did not bring
	// true, then the next update is not skipped, and only a retry of that
	// update still knows the photo before.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "first")
		x.ask(t, ledger.Go)
		x.end(t, tasks.Updated, "")
		second := e.started(t, "second")
		second.ask(t, ledger.Go)
		second.give(t, "ok")
		if got := second.next().ask(t, ledger.Go); got.Previous != photo1 || got.Calls != 2 {
			t.Errorf("retry: previous %q, calls %d; want %s, 2", got.Previous, got.Calls, photo1)
		}
		second.end(t, tasks.Failed, "")
		third := e.started(t, "third")
		if got := third.ask(t, ledger.Go, func(r *ledger.TurnRequest) { r.SkipUnchanged = true }); got.Previous != "" {
			t.Errorf("previous %q after an unanswered call; want none", got.Previous)
		}
	})
}

func TestTurn_ANewerUpdateThatWaitsGoesFirst(t *testing.T) {
	t.Parallel()
	// Given an older and a newer update of a group that both wait for the
	// account, when the account is free, then the newer goes and the older is
	// superseded; a newer one that stopped asking holds the older up no longer.
	each(t, func(t *testing.T, e *env) {
		other, older, newer := e.started(t, "other", inGroupB), e.started(t, "older"), e.started(t, "newer")
		other.ask(t, ledger.Go)
		newer.waits(t, "limit", lease)
		older.ask(t, ledger.Wait)
		other.end(t, tasks.Failed, "")
		if got := older.ask(t, ledger.Wait); got.Why != "group" || got.Wait <= 0 || got.Wait > lease {
			t.Errorf("the older one waits %s for %q; want a moment, for its group", got.Wait, got.Why)
		}
		newer.ask(t, ledger.Go)
		older.ask(t, ledger.IsOld)
		newer.end(t, tasks.Failed, "")

		next, gone := e.started(t, "next"), e.started(t, "gone")
		blocker := e.started(t, "blocker", inGroupB)
		blocker.ask(t, ledger.Go)
		gone.ask(t, ledger.Wait)
		blocker.end(t, tasks.Failed, "")
		next.ask(t, ledger.Wait)
		e.pass(t, lease+2*time.Second)
		next.ask(t, ledger.Go)
	})
}

// A time stored before the clock jumped back lies far in the future. It is
// believed for its longest honest length, and then the lane goes on.
func TestTurn_AbsurdStoredTimesFreezeNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		why   ledger.Obstacle
		most  time.Duration
		spoil func(t *testing.T, e *env, absurd time.Time)
	}{
		{"pace", "pace", time.Hour, func(t *testing.T, e *env, absurd time.Time) { e.put(t, key("lane"), "next", ms(absurd)) }},
		{"hold", "hold", 5 * time.Minute, func(t *testing.T, e *env, absurd time.Time) {
			e.put(t, key("lane"), "hold", ms(absurd), "held_for", (5 * time.Minute).Milliseconds(), "trouble", 1, "why", "disconnected")
		}},
		{"group's turn", "group", ledger.MaxLease, func(t *testing.T, e *env, absurd time.Time) {
			e.put(t, group(groupA), "turn", "gone", "lease", ms(absurd))
		}},
		{"in-flight limit", "limit", ledger.MaxLease, func(t *testing.T, e *env, absurd time.Time) {
			dead := e.started(t, "dead", inGroupB)
			dead.ask(t, ledger.Go)
			if err := e.rdb.ZIncrBy(t.Context(), key("turns"), float64(absurd.Sub(e.at).Milliseconds()), dead.request().Turn).Err(); err != nil {
				t.Fatalf("moving the turn's end: %v", err)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newMini(t)
			tt.spoil(t, e, e.at.AddDate(10, 0, 0))
			x := e.started(t, "a")
			x.waits(t, tt.why, tt.most)
			e.pass(t, tt.most)
			x.ask(t, ledger.Go)
		})
	}
}

func TestTurn_TheClockJumpsBackDuringACall(t *testing.T) {
	t.Parallel()
	// Given a turn with a gap, when Redis' clock jumps back by a year, then
	// the next update of the lane still goes within the longest wait.
	e := newMini(t)
	a, b := e.started(t, "a"), e.started(t, "b")
	a.ask(t, ledger.Go, gap(10*time.Second))
	e.mini.ClockTTL(false) // a clock that jumps is about stored times, not expiry
	e.pass(t, -365*24*time.Hour)
	b.ask(t, ledger.Wait, gap(10*time.Second))
	e.pass(t, time.Hour)
	b.ask(t, ledger.Go, gap(10*time.Second))
}

func TestTurn_ExpiryIsExact(t *testing.T) {
	t.Parallel()
	// Given a claimed update, when its last millisecond has not passed, then it
	// goes; a millisecond later it does not.
	e := newMini(t)
	x := e.started(t, "a", func(n *ledger.Entry) { n.Update.ExpiresAt = n.Update.EnqueuedAt.Add(time.Minute) })
	e.pass(t, time.Minute-time.Millisecond)
	x.ask(t, ledger.Go)
	x.give(t, "ok")
	e.pass(t, time.Millisecond)
	x.next().ask(t, ledger.IsExpired)
}

func TestTurn_OfAnEndedUpdateGivesItsOutcome(t *testing.T) {
	t.Parallel()
	// Given an update that another run has ended, when the first asks for a
	// turn, then it gets the outcome.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		y := e.start(t, ledger.Registered{Update: x.update}, "a", "t2", ledger.Run)
		want := y.end(t, tasks.Failed, "")
		if diff := cmp.Diff(want, x.ask(t, ledger.Settled).Outcome); diff != "" {
			t.Errorf("outcome (-want +got):\n%s", diff)
		}
	})
}
