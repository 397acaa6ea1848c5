package enqueue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// rowDetails tells of a campaign's row what Details tells of an update. The number
// of its feed does not matter: it is the row that has an outcome.
func (c *Client) rowDetails(ctx context.Context, id string, row tasks.RowID, account string) (string, Details, error) {
	if err := c.ready(ctx); err != nil {
		return "", Details{}, err
	}
	view, err := c.ledger.Row(ctx, row)
	if err != nil {
		return "", Details{}, rowFault(ctx, err)
	}
	campaign, err := c.ledger.Campaign(ctx, row.Campaign)
	if err != nil {
		return "", Details{}, rowFault(ctx, err)
	}
	if account != "" && account != view.Given.Account {
		return "", Details{}, fmt.Errorf("row %s is with account %s: %w", id, view.Given.Account, ErrNotFound)
	}
	d := Details{Outcome: rowOutcome(id, view, campaign), ExpiresAt: campaign.Expires}
	if campaign.Start.After(time.Now()) {
		d.Due = campaign.Start
		if d.Outcome.State == Waiting {
			d.Outcome.State = Scheduled
		}
	}
	return view.Given.Account, d, nil
}

func rowFault(ctx context.Context, err error) error {
	err = campaignFault(ctx, "reading the campaign", err)
	if errors.Is(err, ErrNoCampaign) || errors.Is(err, ErrNoRows) {
		return fmt.Errorf("%w: %w", err, ErrNotFound)
	}
	return err
}

// rowOutcome is the outcome of a row. One that is queued waits, as an update does.
func rowOutcome(id string, row ledger.RowView, campaign ledger.Campaign) Outcome {
	o := Outcome{
		ID: id, Account: row.Given.Account, GroupID: row.Given.Group, Campaign: campaign.ID, Ref: row.Given.Ref, By: campaign.By,
		State: row.State, Value: row.End.Value, Reason: row.End.Reason, Detail: row.End.Detail, Attempts: row.End.Attempts,
		HTTPStatus: row.End.HTTPStatus, Photo: printable(cmp.Or(row.End.Photo, row.Given.Photo.String())),
		PreviousPhoto: printable(row.End.PreviousPhoto), EnqueuedAt: campaign.Accepted, FinishedAt: row.End.FinishedAt,
	}
	if o.State == Queued {
		o.State = Waiting
	}
	if !o.FinishedAt.IsZero() && row.End.Took > 0 {
		o.StartedAt = o.FinishedAt.Add(-row.End.Took)
	}
	return o
}

// isRow says whether an update's id is a campaign row's.
func isRow(id string) bool {
	_, ok := tasks.ParseRowID(id)
	return ok
}

// rowOnly refuses to do to a row what is done to campaigns.
func rowOnly(id, command string) error {
	row, ok := tasks.ParseRowID(id)
	if !ok {
		return nil
	}
	return fmt.Errorf("%s is a row of campaign %s, and rows are not handled one by one; use: groupphoto campaign %s %s: %w",
		id, row.Campaign, command, row.Campaign, ErrInvalid)
}
