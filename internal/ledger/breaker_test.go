package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// fails gives the turn back without a usable answer; trip of them open the breaker.
func (x *run) fails(t testing.TB, trip int) ledger.Released {
	t.Helper()
	return x.give(t, "ok", says(ledger.SaidFailing, first, most), func(r *ledger.ReleaseRequest) { r.Answer.Trip = trip })
}

func TestBreaker_CountsDistinctUpdatesInARow(t *testing.T) {
	t.Parallel()
	// Given a breaker of three, when calls of updates a, b, c… fail, and others (in
	// brackets the update and its answer) do not, then it opens at the third distinct
	// update in a row.
	for _, tt := range []struct {
		name, calls string
		opens       bool
	}{
		{"three updates", "a b c", true},
		{"two updates", "a b", false},
		{"one update again and again", "a a a a a a", false},
		{"one that fails among two", "a b b a", false},
		{"two updates in turn", "a b a b a b", false},
		{"the third behind retries", "a a b a b c", true},
		{"a normal answer between", "a b d:normal c", false},
		{"a photo accepted between", "a b d:true c", false},
		{"a no between", "a b d:false c", false},
		{"its own no between", "a b a:false c b", false},
		{"throttling between", "a b d:throttled c", false},
		{"an answer that says nothing between", "a b d: c", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				runs := map[string]*run{}
				var opened bool
				for call := range strings.FieldsSeq(tt.calls) {
					id, kind, other := strings.Cut(call, ":")
					if runs[id] == nil {
						runs[id] = e.started(t, id, inGroup(int(id[0])))
					}
					x := runs[id].next()
					x.ask(t, ledger.Go)
					if other {
						x.give(t, "ok", says(ledger.Said(kind), 0, 0))
					} else {
						got := x.fails(t, 3)
						opened = got.Holds > 0
					}
				}
				s := e.lane(t)
				if opened != tt.opens || (s.Trouble == ledger.Breaker) != tt.opens || s.Closed != tt.opens || s.Told != tt.opens {
					t.Errorf("open: %t, the account stands as %+v; want open: %t", opened, s, tt.opens)
				}
			})
		})
	}
}

func TestBreaker_CallsUnderWayAreCountedOnce(t *testing.T) {
	t.Parallel()
	// Given five calls under way, when all fail and the third opens the breaker,
	// then it is held once, for its first hold.
	each(t, func(t *testing.T, e *env) {
		var runs []*run
		for n := range 5 {
			x := e.started(t, fmt.Sprintf("u%d", n), inGroup(n))
			x.ask(t, ledger.Go, limit(5))
			runs = append(runs, x)
		}
		for n, x := range runs {
			got := x.fails(t, 3)
			if want := n >= 2; (got.Holds == 1) != want || got.Holds > 1 {
				t.Errorf("after %d failures: %d holds in a row", n+1, got.Holds)
			}
		}
		if s := e.lane(t); s.Trouble != ledger.Breaker || s.Why != tasks.Disconnected || s.Detail == "" {
			t.Errorf("the account stands as %+v", s)
		}
	})
}

func TestBreaker_HalfOpen(t *testing.T) {
	t.Parallel()
	// Given an open breaker whose hold is over, when /status was asked, then calls
	// go one at a time, at once or after a longer hold, until one gets a normal answer.
	for _, tt := range []struct {
		status ledger.Status
		hold   time.Duration
		owner  ledger.Owner
	}{
		{ledger.StatusUp, 0, ledger.Breaker},
		{ledger.StatusUnknown, 0, ledger.Breaker},
		{ledger.StatusAway, 2 * first, ledger.Breaker},
		{ledger.StatusDown, 2 * first, ledger.Provider},
	} {
		t.Run(string(tt.status), func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				x, y := e.started(t, "a"), e.started(t, "b", inGroupB)
				x.ask(t, ledger.Go)
				x.fails(t, 1)
				e.begins(t, "early", false)
				y.waits(t, ledger.ByHold, first, limit(2))
				e.skip(t, first)
				y.ask(t, ledger.Wait, limit(2)) // first /status is asked
				e.left(t, "the hold", e.probe(t, tt.status, first, most), tt.hold)
				if s := e.lane(t); s.Trouble != tt.owner || s.Closed != (tt.hold > 0) || s.Probe.IsZero() != (tt.status != ledger.StatusDown) {
					t.Errorf("the account stands as %+v; want it to be %s's", s, tt.owner)
				}
				if tt.hold > 0 {
					y.waits(t, ledger.ByHold, tt.hold, limit(2))
					e.skip(t, tt.hold)
				}
				if tt.status == ledger.StatusDown { // it may be asked in vain, but a no is believed
					e.probe(t, ledger.StatusUp, first, most)
				}
				e.tick(t)
				y.ask(t, ledger.Go, limit(2))
				x.next().waits(t, ledger.ByLimit, lease, limit(2))
				y.give(t, "ok", normal)
				if s := e.lane(t); s.Trouble != "" || s.Closed {
					t.Errorf("the account stands as %+v; want no trouble", s)
				}
				x.ask(t, ledger.Go, limit(2))
				x.give(t, "ok")
				x.guilty(t, 0, 2)
			})
		})
	}
}

func TestBreaker_StatusAwayAgainAndAgain(t *testing.T) {
	t.Parallel()
	// Given an open breaker, when /status gives no usable answer again and again,
	// then the holds double up to the longest, and after every one of them a call
	// feels its way: whether calls work, only a call tells.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		x.fails(t, 1)
		e.skip(t, first)
		for _, want := range []time.Duration{2 * first, most, most} {
			e.left(t, "the hold", e.probe(t, ledger.StatusAway, first, most), want)
			x.next().ask(t, ledger.Wait)
			e.skip(t, want)
			e.begins(t, "again", false)
			x.next().ask(t, ledger.Go)
			x.fails(t, 1)
			x.next().ask(t, ledger.Wait)
			e.skip(t, most)
		}
		e.probe(t, ledger.StatusAway, first, most)
		e.skip(t, most)
		x.next().ask(t, ledger.Go)
		x.give(t, "ok", normal)
		if s := e.lane(t); s.Trouble != "" {
			t.Errorf("the account stands as %+v; want no trouble", s)
		}
	})
}

func TestBreaker_CountsCallsThatMayHaveLanded(t *testing.T) {
	t.Parallel()
	// Given calls without an answer, when they are given back, then those that may
	// have landed are counted, a copy not.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		for range 3 {
			x.next().ask(t, ledger.Go)
			for range 2 {
				x.give(t, "ok", says(ledger.SaidFailing, first, most), func(r *ledger.ReleaseRequest) { r.Answer.Lost, r.Answer.Trip = true, 9 })
			}
		}
		if got := e.lane(t).Unanswered; got != 3 {
			t.Errorf("%d calls may have landed; want 3", got)
		}
	})
}
