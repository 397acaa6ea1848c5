// Package rowtest carries rows of campaigns through the ledger in tests, as a worker
// does, without one: claim, turn, release and settle of one run per feed.
package rowtest

import (
	"context"
	"fmt"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// Held is the verdict on a row that another run is calling.
const Held ledger.RowVerdict = "held"

// Handle is the run of a fed row. The same row fed once has one run.
func Handle(row ledger.FedRow) ledger.Handle {
	return ledger.Handle{Account: row.Account, ID: row.ID(), Group: row.Given.Group, Token: row.ID(), Row: &row.RowRef}
}

func turnOf(row ledger.FedRow) string { return row.ID() + ".1" }

// Call claims a row and takes a turn for it: RowOK, or why not. Nothing holds the
// account back.
func Call(ctx context.Context, l *ledger.Ledger, row ledger.FedRow) (ledger.RowVerdict, error) {
	if v, err := claim(ctx, l, row); err != nil || v != ledger.RowOK {
		return v, err
	}
	turn, err := l.Turn(ctx, ledger.TurnRequest{
		Handle: Handle(row), Turn: turnOf(row), Seq: row.Seq, Lease: 5 * time.Minute, Limit: 100_000, Process: "rowtest", Bulk: true,
	})
	if v, over := verdict(turn.Verdict, turn.Row); err != nil || over {
		return v, err
	}
	if turn.Verdict == ledger.Lost { // the row has left since the claim
		return ledger.RowStale, nil
	}
	if turn.Verdict != ledger.Go {
		return "", fmt.Errorf("row %s got the turn %q (%s)", row.ID(), turn.Verdict, turn.Why)
	}
	return ledger.RowOK, nil
}

func claim(ctx context.Context, l *ledger.Ledger, row ledger.FedRow) (ledger.RowVerdict, error) {
	u := row.Update(ledger.Campaign{Expires: time.Now().Add(time.Hour)}, "", time.Now())
	claim, err := l.Claim(ctx, Handle(row), u)
	if v, over := verdict(claim.Verdict, claim.Why); err != nil || over {
		return v, err
	}
	return ledger.RowOK, nil
}

func verdict(v ledger.Verdict, gone ledger.RowVerdict) (row ledger.RowVerdict, over bool) {
	switch v {
	case ledger.Gone:
		return gone, true
	case ledger.Held:
		return Held, true
	case ledger.IsStopped, ledger.IsExpired:
		return ledger.RowClosed, true
	}
	return "", false
}

// Snooze is a run that ends without an end of its row, called or not: the row is fed
// again. RowStale: the run has no row.
func Snooze(ctx context.Context, l *ledger.Ledger, row ledger.FedRow, after time.Duration) (ledger.RowVerdict, error) {
	if v, err := claim(ctx, l, row); err != nil || v != ledger.RowOK && v != ledger.RowClosed {
		return v, err
	}
	released, err := l.Release(ctx, ledger.ReleaseRequest{
		Handle: Handle(row), Turn: turnOf(row), State: tasks.Waiting, Again: after, Seq: row.Seq, Process: "rowtest",
	})
	if err == nil && released.Verdict == ledger.Lost {
		return ledger.RowStale, nil
	}
	return ledger.RowOK, err
}

// Settle ends a row, called or not: RowOK, RowEnded when it had another end, RowStale
// when the run has no row. An updated row's group shows its photo. last says that it
// was its part's last.
func Settle(ctx context.Context, l *ledger.Ledger, row ledger.FedRow, e ledger.RowEnd) (v ledger.RowVerdict, last bool, err error) {
	o := tasks.Outcome{
		ID: row.ID(), Account: row.Account, GroupID: row.Given.Group, Campaign: row.Campaign, State: e.State, Value: e.Value, Reason: e.Reason,
		Detail: e.Detail, Attempts: e.Attempts, HTTPStatus: e.HTTPStatus, Photo: e.Photo, PreviousPhoto: e.PreviousPhoto, FinishedAt: e.FinishedAt,
	}
	if !e.FinishedAt.IsZero() {
		o.StartedAt = e.FinishedAt.Add(-e.Took)
	}
	s := ledger.Settlement{Handle: Handle(row), Turn: turnOf(row), Outcome: o, Seq: row.Seq, Process: "rowtest"}
	if e.State == tasks.Updated {
		s.Accepted = e.Photo
	}
	recorded, err := l.Settle(ctx, s)
	switch recorded.Verdict {
	case ledger.Lost:
		v = ledger.RowStale
	case ledger.Settled:
		v = ledger.RowEnded
	case "":
		v = ledger.RowOK
	}
	return v, recorded.LastRow, err
}
