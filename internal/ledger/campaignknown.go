package ledger

import (
	"context"
	_ "embed"
)

//go:embed campaign_known.lua
var campaignKnownLua string

var campaignKnownScript = newRowScript(campaignKnownLua)

// KnownEnd is how a row ended that was carried out elsewhere.
type KnownEnd struct {
	Row int64
	End RowEnd
}

// knownRows go into one script: a millisecond or two of Redis.
const knownRows = 200

// KnowRows ends rows of an account's part as they ended elsewhere, unless they were
// fed here before, and returns how many. It is for a campaign of which Redis lost
// what was done. It may be called again.
func (l *Ledger) KnowRows(ctx context.Context, account, campaign string, ends []KnownEnd) (int, error) {
	n := 0
	for len(ends) > 0 {
		some := ends[:min(len(ends), knownRows)]
		ends = ends[len(some):]
		args := make([]any, 0, 7*len(some))
		for _, e := range some {
			args = append(append(args, e.Row), e.End.args()...)
		}
		answer, err := l.run(ctx, "writing down how rows ended", campaignKnownScript, []string{keyPart(account, campaign)}, args...)
		if err != nil {
			return n, err
		}
		n += int(answer.number(0))
	}
	return n, nil
}
