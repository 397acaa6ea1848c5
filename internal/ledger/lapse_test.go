package ledger_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestTrouble_ALapsedSubscriptionBurnsNothing(t *testing.T) {
	t.Parallel()
	// Given a backlog of ten while every update is told that the subscription has ended and /status says connected,
	// when half an hour goes by with whoever may call, then there was a call for every gap and not for every update,
	// nothing is spent, and the gap is the longest.
	const longest = 5 * time.Minute
	e := newMini(t)
	runs := make([]*run, 10)
	for i := range runs {
		runs[i] = e.started(t, "u"+strconv.Itoa(i), inGroup(i))
	}
	calls, until := 0, e.at.Add(30*time.Minute)
	for e.at.Before(until) {
		e.probeIfDue(t, ledger.StatusUp)
		for _, x := range runs {
			got, err := e.Turn(t.Context(), x.next().request())
			if err != nil {
				t.Fatal(err)
			}
			if got.Verdict == ledger.Go {
				calls++
				x.give(t, "ok", says(ledger.SaidAccount, 30*time.Second, longest), refund(ledger.Attempt))
			}
		}
		e.pass(t, 5*time.Second)
	}
	if calls < 7 || calls > 12 {
		t.Errorf("%d calls in half an hour", calls)
	}
	s := e.lane(t)
	if s.Trouble != ledger.Provider || s.Why != tasks.Disconnected || s.Until.Sub(s.Now) > longest || s.Holds < 6 {
		t.Errorf("got %+v", s)
	}
	for _, x := range runs {
		y := e.start(t, ledger.Registered{Update: x.update}, x.ID, x.ID+"2", ledger.Run)
		if y.claim.Guilty != 0 || y.claim.Spent != 0 {
			t.Errorf("%s: guilty %d, spent %d", x.ID, y.claim.Guilty, y.claim.Spent)
		}
	}
}
