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

var settleScript = newLaneScript(answerLua + "\n" + settleLua)

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
}

// Settle records the end of an update and one entry in the account's stream of
// outcomes. The first settlement wins: when there is one already it is returned
// with Settled. A run that lost its claim gets Lost, unless it brings home a
// true answer. repair says that the group's newest photo may have been
// overwritten; see Repairs. Sending a settlement again after a lost reply is safe.
func (l *Ledger) Settle(ctx context.Context, s Settlement) (verdict Verdict, recorded tasks.Outcome, repair bool, err error) {
	encoded, err := json.Marshal(s.Outcome)
	if err != nil {
		return "", s.Outcome, false, fmt.Errorf("encoding the outcome: %w", err)
	}
	args := []any{
		s.Token, s.Turn, string(s.Outcome.State), encoded, millis(l.keep), millis(Outlive), s.ID, string(s.Group),
		string(s.Outcome.Reason), s.Accepted, s.Process, millis(l.groupLife()), s.Seq, millis(maxHold),
	}
	answer, err := l.run(ctx, "recording the outcome", settleScript, append(s.keys(), keyOutcomes(s.Account)), append(args, s.Answer.args(s.Handle)...)...)
	if err != nil {
		return "", s.Outcome, false, err
	}
	switch answer.text(0) {
	case "ok":
		return "", s.Outcome, answer.text(1) != "", nil
	case "already":
		repair = answer.text(2) != ""
		if answer.text(1) == string(encoded) { // ours, and only the first answer was lost
			return "", s.Outcome, repair, nil
		}
		recorded, err = decodeOutcome(answer.text(1))
		return Settled, recorded, repair, err
	}
	return Lost, s.Outcome, answer.text(2) != "", nil
}

func decodeOutcome(text string) (o tasks.Outcome, err error) {
	err = json.Unmarshal([]byte(text), &o)
	return o, err
}

// now is cut to what outcomes keep.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
