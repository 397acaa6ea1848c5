package enqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// What is wrong with a call about a campaign. Match with errors.Is.
var (
	// ErrNoCampaign says that there is no such campaign, or no longer.
	ErrNoCampaign = ledger.ErrNoCampaign
	// ErrCampaignBusy says that another process is accepting the campaign, or moving
	// its rows. Calling again in a moment goes on.
	ErrCampaignBusy = ledger.ErrCampaignBusy
	// ErrCampaignClosed says that the campaign has finished, was cancelled or has
	// expired.
	ErrCampaignClosed = ledger.ErrCampaignClosed
	// ErrNoRows says that there is no row: a campaign needs one.
	ErrNoRows = ledger.ErrNoRow
)

// CampaignDiffersError says that a campaign's name stands for other rows or photos,
// and what differs first.
type CampaignDiffersError = ledger.CampaignDiffersError

const (
	// DefaultCampaignExpiry is the life of a campaign's rows from its start when
	// nothing else is asked for.
	DefaultCampaignExpiry = 30 * 24 * time.Hour
	// MaxExtra is the most bytes that CampaignRow.Extra may have.
	MaxExtra = 64 << 10
)

// campaignFault is fault for calls about campaigns, whose own errors say enough.
func campaignFault(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	_, known := errors.AsType[*CampaignDiffersError](err)
	for _, sentinel := range []error{ErrNoCampaign, ErrCampaignBusy, ErrCampaignClosed, ErrNoRows, ErrInvalid, ErrExpired, ErrPhoto, ErrUnknownAccount, ErrUnavailable} {
		known = known || errors.Is(err, sentinel)
	}
	if known {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fault(ctx, doing, err)
}

// Queued is where a campaign's row stands that has gone to its queue and is not
// being called now: for the first time, or between two attempts.
const Queued State = ledger.Queued

// Campaign is a named set of rows, each of which shows a photo in a group.
type Campaign struct {
	// Name is what the campaign is known by: 1 to 64 of A-Z, a-z, 0-9, "_" and "-".
	Name string
	// Photo is for the rows that have none of their own; it may be missing when all
	// have one.
	Photo Photo
	// Account is for the rows that name none; "" is "main".
	Account string
	// Start is when the first row may go; zero, or a moment that has passed: at once.
	// No row goes after Expires; zero is DefaultCampaignExpiry after the start. Both
	// are at most MaxAhead from now, to the millisecond.
	Start, Expires time.Time
	// SkipUnchanged ends rows as unchanged, without a call, whose photo is the one last
	// accepted for their group.
	SkipUnchanged bool
	// Trial is how many rows of each account may go before somebody resumes the
	// campaign; 0: all.
	Trial int
	// Settings are when rows may go, and what stops them.
	Settings tasks.CampaignSettings
	// By says who starts it, at most 128 bytes; "" is the client's WithBy.
	By string
	// Again repeats a campaign that has finished. The rows must be the same. Without
	// it, and while the campaign has not finished, the same again changes nothing.
	Again bool
}

// CampaignRow is one row of a campaign.
type CampaignRow struct {
	// Line is the row's place in its input, by which errors and exports name it. Lines
	// rise; 0 is the one after the row before, or 1.
	Line int64
	// GroupID is the group in any of the forms that Update.GroupID takes.
	GroupID string
	// Photo is what to show; the zero value is Campaign.Photo.
	Photo Photo
	// Account carries the row out; "" is Campaign.Account.
	Account string
	// Ref is the caller's own word, at most 128 bytes, and Extra more of it, at most
	// MaxExtra bytes: both are kept and given back as they are.
	Ref, Extra string
}

// CampaignReceipt says that a campaign was accepted.
type CampaignReceipt struct {
	ID, Name string
	// Total is how many rows it has, and Accounts are those that carry them out.
	Total    int64
	Accounts []string
	// Before says that the same campaign had been accepted earlier: nothing was
	// changed, and all else is the earlier one's. Finished says that nothing of it is
	// left to do.
	Before, Finished bool
	// Kept is how many rows were in Redis already, from a call that broke off.
	Kept int64
	// Start is zero when the campaign starts at once.
	Start, Expires time.Time
}

// MarshalJSON writes every key; times are UTC or null.
func (r CampaignReceipt) MarshalJSON() ([]byte, error) { return json.Marshal(r.wire()) }

type wireReceipt struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Total    int64      `json:"total"`
	Accounts []string   `json:"accounts"`
	Before   bool       `json:"before"`
	Finished bool       `json:"finished"`
	Kept     int64      `json:"kept"`
	Start    *time.Time `json:"start"`
	Expires  *time.Time `json:"expires"`
}

func (r CampaignReceipt) wire() wireReceipt {
	accounts := r.Accounts
	if accounts == nil {
		accounts = []string{}
	}
	return wireReceipt{r.ID, r.Name, r.Total, accounts, r.Before, r.Finished, r.Kept, orNull(r.Start), orNull(r.Expires)}
}
