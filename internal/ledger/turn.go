package ledger

import (
	"context"
	_ "embed"
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed turn.lua
var turnLua string

//go:embed release.lua
var releaseLua string

var (
	turnScript    = newScript(turnLua)
	releaseScript = newScript(releaseLua)
)

// TurnRequest asks for the right to make one call.
type TurnRequest struct {
	Handle
	// Turn differs for every call of a run.
	Turn string
	Seq  int64
	// Lease is how long the turn lasts at most: HTTP time-out and a margin, up
	// to MaxLease.
	Lease time.Duration
	// Limit is the account's calls in flight over all processes, at least 1.
	Limit int
	// Gap is the time to the account's next turn, jitter included, and MaxGap the
	// longest it can be: what a script believes of a stored time.
	Gap, MaxGap time.Duration
	// Photo is the finished photo's reference, "" when none was made.
	Photo         string
	SkipUnchanged bool
}

// Turn is the answer to a TurnRequest.
type Turn struct {
	Verdict Verdict
	// Lease is what is left of the turn, for Go.
	Lease time.Duration
	// Wait is when to ask again, for Wait; Why is pace, limit, group, hold or paused.
	Wait time.Duration
	Why  string
	// Reason is why the account is held, when Why is hold.
	Reason tasks.Reason
	// Previous, Calls and Spent as in Claim, this call included, for Go.
	Previous     string
	Calls, Spent int
	By           string        // as in Claim
	Outcome      tasks.Outcome // for Settled
}

// Turn asks for a turn: it is granted, or refused with a time to wait, or the
// update has ended meanwhile. Asking again with the same Turn after a lost
// reply gives the same turn.
func (l *Ledger) Turn(ctx context.Context, r TurnRequest) (Turn, error) {
	answer, err := l.run(ctx, "asking for a turn", turnScript, r.keys(),
		r.Token, r.Turn, r.ID, r.Seq, millis(r.Lease), max(1, r.Limit), millis(r.Gap), millis(min(max(r.Gap, r.MaxGap), maxGap)),
		r.Photo, flag(r.SkipUnchanged), millis(l.groupLife()), millis(maxHold), millis(MaxLease))
	if err != nil {
		return Turn{}, err
	}
	t := Turn{Verdict: Verdict(answer.text(0))}
	switch t.Verdict {
	case Settled:
		t.Outcome, err = decodeOutcome(answer.text(1))
	case Wait:
		t.Wait, t.Why, t.Reason = answer.duration(1), answer.text(2), tasks.Reason(answer.text(3))
	case Go:
		t.Lease, t.Previous = answer.duration(1), answer.text(2)
		t.Calls, t.Spent = int(answer.number(3)), int(answer.number(4))
	default:
		t.By = answer.text(1)
	}
	return t, err
}

func (h Handle) keys() []string {
	return []string{keyRecord(h.Account, h.ID), keyLane(h.Account), keyTurns(h.Account), keyGroup(h.Account, h.Group)}
}

// Refund is what a Release gives back of the turn.
type Refund string

// The refunds: an attempt is given back when the account and not the update is
// to blame, a call when it never went out.
const (
	Nothing Refund = ""
	Attempt Refund = "attempt"
	Call    Refund = "call"
)

// Hold stops all turns of an account for a while. The n-th hold in a row lasts
// First × 2ⁿ⁻¹, at most Most; a normal answer ends the row. The zero value holds
// nothing.
type Hold struct {
	First, Most time.Duration
	Why         tasks.Reason
}

// ReleaseRequest ends a turn, or a run without one, without ending the update.
type ReleaseRequest struct {
	Handle
	Turn   string // "" for a run that had no turn
	Refund Refund
	// State is tasks.Waiting or tasks.Retrying; Reason, Detail, HTTPStatus and
	// Again (from now) are what people see until the next run.
	State      tasks.State
	Reason     tasks.Reason
	Detail     string
	HTTPStatus int
	Again      time.Duration
	// Policy is kept for the next Claim.
	Policy string
	Hold   Hold
	// Normal says that the provider gave an answer about this update, so the
	// account works.
	Normal bool
}

// Released answers a ReleaseRequest.
type Released struct {
	// Verdict is Settled when the update ended meanwhile, Lost when another run
	// has claimed it, "ok" else.
	Verdict Verdict
	// Hold is how long the account is held from now on, Holds how often in a row.
	Hold  time.Duration
	Holds int
	// Cancelling says that somebody cancelled the update meanwhile: it ends when
	// it is claimed next.
	Cancelling bool
}

// Release gives a turn back. Sending it again after a lost reply is safe.
func (l *Ledger) Release(ctx context.Context, r ReleaseRequest) (Released, error) {
	answer, err := l.run(ctx, "giving the turn back", releaseScript, r.keys(),
		r.Token, r.Turn, string(r.Refund), string(r.State), string(r.Reason), r.Detail, millis(r.Again), r.HTTPStatus, r.Policy,
		millis(r.Hold.First), millis(min(max(r.Hold.Most, r.Hold.First), maxHold)), string(r.Hold.Why), flag(r.Normal), millis(maxHold))
	if err != nil {
		return Released{}, err
	}
	return Released{
		Verdict: Verdict(answer.text(0)), Hold: answer.duration(1), Holds: int(answer.number(2)),
		Cancelling: answer.text(3) != "",
	}, nil
}
