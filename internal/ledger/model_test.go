package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// model is what must be true of one account, kept apart from Redis: three
// updates of one group and one of another, and every call ever granted.
type model struct {
	t       *testing.T
	rt      *rapid.T
	e       *env
	limit   int
	gap     time.Duration
	updates []*modelUpdate
	runs    []*modelRun // living ones; a crash forgets them
	calls   []*modelCall
	tokens  int
	nextAt  time.Time // no call before: the pace
	heldTo  time.Time
	heldAt  time.Time
	trouble int
	sent    []func() // every script call so far, to be repeated at any time
}

type modelUpdate struct {
	id             string
	registered     ledger.Registered
	seq            int64 // 0 until it is known
	token          string
	turn           *modelCall // the turn its current run holds
	given          string     // the turn that was given back last
	granted        time.Time  // when its last call began
	calls, spent   int
	ended, stopped bool
	outcome        tasks.Outcome
}

type modelRun struct {
	*run
	of   *modelUpdate
	call *modelCall
}

type modelCall struct {
	id    string // the turn's
	of    *modelUpdate
	until time.Time
	over  bool // given back
}

const (
	modelLease  = 30 * time.Second
	modelExpiry = 10 * time.Minute
	modelGap    = 2 * time.Second
)

func (m *model) begin() {
	entries := []ledger.Entry{m.e.entry(m.t, "u1"), m.e.entry(m.t, "u2"), m.e.entry(m.t, "u3"), m.e.entry(m.t, "v1", inGroupB)}
	if rapid.Bool().Draw(m.rt, "u2 is scheduled") {
		entries[1].Due = m.e.at.Add(time.Second)
	}
	for i := range entries {
		entries[i].Update.ExpiresAt = m.e.at.Add(modelExpiry)
	}
	for i, r := range m.e.enter(m.t, entries...) {
		m.updates = append(m.updates, &modelUpdate{id: entries[i].ID, registered: r, seq: r.Update.Seq})
	}
	m.sent = append(m.sent, func() { _, _ = m.e.Register(m.t.Context(), account, entries) })
}

func (c *modelCall) is(turn string) bool { return c != nil && c.id == turn }

// over notes that a turn was given back, by whichever copy of the request.
func (m *model) over(turn string) {
	for _, c := range m.calls {
		if c.id == turn {
			c.over = true
		}
	}
}

func (m *model) fail(format string, args ...any) { m.rt.Helper(); m.rt.Fatalf(format, args...) }

func (c *modelCall) living(now time.Time) bool { return c != nil && !c.over && now.Before(c.until) }

func (m *model) claim(rt *rapid.T) {
	u := rapid.SampledFrom(m.updates).Draw(rt, "update")
	m.tokens++
	m.claimAs(u, fmt.Sprintf("t%d", m.tokens), true)
}

// claimAs claims and holds the verdict against what is known. A fresh claim
// gives a new run; a repeated one may only take back what nobody is calling.
func (m *model) claimAs(u *modelUpdate, token string, fresh bool) {
	h := ledger.Handle{Account: account, ID: u.id, Group: u.registered.Update.GroupID, Token: token}
	c, err := m.e.Claim(m.t.Context(), h, u.registered.Update)
	if err != nil {
		m.fail("Claim of %s: %v", u.id, err)
	}
	busy := u.turn.living(m.e.at) && u.token != token
	switch {
	case u.ended != (c.Verdict == ledger.Settled):
		m.fail("Claim of %s = %q; ended is %t", u.id, c.Verdict, u.ended)
	case u.ended:
		if !cmp.Equal(c.Outcome, u.outcome) {
			m.fail("%s ended as %+v, first as %+v", u.id, c.Outcome, u.outcome)
		}
		return
	case busy != (c.Verdict == ledger.Held):
		m.fail("Claim of %s by %s = %q; another run's call is under way: %t", u.id, token, c.Verdict, busy)
	case busy:
		if c.Wait <= 0 || c.Wait > modelLease {
			m.fail("held for %s; a lease lasts %s", c.Wait, modelLease)
		}
		return
	case u.seq != 0 && c.Seq != u.seq:
		m.fail("%s had seq %d and has %d", u.id, u.seq, c.Seq)
	case c.Calls != u.calls || c.Spent != u.spent:
		m.fail("%s counts %d calls, %d spent; granted and not refunded are %d, %d", u.id, c.Calls, c.Spent, u.calls, u.spent)
	case u.stopped && c.Verdict == ledger.Run:
		m.fail("%s may run although it is cancelled", u.id)
	}
	u.seq = c.Seq
	if u.token != token {
		u.token, u.turn = token, nil
	}
	if fresh {
		m.runs = append(m.runs, &modelRun{of: u, run: &run{e: m.e, Handle: h, update: u.registered.Update, claim: c}})
		m.sent = append(m.sent, func() { m.claimAs(u, token, false) })
	}
}

// startCall is a worker that goes ahead: it claims and asks for its turn.
func (m *model) startCall(rt *rapid.T) {
	before := len(m.runs)
	m.claim(rt)
	if len(m.runs) > before {
		m.turnOf(m.runs[before])
	}
}

func (m *model) pick(rt *rapid.T) *modelRun {
	if len(m.runs) == 0 {
		rt.Skip("nobody runs")
	}
	return rapid.SampledFrom(m.runs).Draw(rt, "run")
}

func (m *model) forget(x *modelRun) {
	for i, r := range m.runs {
		if r == x {
			m.runs = append(m.runs[:i:i], m.runs[i+1:]...)
			return
		}
	}
}

func (m *model) turn(rt *rapid.T) { m.turnOf(m.pick(rt)) }

func (m *model) turnOf(x *modelRun) {
	if x.call != nil && x.call.over {
		x.call = nil
		x.next()
	}
	request := x.request(limit(m.limit), gap(m.gap), forLease(modelLease))
	m.ask(x, request)
	if x.call != nil {
		// A copy speaks for no run: a turn that it gets is used by nobody.
		m.sent = append(m.sent, func() { m.ask(&modelRun{run: x.run, of: x.of}, request) })
	}
}

func (m *model) ask(x *modelRun, request ledger.TurnRequest) {
	u := x.of
	got, err := m.e.Turn(m.t.Context(), request)
	if err != nil {
		m.fail("Turn: %v", err)
	}
	lost := !u.ended && (u.token != x.Token || u.given == request.Turn)
	switch {
	case u.ended != (got.Verdict == ledger.Settled), lost != (got.Verdict == ledger.Lost):
		m.fail("Turn of %s for %s = %q; ended %t, lost %t", u.id, x.Token, got.Verdict, u.ended, lost)
	case u.turn.is(request.Turn) && !u.ended && !lost: // the same turn once more
		if got.Verdict != ledger.Go || got.Calls != u.calls || got.Spent != u.spent {
			m.fail("the same turn of %s = %q, counts %d, %d; want go, %d, %d", u.id, got.Verdict, got.Calls, got.Spent, u.calls, u.spent)
		}
	case got.Verdict == ledger.Wait:
		if got.Wait <= 0 || got.Wait > 10*time.Minute {
			m.fail("wait %s for %s", got.Wait, got.Why)
		}
	case got.Verdict == ledger.Go:
		m.granted(x, request.Turn, got)
	}
}

// granted holds a new call against the promises.
func (m *model) granted(x *modelRun, turn string, got ledger.Turn) {
	u, now := x.of, m.e.at
	most := m.limit
	if m.trouble > 0 {
		most = 1
	}
	under := 0
	for _, c := range m.calls {
		if c.living(now) {
			under++
			if c.of.registered.Update.GroupID == x.Group {
				m.fail("%s and %s are called at once in one group", u.id, c.of.id)
			}
		}
		if c.of.registered.Update.GroupID == x.Group && c.of.seq > u.seq {
			m.fail("%s (seq %d) is called after %s (seq %d)", u.id, u.seq, c.of.id, c.of.seq)
		}
	}
	switch {
	case under >= most:
		m.fail("%d calls are under way; the limit is %d", under+1, most)
	case now.Before(m.nextAt):
		m.fail("a call %s before the pace allows it", m.nextAt.Sub(now))
	case now.Before(m.heldTo):
		m.fail("a call although the account is held for %s", m.heldTo.Sub(now))
	case u.stopped:
		m.fail("%s is called although it is cancelled", u.id)
	case !now.Before(u.registered.Update.ExpiresAt):
		m.fail("%s is called although it has expired", u.id)
	}
	u.calls++
	u.spent++
	if got.Calls != u.calls || got.Spent != u.spent || got.Lease != modelLease {
		m.fail("%s counts %d calls, %d spent, lease %s; want %d, %d, %s", u.id, got.Calls, got.Spent, got.Lease, u.calls, u.spent, modelLease)
	}
	x.call = &modelCall{id: turn, of: u, until: now.Add(modelLease)}
	u.turn, u.granted, m.nextAt = x.call, now, now.Add(m.gap)
	m.calls = append(m.calls, x.call)
}

func (m *model) release(rt *rapid.T) {
	x := m.pick(rt)
	if x.call == nil || x.call.over {
		rt.Skip("no turn")
	}
	request := ledger.ReleaseRequest{Handle: x.Handle, Turn: x.request().Turn, State: tasks.Retrying}
	request.Refund = rapid.SampledFrom([]ledger.Refund{ledger.Nothing, ledger.Attempt, ledger.Call}).Draw(rt, "refund")
	switch rapid.IntRange(0, 3).Draw(rt, "answer") {
	case 0:
		request.Hold = ledger.Hold{First: 5 * time.Second, Most: 20 * time.Second, Why: tasks.Disconnected}
	case 1:
		request.Normal = true
	}
	m.give(x.of, request)
	m.sent = append(m.sent, func() { m.give(x.of, request) })
}

func (m *model) give(u *modelUpdate, request ledger.ReleaseRequest) {
	got, err := m.e.Release(m.t.Context(), request)
	if err != nil {
		m.fail("Release: %v", err)
	}
	want := ledger.Verdict("ok")
	switch {
	case u.ended:
		want = ledger.Settled
	case u.token != request.Token:
		want = ledger.Lost
	}
	if got.Verdict != want {
		m.fail("Release of %s by %s = %q; want %q", u.id, request.Token, got.Verdict, want)
	}
	m.over(request.Turn)
	if !u.turn.is(request.Turn) || u.token != request.Token { // a copy, or somebody else's by now
		return
	}
	u.turn, u.given = nil, request.Turn
	if request.Refund != ledger.Nothing {
		u.spent--
	}
	if request.Refund == ledger.Call {
		u.calls--
	}
	if request.Normal {
		m.normal(u)
	}
	if request.Hold.First > 0 {
		m.hold(request.Hold)
	}
	if left := max(0, m.heldTo.Sub(m.e.at)); got.Hold != left || got.Holds != m.trouble {
		m.fail("Release: hold %s, %d in a row; want %s, %d", got.Hold, got.Holds, left, m.trouble)
	}
}

// normal ends the account's trouble, unless the call began before it.
func (m *model) normal(u *modelUpdate) {
	if u.granted.After(m.heldAt) {
		m.trouble, m.heldTo, m.heldAt = 0, time.Time{}, time.Time{}
	}
}

func (m *model) hold(h ledger.Hold) {
	now, before := m.e.at, m.heldTo
	if now.Before(m.heldTo) {
		if longer := now.Add(min(h.First, h.Most)); longer.After(m.heldTo) {
			m.heldTo = longer
		}
	} else {
		m.heldTo = now.Add(min(h.First<<m.trouble, h.Most))
		m.trouble++
	}
	if m.heldTo.After(before) {
		m.heldAt = now
	}
}

func (m *model) settle(rt *rapid.T) {
	x := m.pick(rt)
	state := rapid.SampledFrom([]tasks.State{tasks.Updated, tasks.Refused, tasks.Failed, tasks.Expired}).Draw(rt, "end")
	s := ledger.Settlement{Handle: x.Handle, Turn: x.request().Turn, Seq: x.claim.Seq, Outcome: x.outcome(m.t, state), Normal: rapid.Bool().Draw(rt, "normal")}
	if state == tasks.Updated {
		s.Accepted = photo1
	}
	m.end(x.of, s)
	m.sent = append(m.sent, func() { m.end(x.of, s) })
}

func (m *model) end(u *modelUpdate, s ledger.Settlement) {
	verdict, recorded, err := m.e.Settle(m.t.Context(), s)
	if err != nil {
		m.fail("Settle: %v", err)
	}
	m.over(s.Turn)
	want := ledger.Verdict("")
	switch {
	case u.ended:
		if !cmp.Equal(s.Outcome, u.outcome) { // a copy of the recorded one is told that it is
			want = ledger.Settled
		}
		if !cmp.Equal(recorded, u.outcome) {
			m.fail("%s is told to have ended as %+v; first %+v", u.id, recorded, u.outcome)
		}
	case u.token != s.Token && s.Outcome.State != tasks.Updated:
		want = ledger.Lost
	default:
		u.ended, u.outcome, u.turn = true, s.Outcome, nil
		if s.Normal && u.token == s.Token {
			m.normal(u)
		}
	}
	if verdict != want {
		m.fail("Settle of %s by %s as %s = %q; want %q", u.id, s.Token, s.Outcome.State, verdict, want)
	}
}

func (m *model) cancel(rt *rapid.T) {
	u := rapid.SampledFrom(m.updates).Draw(rt, "update")
	cancel := func() {
		what, r, err := m.e.Cancel(m.t.Context(), account, u.id, "somebody")
		want := ledger.CancelledNow
		switch {
		case u.ended:
			want = ledger.EndedBefore
		case u.turn.living(m.e.at):
			want = ledger.CancelledLater
		}
		if err != nil || what != want {
			m.fail("Cancel of %s = %d, %v; want %d", u.id, what, err, want)
		}
		if what == ledger.CancelledNow {
			u.ended, u.turn, u.outcome = true, nil, r.Outcome
		}
		u.stopped = true
	}
	cancel()
	m.sent = append(m.sent, cancel)
}

func (m *model) crash(rt *rapid.T) { m.forget(m.pick(rt)) }

func (m *model) pass(rt *rapid.T) {
	m.e.pass(m.t, rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, modelGap, 10 * time.Second, modelLease}).Draw(rt, "time"))
}

func (m *model) repeat(rt *rapid.T) { rapid.SampledFrom(m.sent).Draw(rt, "script")() }
