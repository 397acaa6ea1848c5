package ledger_test

import (
	"time"

	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/ledger/rowtest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// claim is what a run of the task finds, and what its claim changes.
func (x modelTask) claim() ledger.RowVerdict {
	r := x.row
	switch {
	case !x.current():
		return ledger.RowStale
	case r.state.Ended():
		return ledger.RowEnded
	case r.asleep():
		return ledger.RowStale
	case r.turn && r.holder != x.ID():
		return rowtest.Held
	case x.c.closed == "" && x.c.paused:
		r.back(true)
		return ledger.RowPaused
	}
	r.holder = x.ID()
	if x.c.closed != "" {
		return ledger.RowClosed
	}
	return ledger.RowOK
}

func (m *rowsModel) call(rt *rapid.T) {
	x := m.task(rt)
	want := x.claim()
	if want == ledger.RowOK {
		if !x.row.turn {
			x.row.calls++
		}
		x.row.state, x.row.turn = tasks.Calling, true
	}
	got, err := rowtest.Call(m.t.Context(), m.e.Ledger, x.FedRow)
	m.want("a call", x, got, err, want)
}

func (m *rowsModel) snooze(rt *rapid.T) {
	x := m.task(rt)
	after := rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(rt, "after")
	want := x.claim()
	if want == ledger.RowOK || want == ledger.RowClosed {
		want = ledger.RowOK
		x.row.turn = false
		x.row.back(after == 0)
	}
	got, err := rowtest.Snooze(m.t.Context(), m.e.Ledger, x.FedRow, after)
	m.want("putting off", x, got, err, want)
}

func (m *rowsModel) settle(rt *rapid.T) {
	x := m.task(rt)
	e := ledger.RowEnd{
		State:    rapid.SampledFrom([]tasks.State{tasks.Updated, tasks.Refused, tasks.Failed, tasks.Superseded, tasks.Expired, tasks.Cancelled}).Draw(rt, "end"),
		Reason:   rapid.SampledFrom([]tasks.Reason{"", tasks.NotAdmin, tasks.NoAnswer}).Draw(rt, "reason"),
		Attempts: rapid.IntRange(0, 2).Draw(rt, "attempts"), FinishedAt: time.UnixMilli(1_800_000_000_000), Photo: photo1,
	}
	want := x.settle(e)
	got, _, err := rowtest.Settle(m.t.Context(), m.e.Ledger, x.FedRow, e)
	m.want("the end as "+string(e.State), x, got, err, want)
}

// settle is what an end that a task's run brings home comes to. While the row has a
// record it is the run's that claimed it last, whatever has been fed since; a true
// answer is everybody's.
func (x modelTask) settle(e ledger.RowEnd) ledger.RowVerdict {
	r := x.row
	if r.transit || r.account != x.Account || r.number != x.Row {
		return ledger.RowStale
	}
	switch {
	case r.holder == "" && r.feed != x.Feed:
		return ledger.RowStale
	case r.holder != "" && r.holder != x.ID() && e.State != tasks.Updated:
		return ledger.RowStale
	case r.state.Ended() && r.end.State == e.State && r.end.Reason == e.Reason && r.end.Attempts == e.Attempts:
		return ledger.RowOK
	case r.state.Ended():
		return ledger.RowEnded
	}
	r.state, r.end, r.fed = e.State, e, false
	r.settled[r.feed]++
	r.forget()
	return ledger.RowOK
}
