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
	lane    laneModel
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
	guilty         int       // convictions since its last normal answer
	suspected      time.Time // since when the trouble was that its last answer told of
	ended, stopped bool
	ends           int // in the stream, before it was sent again
	outcome        tasks.Outcome
}

type modelRun struct {
	*run
	of      *modelUpdate
	call    *modelCall
	process string
	bulk    bool
}

type modelCall struct {
	id    string // the turn's
	of    *modelUpdate
	seq   int64 // the update's, as it was called
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
	case c.Calls != u.calls || c.Spent != u.spent || c.Guilty != u.guilty:
		m.fail("%s counts %d calls, %d spent, %d guilty; want %d, %d, %d", u.id, c.Calls, c.Spent, c.Guilty, u.calls, u.spent, u.guilty)
	case u.stopped && c.Verdict == ledger.Run:
		m.fail("%s may run although it is cancelled", u.id)
	}
	u.seq = c.Seq
	if u.token != token {
		u.token, u.turn = token, nil
	}
	if fresh {
		m.runs = append(m.runs, &modelRun{of: u, process: token[:2], bulk: len(token)%2 == 0, run: &run{e: m.e, Handle: h, update: u.registered.Update, claim: c}})
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
	request := x.request(limit(m.limit), gap(m.gap), forLease(modelLease), func(r *ledger.TurnRequest) { r.Process, r.Bulk = x.process, x.bulk })
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
	if m.lane.trouble > 0 {
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
		if c.of.registered.Update.GroupID == x.Group && c.seq > u.seq {
			m.fail("%s (seq %d) is called after %s (seq %d)", u.id, u.seq, c.of.id, c.seq)
		}
	}
	switch {
	case under >= most:
		m.fail("%d calls are under way; the limit is %d", under+1, most)
	case m.lane.closed(now, u) != "":
		m.fail("%s is called against %s", u.id, m.lane.closed(now, u))
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
	x.call = &modelCall{id: turn, of: u, seq: u.seq, until: now.Add(modelLease)}
	u.turn, u.granted = x.call, now
	m.lane.granted(now, m.gap)
	m.calls = append(m.calls, x.call)
}

func (m *model) release(rt *rapid.T) {
	x := m.pick(rt)
	if x.call == nil || x.call.over {
		rt.Skip("no turn")
	}
	request := ledger.ReleaseRequest{Handle: x.Handle, Turn: x.request().Turn, State: tasks.Retrying}
	kinds := []ledger.Said{
		ledger.SaidNothing, ledger.SaidTrue, ledger.SaidFalse, ledger.SaidNormal, ledger.SaidSlower, ledger.SaidAccount, ledger.SaidAccount, ledger.SaidFailing,
	}
	if m.e.mini == nil { // times that run cannot be foretold to the millisecond
		kinds = kinds[:4]
	}
	said := rapid.SampledFrom(kinds).Draw(rt, "answer")
	request.Answer = modelAnswer(said)
	switch said {
	case ledger.SaidSlower, ledger.SaidAccount:
		request.Refund = ledger.Attempt
	case ledger.SaidNothing:
		request.Refund = rapid.SampledFrom([]ledger.Refund{ledger.Nothing, ledger.Attempt, ledger.Call}).Draw(rt, "refund")
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
	m.lane.answer(m.e.at, u, request.Answer.Said, m.convict)
	left := time.Duration(0)
	if m.lane.trouble > 0 {
		left = max(0, m.lane.hold.Sub(m.e.at))
	}
	if got.Hold != left || got.Holds != m.lane.trouble {
		m.fail("Release after %q: hold %s, %d in a row; want %s, %d", request.Answer.Said, got.Hold, got.Holds, left, m.lane.trouble)
	}
}

func modelAnswer(said ledger.Said) ledger.Answer {
	return ledger.Answer{Said: said, First: modelFirst, Most: modelMost, Trip: modelTrip, Why: tasks.Unavailable}
}

// convict spends an attempt of an update that was told of trouble which others do not have.
func (m *model) convict(id string) {
	for _, u := range m.updates {
		if u.id == id && !u.ended && u.suspected.Equal(m.lane.since) {
			u.guilty++
			u.spent++
		}
	}
}

func (m *model) settle(rt *rapid.T) {
	x := m.pick(rt)
	state := rapid.SampledFrom([]tasks.State{tasks.Updated, tasks.Refused, tasks.Failed, tasks.Expired}).Draw(rt, "end")
	s := ledger.Settlement{Handle: x.Handle, Turn: x.request().Turn, Seq: x.claim.Seq, Outcome: x.outcome(m.t, state)}
	s.Answer = modelAnswer(rapid.SampledFrom([]ledger.Said{ledger.SaidNothing, ledger.SaidTrue, ledger.SaidNormal}).Draw(rt, "answer"))
	if state == tasks.Updated {
		s.Accepted = photo1
	}
	m.end(x.of, s)
	m.sent = append(m.sent, func() { m.end(x.of, s) })
}

func (m *model) end(u *modelUpdate, s ledger.Settlement) {
	got, err := m.e.Settle(m.t.Context(), s)
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
		if !cmp.Equal(got.Outcome, u.outcome) {
			m.fail("%s is told to have ended as %+v; first %+v", u.id, got.Outcome, u.outcome)
		}
	case u.token != s.Token && s.Outcome.State != tasks.Updated:
		want = ledger.Lost
	default:
		turn := u.turn
		u.ended, u.outcome, u.turn = true, s.Outcome, nil
		if u.token == s.Token && turn.is(s.Turn) {
			m.lane.answer(m.e.at, u, s.Answer.Said, m.convict)
		}
	}
	if got.Verdict != want {
		m.fail("Settle of %s by %s as %s = %q; want %q", u.id, s.Token, s.Outcome.State, got.Verdict, want)
	}
}
