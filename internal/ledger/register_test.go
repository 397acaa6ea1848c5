package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

var samePhoto = cmp.Comparer(func(a, b tasks.PhotoRef) bool { return a == b })

func TestRegister_ABatchIsEnteredInOrder(t *testing.T) {
	t.Parallel()
	// Given a batch of updates, when it is entered, then each has the next seq
	// of the account, its own content, and a record that outlives its expiry.
	each(t, func(t *testing.T, e *env) {
		e.enter(t, e.entry(t, "earlier"))
		var batch []ledger.Entry
		for i := range 200 {
			batch = append(batch, e.entry(t, fmt.Sprintf("u%03d", i)))
		}
		for i, got := range e.enter(t, batch...) {
			want := batch[i].Update
			want.Seq = int64(i + 2)
			if diff := cmp.Diff(ledger.Registered{Registration: ledger.Entered, Update: want}, got, samePhoto); diff != "" {
				t.Fatalf("answer %d (-want +got):\n%s", i, diff)
			}
		}
		e.ttlAtLeast(t, record("u000"), 24*time.Hour+ledger.Outlive)
	})
}

func TestRegister_AgainGivesWhatWasEnteredFirst(t *testing.T) {
	t.Parallel()
	// Given an update that was entered, when the same wish comes again with
	// other times and another author, then the answer is the first one and
	// nothing changes; a later update still gets a higher seq.
	each(t, func(t *testing.T, e *env) {
		first := e.enter(t, e.entry(t, "a"))[0]
		for range 3 {
			repeat := e.entry(t, "a", func(n *ledger.Entry) {
				n.Update.EnqueuedAt, n.Update.ExpiresAt, n.Update.By = n.Update.EnqueuedAt.Add(time.Hour), n.Update.ExpiresAt.Add(time.Hour), "another"
			})
			got := e.enter(t, repeat)[0]
			want := first
			want.Registration = ledger.Again
			if diff := cmp.Diff(want, got, samePhoto); diff != "" {
				t.Errorf("again (-want +got):\n%s", diff)
			}
		}
		if later := e.enter(t, e.entry(t, "b"))[0]; later.Update.Seq <= first.Update.Seq {
			t.Errorf("a later update has seq %d, the first %d", later.Update.Seq, first.Update.Seq)
		}
	})
}

func TestRegister_AnIDOfAnotherContentIsReused(t *testing.T) {
	t.Parallel()
	// Given an update, when its id comes with another photo, then it is told
	// apart and the record stays, before the end and after it.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		other := e.entry(t, "a", func(n *ledger.Entry) { n.Update.Photo = tasks.MadeRef(strings.Repeat("2", 64)) })
		if got := e.enter(t, other)[0]; got.Registration != ledger.Reused {
			t.Errorf("registration %d; want Reused", got.Registration)
		}
		x.end(t, tasks.Failed, "")
		if got := e.enter(t, other)[0]; got.Registration != ledger.Reused {
			t.Errorf("registration after the end %d; want Reused", got.Registration)
		}
		if got := e.look(t, "a").Update.Photo.Wire(); got != photo1 {
			t.Errorf("the record holds %q; want the first photo", got)
		}
	})
}

func TestRegister_AnEndedUpdateAnswersItsOutcome(t *testing.T) {
	t.Parallel()
	// Given an update that ended, when it is entered again, then its outcome
	// is the answer.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		want := x.end(t, tasks.Updated, "")
		got := e.enter(t, e.entry(t, "a"))[0]
		if got.Registration != ledger.Ended {
			t.Fatalf("registration %d; want Ended", got.Registration)
		}
		if diff := cmp.Diff(want, got.Outcome); diff != "" {
			t.Errorf("outcome (-want +got):\n%s", diff)
		}
	})
}

func TestRegister_AScheduledUpdateGetsNoSeqYet(t *testing.T) {
	t.Parallel()
	// Given a scheduled update, when it is entered, then it has a due time and
	// no seq: its place in the order is taken when it is due.
	each(t, func(t *testing.T, e *env) {
		due := e.clock(t).UTC().Truncate(time.Millisecond).Add(time.Hour)
		scheduled := e.entry(t, "later", func(n *ledger.Entry) { n.Due = due })
		for _, want := range []ledger.Registration{ledger.Entered, ledger.Again} {
			got := e.enter(t, scheduled)[0]
			if got.Registration != want || got.Update.Seq != 0 || !got.Due.Equal(due) {
				t.Errorf("registration %d, seq %d, due %s; want %d, 0, %s", got.Registration, got.Update.Seq, got.Due, want, due)
			}
		}
	})
}

func TestRegister_MixedBatch(t *testing.T) {
	t.Parallel()
	// Given one update entered, when a batch holds it, a new one, that new one
	// twice and a foreign use of its id, then every answer stands at its place.
	each(t, func(t *testing.T, e *env) {
		old := e.entry(t, "old")
		e.enter(t, old)
		foreign := e.entry(t, "new", inGroupB)
		var got []ledger.Registration
		for _, r := range e.enter(t, old, e.entry(t, "new"), e.entry(t, "new"), foreign) {
			got = append(got, r.Registration)
		}
		if diff := cmp.Diff([]ledger.Registration{ledger.Again, ledger.Entered, ledger.Again, ledger.Reused}, got); diff != "" {
			t.Errorf("registrations (-want +got):\n%s", diff)
		}
	})
}

func TestRegister_NothingToEnter(t *testing.T) {
	t.Parallel()
	// Given no entries, when they are entered, then there are no answers and
	// no error.
	each(t, func(t *testing.T, e *env) {
		if got, err := e.Register(t.Context(), account, nil); err != nil || len(got) != 0 {
			t.Errorf("Register of nothing = %v, %v; want nothing", got, err)
		}
	})
}

func TestRegister_AccountsCountApart(t *testing.T) {
	t.Parallel()
	// Given two accounts, when the same id is entered in both, then each has
	// its own record and counter.
	each(t, func(t *testing.T, e *env) {
		e.enter(t, e.entry(t, "x"), e.entry(t, "a"))
		other := e.entry(t, "a", func(n *ledger.Entry) { n.Update.Account = "sales" })
		got, err := e.Register(t.Context(), "sales", []ledger.Entry{other})
		if err != nil || got[0].Registration != ledger.Entered || got[0].Update.Seq != 1 {
			t.Errorf("Register = %+v, %v; want it entered with seq 1", got, err)
		}
	})
}
