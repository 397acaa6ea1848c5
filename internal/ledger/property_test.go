package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// Given up to four updates of an account, when runs claim, call, give back,
// settle, crash and repeat themselves in any order while time passes, then the
// ledger's promises hold at every step, and nothing is stuck at the end.
func TestProperty_AnyInterleavingKeepsThePromises(t *testing.T) {
	t.Parallel()
	e := newMini(t)
	rapid.Check(t, func(rt *rapid.T) {
		e.mini.FlushDB()
		m := &model{t: t, rt: rt, e: e, limit: rapid.IntRange(1, 2).Draw(rt, "limit"), lane: laneModel{widen: 1}}
		m.gap = rapid.SampledFrom([]time.Duration{0, modelGap}).Draw(rt, "gap")
		m.begin()
		rt.Repeat(map[string]func(*rapid.T){
			"claim": m.claim, "call": m.startCall, "turn": m.turn, "release": m.release, "settle": m.settle, "cancel": m.cancel,
			"crash": m.crash, "pass": m.pass, "probe": m.probe, "repeat": m.repeat,
			"pause": m.pause, "resume": m.resume, "mirror": m.mirror, "again": m.again, "": func(*rapid.T) { m.check() },
		})
		m.finish()
	})
}

// The same on a real Redis, for truth: nothing in it waits for time to pass, but all scripts and their copies run as they do
// in earnest.
func TestProperty_AnyInterleavingOnARealRedis(t *testing.T) {
	t.Parallel()
	rdb := redistest.Real(t).Client(t)
	rapid.Check(t, func(rt *rapid.T) {
		must(t, rdb.FlushDB(t.Context()).Err())
		e := &env{Ledger: ledger.New(rdb, keep), rdb: rdb, at: time.Now()}
		m := &model{t: t, rt: rt, e: e, limit: rapid.IntRange(1, 3).Draw(rt, "limit"), lane: laneModel{widen: 1}}
		m.begin()
		rt.Repeat(map[string]func(*rapid.T){
			"claim": m.claim, "call": m.startCall, "turn": m.turn, "release": m.release, "settle": m.settle, "cancel": m.cancel,
			"crash": m.crash, "repeat": m.repeat, "pause": m.pause, "resume": m.resume, "mirror": m.mirror, "again": m.again,
			"": func(*rapid.T) { m.check() },
		})
	})
}

// Given an account in any state, when Redis' clock jumps to and fro by up to ten hours, then nothing is frozen for longer
// than the longest of all stored times may be.
func TestProperty_AClockThatJumps(t *testing.T) {
	t.Parallel()
	e := newMini(t)
	e.mini.ClockTTL(false) // a clock that jumps is about stored times, not expiry
	rapid.Check(t, func(rt *rapid.T) {
		e.mini.FlushDB()
		m := &model{t: t, rt: rt, e: e, limit: 2}
		m.begin()
		runs := map[string]*run{}
		for _, u := range m.updates {
			runs[u.id] = e.start(t, u.registered, u.id, u.id+"-run", ledger.Run)
		}
		ids := []string{"u1", "u2", "u3", "v1"}
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			x := runs[rapid.SampledFrom(ids).Draw(rt, "update")]
			got, err := e.Turn(t.Context(), x.next().request(limit(2), gap(modelGap)))
			must(t, err)
			if got.Verdict == ledger.Go && rapid.Bool().Draw(rt, "answered") {
				said := rapid.SampledFrom([]ledger.Said{ledger.SaidTrue, ledger.SaidSlower, ledger.SaidAccount, ledger.SaidFailing}).Draw(rt, "answer")
				x.give(t, "ok", func(r *ledger.ReleaseRequest) { r.Answer = modelAnswer(said) })
			}
			e.pass(t, time.Duration(rapid.IntRange(-36_000, 36_000).Draw(rt, "seconds"))*time.Second)
		}
		for _, x := range runs {
			for waited := time.Duration(0); ; {
				e.probeIfDue(t, ledger.StatusUp)
				got, err := e.Turn(t.Context(), x.next().request(limit(2), gap(modelGap)))
				must(t, err)
				if got.Verdict != ledger.Wait {
					x.give(t, "ok")
					break
				}
				if waited += got.Wait; waited > 8*time.Hour {
					rt.Fatalf("%s is frozen: it waits %s for %q", x.ID, got.Wait, got.Why)
				}
				e.pass(t, got.Wait)
			}
		}
	})
}

// check looks at what Redis shows after every step.
func (m *model) check() {
	count, n := map[string]int{}, map[bool]int{true: 1}
	for _, line := range m.e.ends(m.t) {
		id, _, _ := strings.Cut(line, " ")
		count[id]++
	}
	for _, u := range m.updates {
		r := m.e.look(m.t, u.id)
		if r.Outcome.State.Ended() != u.ended || count[u.id] != u.ends+n[u.ended] {
			m.fail("%s stands as %s with %d entries in the stream; ended %t", u.id, r.Outcome.State, count[u.id], u.ended)
		}
		if !u.ended && r.Outcome.Attempts != u.calls {
			m.fail("%s shows %d attempts; granted and not taken back are %d", u.id, r.Outcome.Attempts, u.calls)
		}
	}
}

// finish crashes every run and brings each update to its end: nothing is stuck.
func (m *model) finish() {
	m.runs = nil
	if m.lane.paused {
		_, err := m.e.Resume(m.t.Context(), account, "op")
		must(m.t, err)
		m.lane.paused = false
	}
	m.e.pass(m.t, modelLease)
	for _, u := range m.updates {
		m.tokens++
		m.claimAs(u, fmt.Sprintf("t%d", m.tokens), true)
		if u.ended {
			continue
		}
		x := m.runs[len(m.runs)-1]
		for tries := 0; x.claim.Verdict == ledger.Run && x.call == nil; tries++ {
			m.probeWith(ledger.StatusUp)
			got, err := m.e.Turn(m.t.Context(), x.request(limit(m.limit), gap(m.gap), forLease(modelLease)))
			if err != nil || tries > 60 {
				m.fail("%s is stuck: %+v, %v", u.id, got, err)
			}
			if got.Verdict != ledger.Wait {
				if got.Verdict == ledger.Go {
					m.granted(x, x.request().Turn, got)
				}
				break
			}
			m.e.pass(m.t, got.Wait)
		}
		m.end(u, ledger.Settlement{Handle: x.Handle, Turn: x.request().Turn, Seq: x.claim.Seq, Outcome: x.outcome(m.t, tasks.Failed)})
	}
	m.check()
}
