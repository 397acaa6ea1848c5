package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestClaim_TheFirstRun(t *testing.T) {
	t.Parallel()
	// Given a registered update, when a run claims it, then it may run, with
	// the times and seq of its registration.
	each(t, func(t *testing.T, e *env) {
		r := e.enter(t, e.entry(t, "a"))[0]
		c := e.start(t, r, "a", "t1", ledger.Run).claim
		if c.Started.IsZero() || e.clock(t).Sub(c.Started) > time.Minute {
			t.Errorf("started %s; want now", c.Started)
		}
		want := ledger.Claim{Verdict: ledger.Run, Seq: r.Update.Seq, Started: c.Started, EnqueuedAt: r.Update.EnqueuedAt, ExpiresAt: r.Update.ExpiresAt}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Errorf("claim (-want +got):\n%s", diff)
		}
		e.ttlAtLeast(t, record("a"), 24*time.Hour+ledger.Outlive)
	})
}

func TestClaim_AHandWrittenTask(t *testing.T) {
	t.Parallel()
	// Given a task without a record, times or seq, when it is claimed, then a
	// record is made, a seq drawn and an expiry set, once for good.
	each(t, func(t *testing.T, e *env) {
		u := e.entry(t, "byhand").Update
		u.EnqueuedAt, u.ExpiresAt = time.Time{}, time.Time{}
		r := ledger.Registered{Update: u}
		first := e.start(t, r, "byhand", "t1", ledger.Run).claim
		if first.Seq != 1 || first.ExpiresAt.Sub(first.EnqueuedAt) != ledger.DefaultLife || !first.EnqueuedAt.Equal(first.Started) {
			t.Errorf("claim %+v; want seq 1, enqueued now, and %s to live", first, ledger.DefaultLife)
		}
		e.ttlAtLeast(t, record("byhand"), ledger.DefaultLife+ledger.Outlive)
		e.pass(t, 20*time.Millisecond)
		second := e.start(t, r, "byhand", "t2", ledger.Run).claim
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("the next run's claim (-first +second):\n%s", diff)
		}
		got := e.look(t, "byhand")
		u.Seq, u.EnqueuedAt, u.ExpiresAt = first.Seq, first.EnqueuedAt, first.ExpiresAt
		if diff := cmp.Diff(u, got.Update, samePhoto); diff != "" || got.Outcome.State != tasks.Waiting {
			t.Errorf("record in state %s (-want +got):\n%s", got.Outcome.State, diff)
		}
	})
}

func TestClaim_AScheduledUpdateTakesItsPlaceWhenDue(t *testing.T) {
	t.Parallel()
	// Given a scheduled update entered before another, when it is claimed
	// after the other was entered, then it is the newer of the two.
	each(t, func(t *testing.T, e *env) {
		got := e.enter(t, e.entry(t, "later", func(n *ledger.Entry) { n.Due = n.Update.EnqueuedAt.Add(time.Hour) }), e.entry(t, "now"))
		c := e.start(t, got[0], "later", "t1", ledger.Run).claim
		if c.Seq <= got[1].Update.Seq {
			t.Errorf("the scheduled one has seq %d, the other %d", c.Seq, got[1].Update.Seq)
		}
		if again := e.start(t, got[0], "later", "t2", ledger.Run).claim; again.Seq != c.Seq {
			t.Errorf("the next run has seq %d; want %d, drawn once", again.Seq, c.Seq)
		}
	})
}

func TestClaim_AForeignSeqIsNamed(t *testing.T) {
	t.Parallel()
	// Given an account's counter at 1, when a task carries 2, then it is
	// refused by name and leaves no record.
	each(t, func(t *testing.T, e *env) {
		e.enter(t, e.entry(t, "a"))
		u := e.entry(t, "forged").Update
		u.Seq = 2
		h := ledger.Handle{Account: account, ID: "forged", Group: groupA, Token: "t1"}
		c, err := e.Claim(t.Context(), h, u)
		if !errors.Is(err, ledger.ErrForeignSeq) || c.Verdict != ledger.BadForeign {
			t.Errorf("Claim = %q, %v; want ErrForeignSeq", c.Verdict, err)
		}
		if _, err := e.Record(t.Context(), account, "forged"); !errors.Is(err, ledger.ErrUnknown) {
			t.Errorf("Record: %v; want ErrUnknown", err)
		}
	})
}

func TestClaim_ARunWithoutATurnIsTakenOver(t *testing.T) {
	t.Parallel()
	// Given a run that claimed and never called, when another claims, then it
	// has the update at once and the first is told that it lost it.
	each(t, func(t *testing.T, e *env) {
		r := e.enter(t, e.entry(t, "a"))[0]
		first := e.start(t, r, "a", "t1", ledger.Run)
		second := e.start(t, r, "a", "t2", ledger.Run)
		first.ask(t, ledger.Lost)
		first.end(t, tasks.Failed, ledger.Lost)
		first.give(t, ledger.Lost)
		second.ask(t, ledger.Go)
	})
}

func TestClaim_ARunInTheMiddleOfACallIsLeftAlone(t *testing.T) {
	t.Parallel()
	// Given a run that holds a turn, when another claims, then it is held for
	// as long as the lease lasts, and takes over once that is over.
	each(t, func(t *testing.T, e *env) {
		r := e.enter(t, e.entry(t, "a"))[0]
		first := e.start(t, r, "a", "t1", ledger.Run)
		first.ask(t, ledger.Go)
		e.left(t, "the wait", e.start(t, r, "a", "t2", ledger.Held).claim.Wait, lease)

		e.pass(t, lease)
		second := e.start(t, r, "a", "t2", ledger.Run)
		if c := second.claim; c.Calls != 1 || c.Spent != 1 {
			t.Errorf("calls %d, spent %d; want the dead run's call counted", c.Calls, c.Spent)
		}
		first.end(t, tasks.Failed, ledger.Lost)
		second.ask(t, ledger.Go)
	})
}

func TestClaim_SentAgain(t *testing.T) {
	t.Parallel()
	// Given a claim whose reply was lost, when it comes again, before or after
	// the run has a turn, then the answer is the same and nothing changes.
	each(t, func(t *testing.T, e *env) {
		r := e.enter(t, e.entry(t, "a"))[0]
		x := e.start(t, r, "a", "t1", ledger.Run)
		if again := e.start(t, r, "a", "t1", ledger.Run).claim; !cmp.Equal(again, x.claim) {
			t.Errorf("again (-first +second):\n%s", cmp.Diff(x.claim, again))
		}
		x.ask(t, ledger.Go)
		e.start(t, r, "a", "t1", ledger.Run)
		if got := e.look(t, "a").Outcome.State; got != tasks.Calling {
			t.Errorf("state %s after a late copy of the claim; want calling", got)
		}
		e.start(t, r, "a", "t2", ledger.Held)
		x.ask(t, ledger.Go) // its turn is still the same one
	})
}

func TestClaim_Verdicts(t *testing.T) {
	t.Parallel()
	// Given an update in each state, when a run claims it, then it is told what
	// is left to do.
	each(t, func(t *testing.T, e *env) {
		t.Run("ended", func(t *testing.T) {
			x := e.started(t, "ended", inGroupB)
			want := x.end(t, tasks.Failed, "")
			got := e.start(t, ledger.Registered{Update: x.update}, "ended", "t2", ledger.Settled).claim
			if diff := cmp.Diff(want, got.Outcome); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
		t.Run("superseded", func(t *testing.T) {
			r := e.enter(t, e.entry(t, "old"), e.entry(t, "new"))
			newer := e.start(t, r[1], "new", "n", ledger.Run)
			newer.ask(t, ledger.Go)
			if c := e.start(t, r[0], "old", "o", ledger.IsOld).claim; c.By != "new" {
				t.Errorf("superseded by %q; want new", c.By)
			}
			newer.end(t, tasks.Failed, "")
		})
		t.Run("cancelled during its call", func(t *testing.T) {
			x := e.started(t, "stopped", inGroupB)
			x.ask(t, ledger.Go)
			if what, _, err := e.Cancel(t.Context(), account, "stopped", "somebody"); err != nil || what != ledger.CancelledLater {
				t.Fatalf("Cancel = %d, %v; want CancelledLater", what, err)
			}
			x.give(t, "ok")
			if c := e.start(t, ledger.Registered{Update: x.update}, "stopped", "t2", ledger.IsStopped).claim; c.By != "somebody" {
				t.Errorf("cancelled by %q; want somebody", c.By)
			}
		})
		t.Run("expired", func(t *testing.T) {
			r := e.enter(t, e.entry(t, "late", inGroupB, func(n *ledger.Entry) { n.Update.ExpiresAt = n.Update.EnqueuedAt.Add(50 * time.Millisecond) }))[0]
			e.pass(t, 50*time.Millisecond)
			e.start(t, r, "late", "t1", ledger.IsExpired)
		})
	})
}

func TestClaim_BringsWhatTheLastRunLeft(t *testing.T) {
	t.Parallel()
	// Given a run that called and left the policy's state, when the next one
	// claims, then it has it, with the counts and the photo before.
	each(t, func(t *testing.T, e *env) {
		before := e.started(t, "before")
		before.ask(t, ledger.Go)
		before.end(t, tasks.Updated, "")
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		x.give(t, "ok", func(r *ledger.ReleaseRequest) { r.Policy, r.Refund = "refusals=1", ledger.Attempt })
		c := e.start(t, ledger.Registered{Update: x.update}, "a", "t2", ledger.Run).claim
		if c.Policy != "refusals=1" || c.Calls != 1 || c.Spent != 0 || c.Previous != photo1 {
			t.Errorf("policy %q, calls %d, spent %d, previous %q; want refusals=1, 1, 0, %s", c.Policy, c.Calls, c.Spent, c.Previous, photo1)
		}
		if !c.Started.Equal(x.claim.Started) {
			t.Errorf("started %s; want the first claim's %s", c.Started, x.claim.Started)
		}
	})
}

func TestClaim_AnAbsurdLeaseEnds(t *testing.T) {
	t.Parallel()
	// Given a lease from before a jump of the clock, when others claim, then
	// they are held for the longest lease, and not for ever.
	e := newMini(t)
	x := e.started(t, "a")
	x.ask(t, ledger.Go)
	e.put(t, record("a"), "lease", ms(e.at.AddDate(10, 0, 0)))
	r := ledger.Registered{Update: x.update}
	e.left(t, "the wait", e.start(t, r, "a", "t2", ledger.Held).claim.Wait, ledger.MaxLease)
	e.pass(t, ledger.MaxLease)
	e.start(t, r, "a", "t2", ledger.Run)
}

func TestClaim_LongAfterItsExpiry(t *testing.T) {
	t.Parallel()
	// Given an update that expired longer ago than records outlive their expiry,
	// when it is claimed for the first time, then its end can still be recorded.
	each(t, func(t *testing.T, e *env) {
		u := e.entry(t, "old").Update
		u.EnqueuedAt, u.ExpiresAt = e.at.AddDate(-10, 0, 0), e.at.AddDate(-9, 0, 0)
		h := ledger.Handle{Account: account, ID: "old", Group: u.GroupID, Token: "t1"}
		c, err := e.Claim(t.Context(), h, u)
		if err != nil || c.Verdict != ledger.IsExpired {
			t.Fatalf("Claim = %q, %v; want it expired", c.Verdict, err)
		}
		end := tasks.Outcome{ID: "old", Account: account, GroupID: u.GroupID, State: tasks.Expired, Reason: tasks.ExpiredTime}
		if r, err := e.Settle(t.Context(), ledger.Settlement{Handle: h, Seq: c.Seq, Outcome: end}); err != nil || r.Verdict != "" {
			t.Fatalf("Settle = %q, %v", r.Verdict, err)
		}
		if got := e.look(t, "old").Outcome.State; got != tasks.Expired {
			t.Errorf("it is %s", got)
		}
	})
}
