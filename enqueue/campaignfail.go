package enqueue

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// failing are the states of rows that were not carried out, and that may be sent
// again.
var failing = []State{Refused, Failed, Superseded, Expired, Cancelled}

// closedReasons are those of rows that ended with their campaign and have none of
// their own yet.
var closedReasons = map[State]tasks.Reason{Cancelled: tasks.Stopped, Expired: tasks.ExpiredTime}

// failuresOf counts what went wrong, so that the rows of a state add up to its count.
func failuresOf(s ledger.CampaignStatus) []CampaignFailure {
	type cause struct {
		state  State
		reason tasks.Reason
	}
	left := map[State]int64{}
	for _, state := range failing {
		left[state] = s.Counts[state]
	}
	rows := map[cause]int64{}
	for _, w := range s.Why {
		if n := min(w.Rows, left[w.State]); n > 0 && slices.Contains(failing, w.State) {
			rows[cause{w.State, w.Reason}] += n
			left[w.State] -= n
		}
	}
	for state, n := range left {
		if n > 0 {
			rows[cause{state, closedReasons[state]}] += n
		}
	}
	failures := make([]CampaignFailure, 0, len(rows))
	for c, n := range rows {
		failures = append(failures, CampaignFailure{
			State: c.state, Reason: c.reason, Rows: n, Means: c.reason.Means(), Mend: Outcome{Campaign: s.Name, Reason: c.reason}.Mend(),
		})
	}
	slices.SortFunc(failures, func(a, b CampaignFailure) int {
		return cmp.Or(-cmp.Compare(a.Rows, b.Rows), cmp.Compare(a.State, b.State), cmp.Compare(a.Reason, b.Reason))
	})
	return failures
}

// listed writes states one after the other.
func listed(states []State) string {
	words := make([]string, len(states))
	for i, s := range states {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// CampaignExamples returns the failures that an info has, each with the first few of
// its rows: at most perReason. It looks at the states of all rows and reads few of
// them, so that reasons that are rare and stand among many others may be left without
// examples. Errors: ErrNoCampaign, ErrUnavailable.
func (c *Client) CampaignExamples(ctx context.Context, info CampaignInfo, perReason int) ([]CampaignFailure, error) {
	doing := "looking for examples of campaign " + clipped(info.ID)
	if err := c.ready(ctx); err != nil {
		return nil, campaignFault(ctx, doing, err)
	}
	campaign, err := c.ledger.Campaign(ctx, info.ID)
	if err != nil {
		return nil, campaignFault(ctx, doing, err)
	}
	wanted := map[ledger.EndKind]int{}
	for _, f := range info.Failures {
		wanted[ledger.EndKind{State: f.State, Reason: f.Reason}] = int(min(f.Rows, int64(perReason))) // no more than there are, or all rows are looked at for them
	}
	found, err := c.ledger.FirstRows(ctx, campaign, wanted)
	if err != nil {
		return nil, campaignFault(ctx, doing, err)
	}
	failures := slices.Clone(info.Failures)
	for i := range failures {
		f := &failures[i]
		f.Examples = nil
		for _, row := range found[ledger.EndKind{State: f.State, Reason: f.Reason}] {
			f.Examples = append(f.Examples, CampaignExample{Line: row.Given.Line, Group: row.Given.Group, Account: row.Given.Account})
		}
	}
	return failures, nil
}
