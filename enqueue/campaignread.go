package enqueue

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// CampaignRecord is a row of a campaign with where it stands.
type CampaignRecord struct {
	// Line is the row's place in its input, Row its number in the campaign, by which
	// its update's id names it.
	Line, Row int64
	Account   string
	GroupID   tasks.GroupID
	// State is where it stands; what follows is zero until it has ended, and as in
	// Outcome then.
	State         State
	Value         *bool
	Reason        tasks.Reason
	Detail        string
	Attempts      int
	HTTPStatus    int
	Photo         string
	PreviousPhoto string
	FinishedAt    time.Time
	// Took is the time from the first claim to the end.
	Took time.Duration
	// Ref and Extra are as they were given. PhotoGiven describes the photo that was,
	// without image data or a URL's query; Given is the photo itself, whose Wire has the
	// query: not for logs.
	Ref, Extra string
	PhotoGiven string
	Given      tasks.PhotoRef
}

// CampaignFilter chooses rows. The zero value is all.
type CampaignFilter struct {
	States   []State
	Reasons  []tasks.Reason
	Accounts []string
	After    int64 // only rows of later lines
}

// CampaignRecords gives a campaign's rows in the order of their input, each with where
// it stood when it was read: a few thousand are read at a time. Rows that are on their
// way between two accounts are left out. After an error nothing more comes. Errors:
// ErrNoCampaign, ErrUnavailable, and ctx's.
func (c *Client) CampaignRecords(ctx context.Context, idOrName string, f CampaignFilter) iter.Seq2[CampaignRecord, error] {
	return func(yield func(CampaignRecord, error) bool) {
		doing := "reading the rows of campaign " + clipped(idOrName)
		if err := c.ready(ctx); err != nil {
			yield(CampaignRecord{}, fmt.Errorf("%s: %w", doing, err))
			return
		}
		campaign, err := c.ledger.Campaign(ctx, idOrName)
		if err != nil {
			yield(CampaignRecord{}, campaignFault(ctx, doing, err))
			return
		}
		for row, err := range c.ledger.CampaignRows(ctx, campaign, f.rows()) {
			if err != nil {
				yield(CampaignRecord{}, campaignFault(ctx, doing, err))
				return
			}
			if len(f.Reasons) > 0 && !slices.Contains(f.Reasons, row.End.Reason) {
				continue
			}
			if !yield(recordOf(row), nil) {
				return
			}
		}
	}
}

func (f CampaignFilter) rows() ledger.RowFilter {
	states := f.States
	if slices.Contains(states, Queued) { // as CampaignInfo counts them
		states = append(slices.Clone(states), Retrying)
	}
	return ledger.RowFilter{States: states, Accounts: f.Accounts, After: f.After}
}

func recordOf(row ledger.RowView) CampaignRecord {
	r := CampaignRecord{
		Line: row.Given.Line, Row: row.Row, Account: row.Given.Account, GroupID: row.Given.Group, State: row.State,
		Value: row.End.Value, Reason: row.End.Reason, Detail: row.End.Detail, Attempts: row.End.Attempts, HTTPStatus: row.End.HTTPStatus,
		Photo: printable(row.End.Photo), PreviousPhoto: printable(row.End.PreviousPhoto), FinishedAt: row.End.FinishedAt, Took: row.End.Took,
		Ref: row.Given.Ref, Extra: row.Given.Extra, PhotoGiven: row.Given.Photo.String(),
		Given: row.Given.Photo,
	}
	if r.State == Retrying {
		r.State = Queued
	}
	return r
}

// printable shows what may be the wire form of a photo, with a URL's query.
func printable(photo string) string {
	ref, err := tasks.ParsePhoto(photo)
	if err != nil {
		return photo
	}
	return ref.String()
}

// CampaignEvent is one line of what was done to a campaign by whom.
type CampaignEvent struct {
	At time.Time `json:"at"`
	// What is one word: start, pause, resume, cancel, expire, again (for RetryCampaign)
	// or move.
	What string `json:"what"`
	// By is "" for what the campaign did by itself. Why is what was said, or which rows.
	By  string `json:"by"`
	Why string `json:"why"`
}

// CampaignLog lists what was done to a campaign, the oldest first. Errors:
// ErrNoCampaign, ErrUnavailable.
func (c *Client) CampaignLog(ctx context.Context, idOrName string) ([]CampaignEvent, error) {
	doing := "reading the log of campaign " + clipped(idOrName)
	if err := c.ready(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	campaign, err := c.ledger.Campaign(ctx, idOrName)
	if err != nil {
		return nil, campaignFault(ctx, doing, err)
	}
	log, err := c.ledger.CampaignLog(ctx, campaign.ID)
	if err != nil {
		return nil, campaignFault(ctx, doing, err)
	}
	events := make([]CampaignEvent, len(log))
	for i, e := range log {
		events[i] = CampaignEvent{At: e.At.UTC(), What: e.What, By: e.By, Why: e.Why}
	}
	return events, nil
}

// CampaignCheck holds the counters of one account's part of a campaign against its
// rows.
type CampaignCheck struct {
	Account string `json:"account"`
	// Counters are what CampaignInfo goes by, Counted is what the rows say; both have
	// every state, Retrying on its own.
	Counters map[State]int64 `json:"counters"`
	Counted  map[State]int64 `json:"counted"`
	// Total is the part's. Leaving rows are on their way to another account; Moved ones
	// are there, and counted there.
	Total   int64 `json:"total"`
	Leaving int64 `json:"leaving"`
	Moved   int64 `json:"moved"`
	// Agrees says that counters, rows and total are the same.
	Agrees bool `json:"agrees"`
}

// VerifyCampaign counts every row of a campaign anew, each account's at one moment,
// and compares. With repair, counters that do not agree are set to what the rows say;
// the checks tell what was found before. Errors: ErrNoCampaign, ErrUnavailable.
func (c *Client) VerifyCampaign(ctx context.Context, idOrName string, repair bool) ([]CampaignCheck, error) {
	doing := "verifying campaign " + clipped(idOrName)
	if err := c.ready(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	campaign, err := c.ledger.Campaign(ctx, idOrName)
	if err != nil {
		return nil, campaignFault(ctx, doing, err)
	}
	parts, err := c.ledger.VerifyCampaign(ctx, campaign, repair)
	if err != nil {
		return nil, campaignFault(ctx, doing, err)
	}
	checks := make([]CampaignCheck, len(parts))
	for i, p := range parts {
		checks[i] = CampaignCheck{p.Account, p.Counters, p.Counted, p.Total, p.Leaving, p.Moved, p.Agrees}
	}
	return checks, nil
}
