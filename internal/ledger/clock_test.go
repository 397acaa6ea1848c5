package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// Redis' clock jumps back by hours while something is stored; each story then says
// what must be possible after the longest honest time for it.
func TestClock_JumpsBack(t *testing.T) {
	t.Parallel()
	const jump = -3 * time.Hour
	for name, story := range map[string]func(t *testing.T, e *env){
		"trouble ends with a normal answer": func(t *testing.T, e *env) {
			x, y := e.suspected(t, "a"), e.started(t, "b", inGroupB)
			e.pass(t, jump)
			y.waits(t, ledger.ByHold, first)
			e.pass(t, first+time.Millisecond)
			// The first call after the jump may be taken for one from before it.
			for range 2 {
				e.tick(t)
				y.next().ask(t, ledger.Go, paceless)
				e.tick(t)
				y.give(t, "ok", normal)
			}
			if s := e.lane(t); s.Trouble != "" {
				t.Errorf("the account stands as %+v; want no trouble", s)
			}
			x.next().ask(t, ledger.Go, paceless)
		},
		"calls that fail hold again": func(t *testing.T, e *env) {
			x := e.started(t, "a")
			x.ask(t, ledger.Go)
			x.fails(t, 1)
			e.pass(t, jump)
			x.next().waits(t, ledger.ByHold, first)
			e.pass(t, first+time.Millisecond)
			x.ask(t, ledger.Go, paceless)
			e.tick(t)
			x.fails(t, 1)
			e.tick(t)
			x.next().ask(t, ledger.Go, paceless)
			e.left(t, "the hold", x.fails(t, 1).Hold, 2*first)
		},
		"throttling widens again": func(t *testing.T, e *env) {
			x := e.started(t, "a")
			x.ask(t, ledger.Go)
			x.slower(t, 0)
			e.pass(t, jump)
			x.next().ask(t, ledger.Wait)
			for range 2 {
				e.pass(t, time.Hour)
				x.next().ask(t, ledger.Go)
				e.tick(t)
				x.slower(t, 0)
			}
			if got := e.lane(t).Widen; got != 4 {
				t.Errorf("the gap is %g times as wide; want 4", got)
			}
		},
		"a rest ends": func(t *testing.T, e *env) {
			x := e.started(t, "a")
			x.ask(t, ledger.Go)
			x.slower(t, 10*time.Minute)
			e.pass(t, jump)
			x.next().waits(t, ledger.ByThrottle, time.Hour)
			e.pass(t, time.Hour)
			x.ask(t, ledger.Go)
		},
		"a suspect waits no longer than it would have": func(t *testing.T, e *env) {
			x := e.suspected(t, "a")
			e.probe(t, ledger.StatusUp, first, most)
			e.pass(t, jump)
			if got := x.next().ask(t, ledger.Wait); got.Wait > first {
				t.Errorf("it waits %s for %q; want %s at most", got.Wait, got.Why, first)
			}
			e.pass(t, first)
			x.ask(t, ledger.Go, paceless)
		},
		"the line goes on": func(t *testing.T, e *env) {
			before := e.started(t, "before").of("p3")
			before.ask(t, ledger.Go)
			a, b := e.started(t, "a", inGroup(1)).of("p1"), e.started(t, "b", inGroup(2)).of("p2")
			a.ask(t, ledger.Wait)
			b.ask(t, ledger.Wait)
			before.give(t, "ok") // which notes when a turn became free
			e.pass(t, jump)
			before.next().ask(t, ledger.Wait, paceless, gap(time.Second))
			e.pass(t, time.Second)
			before.ask(t, ledger.Go, paceless, gap(time.Second))
			before.give(t, "ok")
			a.ask(t, ledger.Wait, paceless, gap(time.Second))
			e.pass(t, 300*time.Millisecond)
			b.ask(t, ledger.Wait, paceless, gap(time.Second))
			e.pass(t, 700*time.Millisecond)
			b.waits(t, ledger.ByLine, 25*time.Millisecond, paceless, gap(time.Second))
			e.pass(t, 25*time.Millisecond)
			b.ask(t, ledger.Go, paceless, gap(time.Second))
		},
		"a single update that waited does not stop rows": func(t *testing.T, e *env) {
			before := e.started(t, "before").of("p3")
			before.ask(t, ledger.Go)
			e.started(t, "a", inGroup(1)).of("p1").ask(t, ledger.Wait)
			before.end(t, tasks.Failed, "")
			e.pass(t, jump)
			e.started(t, "row", inGroup(2)).of("p2").ask(t, ledger.Go, bulk, paceless)
		},
		"an update that asked does not stop an older one of its group": func(t *testing.T, e *env) {
			older := e.started(t, "older")
			before := e.started(t, "before", inGroupB)
			before.ask(t, ledger.Go)
			e.started(t, "newer").ask(t, ledger.Wait)
			before.end(t, tasks.Failed, "")
			e.pass(t, jump)
			older.waits(t, ledger.ByGroup, 200*time.Millisecond)
			e.pass(t, 7*time.Second) // five until it asks again, and two more
			older.ask(t, ledger.Go, paceless)
		},
		"asynq's queue opens when the hold is over": func(t *testing.T, e *env) {
			x := e.started(t, "a")
			x.ask(t, ledger.Go)
			x.fails(t, 1)
			e.mirror(t, account)
			e.pass(t, jump)
			for range 3 {
				e.mirror(t, account)
			}
			e.pass(t, first)
			e.mirror(t, account)
			if e.flagged(t, tasks.Queue(account)) || e.lane(t).Closed {
				t.Errorf("the queue is closed after the longest hold; the account stands as %+v", e.lane(t))
			}
		},
		"a probe that was begun is given up": func(t *testing.T, e *env) {
			x := e.suspected(t, "a")
			e.begins(t, "dead", true)
			e.pass(t, jump)
			x.next().waits(t, ledger.ByHold, first)
			e.pass(t, first)
			x.ask(t, ledger.Go, paceless)
		},
		"status that was up": func(t *testing.T, e *env) {
			e.suspected(t, "a")
			e.probe(t, ledger.StatusUp, first, most)
			e.pass(t, jump)
			b := e.started(t, "b", inGroupB)
			b.ask(t, ledger.Wait)
			e.pass(t, first)
			b.ask(t, ledger.Go, paceless)
			got := b.blamed(t)
			if got.Hold == 0 {
				t.Errorf("Release = %+v; what /status said before the jump must not serve", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newMini(t)
			e.mini.ClockTTL(false) // a clock that jumps is about stored times, not expiry
			story(t, e)
		})
	}
}

func TestClock_JumpsForthAndBack(t *testing.T) {
	t.Parallel()
	// Given an account in every kind of trouble at once, when the clock jumps forth
	// and back by hours, as often as it likes, then an update goes within the longest
	// times together and nothing stays closed.
	for _, jumps := range [][]time.Duration{
		{5 * time.Hour, -5 * time.Hour}, {-5 * time.Hour, 5 * time.Hour}, {-2 * time.Hour, -2 * time.Hour, 3 * time.Hour}, {12 * time.Hour, -24 * time.Hour},
	} {
		t.Run(fmt.Sprint(jumps), func(t *testing.T) {
			t.Parallel()
			e := newMini(t)
			e.mini.ClockTTL(false)
			long := func(n *ledger.Entry) { n.Update.ExpiresAt = n.Update.EnqueuedAt.AddDate(1, 0, 0) }
			x, y := e.started(t, "a", long), e.started(t, "b", inGroupB, long)
			x.ask(t, ledger.Go, limit(2), gap(time.Minute))
			x.slower(t, time.Minute)
			for _, jump := range jumps {
				e.pass(t, 3*time.Hour)
				x.next().patient(t, 3*time.Hour)
				x.blamed(t)
				e.mirror(t, account)
				e.pass(t, jump)
				y.next().patient(t, 3*time.Hour)
				y.give(t, "ok", refund(ledger.Call))
				e.mirror(t, account)
				if s := e.lane(t); s.Closed || e.flagged(t, tasks.Queue(account)) {
					t.Errorf("after %s the account stands as %+v", jump, s)
				}
			}
		})
	}
}

// paceless is an account without a gap: the longest gap is what a jump can cost.
func paceless(r *ledger.TurnRequest) { r.MaxGap = 0 }

// patient asks for a turn as a worker does that waits, and wants it within a time.
func (x *run) patient(t testing.TB, most time.Duration) {
	t.Helper()
	for waited := time.Duration(0); ; {
		x.e.mirror(t, account)
		got, err := x.e.Turn(t.Context(), x.request(gap(time.Minute)))
		must(t, err)
		if got.Verdict == ledger.Go {
			return
		}
		if got.Verdict != ledger.Wait || got.Wait <= 0 || waited > most {
			t.Fatalf("%s waited %s and is told %q: %s more for %q", x.ID, waited, got.Verdict, got.Wait, got.Why)
		}
		waited += got.Wait
		x.e.pass(t, got.Wait)
	}
}
