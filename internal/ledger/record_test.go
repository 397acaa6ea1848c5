package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestRecord_WhereAnOpenUpdateStands(t *testing.T) {
	t.Parallel()
	// Given an update, when it goes its way, then its record shows where it
	// stands at each step, with no value before the end.
	each(t, func(t *testing.T, e *env) {
		stands := func(id string, want tasks.State) ledger.Record {
			t.Helper()
			r := e.look(t, id)
			if r.Outcome.State != want || r.Outcome.Value != nil || r.Outcome.ID != id || r.Outcome.Account != account || !r.Outcome.FinishedAt.IsZero() {
				t.Errorf("%s stands at %+v; want state %s and no value", id, r.Outcome, want)
			}
			return r
		}
		soon := time.Now().Add(2 * time.Second)
		e.enter(t, e.entry(t, "later", func(n *ledger.Entry) { n.Due = soon }))
		stands("later", tasks.Scheduled)
		r := e.enter(t, e.entry(t, "a"))[0]
		stands("a", tasks.Waiting)
		x := e.start(t, r, "a", "t1", ledger.Run)
		if got := stands("a", tasks.Waiting); !got.Outcome.StartedAt.Equal(x.claim.Started) {
			t.Errorf("started %s; want %s", got.Outcome.StartedAt, x.claim.Started)
		}
		x.ask(t, ledger.Go)
		stands("a", tasks.Calling)
		x.give(t, "ok", func(r *ledger.ReleaseRequest) { r.State = tasks.Waiting })
		stands("a", tasks.Waiting)
		x.next().ask(t, ledger.Go)
		stands("a", tasks.Calling)
		x.give(t, "ok")
		stands("a", tasks.Retrying)
		e.start(t, r, "a", "t2", ledger.Run)
		stands("a", tasks.Retrying)

		state := func(id string) tasks.State { return e.look(t, id).Outcome.State }
		e.started(t, "dead", inGroupB).ask(t, ledger.Go, forLease(50*time.Millisecond))
		redistest.Eventually(t, 10*time.Second, func() bool { return state("dead") == tasks.Retrying }, "a dead run's update should show as retrying")
		redistest.Eventually(t, 10*time.Second, func() bool { return state("later") == tasks.Waiting }, "a scheduled update that is due should show as waiting")
	})
}

func TestRecord_UnknownUpdate(t *testing.T) {
	t.Parallel()
	// Given no such update, when it is read, cancelled or reopened, then the
	// error says so, and nothing is written.
	each(t, func(t *testing.T, e *env) {
		_, err := e.Record(t.Context(), account, "none")
		_, _, cancelErr := e.Cancel(t.Context(), account, "none", "somebody")
		_, ok, reopenErr := e.Reopen(t.Context(), account, "none", time.Hour)
		for what, err := range map[string]error{"Record": err, "Cancel": cancelErr, "Reopen": reopenErr} {
			if !errors.Is(err, ledger.ErrUnknown) {
				t.Errorf("%s: %v; want ErrUnknown", what, err)
			}
		}
		if n := e.rdb.DBSize(t.Context()).Val(); ok || n != 0 {
			t.Errorf("reopened %t, %d keys; want false and none", ok, n)
		}
	})
}

func TestCancel_BeforeAnyCallItEndsNow(t *testing.T) {
	t.Parallel()
	// Given an update that waits, is scheduled, or was claimed without a turn,
	// when it is cancelled, then it ends at once, once, and says who did it.
	each(t, func(t *testing.T, e *env) {
		e.enter(t, e.entry(t, "waiting"), e.entry(t, "later", func(n *ledger.Entry) { n.Due = time.Now().Add(time.Hour) }))
		claimed := e.started(t, "claimed")
		var stream []string
		for _, id := range []string{"waiting", "later", "claimed"} {
			what, r, err := e.Cancel(t.Context(), account, id, "the operator")
			if err != nil || what != ledger.CancelledNow {
				t.Fatalf("Cancel of %s = %d, %v; want CancelledNow", id, what, err)
			}
			o := e.look(t, id).Outcome
			if diff := cmp.Diff(o, r.Outcome); diff != "" || o.State != tasks.Cancelled || o.Reason != tasks.Stopped || o.Detail != "cancelled by the operator" || o.Ref != "ref-"+id {
				t.Errorf("%s ended as %+v (-recorded +answered):\n%s", id, o, diff)
			}
			if what, r, err := e.Cancel(t.Context(), account, id, "another"); err != nil || what != ledger.EndedBefore || !cmp.Equal(o, r.Outcome) {
				t.Errorf("Cancel of %s again = %d, %v with %+v; want EndedBefore with the first end", id, what, err, r.Outcome)
			}
			e.ttlAtLeast(t, record(id), keep)
			stream = append(stream, id+" cancelled")
		}
		if diff := cmp.Diff(stream, e.ends(t)); diff != "" {
			t.Errorf("stream (-want +got):\n%s", diff)
		}
		claimed.ask(t, ledger.Settled)
	})
}

func TestCancel_DuringACallItIsNotCalledAgain(t *testing.T) {
	t.Parallel()
	// Given a call under way, when its update is cancelled, by somebody with a
	// name or without one, then the call goes on, and after it there is none;
	// a true answer still counts as true.
	for _, by := range []string{"the operator", ""} {
		t.Run("by "+by, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				failing, lucky := e.started(t, "failing"), e.started(t, "lucky", inGroupB)
				for _, x := range []*run{failing, lucky} {
					x.ask(t, ledger.Go, limit(2))
					what, r, err := e.Cancel(t.Context(), account, x.ID, by)
					if err != nil || what != ledger.CancelledLater || !r.Cancelling || !e.look(t, x.ID).Cancelling {
						t.Fatalf("Cancel = %d, cancelling %t, %v; want CancelledLater, recorded", what, r.Cancelling, err)
					}
				}
				lucky.end(t, tasks.Updated, "")
				failing.give(t, "ok")
				failing.next().ask(t, ledger.IsStopped)
				e.start(t, ledger.Registered{Update: failing.update}, "failing", "t2", ledger.IsStopped)
				if what, _, err := e.Cancel(t.Context(), account, "failing", by); err != nil || what != ledger.CancelledNow {
					t.Errorf("Cancel after the call = %d, %v; want CancelledNow", what, err)
				}
				if got := e.look(t, "failing").Outcome; got.Attempts != 1 {
					t.Errorf("attempts %d; want the call counted", got.Attempts)
				}
			})
		})
	}
}

func TestCancel_OfADeadCallEndsNow(t *testing.T) {
	t.Parallel()
	// Given a run that died in its call, when its update is cancelled after the
	// lease, then it ends now with its call counted.
	each(t, func(t *testing.T, e *env) {
		e.started(t, "a").ask(t, ledger.Go)
		e.pass(t, lease)
		what, r, err := e.Cancel(t.Context(), account, "a", "the operator")
		if err != nil || what != ledger.CancelledNow || r.Outcome.Attempts != 1 {
			t.Errorf("Cancel = %d, attempts %d, %v; want CancelledNow, 1", what, r.Outcome.Attempts, err)
		}
	})
}

func TestReopen_AnEndedUpdateIsTheNewestWish(t *testing.T) {
	t.Parallel()
	// Given an ended update and a newer one that was called, when the first is
	// reopened, then it may run as the newest, from scratch, and end again.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		x.give(t, "ok", func(r *ledger.ReleaseRequest) { r.Policy = "refusals=1" })
		x.end(t, tasks.Failed, "")
		newer := e.started(t, "newer")
		newer.ask(t, ledger.Go)
		newer.end(t, tasks.Updated, "")

		r, ok, err := e.Reopen(t.Context(), account, "a", time.Hour)
		if err != nil || !ok {
			t.Fatalf("Reopen = %t, %v; want true", ok, err)
		}
		if r.Update.Seq <= newer.claim.Seq || r.Update.ExpiresAt.Sub(r.Update.EnqueuedAt) != time.Hour {
			t.Errorf("seq %d (the newer one %d), life %s; want the highest, 1h", r.Update.Seq, newer.claim.Seq, r.Update.ExpiresAt.Sub(r.Update.EnqueuedAt))
		}
		if got := e.look(t, "a"); got.Outcome.State != tasks.Waiting || got.Outcome.Attempts != 0 || !cmp.Equal(got.Update, r.Update, samePhoto) {
			t.Errorf("record %+v; want it waiting and as answered", got)
		}
		again, ok, err := e.Reopen(t.Context(), account, "a", time.Hour)
		if err != nil || ok || again.Update.Seq != r.Update.Seq {
			t.Errorf("Reopen again = %t, seq %d, %v; want false and the same seq %d", ok, again.Update.Seq, err, r.Update.Seq)
		}

		y := e.start(t, ledger.Registered{Update: r.Update}, "a", "t2", ledger.Run)
		if c := y.claim; c.Policy != "" || c.Calls != 0 || c.Spent != 0 || !c.ExpiresAt.Equal(r.Update.ExpiresAt) {
			t.Errorf("claim %+v; want a fresh one that expires at %s", c, r.Update.ExpiresAt)
		}
		if got := y.ask(t, ledger.Go); got.Calls != 1 || got.Previous != photo1 {
			t.Errorf("calls %d, previous %q; want 1, %s", got.Calls, got.Previous, photo1)
		}
		x.end(t, tasks.Failed, ledger.Lost) // a late copy of the first end
		y.end(t, tasks.Updated, "")
		if diff := cmp.Diff([]string{"a failed", "newer updated", "a updated"}, e.ends(t)); diff != "" {
			t.Errorf("stream (-want +got):\n%s", diff)
		}
	})
}

func TestReopen_ACancelledOrScheduledUpdate(t *testing.T) {
	t.Parallel()
	// Given a cancelled update that had been scheduled, when it is reopened,
	// then it waits for nothing and can be called; one that has not ended is
	// left as it is.
	each(t, func(t *testing.T, e *env) {
		e.enter(t, e.entry(t, "a", func(n *ledger.Entry) { n.Due = time.Now().Add(time.Hour) }))
		if r, ok, err := e.Reopen(t.Context(), account, "a", time.Hour); err != nil || ok || r.Outcome.State != tasks.Scheduled {
			t.Fatalf("Reopen of a scheduled update = %t, %v in state %s; want false, scheduled", ok, err, r.Outcome.State)
		}
		if _, _, err := e.Cancel(t.Context(), account, "a", "somebody"); err != nil {
			t.Fatalf("Cancel: %v", err)
		}
		r, ok, err := e.Reopen(t.Context(), account, "a", time.Hour)
		if err != nil || !ok || !r.Due.IsZero() || r.Cancelling {
			t.Fatalf("Reopen = %t, due %s, cancelling %t, %v", ok, r.Due, r.Cancelling, err)
		}
		e.start(t, ledger.Registered{Update: r.Update}, "a", "t2", ledger.Run).ask(t, ledger.Go)
	})
}
