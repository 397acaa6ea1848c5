package enqueuetest

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
)

// Campaign is a campaign as it was accepted.
type Campaign struct {
	enqueue.PreparedCampaign

	ID string
}

// StartedCampaigns lists the accepted campaigns, each once, in the order in which
// they were accepted.
func (c *Client) StartedCampaigns() []Campaign {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.campaigns)
}

// StartCampaign accepts a campaign as enqueue.Client does, and keeps its rows for
// StartedCampaigns. They never go: Finished is always false, and so Again changes
// nothing.
func (c *Client) StartCampaign(ctx context.Context, campaign enqueue.Campaign, rows iter.Seq2[enqueue.CampaignRow, error]) (enqueue.CampaignReceipt, error) {
	p, err := enqueue.PrepareCampaign(campaign, rows)
	if err == nil {
		err = ctx.Err()
	}
	var receipt enqueue.CampaignReceipt
	if err == nil {
		receipt, err = c.acceptCampaign(p)
	}
	if err != nil {
		return enqueue.CampaignReceipt{Name: campaign.Name}, fmt.Errorf("starting campaign %q: %w", campaign.Name, err)
	}
	return receipt, nil
}

func (c *Client) acceptCampaign(p enqueue.PreparedCampaign) (enqueue.CampaignReceipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.unable(); err != nil {
		return enqueue.CampaignReceipt{}, err
	}
	for _, row := range p.Rows {
		if err := enqueue.CheckKnown(row.Account, c.accounts); err != nil {
			return enqueue.CampaignReceipt{}, fmt.Errorf("line %d: %w", row.Line, err)
		}
		hash := row.Photo.Hash()
		if row.Picture != nil {
			c.pictures[hash] = true
		}
		if hash != "" && !c.pictures[hash] {
			return enqueue.CampaignReceipt{}, fmt.Errorf("line %d: photo %s is not in the photo store: %w", row.Line, row.Photo, enqueue.ErrPhoto)
		}
	}
	i := slices.IndexFunc(c.campaigns, func(there Campaign) bool { return there.Name == p.Name })
	if i >= 0 {
		if err := differs(c.campaigns[i], p); err != nil {
			return enqueue.CampaignReceipt{}, err
		}
		return receiptOf(c.campaigns[i], true), nil
	}
	accepted := Campaign{PreparedCampaign: p, ID: fmt.Sprintf("campaign%d", len(c.campaigns)+1)}
	c.campaigns = append(c.campaigns, accepted)
	return receiptOf(accepted, false), nil
}

func receiptOf(c Campaign, before bool) enqueue.CampaignReceipt {
	accounts := map[string]bool{}
	for _, row := range c.Rows {
		accounts[row.Account] = true
	}
	return enqueue.CampaignReceipt{
		ID: c.ID, Name: c.Name, Total: int64(len(c.Rows)), Accounts: slices.Sorted(maps.Keys(accounts)), Before: before,
		Start: c.Start, Expires: c.Expires,
	}
}

// differs holds rows against those that a name stands for. Lines do not count.
func differs(was Campaign, is enqueue.PreparedCampaign) error {
	d := &enqueue.CampaignDiffersError{Name: was.Name, ID: was.ID, Before: int64(len(was.Rows)), After: int64(len(is.Rows))}
	for i := range max(len(was.Rows), len(is.Rows)) {
		a, b := rowAt(was.Rows, i), rowAt(is.Rows, i)
		same := a
		if same.Line = b.Line; same == b {
			continue
		}
		if d.Changed++; d.Changed == 1 {
			d.Was, d.Is = a, b
		}
	}
	if d.Changed == 0 {
		return nil
	}
	return d
}

func rowAt(rows []enqueue.PreparedRow, i int) ledger.CampaignRow {
	if i >= len(rows) {
		return ledger.CampaignRow{}
	}
	r := rows[i]
	return ledger.CampaignRow{Line: r.Line, Account: r.Account, Group: r.GroupID, Photo: r.Photo, Ref: r.Ref, Extra: r.Extra}
}
