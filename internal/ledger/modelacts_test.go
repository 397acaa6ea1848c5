package ledger_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

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

func (m *model) repeat(rt *rapid.T) {
	if len(m.sent) == 0 {
		rt.Skip("nothing was sent")
	}
	rapid.SampledFrom(m.sent).Draw(rt, "script")()
}

// pause and resume are an operator's, or somebody's who uses asynq's web UI.
func (m *model) pause(rt *rapid.T) {
	ctx := m.t.Context()
	if rapid.Bool().Draw(rt, "there") {
		// asynq's own tools put the time there, and only where nothing is.
		set, err := m.e.rdb.SetNX(ctx, flagKey(tasks.Queue(account)), m.e.at.Unix(), 0).Result()
		must(m.t, err)
		m.lane.paused = m.lane.paused || set
		m.mirror(rt)
		return
	}
	_, err := m.e.Pause(ctx, account, "op", "")
	must(m.t, err)
	m.lane.paused = true
}

func (m *model) resume(rt *rapid.T) {
	ctx := m.t.Context()
	m.mirror(rt) // a flag that is only just gone or there is somebody's wish
	if rapid.Bool().Draw(rt, "there") {
		was, err := m.e.rdb.Del(ctx, flagKey(tasks.Queue(account))).Result()
		must(m.t, err)
		m.lane.paused = m.lane.paused && was == 0
		m.mirror(rt)
		return
	}
	_, err := m.e.Resume(ctx, account, "op")
	must(m.t, err)
	m.lane.paused = false
}

// mirror is one of the processes that keep asynq's flag in line.
func (m *model) mirror(*rapid.T) {
	_, err := m.e.Mirror(m.t.Context(), account)
	must(m.t, err)
	want := m.lane.paused || m.lane.trouble > 0 && m.e.at.Before(m.lane.hold)
	for _, queue := range []string{tasks.Queue(account), tasks.BulkQueue(account)} {
		if m.e.flagged(m.t, queue) != want {
			m.fail("asynq's flag of %s is there: %t; want %t", queue, !want, want)
		}
	}
}

// probe is the process that asks for the account's status when that is due.
func (m *model) probe(rt *rapid.T) {
	statuses := []ledger.Status{ledger.StatusUp, ledger.StatusDown, ledger.StatusAway, ledger.StatusUnknown}
	m.probeWith(rapid.SampledFrom(statuses).Draw(rt, "status"))
}

func (m *model) probeWith(s ledger.Status) {
	ctx := m.t.Context()
	due := m.lane.trouble > 0 && !m.lane.probeAt.IsZero() && !m.e.at.Before(m.lane.probeAt)
	mine, err := m.e.BeginProbe(ctx, account, "probe", time.Second)
	if err != nil || mine != due {
		m.fail("BeginProbe = %t, %v; want %t", mine, err, due)
	}
	if !mine {
		return
	}
	m.lane.probed(m.e.at, s)
	hold, err := m.e.Probed(ctx, account, "probe", s, tasks.Disconnected, "", modelFirst, modelMost)
	if want := max(0, m.lane.hold.Sub(m.e.at)); err != nil || hold != want {
		m.fail("Probed %s = %s, %v; want %s", s, hold, err, want)
	}
}

// again sends an ended update once more: as a new wish, with nothing held against it.
func (m *model) again(rt *rapid.T) {
	u := rapid.SampledFrom(m.updates).Draw(rt, "update")
	if !u.ended || m.living(u) {
		rt.Skip("it has not ended")
	}
	r, ok, err := m.e.Reopen(m.t.Context(), account, u.id, modelExpiry)
	if err != nil || !ok || r.Update.Seq <= u.seq {
		m.fail("Reopen of %s = seq %d, %t, %v; it had %d", u.id, r.Update.Seq, ok, err, u.seq)
	}
	ends := u.ends + 1
	*u = modelUpdate{id: u.id, registered: ledger.Registered{Update: r.Update}, seq: r.Update.Seq, ends: ends}
	m.sent = nil // copies of scripts about what was before belong to it no more
	for _, x := range slices.Clone(m.runs) {
		if x.of == u {
			m.forget(x)
		}
	}
}

// living says whether a call of the update is under way as far as Redis knows.
func (m *model) living(u *modelUpdate) bool {
	return slices.ContainsFunc(m.calls, func(c *modelCall) bool { return c.of == u && c.living(m.e.at) })
}
