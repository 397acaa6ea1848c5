package ledger

import (
	"context"
	_ "embed"
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed probe.lua
var probeLua string

var probeScript = newLaneScript(probeLua)

// Status is what came back when the provider was asked about an account.
type Status string

// What may come back.
const (
	StatusUp      Status = "up"      // the number is connected
	StatusDown    Status = "down"    // the provider says that the account cannot work
	StatusAway    Status = "away"    // no usable answer
	StatusUnknown Status = "unknown" // an answer that says nothing about the account
)

// BeginProbe asks to be the one who asks the provider about an account in
// trouble. It says false when that is not due, or another process does it; after
// within it is given up and another may. Until then nobody calls. probe differs for every probe.
func (l *Ledger) BeginProbe(ctx context.Context, account, probe string, within time.Duration) (bool, error) {
	answer, err := l.run(ctx, "asking for the probe", probeScript, laneKeys(account), "ask", probe, millis(within), 0, 0, "", "", millis(maxHold))
	return err == nil && answer.text(0) == "ask", err
}

// Probed says what came back. probe is BeginProbe's; "" for a status that was
// asked for while nothing was known to be wrong: StatusDown and StatusAway then
// begin trouble. first and most are as in Answer. It returns how long the account
// is held from now on; nothing is changed by a probe that was given up.
func (l *Ledger) Probed(ctx context.Context, account, probe string, s Status, why tasks.Reason, detail string, first, most time.Duration) (time.Duration, error) {
	answer, err := l.run(ctx, "noting the probe", probeScript, laneKeys(account), string(s), probe, 0,
		millis(first), millis(min(max(most, first), maxHold)), string(why), detail, millis(maxHold))
	if err != nil {
		return 0, err
	}
	return answer.duration(1), nil
}

// MayRead asks for one read of a group's metadata; there is one in every gap,
// over all processes.
func (l *Ledger) MayRead(ctx context.Context, account string, gap time.Duration) (bool, error) {
	return l.Chore(ctx, account, "read", gap)
}
