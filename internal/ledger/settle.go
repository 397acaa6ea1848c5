package ledger

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed settle.lua
var settleLua string

var (
	settleScript    = newLaneScript(answerLua + "\n" + settleLua)
	settleRowScript = newRowScript(laneLua + "\n" + answerLua + "\n" + settleLua)
)

// Settlement is the end of an update.
type Settlement struct {
	Handle
	Turn    string // "" for an end without a turn
	Outcome tasks.Outcome
	// Accepted is the finished photo's reference when the provider said true.
	Accepted string
	Answer   Answer
	// Process as in TurnRequest.
	Process string
	// Seq is the claim's: the place in the order that the run was about.
	Seq int64
	// Tell puts the outcome of a row among the account's events, as CampaignOutcome.
	Tell bool
}

// Recorded answers Settle.
type Recorded struct {
	// Verdict is "" when this is the end; Settled when there was one before, Lost when
	// another run has claimed the update, unless this one brings home a true answer.
	Verdict Verdict
	// Outcome is the recorded one; of a row that had ended before it is this run's.
	Outcome tasks.Outcome
	// Repair says that the group's newest photo may have been overwritten; see Repairs.
	Repair bool
	// LastRow says that no row of the campaign is left in the account.
	LastRow bool
}

// Settle records the end of an update and one entry in the account's stream of
// outcomes; the end of a row is recorded with its campaign alone. The first
// settlement wins. Sending one again after a lost reply is safe.
func (l *Ledger) Settle(ctx context.Context, s Settlement) (Recorded, error) {
	e := Recorded{Outcome: s.Outcome}
	encoded, err := json.Marshal(s.Outcome)
	if err != nil {
		return e, fmt.Errorf("encoding the outcome: %w", err)
	}
	args := []any{
		s.Token, s.Turn, string(s.Outcome.State), encoded, millis(l.keep), millis(Outlive), s.ID, string(s.Group),
		string(s.Outcome.Reason), packPhoto(s.Accepted), s.Process, millis(l.groupLife()), s.Seq, millis(maxHold),
	}
	script, keys, args := s.withRow(settleScript, settleRowScript, append(s.keys(), keyOutcomes(s.Account)), append(args, s.Answer.args(s.Handle)...))
	if s.Row != nil {
		args[3] = "" // what it keeps is packed
		args = append(args, EndOf(s.Outcome).args()...)
		if !s.Tell {
			encoded = nil
		}
		args = append(args, encoded)
	}
	answer, err := l.run(ctx, "recording the outcome", script, keys, args...)
	if err != nil {
		return e, err
	}
	switch answer.text(0) {
	case "ok":
		e.Repair, e.LastRow = answer.text(1) != "", answer.text(2) != ""
		return e, nil
	case "already":
		e.Repair = answer.text(2) != ""
		if s.Row == nil && answer.text(1) == string(encoded) { // ours, and only the first answer was lost
			return e, nil
		}
		e.Verdict = Settled
		if answer.text(1) != "" {
			e.Outcome, err = decodeOutcome(answer.text(1))
		}
		return e, err
	}
	e.Verdict, e.Repair = Lost, answer.text(2) != ""
	return e, nil
}

func decodeOutcome(text string) (o tasks.Outcome, err error) {
	err = json.Unmarshal([]byte(text), &o)
	return o, err
}

// now is cut to what outcomes keep.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
