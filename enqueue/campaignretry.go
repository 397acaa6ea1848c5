package enqueue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// Retry chooses the rows that RetryCampaign sends again.
type Retry struct {
	// States are those of the rows: any that end one but Updated and Unchanged. With
	// none they are Refused, Failed and Expired; with Reasons alone, all that may have
	// one.
	States []State
	// Reasons and Accounts limit the choice; none: all.
	Reasons  []tasks.Reason
	Accounts []string
	// Account is to carry the rows out instead of their own; "" leaves them where they
	// are. It is only for a campaign in which all rows have ended: MoveCampaign moves
	// those that have not.
	Account string
	// Expires is until when rows of the campaign may go, at most MaxAhead from now; one
	// that is earlier than the campaign's own changes nothing. Zero is the client's
	// expiry (24 hours) from now.
	Expires time.Time
	// By says who does it, at most 128 bytes; "" is the client's WithBy.
	By string
}

// RetryCampaign sends rows once more that have ended, as the newest wishes for their
// groups, and returns how many. How they ended before is kept. A campaign that was
// cancelled or has expired opens again for them. A call that broke off is made again
// and goes through the rest. Errors: ErrNoCampaign; ErrPhoto when a photo that is
// needed is no longer in the photo store, before anything is changed;
// ErrUnknownAccount; ErrExpired; ErrInvalid; ErrCampaignBusy; ErrUnavailable.
func (c *Client) RetryCampaign(ctx context.Context, idOrName string, r Retry) (int64, error) {
	rows, err := c.retryCampaign(ctx, idOrName, r)
	return rows, campaignFault(ctx, "sending rows of campaign "+clipped(idOrName)+" again", err)
}

func (c *Client) retryCampaign(ctx context.Context, idOrName string, r Retry) (int64, error) {
	now := time.Now()
	request, err := r.request(now.Add(c.expiry), now, c.by)
	if err == nil {
		err = c.ready(ctx)
	}
	if err == nil && r.Account != "" {
		err = c.checkTarget(ctx, r.Account)
	}
	if err != nil {
		return 0, err
	}
	s, err := c.ledger.CampaignStatus(ctx, idOrName)
	if err != nil {
		return 0, err
	}
	if err := hasAccounts(s.Campaign, r.Accounts...); err != nil {
		return 0, err
	}
	if r.Account != "" && s.Open() {
		from := s.Parts[max(0, slices.IndexFunc(s.Parts, func(p ledger.PartStatus) bool { return p.Counts.Open() > 0 }))].Account
		return 0, fmt.Errorf("%d of its rows have not ended and would go through account %s as well; wait for them, or move them: groupphoto campaign move %s --from %s --to %s: %w",
			s.Counts.Open(), r.Account, s.Name, from, r.Account, ErrInvalid)
	}
	if !request.Expires.After(s.Expires) {
		request.Expires = s.Expires
	} else if err := c.keepPhotos(ctx, s.Campaign, request); err != nil {
		return 0, err
	}
	if r.Account == "" {
		return c.ledger.PassCampaign(ctx, s.ID, request)
	}
	return c.retryThrough(ctx, s, request, r.Account)
}

// request checks the choice. preset is the expiry when none is given.
func (r Retry) request(preset, now time.Time, by string) (ledger.PassRequest, error) {
	p := ledger.PassRequest{States: r.States, Reasons: r.Reasons, Accounts: r.Accounts, Expires: r.Expires}
	var problems []error
	for _, state := range r.States {
		if !slices.Contains(failing, state) {
			problems = append(problems, fmt.Errorf("rows that are %q are not sent again; choose from %s: %w", clipped(string(state)), listed(failing), ErrInvalid))
		}
	}
	for _, reason := range r.Reasons {
		if !reason.Known() {
			problems = append(problems, fmt.Errorf("reason %q: there is none of this name: %w", clipped(string(reason)), ErrInvalid))
		}
	}
	if len(r.States) == 0 && len(r.Reasons) > 0 {
		p.States = failing
	}
	switch {
	case r.Expires.IsZero():
		p.Expires = preset
	case !r.Expires.After(now):
		problems = append(problems, fmt.Errorf("its rows would expire %s: %w", stamp(r.Expires.UTC()), ErrExpired))
	case r.Expires.After(now.Add(MaxAhead)):
		problems = append(problems, fmt.Errorf("its rows would expire %s, more than a year ahead; check the unit and the zone: %w", stamp(r.Expires.UTC()), ErrInvalid))
	}
	p.Expires = p.Expires.UTC().Truncate(time.Millisecond)
	var err error
	p.By, err = spoken("by", r.By, by)
	return p, errors.Join(append(problems, err)...)
}

// retryThrough lets rows wait again and moves them to one account. The campaign is
// paused meanwhile, so that their own accounts take none.
func (c *Client) retryThrough(ctx context.Context, s ledger.CampaignStatus, request ledger.PassRequest, account string) (int64, error) {
	why := "its rows go to account " + account
	pause := func() (bool, error) { return c.ledger.PauseCampaign(ctx, s.ID, request.By, why) }
	paused := false
	var err error
	if s.Closed == "" { // a closed one opens with its pass
		if paused, err = pause(); err != nil {
			return 0, err
		}
	}
	rows, err := c.ledger.PassCampaign(ctx, s.ID, request)
	if err != nil {
		return rows, err
	}
	if s.Closed != "" {
		if paused, err = pause(); err != nil {
			return rows, err
		}
	}
	for _, from := range s.Accounts {
		if from == account {
			continue
		}
		if _, err := c.ledger.MoveCampaign(ctx, s.ID, from, account, request.By); err != nil {
			return rows, err
		}
	}
	if paused {
		_, err = c.ledger.ResumeCampaign(ctx, s.ID, request.By)
	}
	return rows, err
}

// keepPhotos sees to it that the photos of the rows that go on live as long as the
// campaign will.
func (c *Client) keepPhotos(ctx context.Context, campaign ledger.Campaign, r ledger.PassRequest) error {
	states := r.States
	if len(states) == 0 {
		states = []State{Refused, Failed, Expired}
	}
	filter := ledger.RowFilter{States: append([]State{Waiting, Queued, Calling, Retrying}, states...)}
	until := r.Expires.Add(photoMargin)
	k := keeper{client: c, ctx: ctx, until: until, seen: map[tasks.PhotoRef]bool{}}
	for row, err := range c.ledger.CampaignRows(ctx, campaign, filter) {
		if err != nil {
			return err
		}
		chosen := !row.State.Ended() || (len(r.Reasons) == 0 || slices.Contains(r.Reasons, row.End.Reason)) &&
			(len(r.Accounts) == 0 || slices.Contains(r.Accounts, row.Given.Account))
		if !chosen {
			continue
		}
		if err := k.add(row.Given.Line, row.Given.Photo); err != nil {
			return err
		}
	}
	return k.flush()
}

// keeper prolongs the lives of photos, many per round trip and each once, as far as
// it remembers.
type keeper struct {
	client *Client
	ctx    context.Context // the caller's, for the length of the call
	until  time.Time
	seen   map[tasks.PhotoRef]bool
	refs   []tasks.PhotoRef
	lines  []int64
}

func (k *keeper) add(line int64, ref tasks.PhotoRef) error {
	if ref.Hash() == "" || k.seen[ref] {
		return nil
	}
	if len(k.seen) >= rememberedPhotos {
		clear(k.seen)
	}
	k.seen[ref] = true
	k.refs, k.lines = append(k.refs, ref), append(k.lines, line)
	if len(k.refs) < batchRows {
		return nil
	}
	return k.flush()
}

func (k *keeper) flush() error {
	there, err := k.client.ledger.KeepPhotos(k.ctx, k.refs, k.until)
	if err != nil {
		return err
	}
	if gone := slices.Index(there, false); gone >= 0 {
		return fmt.Errorf("line %d: photo %s: %w; start a campaign with the pictures themselves: %w", k.lines[gone], k.refs[gone], ledger.ErrNoPhoto, ErrPhoto)
	}
	k.refs, k.lines = k.refs[:0], k.lines[:0]
	return nil
}
