package enqueue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// StartCampaign takes in a campaign of any size: rows is read once, as a stream, and
// a few thousand of them are in memory. The campaign is accepted when the call has
// returned without an error, and only then does any row go; what a call that broke
// off has left never runs, and the same call again goes on from there.
//
// A campaign is its rows and their photos. The same name with the same rows changes
// nothing and tells so by Before, whatever else is asked for now; with Again, rows
// that have all ended go once more. The same name with other rows is a
// *CampaignDiffersError. Pictures are read and put into the photo store while the
// rows are read, each once, and kept until a day after Expires. Campaign.Photo comes
// first: when it cannot be used, nothing is written.
//
// The first row that cannot be accepted ends the call, and the error names its line;
// so does an error among rows, which is returned as it is. Two rows of one group are
// both accepted: the later one's photo stays, and the earlier row may end as
// superseded. Who wants no such rows must look for them before. Errors: ErrNoRows,
// ErrCampaignBusy, and those of UpdateGroupPhoto.
func (c *Client) StartCampaign(ctx context.Context, campaign Campaign, rows iter.Seq2[CampaignRow, error]) (CampaignReceipt, error) {
	receipt, err := c.startCampaign(ctx, campaign, rows)
	if err != nil {
		return CampaignReceipt{Name: campaign.Name}, fmt.Errorf("starting campaign %q: %w", clipped(campaign.Name), err)
	}
	return receipt, nil
}

func (c *Client) startCampaign(ctx context.Context, campaign Campaign, rows iter.Seq2[CampaignRow, error]) (CampaignReceipt, error) {
	if c.life.Err() != nil {
		return CampaignReceipt{}, ErrClosed
	}
	d, err := newCampaignDraft(campaign, c.by, time.Now())
	if err != nil {
		return CampaignReceipt{}, err
	}
	s := &rowSource{client: c, ctx: ctx, draft: d, gallery: newGallery(), served: map[string]bool{}}
	if d.shared.given() { // before anything is written
		if s.photo, err = s.bring(d.shared); err != nil {
			return CampaignReceipt{}, err
		}
	}
	return c.acceptCampaign(ctx, d.request, &s.err, s.rows(rows))
}

// acceptCampaign gives rows to the ledger. broken is what kept a row from being
// given, once it has happened: then it is the error, whatever the ledger makes of it.
func (c *Client) acceptCampaign(ctx context.Context, r ledger.CampaignRequest, broken *error, rows iter.Seq2[ledger.CampaignRow, error]) (CampaignReceipt, error) {
	rows, stop, err := begun(rows)
	defer stop()
	if err != nil {
		return CampaignReceipt{}, err
	}
	if err := c.ready(ctx); err != nil {
		return CampaignReceipt{}, err
	}
	if r.Again {
		// A repetition whose answer was lost is not repeated once more.
		before, err := c.ledger.CampaignStatus(ctx, r.Name)
		if err != nil && !errors.Is(err, ErrNoCampaign) {
			return CampaignReceipt{}, campaignFault(ctx, "looking for the campaign", err)
		}
		r.Again = err == nil && !before.Open()
	}
	accepted, err := c.ledger.AcceptCampaign(ctx, r, rows)
	switch {
	case *broken != nil:
		return CampaignReceipt{}, *broken
	case err != nil:
		return CampaignReceipt{}, campaignFault(ctx, "accepting the campaign", err)
	}
	receipt := CampaignReceipt{
		ID: accepted.ID, Name: accepted.Name, Total: accepted.Total, Accounts: accepted.Accounts,
		Before: accepted.Before, Kept: accepted.Kept, Start: accepted.Start, Expires: accepted.Expires,
	}
	if accepted.Before {
		status, err := c.ledger.CampaignStatus(ctx, accepted.ID)
		if err != nil {
			return CampaignReceipt{}, campaignFault(ctx, "looking at the campaign", err)
		}
		receipt.Finished = !status.Open()
	}
	return receipt, nil
}

// begun reads the first row, so that a campaign without one, or with a bad first
// one, leaves no trace.
func begun(rows iter.Seq2[ledger.CampaignRow, error]) (iter.Seq2[ledger.CampaignRow, error], func(), error) {
	next, stop := iter.Pull2(rows)
	first, err, ok := next()
	switch {
	case !ok:
		return nil, stop, fmt.Errorf("it has no rows: %w", ErrNoRows)
	case err != nil:
		return nil, stop, err
	}
	return func(yield func(ledger.CampaignRow, error) bool) {
		for row, err := first, error(nil); ; {
			if !yield(row, err) || err != nil {
				return
			}
			var more bool
			if row, err, more = next(); !more {
				return
			}
		}
	}, stop, nil
}

// rowSource makes the ledger's rows of a caller's.
type rowSource struct {
	client  *Client
	ctx     context.Context // the caller's, for the length of the call
	draft   *campaignDraft
	photo   tasks.PhotoRef // of rows that have none of their own
	gallery *gallery
	served  map[string]bool // accounts that have been checked
	err     error           // what ended the rows
}

func (s *rowSource) rows(rows iter.Seq2[CampaignRow, error]) iter.Seq2[ledger.CampaignRow, error] {
	return func(yield func(ledger.CampaignRow, error) bool) {
		if rows == nil {
			return
		}
		for row, err := range rows {
			var made ledger.CampaignRow
			if err == nil {
				made, err = s.row(row)
			}
			if err == nil && s.ctx.Err() != nil {
				err = context.Cause(s.ctx)
			}
			if s.err = err; !yield(made, err) || err != nil {
				return
			}
		}
	}
}

func (s *rowSource) row(given CampaignRow) (ledger.CampaignRow, error) {
	row, err := s.draft.row(given)
	if err == nil && !s.served[row.Account] {
		if err = s.client.checkAccount(s.ctx, row.Account); err == nil {
			s.served[row.Account] = true
		}
	}
	if err == nil {
		row.Photo = s.photo
		if given.Photo.given() {
			row.Photo, err = s.bring(given.Photo)
		}
	}
	if err != nil {
		return row, fmt.Errorf("line %d: %w", row.Line, err)
	}
	return row, nil
}

// bring returns how the ledger names a photo, and sees to it that the photo store
// has what it names.
func (s *rowSource) bring(p Photo) (tasks.PhotoRef, error) {
	ref, _, err := p.reference()
	if err != nil {
		return ref, err
	}
	d := draft{photo: p}
	d.Update.Photo, d.Update.ExpiresAt = ref, s.draft.request.Expires
	brought, err := s.client.bringPhoto(s.ctx, d, s.gallery)
	return brought.Update.Photo, err
}
