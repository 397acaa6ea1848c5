package ledger

import (
	"context"
	_ "embed"
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed turn.lua
var turnLua string

//go:embed wrote.lua
var wroteLua string

//go:embed release.lua
var releaseLua string

var (
	turnScript       = newLaneScript(turnLua)
	turnRowScript    = newRowScript(laneLua + "\n" + turnLua)
	wroteScript      = newScript(wroteLua)
	releaseScript    = newLaneScript(answerLua + "\n" + releaseLua)
	releaseRowScript = newRowScript(laneLua + "\n" + answerLua + "\n" + releaseLua)
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
	// Process is who asks: processes take their turns one after the other. It
	// differs between processes and has no space in it.
	Process string
	// Bulk says that it is a campaign's row, which lets single updates go first.
	Bulk bool
}

// Turn is the answer to a TurnRequest.
type Turn struct {
	Verdict Verdict
	// Lease is what is left of the turn, for Go.
	Lease time.Duration
	// Wait is when to ask again, for Wait; Why says what for.
	Wait time.Duration
	Why  Obstacle
	// Reason is why the account is held, for ByHold and BySuspicion.
	Reason tasks.Reason
	// Previous, Calls and Spent as in Claim, this call included, for Go.
	Previous     string
	Calls, Spent int
	By           string        // as in Claim
	Outcome      tasks.Outcome // for Settled
	Row          RowVerdict    // for Gone, as Why in Claim
}

// Obstacle is what a turn has to wait for.
type Obstacle string

// The obstacles.
const (
	ByPace      Obstacle = "pace"
	ByLimit     Obstacle = "limit"     // calls in flight
	ByLine      Obstacle = "line"      // another process has waited longer
	BySingle    Obstacle = "single"    // a single update goes before this campaign row
	ByThrottle  Obstacle = "throttled" // the provider wants to be left alone for a while
	ByGroup     Obstacle = "group"     // another update of the group comes first
	ByHold      Obstacle = "hold"      // the account is in trouble
	BySuspicion Obstacle = "suspect"   // others go first, to see whose fault it is
	ByPause     Obstacle = "paused"    // an operator stopped the account
)

// Turn asks for a turn: it is granted, or refused with a time to wait, or the
// update has ended meanwhile. Asking again with the same Turn after a lost
// reply gives the same turn.
func (l *Ledger) Turn(ctx context.Context, r TurnRequest) (Turn, error) {
	script, keys, args := r.withRow(turnScript, turnRowScript, r.keys(), []any{
		r.Token, r.Turn, r.name(), r.Seq, millis(r.Lease), max(1, r.Limit), millis(r.Gap), millis(min(max(r.Gap, r.MaxGap), maxGap)),
		packPhoto(r.Photo), flag(r.SkipUnchanged), millis(l.groupLife()), millis(maxHold), millis(MaxLease), r.Process, flag(r.Bulk),
	})
	answer, err := l.run(ctx, "asking for a turn", script, keys, args...)
	if err != nil {
		return Turn{}, err
	}
	t := Turn{Verdict: Verdict(answer.text(0))}
	switch t.Verdict {
	case Settled:
		t.Outcome, err = decodeOutcome(answer.text(1))
	case Wait:
		t.Wait, t.Why, t.Reason = answer.duration(1), Obstacle(answer.text(2)), tasks.Reason(answer.text(3))
	case Go:
		t.Lease, t.Previous = answer.duration(1), unpackPhoto(answer.text(2))
		t.Calls, t.Spent = int(answer.number(3)), int(answer.number(4))
	case Gone:
		t.Row = RowVerdict(answer.text(1))
	default:
		t.By = answer.text(1)
	}
	return t, err
}

func (h Handle) keys() []string {
	return []string{
		h.record(), keyLane(h.Account), keyTurns(h.Account), keyGroup(h.Account, h.Group),
		keyLine(h.Account), keyEvents(h.Account), keyRepairs(h.Account),
	}
}

// Wrote says that a turn's request was written late after the turn was granted, while
// its call is under way: the next turn of the account comes as much later. The
// call's end says so too, which is early enough where one call is made at a time.
func (l *Ledger) Wrote(ctx context.Context, h Handle, turn string, late time.Duration) error {
	_, err := l.run(ctx, "noting when the request was written", wroteScript, []string{h.record(), keyLane(h.Account)}, turn, millis(late))
	return err
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

// ReleaseRequest ends a turn, or a run without one, without ending the update.
type ReleaseRequest struct {
	Handle
	Turn   string // "" for a run that had no turn
	Refund Refund
	// State is tasks.Waiting or, when something was tried, tasks.Retrying; Reason, Detail, HTTPStatus and
	// Again (from now) are what people see until the next run.
	State      tasks.State
	Reason     tasks.Reason
	Detail     string
	HTTPStatus int
	Again      time.Duration
	// Policy is kept for the next Claim.
	Policy string
	Answer Answer
	// Stay says that the run goes on, and keeps its row. Otherwise the row is fed
	// again, Again from now if it was called, and then its task is over. Last: not
	// before all rows have been called once.
	Stay, Last bool
	// Seq is the claim's, Process as in TurnRequest.
	Seq     int64
	Process string
}

// Released answers a ReleaseRequest.
type Released struct {
	// Verdict is Settled when the update ended meanwhile, Lost when another run
	// has claimed it, or when its row waits again or has ended, "ok" else.
	Verdict Verdict
	// Hold is how long the account is held from now on, Holds how often in a row;
	// Suspect is how long an update is held whose answer told of trouble, Rest how
	// long the provider wants to see no call.
	Hold, Suspect, Rest time.Duration
	Holds               int
	// Cancelling says that somebody cancelled the update meanwhile: it ends when
	// it is claimed next.
	Cancelling bool
	// Repair says that the group's newest photo may have been overwritten; see Repairs.
	Repair bool
}

// Release gives a turn back. Sending it again after a lost reply is safe.
func (l *Ledger) Release(ctx context.Context, r ReleaseRequest) (Released, error) {
	args := []any{
		r.Token, r.Turn, string(r.Refund), string(r.State), string(r.Reason), r.Detail, millis(r.Again), r.HTTPStatus, r.Policy,
		millis(maxHold), r.Process, r.Seq,
	}
	script, keys, args := r.withRow(releaseScript, releaseRowScript, r.keys(), append(args, r.Answer.args(r.Handle)...))
	if r.Row != nil {
		args = append(args, flag(r.Stay), flag(r.Last))
	}
	answer, err := l.run(ctx, "giving the turn back", script, keys, args...)
	if err != nil {
		return Released{}, err
	}
	return Released{
		Verdict: Verdict(answer.text(0)), Hold: answer.duration(1), Holds: int(answer.number(2)),
		Cancelling: answer.text(3) != "", Suspect: answer.duration(4), Rest: answer.duration(5), Repair: answer.text(6) != "",
	}, nil
}
