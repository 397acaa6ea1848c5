package ledger

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed campaign_tell.lua
var campaignTellLua string

var campaignTellScript = newScript(campaignTellLua)

// The events of campaigns.
const (
	CampaignFinished = "campaign.finished" // nothing is left to do
	CampaignPaused   = "campaign.paused"
	CampaignOutcome  = "campaign.outcome" // a row has ended
)

// tellsIn is the account in whose events a campaign is told of.
func (c Campaign) tellsIn() string {
	if len(c.Accounts) == 0 {
		return ""
	}
	return c.Accounts[0]
}

// TellCampaign puts an event among those of the campaign's first account, each once:
// which tells one finish or pause from another. state is how a campaign ended, for
// the account's stream of outcomes; "" when it has not.
func (l *Ledger) TellCampaign(ctx context.Context, c Campaign, event, which, data, state string) (bool, error) {
	account := c.tellsIn()
	answer, err := l.run(ctx, "noting an event of a campaign", campaignTellScript,
		[]string{keyPart(account, c.ID), keyLane(account), keyEvents(account), keyOutcomes(account)},
		event, which, data, c.ID, c.Name, state, millis(l.keep))
	return err == nil && answer.text(0) != "", err
}

// Untold lists the campaigns whose first account this is, and whose end in their
// latest pass nobody was told of.
func (l *Ledger) Untold(ctx context.Context, account string) ([]Campaign, error) {
	all, err := l.Campaigns(ctx)
	if err != nil {
		return nil, err
	}
	var mine []Campaign
	for _, c := range all {
		if c.tellsIn() == account {
			mine = append(mine, c)
		}
	}
	told := make([]*redis.SliceCmd, len(mine))
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, c := range mine {
			told[i] = p.HMGet(ctx, keyPart(account, c.ID), "told "+CampaignFinished)
		}
		return nil
	}); err != nil && len(mine) > 0 {
		return nil, fmt.Errorf("looking which campaigns of account %s were told of: %w", account, err)
	}
	var untold []Campaign
	for i, c := range mine {
		if told[i].Val()[0] != c.Which() {
			untold = append(untold, c)
		}
	}
	return untold, nil
}

// Which tells one end of the campaign from that of another pass.
func (c Campaign) Which() string { return fmt.Sprint("pass ", c.Pass) }

// PartsOf reads how an account's parts of some campaigns stand, in one round trip.
func (l *Ledger) PartsOf(ctx context.Context, account string, campaigns []Campaign) ([]PartStatus, error) {
	answers := make([]*redis.MapStringStringCmd, len(campaigns))
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, c := range campaigns {
			answers[i] = p.HGetAll(ctx, keyPart(account, c.ID))
		}
		return nil
	}); err != nil && len(campaigns) > 0 {
		return nil, fmt.Errorf("reading the campaigns of account %s: %w", account, err)
	}
	parts := make([]PartStatus, len(campaigns))
	for i := range campaigns {
		parts[i] = readPart(account, answers[i].Val())
	}
	return parts, nil
}

// TrialOver says that all rows that may go for a trial have ended, and others wait
// for somebody to say on.
func (s CampaignStatus) TrialOver() bool {
	if s.Trial == 0 || !s.Open() {
		return false
	}
	for _, p := range s.Parts {
		waiting := p.Counts[tasks.Waiting]
		if p.Counts.Open() > waiting || waiting > 0 && p.Total-waiting-p.Known < int64(s.Trial) {
			return false
		}
	}
	return true
}
