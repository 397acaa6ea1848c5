package enqueue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// undoSuffix is what the name of a campaign that undoes another ends with, unless
// another is asked for.
const undoSuffix = "-undo"

// Undo says how UndoCampaign is to go about it.
type Undo struct {
	// Name is that of the campaign that restores the photos; "" is <name>-undo.
	Name string
	// Trial, Settings and By are as in Campaign. An empty Settings.Sheet is that of the
	// campaign that is undone, whose rows keep their Extra.
	Trial    int
	Settings tasks.CampaignSettings
	By       string
	// Expires is until when its rows may go; zero is DefaultCampaignExpiry from now.
	Expires time.Time
}

// UndoReceipt says what UndoCampaign came to.
type UndoReceipt struct {
	CampaignReceipt // of the campaign that restores the photos

	// Restored is how many rows that campaign has. The others that were updated are
	// not in it: in Changed groups something else was done since, or may have been; the
	// photo before is Unknown, or was the same; or it is Gone, no longer in the photo
	// store. With Before only Restored is counted.
	Restored, Changed, Unknown, Gone int64
}

// MarshalJSON writes the campaign's receipt, and the counts behind it.
func (r UndoReceipt) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		wireReceipt

		Restored int64 `json:"restored"`
		Changed  int64 `json:"changed"`
		Unknown  int64 `json:"unknown"`
		Gone     int64 `json:"gone"`
	}{r.wire(), r.Restored, r.Changed, r.Unknown, r.Gone})
}

// UndoCampaign starts another campaign that shows in every group that a campaign has
// updated the photo it had before, as far as it is known, still stored, and nothing
// else was done to the group since. The campaign is left as it is; rows of it that
// have not ended, or end later, are not undone: pause or cancel it first. The same
// again changes nothing, unless rows were sent again in between. Errors: ErrNoRows
// when there is nothing to restore, with the counts of the receipt; and those of
// StartCampaign.
func (c *Client) UndoCampaign(ctx context.Context, idOrName string, u Undo) (UndoReceipt, error) {
	receipt, err := c.undoCampaign(ctx, idOrName, u)
	return receipt, campaignFault(ctx, "undoing campaign "+clipped(idOrName), err)
}

func (c *Client) undoCampaign(ctx context.Context, idOrName string, u Undo) (UndoReceipt, error) {
	if err := c.ready(ctx); err != nil {
		return UndoReceipt{}, err
	}
	undone, err := c.ledger.Campaign(ctx, idOrName)
	if err != nil {
		return UndoReceipt{}, err
	}
	mark := fmt.Sprintf("%s/%d", undone.ID, undone.Pass)
	request, err := u.request(undone, mark, c.by)
	if err != nil {
		return UndoReceipt{}, err
	}
	there, err := c.ledger.CampaignStatus(ctx, request.Name)
	switch {
	case err == nil && markOf(there.Settings) == mark:
		return UndoReceipt{Restored: there.Total, CampaignReceipt: CampaignReceipt{
			ID: there.ID, Name: there.Name, Total: there.Total, Accounts: there.Accounts, Before: true, Finished: !there.Open(),
			Start: there.Start, Expires: there.Expires,
		}}, nil
	case err == nil:
		return UndoReceipt{}, fmt.Errorf("there is a campaign named %q already; give the one that restores the photos another name: %w", request.Name, ErrInvalid)
	case !errors.Is(err, ErrNoCampaign):
		return UndoReceipt{}, err
	}
	s := &undoSource{client: c, ctx: ctx, until: request.Expires.Add(photoMargin)}
	s.receipt.CampaignReceipt, err = c.acceptCampaign(ctx, request, &s.err, s.rows(undone))
	s.receipt.Name = request.Name
	if errors.Is(err, ErrNoRows) {
		return s.receipt, fmt.Errorf("there is nothing to restore: %w", ErrNoRows)
	}
	return s.receipt, err
}

// request is for the campaign that undoes another one.
func (u Undo) request(undone ledger.Campaign, mark, by string) (ledger.CampaignRequest, error) {
	settings, err := tasks.ParseCampaignSettings(undone.Settings)
	if err != nil {
		return ledger.CampaignRequest{}, err
	}
	if len(u.Settings.Sheet) == 0 {
		u.Settings.Sheet = settings.Sheet
	}
	d, err := newCampaignDraft(Campaign{
		Name: cmp.Or(u.Name, undone.Name+undoSuffix), Expires: u.Expires, Trial: u.Trial, Settings: u.Settings, By: u.By,
	}, by, time.Now())
	if err != nil {
		return ledger.CampaignRequest{}, err
	}
	d.request.Settings = marked(d.request.Settings, mark)
	return d.request, nil
}

// undoSource makes the rows that restore photos, and counts those that nothing can be
// restored of.
type undoSource struct {
	client  *Client
	ctx     context.Context // the caller's, for the length of the call
	until   time.Time       // how long the photos must live
	receipt UndoReceipt
	err     error
}

func (s *undoSource) rows(undone ledger.Campaign) iter.Seq2[ledger.CampaignRow, error] {
	return func(yield func(ledger.CampaignRow, error) bool) {
		var some []ledger.RowView
		give := func() bool {
			restored, err := s.restored(some)
			some = some[:0]
			if s.err = err; err != nil {
				yield(ledger.CampaignRow{}, err)
				return false
			}
			for _, row := range restored {
				if !yield(row, nil) {
					return false
				}
			}
			return true
		}
		for row, err := range s.client.ledger.CampaignRows(s.ctx, undone, ledger.RowFilter{States: []State{Updated}}) {
			if s.err = err; err != nil {
				yield(ledger.CampaignRow{}, err)
				return
			}
			if some = append(some, row); len(some) == batchRows && !give() {
				return
			}
		}
		give()
	}
}

// restored returns the rows of those whose photo can come back.
func (s *undoSource) restored(rows []ledger.RowView) ([]ledger.CampaignRow, error) {
	shown, err := s.shown(rows)
	if err != nil {
		return nil, err
	}
	var refs []tasks.PhotoRef
	var unchanged []ledger.RowView
	for i, row := range rows {
		ref, err := tasks.ParsePhoto(row.End.PreviousPhoto)
		switch {
		case shown[i] == "" || printable(shown[i]) != printable(row.End.Photo):
			s.receipt.Changed++
		case row.End.PreviousPhoto == "" || row.End.PreviousPhoto == shown[i]: // or it was there before, as after a second row
			s.receipt.Unknown++
		case err != nil || ref.Hash() == "": // a link, which may give another picture by now
			s.receipt.Gone++
		default:
			refs, unchanged = append(refs, ref), append(unchanged, row)
		}
	}
	there, err := s.client.ledger.KeepPhotos(s.ctx, refs, s.until)
	if err != nil {
		return nil, err
	}
	var restored []ledger.CampaignRow
	for i, row := range unchanged {
		if !there[i] {
			s.receipt.Gone++
			continue
		}
		s.receipt.Restored++
		row.Given.Photo = refs[i]
		restored = append(restored, row.Given)
	}
	return restored, nil
}

// shown asks what the rows' groups show, once for each account.
func (s *undoSource) shown(rows []ledger.RowView) ([]string, error) {
	at := map[string][]int{}
	for i, row := range rows {
		at[row.Given.Account] = append(at[row.Given.Account], i)
	}
	shown := make([]string, len(rows))
	for account, places := range at {
		groups := make([]tasks.GroupID, len(places))
		for n, i := range places {
			groups[n] = rows[i].Given.Group
		}
		last, err := s.client.ledger.GroupsLast(s.ctx, account, groups)
		if err != nil {
			return nil, err
		}
		for n, i := range places {
			shown[i] = last[n]
		}
	}
	return shown, nil
}

// undoesField names, among a campaign's settings, the campaign that it undoes and
// which pass of it.
const undoesField = "undoes"

// marked adds to settings what campaign they undo; whoever does not know the field
// ignores it.
func marked(settings, mark string) string {
	fields := map[string]json.RawMessage{}
	if json.Unmarshal([]byte(settings), &fields) != nil {
		return settings // cannot be: we have written it
	}
	fields[undoesField], _ = json.Marshal(mark) // a text
	text, err := json.Marshal(fields)
	if err != nil {
		return settings // cannot be: all of it was JSON before
	}
	return string(text)
}

func markOf(settings string) string {
	var fields struct {
		Undoes string `json:"undoes"`
	}
	if json.Unmarshal([]byte(settings), &fields) != nil {
		return ""
	}
	return fields.Undoes
}

// undoneBy is the id of the campaign that one with these settings undoes.
func undoneBy(settings string) string {
	id, _, _ := strings.Cut(markOf(settings), "/")
	return id
}
