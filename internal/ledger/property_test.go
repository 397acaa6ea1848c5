package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/internal/ledger"
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
		m := &model{t: t, rt: rt, e: e, limit: rapid.IntRange(1, 2).Draw(rt, "limit")}
		m.gap = rapid.SampledFrom([]time.Duration{0, modelGap}).Draw(rt, "gap")
		m.begin()
		rt.Repeat(map[string]func(*rapid.T){
			"claim": m.claim, "call": m.startCall, "turn": m.turn, "release": m.release, "settle": m.settle, "cancel": m.cancel,
			"crash": m.crash, "pass": m.pass, "repeat": m.repeat, "": func(*rapid.T) { m.check() },
		})
		m.finish()
	})
}

// check looks at what Redis shows after every step.
func (m *model) check() {
	count := map[string]int{}
	for _, line := range m.e.ends(m.t) {
		id, _, _ := strings.Cut(line, " ")
		count[id]++
	}
	for _, u := range m.updates {
		r := m.e.look(m.t, u.id)
		if r.Outcome.State.Ended() != u.ended || u.ended != (count[u.id] == 1) || count[u.id] > 1 {
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
	m.e.pass(m.t, modelLease)
	for _, u := range m.updates {
		m.tokens++
		m.claimAs(u, fmt.Sprintf("t%d", m.tokens), true)
		if u.ended {
			continue
		}
		x := m.runs[len(m.runs)-1]
		for tries := 0; x.claim.Verdict == ledger.Run && x.call == nil; tries++ {
			got, err := m.e.Turn(m.t.Context(), x.request(limit(m.limit), gap(m.gap), forLease(modelLease)))
			if err != nil || tries > 5 {
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
