package ledger

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

//go:embed campaign_states.lua
var campaignStatesLua string

var campaignStatesScript = newRowScript(campaignStatesLua)

// PartCheck holds a part's counters against its rows.
type PartCheck struct {
	Account string
	// Counters are what status shows; Counted is what the rows say.
	Counters, Counted Counts
	// Total is the part's; Leaving rows are on their way to another account, Moved
	// ones are there.
	Total, Leaving, Moved int64
	// Agrees says that counters, rows and total are the same.
	Agrees bool
}

// VerifyCampaign counts every row of a campaign anew, each part at one moment, and
// compares. With repair, counters that do not agree are set to what the rows say.
func (l *Ledger) VerifyCampaign(ctx context.Context, c Campaign, repair bool) ([]PartCheck, error) {
	var checks []PartCheck
	for _, account := range c.Accounts {
		check, err := l.verifyPart(ctx, account, c.ID, false)
		if err == nil && !check.Agrees && repair {
			_, err = l.verifyPart(ctx, account, c.ID, true)
		}
		if err != nil {
			return nil, err
		}
		checks = append(checks, check)
	}
	return checks, nil
}

func (l *Ledger) verifyPart(ctx context.Context, account, id string, repair bool) (PartCheck, error) {
	answer, err := l.run(ctx, "counting the rows of account "+account, campaignStatesScript, []string{keyPart(account, id)}, flag(repair))
	if err != nil {
		return PartCheck{}, err
	}
	pairs, _ := answer[0].([]any)
	fields := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		fields[reply(pairs).text(i)] = reply(pairs).text(i + 1)
	}
	counted := [256]int64{}
	for i := 2; i < len(answer); i += 2 {
		for _, letter := range []byte(answer.text(i)) {
			counted[letter]++
		}
	}
	check := PartCheck{Account: account, Counters: countsOf(fields), Counted: Counts{}, Leaving: counted['l'], Moved: counted['m']}
	var known int64
	for letter, state := range letters {
		check.Counted[state] = counted[letter]
		known += counted[letter]
	}
	for _, n := range counted {
		known -= n
	}
	if known+check.Leaving+check.Moved != 0 {
		return PartCheck{}, fmt.Errorf("account %s has rows in states that this version does not know: %w", account, errPacked)
	}
	check.Total, _ = strconv.ParseInt(fields["total"], 10, 64) // written by our own scripts
	check.Agrees = maps.Equal(check.Counters, check.Counted) && check.Total == check.Counted.Sum() &&
		strings.TrimLeft(fields["l"], "0") == strings.TrimLeft(strconv.FormatInt(check.Leaving, 10), "0") &&
		strings.TrimLeft(fields["m"], "0") == strings.TrimLeft(strconv.FormatInt(check.Moved, 10), "0")
	return check, nil
}
