package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// slower gives the turn back because the provider wants slower calls.
func (x *run) slower(t testing.TB, rest time.Duration) ledger.Released {
	t.Helper()
	return x.give(t, "ok", says(ledger.SaidSlower, rest, 0), refund(ledger.Attempt))
}

func TestThrottle_RestsAndWidens(t *testing.T) {
	t.Parallel()
	// Given a configured gap, when the provider wants slower calls, then nobody calls
	// for the rest it asked for, from then on the gap is twice as wide, people can
	// see it, and no attempt is spent.
	each(t, func(t *testing.T, e *env) {
		x, y := e.started(t, "a"), e.started(t, "b", inGroupB)
		x.ask(t, ledger.Go, gap(time.Second))
		e.left(t, "the rest", x.slower(t, time.Minute).Rest, time.Minute)
		if s := e.lane(t); s.Widen != 2 || s.WidenedWhy != tasks.Disconnected || s.WidenedAt.IsZero() || s.Rest.IsZero() || s.Closed || s.Trouble != "" {
			t.Errorf("the account stands as %+v; want it slowed and not in trouble", s)
		}
		y.waits(t, ledger.ByThrottle, time.Minute, gap(time.Second))
		e.skip(t, time.Minute)
		y.ask(t, ledger.Go, gap(10*time.Second))
		y.give(t, "ok", refund(ledger.Call))
		y.next().waits(t, ledger.ByPace, 20*time.Second, gap(10*time.Second))
		x.guilty(t, 0, 0)
	})
}

func TestThrottle_ARestIsAnHourAtMost(t *testing.T) {
	t.Parallel()
	// Given a provider that wants a day, or a shorter rest during a longer one, then
	// it is an hour, and the longer one.
	e := newMini(t)
	x, y := e.started(t, "a"), e.started(t, "b", inGroupB)
	x.ask(t, ledger.Go, limit(2))
	y.ask(t, ledger.Go, limit(2))
	e.left(t, "the rest", x.slower(t, 24*time.Hour).Rest, time.Hour)
	e.left(t, "the rest", y.slower(t, time.Minute).Rest, time.Hour)
}

func TestThrottle_CallsUnderWayTogetherWidenOnce(t *testing.T) {
	t.Parallel()
	// Given three calls under way, when all are throttled, then the gap doubles once,
	// copies included; later calls double it again, up to sixteen times.
	each(t, func(t *testing.T, e *env) {
		var runs []*run
		for n := range 3 {
			x := e.started(t, fmt.Sprintf("u%d", n), inGroup(n))
			x.ask(t, ledger.Go, limit(3))
			runs = append(runs, x)
		}
		e.tick(t)
		for range 2 {
			for _, x := range runs {
				x.slower(t, 0)
			}
		}
		x := runs[0]
		for _, want := range []float64{2, 4, 8, 16, 16} {
			if got := e.lane(t).Widen; got != want {
				t.Errorf("the gap is %g times as wide; want %g", got, want)
			}
			e.skip(t, time.Hour)
			x.next().ask(t, ledger.Go)
			x.slower(t, 0)
		}
	})
}

func TestThrottle_AcceptedPhotosNarrowSlowly(t *testing.T) {
	t.Parallel()
	// Given a widened gap, when photos are accepted, then it narrows a little each
	// time until it is the configured one; refusals do not narrow it.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		x.slower(t, 0)
		last, steps := 2.0, 0
		for ; last > 1 && steps < 100; steps++ {
			e.skip(t, time.Minute)
			y := e.started(t, fmt.Sprintf("u%d", steps), inGroup(steps))
			y.ask(t, ledger.Go)
			y.give(t, "ok", normal, refund(ledger.Attempt))
			if got := e.lane(t).Widen; got != last {
				t.Errorf("a normal answer made %g of %g", got, last)
			}
			e.skip(t, time.Minute)
			y.next().ask(t, ledger.Go)
			y.end(t, tasks.Updated, "", said(ledger.SaidTrue))
			got := e.lane(t).Widen
			if got >= last || got < last*0.94 && got != 1 {
				t.Errorf("an accepted photo made %g of %g", got, last)
			}
			last = got
		}
		if steps < 10 || steps > 20 {
			t.Errorf("the gap was the configured one after %d accepted photos; want 10 to 20", steps)
		}
		e.skip(t, time.Minute)
		x.next().ask(t, ledger.Go, gap(time.Minute))
		x.give(t, "ok")
		x.next().waits(t, ledger.ByPace, time.Minute, gap(time.Minute))
	})
}

func TestThrottle_ThreePlainFalsesWiden(t *testing.T) {
	t.Parallel()
	// Given plain falses, when the third in a row comes, then the gap widens by half
	// with the reason that it stands for; one accepted photo between, and it does not.
	for _, tt := range []struct {
		name    string
		answers []ledger.Said
		widen   float64
	}{
		{"two", []ledger.Said{"false", "false"}, 1},
		{"three", []ledger.Said{"false", "false", "false"}, 1.5},
		{"six", []ledger.Said{"false", "false", "false", "false", "false", "false"}, 2.25},
		{"a true between", []ledger.Said{"false", "false", "true", "false", "false"}, 1},
		{"another answer between", []ledger.Said{"false", "false", "normal", "false"}, 1.5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				for n, answer := range tt.answers {
					e.skip(t, time.Minute)
					x := e.started(t, fmt.Sprintf("u%d", n), inGroup(n))
					x.ask(t, ledger.Go)
					x.give(t, "ok", says(answer, 0, 0))
				}
				if s := e.lane(t); s.Widen != tt.widen || s.Trouble != "" || (s.WidenedWhy == "refusals") != (tt.widen > 1) {
					t.Errorf("the account stands as %+v; want the gap %g times as wide", s, tt.widen)
				}
			})
		})
	}
}

func TestThrottle_WithoutAGap(t *testing.T) {
	t.Parallel()
	// Given an account without a gap, when it is throttled, then it has one: half a
	// second, widened.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "a")
		x.ask(t, ledger.Go)
		x.slower(t, 0)
		e.pass(t, 10*time.Millisecond)
		x.next().ask(t, ledger.Go, func(r *ledger.TurnRequest) { r.MaxGap = 0 })
		x.give(t, "ok")
		x.next().waits(t, ledger.ByPace, time.Second, func(r *ledger.TurnRequest) { r.MaxGap = 0 })
	})
}

func TestThrottle_TroubleStays(t *testing.T) {
	t.Parallel()
	// Given an account in trouble, when the call that feels its way is throttled,
	// then the trouble has neither ended nor grown, and nobody is convicted.
	troubles(t, func(t *testing.T, e *env, kind ledger.Said) {
		x, y := e.started(t, "a"), e.started(t, "b", inGroupB)
		x.ask(t, ledger.Go)
		x.give(t, "ok", says(kind, first, most), refund(ledger.Attempt))
		e.skip(t, first)
		e.probe(t, ledger.StatusUp, first, most)
		y.ask(t, ledger.Go)
		if got := y.slower(t, time.Minute); got.Holds != 1 {
			t.Errorf("%d holds in a row; want 1", got.Holds)
		}
		x.guilty(t, 0, 0)
	})
}

func TestPace_CountsFromTheWrite(t *testing.T) {
	t.Parallel()
	// Given a call whose request was written late, when its turn ends, by a release
	// or a settlement, then the gap counts from the write; a copy adds nothing, and a
	// later turn's gap is never cut.
	const late, between = 300 * time.Millisecond, time.Minute
	for _, how := range []string{"release", "settle"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				x, y := e.started(t, "a"), e.started(t, "b", inGroupB)
				x.ask(t, ledger.Go, gap(between))
				planned := e.lane(t).Next
				s := ledger.Settlement{
					Handle: x.Handle, Turn: x.request().Turn, Seq: x.claim.Seq, Process: x.process, Outcome: x.outcome(t, tasks.Failed),
					Answer: ledger.Answer{Said: ledger.SaidNormal, Late: late},
				}
				ends := func() {
					if how == "release" {
						x.give(t, "ok", func(r *ledger.ReleaseRequest) { r.Answer = ledger.Answer{Said: ledger.SaidNormal, Late: late} })
					} else {
						_, err := e.Settle(t.Context(), s)
						must(t, err)
					}
				}
				for range 2 {
					ends()
					if got := e.lane(t).Next; !got.Equal(planned.Add(late)) {
						t.Errorf("the next turn comes %s after the one planned; want %s", got.Sub(planned), late)
					}
				}
				e.skip(t, between+late)
				y.ask(t, ledger.Go, gap(between))
				planned = e.lane(t).Next
				ends() // a late copy
				if got := e.lane(t).Next; !got.Equal(planned) {
					t.Errorf("a copy moved the next turn by %s", got.Sub(planned))
				}
			})
		})
	}
}

func TestPace_ACallThatEndsAfterALaterOneBeganMovesNothing(t *testing.T) {
	t.Parallel()
	// Given two calls under way, when the first ends and says how late it was
	// written, then the gap behind the second stays.
	e := newMini(t)
	x, y := e.started(t, "a"), e.started(t, "b", inGroupB)
	x.ask(t, ledger.Go, gap(500*time.Millisecond), limit(2))
	e.pass(t, 500*time.Millisecond)
	y.ask(t, ledger.Go, gap(500*time.Millisecond), limit(2))
	planned := e.lane(t).Next
	x.give(t, "ok", func(r *ledger.ReleaseRequest) {
		r.Answer = ledger.Answer{Said: ledger.SaidNormal, Late: 300 * time.Millisecond}
	})
	if got := e.lane(t).Next; !got.Equal(planned) {
		t.Errorf("the next turn moved by %s", got.Sub(planned))
	}
}

func TestPace_SmallDelaysDoNotAddUp(t *testing.T) {
	t.Parallel()
	// Given turns that are asked for a little late, when the delay is three
	// milliseconds or less, then the next turn comes early by as much; beyond, the
	// gap counts from the turn.
	e := newMini(t)
	const between = 100 * time.Millisecond
	x := e.started(t, "a")
	began := e.at
	x.ask(t, ledger.Go, gap(between))
	due := began.Add(between)
	for _, delay := range []time.Duration{1, 3, 2, 4, 0, 50, 3} {
		delay *= time.Millisecond
		x.give(t, "ok", refund(ledger.Attempt))
		e.pass(t, due.Add(-time.Millisecond).Sub(e.at))
		x.next().waits(t, ledger.ByPace, time.Millisecond, gap(between))
		e.pass(t, due.Add(delay).Sub(e.at))
		x.ask(t, ledger.Go, gap(between))
		if due = due.Add(between); delay > 3*time.Millisecond {
			due = e.at.Add(between)
		}
	}
}
