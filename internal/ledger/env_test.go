package ledger_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	account = "main"
	groupA  = tasks.GroupID("120363019502650977-group")
	groupB  = tasks.GroupID("5511999999999-1623281429")
	lease   = time.Second
	keep    = 40 * 24 * time.Hour
)

var (
	photo1 = "sha256:" + strings.Repeat("1", 64)
	photo2 = "sha256:" + strings.Repeat("2", 64)
)

// env is a ledger on a Redis whose clock a test can let pass. On miniredis the
// clock stands still between two calls of pass, so times are exact there.
type env struct {
	*ledger.Ledger
	rdb  redis.UniversalClient
	mini *redistest.MiniServer // nil on a real server
	at   time.Time             // the clock of mini
}

// each runs f on miniredis and on a real Redis.
func each(t *testing.T, f func(t *testing.T, e *env)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) { t.Parallel(); f(t, newMini(t)) })
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		rdb := redistest.Real(t).Client(t)
		f(t, &env{Ledger: ledger.New(rdb, keep), rdb: rdb})
	})
}

func newMini(t testing.TB) *env {
	t.Helper()
	m := redistest.Mini(t)
	rdb := m.Client(t)
	e := &env{Ledger: ledger.New(rdb, keep), rdb: rdb, mini: m, at: time.Now().UTC().Truncate(time.Millisecond)}
	m.SetTime(e.at)
	m.ClockTTL(true)
	return e
}

// clock is Redis' own time.
func (e *env) clock(t testing.TB) time.Time {
	t.Helper()
	now, err := e.rdb.Time(t.Context()).Result()
	if err != nil {
		t.Fatalf("asking Redis for the time: %v", err)
	}
	return now
}

// pass lets d go by on Redis' clock.
func (e *env) pass(t testing.TB, d time.Duration) {
	t.Helper()
	if e.mini != nil {
		e.at = e.at.Add(d)
		e.mini.SetTime(e.at)
		return
	}
	until := e.clock(t).Add(d)
	redistest.Eventually(t, d+10*time.Second, func() bool { return !e.clock(t).Before(until) }, "Redis' clock should go on by %s", d)
}

// left checks a time that runs down: exact where the clock stands still.
func (e *env) left(t testing.TB, what string, got, want time.Duration) {
	t.Helper()
	if got > want || got <= 0 && want > 0 || e.mini != nil && got != want {
		t.Errorf("%s is %s; want %s", what, got, want)
	}
}

func (e *env) ttlAtLeast(t testing.TB, key string, want time.Duration) {
	t.Helper()
	got, err := e.rdb.PTTL(t.Context(), key).Result()
	if err != nil || got < want-time.Minute {
		t.Errorf("%s is kept for %s (%v); want at least %s", key, got, err, want)
	}
}

func (e *env) put(t testing.TB, key string, pairs ...any) {
	t.Helper()
	if err := e.rdb.HSet(t.Context(), key, pairs...).Err(); err != nil {
		t.Fatalf("writing to %s: %v", key, err)
	}
}

func key(rest string) string       { return "groupphoto:{" + account + "}:" + rest }
func record(id string) string      { return key("u:" + id) }
func group(g tasks.GroupID) string { return key("g:" + string(g)) }
func ms(at time.Time) string       { return strconv.FormatInt(at.UnixMilli(), 10) }

// entry is a plain update of group A, to be enqueued now.
func (e *env) entry(t testing.TB, id string, changes ...func(*ledger.Entry)) ledger.Entry {
	t.Helper()
	now := e.clock(t).UTC().Truncate(time.Millisecond)
	n := ledger.Entry{ID: id, Update: tasks.Update{
		GroupID: groupA, Photo: tasks.MadeRef(strings.Repeat("1", 64)), Account: account, Ref: "ref-" + id, By: "tests",
		EnqueuedAt: now, ExpiresAt: now.Add(24 * time.Hour),
	}}
	for _, change := range changes {
		change(&n)
	}
	return n
}

func inGroupB(n *ledger.Entry) { n.Update.GroupID = groupB }

// enter registers updates and returns what their tasks carry.
func (e *env) enter(t testing.TB, entries ...ledger.Entry) []ledger.Registered {
	t.Helper()
	got, err := e.Register(t.Context(), account, entries)
	if err != nil {
		t.Fatalf("Register: %v", err)
	}
	return got
}

// run is one run of an update, as a worker has it.
type run struct {
	e *env
	ledger.Handle
	update tasks.Update
	claim  ledger.Claim
	turns  int
	// claimed counts the claims that came after the first.
	claimed int
	// process is the worker that it is a run of.
	process string
}

// start claims an update for a run of its own; want is the verdict.
func (e *env) start(t testing.TB, r ledger.Registered, id, token string, want ledger.Verdict) *run {
	t.Helper()
	x := &run{e: e, Handle: ledger.Handle{Account: account, ID: id, Group: r.Update.GroupID, Token: token}, update: r.Update, process: "p1"}
	c, err := e.Claim(t.Context(), x.Handle, x.update)
	if err != nil || c.Verdict != want {
		t.Fatalf("Claim of %s as %s = %q, %v; want %q", id, token, c.Verdict, err, want)
	}
	x.claim = c
	return x
}

// started enters one update and claims it.
func (e *env) started(t testing.TB, id string, changes ...func(*ledger.Entry)) *run {
	t.Helper()
	return e.start(t, e.enter(t, e.entry(t, id, changes...))[0], id, id+"-run", ledger.Run)
}

func (x *run) request(changes ...func(*ledger.TurnRequest)) ledger.TurnRequest {
	r := ledger.TurnRequest{
		Handle: x.Handle, Turn: x.Token + "." + strconv.Itoa(x.turns), Seq: x.claim.Seq,
		Lease: lease, MaxGap: time.Hour, Limit: 1, Photo: photo1, Process: x.process,
	}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func limit(n int) func(*ledger.TurnRequest)         { return func(r *ledger.TurnRequest) { r.Limit = n } }
func gap(d time.Duration) func(*ledger.TurnRequest) { return func(r *ledger.TurnRequest) { r.Gap = d } }
func forLease(d time.Duration) func(*ledger.TurnRequest) {
	return func(r *ledger.TurnRequest) { r.Lease = d }
}

// next begins another turn of the run: its requests carry a new id.
func (x *run) next() *run { x.turns++; return x }

// ask asks for the run's turn and wants a verdict.
func (x *run) ask(t testing.TB, want ledger.Verdict, changes ...func(*ledger.TurnRequest)) ledger.Turn {
	t.Helper()
	got, err := x.e.Turn(t.Context(), x.request(changes...))
	if err != nil || got.Verdict != want {
		t.Fatalf("Turn of %s = %q (why %q, wait %s, by %q), %v; want %q", x.Token, got.Verdict, got.Why, got.Wait, got.By, err, want)
	}
	return got
}

// give gives the run's turn back.
func (x *run) give(t testing.TB, want ledger.Verdict, changes ...func(*ledger.ReleaseRequest)) ledger.Released {
	t.Helper()
	r := ledger.ReleaseRequest{
		Handle: x.Handle, Turn: x.request().Turn, Seq: x.claim.Seq, Process: x.process, State: tasks.Retrying, Reason: tasks.Unavailable,
	}
	for _, change := range changes {
		change(&r)
	}
	got, err := x.e.Release(t.Context(), r)
	if err != nil || got.Verdict != want {
		t.Fatalf("Release of %s = %q, %v; want %q", x.Token, got.Verdict, err, want)
	}
	return got
}

// says gives an answer back with the turn: one of a kind, with the first and the
// longest hold or the rest.
func says(said ledger.Said, first, most time.Duration) func(*ledger.ReleaseRequest) {
	return func(r *ledger.ReleaseRequest) {
		r.Answer = ledger.Answer{Said: said, Why: tasks.Disconnected, Detail: "the provider's words", First: first, Most: most, Trip: 1}
	}
}

// said is the answer of a settlement.
func said(kind ledger.Said) func(*ledger.Settlement) {
	return func(s *ledger.Settlement) { s.Answer = ledger.Answer{Said: kind} }
}

// probeIfDue asks for the account's status where that is due, and learns s.
func (e *env) probeIfDue(t testing.TB, s ledger.Status) bool {
	t.Helper()
	mine, err := e.BeginProbe(t.Context(), account, "probe", time.Second)
	if err == nil && mine {
		_, err = e.Probed(t.Context(), account, "probe", s, tasks.Disconnected, "", time.Minute, time.Hour)
	}
	if err != nil {
		t.Fatal(err)
	}
	return mine
}

func refund(f ledger.Refund) func(*ledger.ReleaseRequest) {
	return func(r *ledger.ReleaseRequest) { r.Refund = f }
}

func normal(r *ledger.ReleaseRequest) { r.Answer = ledger.Answer{Said: ledger.SaidNormal} }

// outcome is the run's end in a state.
func (x *run) outcome(t testing.TB, state tasks.State) tasks.Outcome {
	o := tasks.Outcome{
		ID: x.ID, Account: account, GroupID: x.Group, State: state, Ref: x.update.Ref, Attempts: 1,
		EnqueuedAt: x.claim.EnqueuedAt, StartedAt: x.claim.Started, FinishedAt: x.e.clock(t).UTC().Truncate(time.Millisecond),
	}
	switch state {
	case tasks.Updated:
		value := true
		o.Value, o.Photo = &value, photo1
	case tasks.Failed:
		o.Reason = tasks.Unavailable
	}
	return o
}

// end settles the run; want is "" where it is recorded.
func (x *run) end(t testing.TB, state tasks.State, want ledger.Verdict, changes ...func(*ledger.Settlement)) tasks.Outcome {
	t.Helper()
	s := ledger.Settlement{Handle: x.Handle, Turn: x.request().Turn, Seq: x.claim.Seq, Process: x.process, Outcome: x.outcome(t, state)}
	if state == tasks.Updated {
		s.Accepted = photo1
	}
	for _, change := range changes {
		change(&s)
	}
	got, err := x.e.Settle(t.Context(), s)
	if err != nil || got.Verdict != want {
		t.Fatalf("Settle of %s as %s = %q, %v; want %q", x.Token, state, got.Verdict, err, want)
	}
	return got.Outcome
}

// ends lists the entries of the account's stream as "id state".
func (e *env) ends(t testing.TB) []string {
	t.Helper()
	entries, err := e.rdb.XRange(t.Context(), key("outcomes"), "-", "+").Result()
	if err != nil {
		t.Fatalf("reading the stream: %v", err)
	}
	var out []string
	for _, m := range entries {
		id, _ := m.Values["id"].(string)
		state, _ := m.Values["state"].(string)
		out = append(out, id+" "+state)
	}
	return out
}

func (e *env) look(t testing.TB, id string) ledger.Record {
	t.Helper()
	r, err := e.Record(t.Context(), account, id)
	if err != nil {
		t.Fatalf("Record of %s: %v", id, err)
	}
	return r
}
