package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestSettle_TheFirstWins(t *testing.T) {
	t.Parallel()
	// Given an end that was recorded, when another end or a copy of the same
	// arrives, then the recorded one is the answer and the stream has one entry.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		want := x.end(t, tasks.Updated, "")
		for _, state := range []tasks.State{tasks.Failed, tasks.Refused} {
			if diff := cmp.Diff(want, x.end(t, state, ledger.Settled)); diff != "" {
				t.Errorf("recorded as %s afterwards (-want +got):\n%s", state, diff)
			}
		}
		if diff := cmp.Diff([]string{"a updated"}, e.ends(t)); diff != "" {
			t.Errorf("stream (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, e.look(t, "a").Outcome); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

func TestSettle_SentAgainAfterALostAnswer(t *testing.T) {
	t.Parallel()
	// Given a recorded end whose answer was lost, when the same settlement is
	// sent again, then it is told that it is the one, and nothing is added.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		s := ledger.Settlement{Handle: x.Handle, Turn: x.request().Turn, Seq: x.claim.Seq, Outcome: x.outcome(t, tasks.Refused)}
		for range 2 {
			if r, err := e.Settle(t.Context(), s); err != nil || r.Verdict != "" || r.Outcome.State != tasks.Refused {
				t.Fatalf("Settle = %+v, %v", r, err)
			}
		}
		if diff := cmp.Diff([]string{"a refused"}, e.ends(t)); diff != "" {
			t.Errorf("stream (-want +got):\n%s", diff)
		}
	})
}

func TestSettle_TheTruthOfAnEarlierPassIsStale(t *testing.T) {
	t.Parallel()
	// Given an update that was sent again, when a run of the pass before brings
	// home a true answer, then it says nothing about this pass.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		stale := ledger.Settlement{Handle: x.Handle, Turn: x.request().Turn, Seq: x.claim.Seq, Outcome: x.outcome(t, tasks.Updated), Accepted: photo1}
		x.end(t, tasks.Failed, "")
		r, ok, err := e.Reopen(t.Context(), account, "a", time.Hour)
		if err != nil || !ok {
			t.Fatalf("Reopen = %t, %v", ok, err)
		}
		e.start(t, ledger.Registered{Update: r.Update}, "a", "t2", ledger.Run)
		if r, err := e.Settle(t.Context(), stale); err != nil || r.Verdict != ledger.Lost {
			t.Errorf("Settle = %q, %v; want it lost", r.Verdict, err)
		}
	})
}

func TestSettle_OfALostRun(t *testing.T) {
	t.Parallel()
	// Given a run whose update another run has, when it settles, then anything
	// but a true answer is lost; a true answer is the end, for both.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		e.pass(t, lease)
		y := e.start(t, ledger.Registered{Update: x.update}, "a", "t2", ledger.Run)
		y.ask(t, ledger.Go)
		for _, state := range []tasks.State{tasks.Refused, tasks.Failed, tasks.Expired, tasks.Superseded, tasks.Unchanged, tasks.Cancelled} {
			x.end(t, state, ledger.Lost)
		}
		if got := e.ends(t); len(got) != 0 {
			t.Errorf("the stream has %q; want nothing", got)
		}
		want := x.end(t, tasks.Updated, "")
		if diff := cmp.Diff(want, y.end(t, tasks.Failed, ledger.Settled)); diff != "" {
			t.Errorf("the other run's answer (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"a updated"}, e.ends(t)); diff != "" {
			t.Errorf("stream (-want +got):\n%s", diff)
		}
		e.started(t, "b").ask(t, ledger.Go) // both turns are given back
	})
}

func TestSettle_ANotClaimedUpdateCannotEnd(t *testing.T) {
	t.Parallel()
	// Given a registered update that nobody claimed, when somebody settles it
	// as failed, then nothing is recorded.
	each(t, func(t *testing.T, e *env) {
		r := e.enter(t, e.entry(t, "a"))[0]
		x := &run{e: e, Handle: ledger.Handle{Account: account, ID: "a", Group: groupA, Token: "forged"}, update: r.Update}
		x.end(t, tasks.Failed, ledger.Lost)
		if got := e.look(t, "a").Outcome.State; got != tasks.Waiting {
			t.Errorf("state %s; want waiting", got)
		}
	})
}

func TestSettle_ThePhotoIsTheNextUpdatesPrevious(t *testing.T) {
	t.Parallel()
	// Given an update the provider accepted, when the group's next one calls,
	// then it knows the photo before, and so does its record after the end.
	each(t, func(t *testing.T, e *env) {
		first := e.started(t, "first")
		first.ask(t, ledger.Go)
		first.end(t, tasks.Updated, "")
		e.ttlAtLeast(t, group(groupA), keep+ledger.Outlive)
		second := e.started(t, "second")
		if got := second.ask(t, ledger.Go); got.Previous != photo1 {
			t.Errorf("previous %q; want %s", got.Previous, photo1)
		}
		if got := e.look(t, "second").Outcome.PreviousPhoto; got != photo1 {
			t.Errorf("the record's previous photo %q; want %s", got, photo1)
		}
		second.end(t, tasks.Updated, "", func(s *ledger.Settlement) { s.Accepted = photo2 })
		if got := e.started(t, "third").ask(t, ledger.Go); got.Previous != photo2 {
			t.Errorf("previous %q; want %s", got.Previous, photo2)
		}
	})
}

func TestSettle_ATrueAnswerThatCameLateIsNotTheLastPhoto(t *testing.T) {
	t.Parallel()
	// Given an older call whose lease passed and a newer one that the provider
	// accepted, when the older one's true answer arrives, then it is recorded,
	// and nobody claims to know which of the two the group shows.
	each(t, func(t *testing.T, e *env) {
		older, newer := e.started(t, "older"), e.started(t, "newer")
		older.ask(t, ledger.Go)
		e.pass(t, lease)
		newer.ask(t, ledger.Go)
		newer.end(t, tasks.Updated, "", func(s *ledger.Settlement) { s.Accepted = photo2 })
		older.end(t, tasks.Updated, "")
		third := e.started(t, "third")
		got := third.ask(t, ledger.Go, func(r *ledger.TurnRequest) { r.Photo, r.SkipUnchanged = photo1, true })
		if got.Previous != "" {
			t.Errorf("previous photo %q; want none: the newer call may have landed last", got.Previous)
		}
	})
}

func TestSettle_RecordsOutliveTheirExpiry(t *testing.T) {
	t.Parallel()
	// Given outcomes kept for a day, when updates of short and long lives end,
	// then each record stays a day at least, and seven beyond its expiry.
	for _, tt := range []struct {
		name       string
		life, want time.Duration
	}{
		{"short life, kept for outcomes", time.Minute, keep},
		{"long life, kept for its expiry", 60 * 24 * time.Hour, 60*24*time.Hour + ledger.Outlive},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				x := e.started(t, "a", func(n *ledger.Entry) { n.Update.ExpiresAt = n.Update.EnqueuedAt.Add(tt.life) })
				x.end(t, tasks.Failed, "")
				e.ttlAtLeast(t, record("a"), tt.want)
			})
		})
	}
}

func TestSettle_OutcomesGoAfterTheirTime(t *testing.T) {
	t.Parallel()
	// Given an ended update, when all its times have passed, then its record is
	// gone; before, it is there.
	e := newMini(t)
	e.started(t, "a").end(t, tasks.Failed, "")
	e.pass(t, keep-time.Second)
	e.look(t, "a")
	e.pass(t, 2*time.Second)
	if _, err := e.Record(t.Context(), account, "a"); err == nil {
		t.Error("the record is there after its time")
	}
}

func TestNew_ZeroKeepIsTheDefault(t *testing.T) {
	t.Parallel()
	e := newMini(t)
	for give, want := range map[time.Duration]time.Duration{0: ledger.DefaultKeep, -1: ledger.DefaultKeep, time.Hour: time.Hour} {
		if got := ledger.New(e.rdb, give).Keep(); got != want {
			t.Errorf("New(%s).Keep() = %s; want %s", give, got, want)
		}
	}
}
