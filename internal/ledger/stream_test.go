package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestFollow_EntriesBehindAPosition(t *testing.T) {
	t.Parallel()
	// Given three ends, when the stream is followed from a position, then what
	// came after it comes once, oldest first, in bites of the asked size.
	each(t, func(t *testing.T, e *env) {
		end := func(id string, state tasks.State, change ...func(*ledger.Entry)) {
			x := e.started(t, id, change...)
			x.ask(t, ledger.Go, limit(9))
			x.end(t, state, "")
		}
		at, err := e.StreamEnd(t.Context(), account)
		if err != nil || at != "0-0" {
			t.Fatalf("StreamEnd of an empty stream = %q, %v; want 0-0", at, err)
		}
		end("before", tasks.Updated)
		if at, err = e.StreamEnd(t.Context(), account); err != nil {
			t.Fatalf("StreamEnd: %v", err)
		}
		end("a", tasks.Updated)
		end("b", tasks.Failed, inGroupB)
		end("c", tasks.Updated)
		var got []ledger.End
		for range 2 {
			bite, err := e.Follow(t.Context(), account, at, time.Second, 2)
			if err != nil || len(bite) == 0 || len(bite) > 2 {
				t.Fatalf("Follow = %v, %v; want one or two entries", bite, err)
			}
			at = bite[len(bite)-1].Position
			for _, one := range bite {
				one.Position = ""
				got = append(got, one)
			}
		}
		want := []ledger.End{
			{ID: "a", State: tasks.Updated, Group: groupA}, {ID: "b", State: tasks.Failed, Group: groupB, Reason: tasks.Unavailable}, {ID: "c", State: tasks.Updated, Group: groupA},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
		if newest, err := e.StreamEnd(t.Context(), account); err != nil || newest != at {
			t.Errorf("StreamEnd = %q, %v; want the last entry's %q", newest, err, at)
		}
		if more, err := e.Follow(t.Context(), account, at, 20*time.Millisecond, 2); err != nil || len(more) != 0 {
			t.Errorf("Follow behind the newest = %v, %v; want nothing", more, err)
		}
	})
}

func TestFollow_WaitsForTheNextEnd(t *testing.T) {
	t.Parallel()
	// Given a follower that waits, when an update ends, then it is told.
	each(t, func(t *testing.T, e *env) {
		type answer struct {
			ends []ledger.End
			err  error
		}
		told := make(chan answer, 1)
		go func() {
			ends, err := e.Follow(context.WithoutCancel(t.Context()), account, "0-0", 20*time.Second, 10)
			told <- answer{ends, err}
		}()
		e.started(t, "a").end(t, tasks.Failed, "")
		if got := <-told; got.err != nil || len(got.ends) != 1 || got.ends[0].ID != "a" {
			t.Errorf("Follow = %+v, %v; want the end of a", got.ends, got.err)
		}
	})
}

func TestFollow_WithoutWaiting(t *testing.T) {
	t.Parallel()
	// Given an empty stream, when it is followed for no time or for less than
	// Redis can wait, then the answer comes at once: zero is not for ever.
	each(t, func(t *testing.T, e *env) {
		for _, block := range []time.Duration{0, time.Microsecond} {
			done := make(chan error, 1)
			go func() {
				_, err := e.Follow(context.WithoutCancel(t.Context()), account, "0-0", block, 10)
				done <- err
			}()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("Follow for %s: %v", block, err)
				}
			case <-time.After(3 * time.Second):
				t.Errorf("Follow for %s still waits after 3 s", block)
				e.enter(t, e.entry(t, "wake"))
				_, _, _ = e.Cancel(t.Context(), account, "wake", "the test") // so that the follower ends
				<-done
				return
			}
		}
	})
}

func TestAccounts_ServedForAWhile(t *testing.T) {
	t.Parallel()
	// Given two processes that serve accounts, when one goes silent, then its
	// account stays known and is no longer served.
	each(t, func(t *testing.T, e *env) {
		serve := func(names ...string) {
			t.Helper()
			if err := e.Serve(t.Context(), "p1", names...); err != nil {
				t.Fatalf("Serve: %v", err)
			}
		}
		if known, err := e.Accounts(t.Context()); err != nil || len(known) != 0 {
			t.Errorf("Accounts at first = %v, %v; want none", known, err)
		}
		serve()
		serve("sales", "main")
		served := map[string]bool{"main": true, "sales": true}
		if e.mini != nil { // half a minute passes on a clock of our own only
			e.pass(t, ledger.ServedFor)
			serve("main")
			e.pass(t, time.Millisecond)
			served["sales"] = false
		}
		known, err := e.Accounts(t.Context())
		if err != nil || len(known) != 2 || known[0].Name != "main" || known[1].Name != "sales" {
			t.Fatalf("Accounts = %v, %v; want main and sales", known, err)
		}
		if diff := cmp.Diff(served, map[string]bool{"main": known[0].Served, "sales": known[1].Served}); diff != "" {
			t.Errorf("served (-want +got):\n%s", diff)
		}
		if age := e.clock(t).Sub(known[0].LastSeen); age < 0 || age > time.Minute {
			t.Errorf("main was seen %s ago; want just now", age)
		}
	})
}

func TestAccounts_AProcessThatStopsIsNoLongerCounted(t *testing.T) {
	t.Parallel()
	// Given two processes that serve an account, when one and then the other
	// withdraws, then the account is served until the last one has.
	each(t, func(t *testing.T, e *env) {
		served := func(want bool) {
			t.Helper()
			known, err := e.Accounts(t.Context())
			if err != nil || len(known) != 1 || known[0].Served != want {
				t.Errorf("Accounts = %+v, %v; want main, served %t", known, err, want)
			}
		}
		for _, process := range []string{"p1", "p2"} {
			if err := e.Serve(t.Context(), process, "main"); err != nil {
				t.Fatal(err)
			}
		}
		served(true)
		if err := e.Withdraw(t.Context(), "p1", "main"); err != nil {
			t.Fatal(err)
		}
		served(true)
		if err := e.Withdraw(t.Context(), "p2", "main"); err != nil {
			t.Fatal(err)
		}
		served(false)
	})
}
