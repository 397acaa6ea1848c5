package enqueue

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// PauseCampaign stops a campaign until ResumeCampaign: no row goes to its queue, rows
// in their queues go back to waiting, and calls under way end and count. by and why
// (at most 128 bytes each) are for people. It says false when the campaign was paused
// already; by and why are then the earlier ones. Errors: ErrNoCampaign,
// ErrCampaignClosed, ErrInvalid, ErrUnavailable.
func (c *Client) PauseCampaign(ctx context.Context, idOrName, by, why string) (bool, error) {
	return c.act(ctx, "pausing", idOrName, by, why, func(s ledger.CampaignStatus, by, why string) (bool, error) {
		if !s.Open() && s.Closed == "" {
			return false, fmt.Errorf("it has finished: %w", ErrCampaignClosed)
		}
		return c.ledger.PauseCampaign(ctx, s.ID, by, why)
	})
}

// ResumeCampaign ends a pause, and a trial: all rows may go then. It says false when
// there was neither. Errors as of PauseCampaign.
func (c *Client) ResumeCampaign(ctx context.Context, idOrName, by string) (bool, error) {
	return c.act(ctx, "resuming", idOrName, by, "", func(s ledger.CampaignStatus, by, _ string) (bool, error) {
		if !s.Open() && s.Closed == "" {
			return false, fmt.Errorf("it has finished: %w", ErrCampaignClosed)
		}
		return c.ledger.ResumeCampaign(ctx, s.ID, by)
	})
}

// CancelCampaign ends a campaign: rows that wait count as cancelled at once, calls
// under way end and count as what they come to. by and why as for PauseCampaign. It
// says false when the campaign had ended before, by whatever. RetryCampaign opens it
// again. Errors: ErrNoCampaign, ErrInvalid, ErrUnavailable.
func (c *Client) CancelCampaign(ctx context.Context, idOrName, by, why string) (bool, error) {
	return c.act(ctx, "cancelling", idOrName, by, why, func(s ledger.CampaignStatus, by, why string) (bool, error) {
		if !s.Open() && s.Closed == "" {
			return false, nil
		}
		return c.ledger.CancelCampaign(ctx, s.ID, by, why)
	})
}

// act does something to a campaign that somebody has words for.
func (c *Client) act(ctx context.Context, doing, idOrName, by, why string, do func(s ledger.CampaignStatus, by, why string) (bool, error)) (bool, error) {
	doing += " campaign " + clipped(idOrName)
	by, err := spoken("by", by, c.by)
	if err == nil {
		why, err = spoken("why", why, "")
	}
	if err == nil {
		err = c.ready(ctx)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", doing, err)
	}
	s, err := c.ledger.CampaignStatus(ctx, idOrName)
	if err != nil {
		return false, campaignFault(ctx, doing, err)
	}
	changed, err := do(s, by, why)
	return changed, campaignFault(ctx, doing, err)
}

// MoveCampaign moves the rows of a campaign that have not ended from one account to
// another and returns how many. Rows that are being called stay: the same again takes
// along those that wait by then. When it breaks off, the rows in between wait until
// it is called again. Errors: ErrNoCampaign, ErrCampaignClosed, ErrCampaignBusy,
// ErrUnknownAccount, ErrInvalid, ErrUnavailable.
func (c *Client) MoveCampaign(ctx context.Context, idOrName, from, to, by string) (int64, error) {
	doing := "moving rows of campaign " + clipped(idOrName)
	by, err := spoken("by", by, c.by)
	if err == nil {
		err = c.ready(ctx)
	}
	if err == nil {
		err = c.checkTarget(ctx, to)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	campaign, err := c.ledger.Campaign(ctx, idOrName)
	switch {
	case err != nil:
		return 0, campaignFault(ctx, doing, err)
	case from == to:
		return 0, fmt.Errorf("%s: account %s is where they are: %w", doing, to, ErrInvalid)
	}
	if err := hasAccounts(campaign, from); err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	moved, err := c.ledger.MoveCampaign(ctx, campaign.ID, from, to, by)
	return moved, campaignFault(ctx, doing, err)
}

// checkTarget refuses an account that rows cannot go to.
func (c *Client) checkTarget(ctx context.Context, account string) error {
	if err := tasks.CheckAccount(account); err != nil {
		return invalid(err)
	}
	return c.checkAccount(ctx, account)
}

// hasAccounts refuses accounts that a campaign has nothing to do with.
func hasAccounts(campaign ledger.Campaign, accounts ...string) error {
	for _, account := range accounts {
		if !slices.Contains(campaign.Accounts, account) {
			return fmt.Errorf("it has no rows of account %q; it has some of: %s: %w", clipped(account), strings.Join(campaign.Accounts, ", "), ErrInvalid)
		}
	}
	return nil
}
