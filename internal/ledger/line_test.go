package ledger_test

import (
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// of says which process the run is of.
func (x *run) of(process string) *run { x.process = process; return x }

func bulk(r *ledger.TurnRequest) { r.Bulk = true }

func TestLine_SinglesBeforeRows(t *testing.T) {
	t.Parallel()
	// Given a campaign row that has waited longer and a single update of another
	// process, when the gap is over, then the single update goes, and the row behind it.
	each(t, func(t *testing.T, e *env) {
		const between = 10 * time.Second
		before := e.started(t, "before")
		before.ask(t, ledger.Go, gap(between))
		before.end(t, tasks.Failed, "")
		row, single := e.started(t, "row", inGroup(1)).of("p1"), e.started(t, "single", inGroup(2)).of("p2")
		row.ask(t, ledger.Wait, bulk, gap(between))
		e.skip(t, time.Second)
		single.ask(t, ledger.Wait, gap(between))
		for range 3 { // who waits asks every five seconds at least
			row.ask(t, ledger.Wait, bulk, gap(between))
			single.ask(t, ledger.Wait, gap(between))
			e.skip(t, 3*time.Second)
		}
		row.waits(t, ledger.BySingle, 200*time.Millisecond, bulk, gap(between))
		single.ask(t, ledger.Go, gap(between))
		single.end(t, tasks.Failed, "")
		row.ask(t, ledger.Wait, bulk, gap(between))
		e.skip(t, between)
		row.ask(t, ledger.Go, bulk, gap(between))
	})
}

func TestLine_WhoWaitedLongerGoesFirst(t *testing.T) {
	t.Parallel()
	// Given two processes that wait, when a turn may be had because the gap is over
	// or a call has ended, then the one that has waited 200 ms longer has 25 ms to ask;
	// then the other goes.
	for _, why := range []string{"pace", "limit"} {
		for _, tt := range []struct {
			name     string
			younger  time.Duration // how much later the second one came
			dead     bool          // the first one does not ask
			mayAtOne bool          // the second goes at once
		}{
			{"the first asks", 300 * time.Millisecond, false, false},
			{"the first is gone", 300 * time.Millisecond, true, false},
			{"they came together", 200 * time.Millisecond, false, true},
		} {
			t.Run(why+", "+tt.name, func(t *testing.T) {
				t.Parallel()
				e := newMini(t)
				const between = time.Second
				before := e.started(t, "before").of("p3")
				before.ask(t, ledger.Go, gap(between))
				ends := func() { before.end(t, tasks.Failed, "") }
				if why == "pace" {
					ends()
				}
				older, younger := e.started(t, "older", inGroup(1)).of("p1"), e.started(t, "younger", inGroup(2)).of("p2")
				older.ask(t, ledger.Wait)
				e.pass(t, tt.younger)
				got := younger.ask(t, ledger.Wait)
				if want := ledger.Obstacle(why); got.Why != want {
					t.Errorf("waits for %q; want %q", got.Why, want)
				}
				e.pass(t, between-tt.younger)
				if why == "limit" {
					ends()
				}
				if tt.mayAtOne {
					younger.ask(t, ledger.Go)
					return
				}
				younger.waits(t, ledger.ByLine, 25*time.Millisecond)
				e.pass(t, 24*time.Millisecond)
				younger.waits(t, ledger.ByLine, time.Millisecond)
				if !tt.dead {
					older.ask(t, ledger.Go)
					younger.ask(t, ledger.Wait)
					return
				}
				e.pass(t, time.Millisecond)
				younger.ask(t, ledger.Go)
			})
		}
	}
}

func TestLine_ProcessesTakeTurns(t *testing.T) {
	t.Parallel()
	// Given two processes with work, when both ask in every gap, then they get the
	// same number of turns, whoever asks first.
	e := newMini(t)
	const between = time.Second
	a, b := e.started(t, "a", inGroup(1)).of("p1"), e.started(t, "b", inGroup(2)).of("p2")
	turns := map[string]int{}
	for range 40 {
		for _, x := range []*run{a, b, a, b} { // a always asks before b
			got, err := e.Turn(t.Context(), x.next().request(gap(between)))
			must(t, err)
			if got.Verdict == ledger.Go {
				turns[x.process]++
				x.give(t, "ok", refund(ledger.Attempt))
			}
			e.pass(t, 10*time.Millisecond)
		}
		e.pass(t, between-40*time.Millisecond)
	}
	if turns["p1"] < 15 || turns["p2"] < 15 {
		t.Errorf("turns %v; want about as many for both", turns)
	}
}

func TestLine_ADeadProcessStopsNobodyForLong(t *testing.T) {
	t.Parallel()
	// Given a single update that waited for a call's end and whose process died,
	// when that call ends, then a campaign row of another process goes within seconds,
	// and not only when the call's lease would have been over.
	each(t, func(t *testing.T, e *env) {
		before := e.started(t, "before").of("p3")
		before.ask(t, ledger.Go, forLease(2*time.Minute))
		e.started(t, "dead", inGroup(1)).of("p1").ask(t, ledger.Wait)
		before.end(t, tasks.Failed, "")
		row := e.started(t, "row", inGroup(2)).of("p2")
		row.waits(t, ledger.BySingle, 200*time.Millisecond, bulk)
		e.skip(t, 8*time.Second)
		row.ask(t, ledger.Go, bulk)
	})
}

func TestLine_WhoCannotCallHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	// Given a single update that waits for its group or is a suspect, when a campaign
	// row of another process asks, then it goes.
	for name, stop := range map[string]func(t *testing.T, e *env) (*run, ledger.Obstacle){
		"its group": func(t *testing.T, e *env) (*run, ledger.Obstacle) {
			busy, x := e.started(t, "busy", inGroup(1)), e.started(t, "single", inGroup(1))
			busy.ask(t, ledger.Go)
			return x.of("p1"), ledger.ByGroup
		},
		"a suspicion": func(t *testing.T, e *env) (*run, ledger.Obstacle) {
			x := e.suspected(t, "single", inGroup(1))
			e.probe(t, ledger.StatusUp, first, most)
			return x.next().of("p1"), ledger.BySuspicion
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				x, why := stop(t, e)
				if got := x.ask(t, ledger.Wait, limit(2)); got.Why != why {
					t.Errorf("waits for %q; want %q", got.Why, why)
				}
				e.started(t, "row", inGroup(2)).of("p2").ask(t, ledger.Go, limit(2), bulk)
			})
		})
	}
}

func TestLine_OthersAreToldOfAFreeTurn(t *testing.T) {
	t.Parallel()
	// Given a process that waits for a turn, when another's call ends, then it is
	// told on the bell; when nobody else waits, nobody is.
	each(t, func(t *testing.T, e *env) {
		bell := e.rdb.Subscribe(t.Context(), ledger.Bell(account))
		defer bell.Close() //nolint:errcheck // the test is over
		if _, err := bell.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
		x := e.started(t, "a").of("p1")
		x.ask(t, ledger.Go)
		x.give(t, "ok") // nobody waits
		x.next().ask(t, ledger.Go)
		e.started(t, "mine", inGroup(1)).of("p1").ask(t, ledger.Wait)
		x.give(t, "ok") // only its own process waits, which knows
		x.next().ask(t, ledger.Go)
		e.started(t, "other", inGroup(2)).of("p2").ask(t, ledger.Wait)
		x.give(t, "ok")
		_, err := e.Pause(t.Context(), account, "op", "")
		must(t, err)
		var rings []string
		for len(rings) < 2 {
			m, err := bell.ReceiveMessage(t.Context())
			must(t, err)
			rings = append(rings, ledger.BellAccount(m.Channel)+" "+m.Payload)
		}
		if rings[0] != account+" turn" || rings[1] != account+" state" {
			t.Errorf("rings %q; want one for the turn and one for the pause", rings)
		}
	})
}

func TestLine_WhoLeftHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	// Given a single update that waits in line, when it ends or steps aside, then the
	// next campaign row goes at once.
	for name, leave := range map[string]func(*testing.T, *env, *run){
		"cancelled": func(t *testing.T, e *env, x *run) {
			_, _, err := e.Cancel(t.Context(), account, x.ID, "somebody")
			must(t, err)
			x.ask(t, ledger.Settled)
		},
		"superseded": func(t *testing.T, e *env, x *run) {
			e.put(t, group(x.Group), "fence", x.claim.Seq+1, "fenced_by", "newer")
			x.ask(t, ledger.IsOld)
		},
		"given back": func(t *testing.T, _ *env, x *run) {
			x.give(t, "ok", func(r *ledger.ReleaseRequest) { r.Turn = "" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				before := e.started(t, "before").of("p1")
				single, row := e.started(t, "single", inGroup(1)).of("p2"), e.started(t, "row", inGroup(2)).of("p1")
				before.ask(t, ledger.Go)
				single.ask(t, ledger.Wait)
				before.give(t, "ok")
				row.waits(t, ledger.BySingle, 200*time.Millisecond, bulk)
				leave(t, e, single)
				row.ask(t, ledger.Go, bulk)
			})
		})
	}
}
