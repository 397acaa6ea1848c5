package web_test

import (
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// startCall brings an update to where a worker's call of the provider is under way.
func startCall(t *testing.T, s *site, id string) (*ledger.Ledger, ledger.Handle) {
	t.Helper()
	l := ledger.New(s.redis, 0)
	r, err := l.Record(t.Context(), tasks.DefaultAccount, id)
	if err != nil {
		t.Fatal(err)
	}
	h := ledger.Handle{Account: tasks.DefaultAccount, ID: id, Group: r.Update.GroupID, Token: "run-" + id}
	c, err := l.Claim(t.Context(), h, r.Update)
	if err != nil || c.Verdict != ledger.Run {
		t.Fatalf("claim: got %q, %v", c.Verdict, err)
	}
	turn, err := l.Turn(t.Context(), ledger.TurnRequest{Handle: h, Turn: "turn", Seq: c.Seq, Lease: time.Minute, Limit: 10})
	if err != nil || turn.Verdict != ledger.Go {
		t.Fatalf("turn: got %q (%s), %v", turn.Verdict, turn.Why, err)
	}
	return l, h
}

// end lets an update end as a worker's call would.
func end(t *testing.T, s *site, id string, state tasks.State) {
	t.Helper()
	l, h := startCall(t, s, id)
	r, err := l.Record(t.Context(), tasks.DefaultAccount, id)
	if err != nil {
		t.Fatal(err)
	}
	o := r.Outcome
	yes := state == tasks.Updated
	o.State, o.Value, o.FinishedAt = state, &yes, time.Now()
	if r, err := l.Settle(t.Context(), ledger.Settlement{Handle: h, Turn: "turn", Outcome: o}); err != nil || r.Verdict != "" {
		t.Fatalf("settle: got %q, %v", r.Verdict, err)
	}
}

// background runs a call while the test goes on; a call that failed the test
// gives the zero answer.
func background(f func() answer) <-chan answer {
	got := make(chan answer, 1)
	go func() {
		defer close(got)
		got <- f()
	}()
	return got
}
