package ledger_test

import (
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// probe asks /status once, as the process that the ledger lets do it.
func (e *env) probe(t testing.TB, s ledger.Status, first, most time.Duration) time.Duration {
	t.Helper()
	e.begins(t, "probe", true)
	return e.probed(t, "probe", s, first, most)
}

// begins asks to be the one who probes.
func (e *env) begins(t testing.TB, probe string, want bool) {
	t.Helper()
	if got, err := e.BeginProbe(t.Context(), account, probe, 15*time.Second); err != nil || got != want {
		t.Fatalf("BeginProbe of %s = %t, %v; want %t", probe, got, err, want)
	}
}

// probed says what came back, and returns the hold that is left.
func (e *env) probed(t testing.TB, probe string, s ledger.Status, first, most time.Duration) time.Duration {
	t.Helper()
	left, err := e.Probed(t.Context(), account, probe, s, tasks.Disconnected, "what /status said", first, most)
	if err != nil {
		t.Fatalf("Probed %s: %v", s, err)
	}
	return left
}

// troubles runs f for both kinds of trouble, on both servers.
func troubles(t *testing.T, f func(t *testing.T, e *env, kind ledger.Said)) {
	t.Helper()
	for _, kind := range []ledger.Said{ledger.SaidAccount, ledger.SaidFailing} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) { f(t, e, kind) })
		})
	}
}

func TestHold_GrowsAndANormalAnswerEndsIt(t *testing.T) {
	t.Parallel()
	// Given an account in trouble, when one call after the other says so, and
	// /status tells nothing, then the holds double up to their longest; a normal
	// answer clears them all.
	troubles(t, func(t *testing.T, e *env, kind ledger.Said) {
		const first, most = 50 * time.Millisecond, 300 * time.Millisecond
		x := e.started(t, "a")
		for n, want := range []time.Duration{first, 2 * first, 4 * first, most, most} {
			x.next().ask(t, ledger.Go)
			got := x.give(t, "ok", says(kind, first, most), refund(ledger.Attempt))
			if got.Holds != n+1 {
				t.Errorf("hold %d counts as %d in a row", n+1, got.Holds)
			}
			e.left(t, "the hold", got.Hold, want)
			e.left(t, "a suspect's hold", got.Suspect, want)
			if held := x.next().ask(t, ledger.Wait); held.Why != ledger.ByHold || held.Reason != tasks.Disconnected {
				t.Errorf("waits for %q because of %q; want hold, disconnected", held.Why, held.Reason)
			}
			e.pass(t, want)
			if held := x.ask(t, ledger.Wait); held.Why != ledger.ByHold {
				t.Errorf("waits for %q; want the hold, until /status was asked", held.Why)
			}
			e.probe(t, ledger.StatusUnknown, first, most)
		}
		x.next().ask(t, ledger.Go)
		if got := x.give(t, "ok", normal); got.Hold != 0 || got.Holds != 0 || got.Suspect != 0 {
			t.Errorf("after a normal answer: hold %s, a suspect's %s, %d in a row; want none", got.Hold, got.Suspect, got.Holds)
		}
		x.next().ask(t, ledger.Go)
		got := x.give(t, "ok", says(kind, first, most))
		e.left(t, "the first hold of a new row", got.Hold, first)
	})
}

func TestHold_CallsThatFailTogetherHoldOnce(t *testing.T) {
	t.Parallel()
	// Given two calls under way, when both report trouble, then the account is
	// held once, not twice as long; a copy of either changes nothing.
	troubles(t, func(t *testing.T, e *env, kind ledger.Said) {
		a, b := e.started(t, "a"), e.started(t, "b", inGroupB)
		a.ask(t, ledger.Go, limit(2))
		b.ask(t, ledger.Go, limit(2))
		for _, x := range []*run{a, b, a, b} {
			got := x.give(t, "ok", says(kind, time.Minute, time.Hour))
			e.left(t, "the hold", got.Hold, time.Minute)
			if got.Holds != 1 {
				t.Errorf("%d holds in a row; want 1", got.Holds)
			}
		}
	})
}

func TestHold_IsToldToWhoHasNoTroubleOfItsOwn(t *testing.T) {
	t.Parallel()
	// Given an account that is held for a minute, when a call that was under
	// way is given back without trouble of its own, or with a shorter hold,
	// then the answer is what is left of the minute.
	troubles(t, func(t *testing.T, e *env, kind ledger.Said) {
		a, b := e.started(t, "a"), e.started(t, "b", inGroupB)
		a.ask(t, ledger.Go, limit(2))
		b.ask(t, ledger.Go, limit(2))
		a.give(t, "ok", says(kind, time.Minute, time.Hour))
		for _, changes := range [][]func(*ledger.ReleaseRequest){{}, {says(kind, time.Second, time.Second)}} {
			if got := b.give(t, "ok", changes...); got.Hold < 30*time.Second || got.Hold > time.Minute || got.Holds != 1 {
				t.Errorf("hold %s, %d in a row; want what is left of a minute, 1", got.Hold, got.Holds)
			}
		}
	})
}

func TestHold_AfterItOneCallAtATime(t *testing.T) {
	t.Parallel()
	// Given a hold that is over, when two updates ask under a limit of two,
	// then one goes alone; once it brings a normal answer two may.
	for _, how := range []string{"release", "settle"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			troubles(t, func(t *testing.T, e *env, kind ledger.Said) {
				a, b := e.started(t, "a"), e.started(t, "b", inGroupB)
				a.ask(t, ledger.Go, limit(2))
				a.give(t, "ok", says(kind, 50*time.Millisecond, time.Second))
				e.pass(t, 50*time.Millisecond)
				e.probe(t, ledger.StatusUnknown, time.Second, time.Second)
				a.next().ask(t, ledger.Go, limit(2))
				b.waits(t, "limit", lease, limit(2))
				if how == "release" {
					a.give(t, "ok", normal)
				} else {
					a.end(t, tasks.Updated, "", said(ledger.SaidTrue))
				}
				b.ask(t, ledger.Go, limit(2))
				e.started(t, "c").ask(t, ledger.Go, limit(2))
			})
		})
	}
}

func TestHold_IsNeverLongerThanSixHours(t *testing.T) {
	t.Parallel()
	// Given a hold of a week, when it is set, then it lasts six hours.
	for _, kind := range []ledger.Said{ledger.SaidAccount, ledger.SaidFailing} {
		e := newMini(t)
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		got := x.give(t, "ok", says(kind, 7*24*time.Hour, 30*24*time.Hour))
		e.left(t, "the hold", got.Hold, 6*time.Hour)
		e.pass(t, 6*time.Hour)
		e.probe(t, ledger.StatusUp, time.Second, time.Second)
		x.next().ask(t, ledger.Go)
	}
}

func TestHold_IsLiftedByLaterCallsOnly(t *testing.T) {
	t.Parallel()
	// Given two calls under way, when one meets trouble and the other, which
	// began before it, gets a normal answer, then the hold stays, and nobody is
	// convicted.
	troubles(t, func(t *testing.T, e *env, kind ledger.Said) {
		x, y := e.started(t, "a"), e.started(t, "b", inGroupB)
		x.ask(t, ledger.Go, limit(2))
		y.ask(t, ledger.Go, limit(2))
		e.pass(t, 10*time.Millisecond)
		x.give(t, "ok", says(kind, time.Minute, time.Minute), refund(ledger.Attempt))
		if got := y.give(t, "ok", normal); got.Holds != 1 || got.Hold < 50*time.Second {
			t.Errorf("Release = %+v; want the hold to stay", got)
		}
		x.guilty(t, 0, 0)
	})
}

func TestHold_ALongerWishUnderAShorterOne(t *testing.T) {
	t.Parallel()
	// Given a hold or a rest of a second, when a call that was under way is asked to
	// wait ten minutes, then the account waits ten minutes, and it counts as one trouble.
	for _, kind := range []ledger.Said{ledger.SaidAccount, ledger.SaidSlower} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				x, y := e.started(t, "a"), e.started(t, "b", inGroupB)
				x.ask(t, ledger.Go, limit(2))
				y.ask(t, ledger.Go, limit(2))
				for _, one := range []struct {
					run  *run
					wait time.Duration
				}{{x, time.Second}, {y, 10 * time.Minute}} {
					got := one.run.give(t, "ok", says(kind, one.wait, one.wait))
					left, holds := got.Hold, 1
					if kind == ledger.SaidSlower {
						left, holds = got.Rest, 0
					}
					if left > one.wait || left < one.wait-time.Second || got.Holds != holds {
						t.Errorf("Release = %+v; want to wait %s, %d in a row", got, one.wait, holds)
					}
				}
			})
		})
	}
}

// guilty claims the update anew and wants its counts: how often it was convicted,
// and the attempts it spent.
func (x *run) guilty(t testing.TB, guilty, spent int) {
	t.Helper()
	x.claimed++
	h := x.Handle
	h.Token = x.Token + "again" + string(rune('a'+x.claimed))
	c, err := x.e.Claim(t.Context(), h, x.update)
	if err != nil || c.Verdict != ledger.Run {
		t.Fatalf("Claim of %s = %q, %v", x.ID, c.Verdict, err)
	}
	if c.Guilty != guilty || c.Spent != spent {
		t.Errorf("%s is guilty %d times and spent %d; want %d, %d", x.ID, c.Guilty, c.Spent, guilty, spent)
	}
	x.Handle, x.claim = h, c
}
