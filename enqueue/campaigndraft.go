package enqueue

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// PreparedCampaign is a campaign that has passed every check that needs no Redis.
type PreparedCampaign struct {
	// Name, Start, Expires and By are what the campaign begins with; Settings are kept
	// as this text.
	Name, By, Settings string
	Start, Expires     time.Time
	SkipUnchanged      bool
	Trial              int
	Rows               []PreparedRow
}

// PreparedRow is one row of a PreparedCampaign.
type PreparedRow struct {
	Line       int64
	Account    string
	GroupID    tasks.GroupID
	Photo      tasks.PhotoRef
	Ref, Extra string
	// Picture is what has to be stored under Photo; nil for a photo that is only
	// referred to.
	Picture []byte
}

// PrepareCampaign checks a campaign as StartCampaign does, reading photos' files but
// touching neither Redis nor the network, and returns what would be accepted. All
// rows and pictures are in memory then: it is for tests and doubles.
func PrepareCampaign(campaign Campaign, rows iter.Seq2[CampaignRow, error]) (PreparedCampaign, error) {
	d, err := newCampaignDraft(campaign, "", time.Now())
	if err != nil {
		return PreparedCampaign{}, err
	}
	r := d.request
	p := PreparedCampaign{Name: r.Name, By: r.By, Settings: r.Settings, Start: r.Start, Expires: r.Expires, SkipUnchanged: r.SkipUnchanged, Trial: r.Trial}
	var shared PreparedRow
	if d.shared.given() {
		if err := shared.show(d.shared); err != nil {
			return p, err
		}
	}
	if rows == nil {
		rows = func(func(CampaignRow, error) bool) {}
	}
	for given, err := range rows {
		if err != nil {
			return p, err
		}
		made, err := d.row(given)
		row := PreparedRow{
			Line: made.Line, Account: made.Account, GroupID: made.Group, Ref: made.Ref, Extra: made.Extra,
			Photo: shared.Photo, Picture: shared.Picture,
		}
		if err == nil && given.Photo.given() {
			err = row.show(given.Photo)
		}
		if err != nil {
			return p, fmt.Errorf("line %d: %w", made.Line, err)
		}
		p.Rows = append(p.Rows, row)
	}
	if len(p.Rows) == 0 {
		return p, fmt.Errorf("it has no rows: %w", ErrNoRows)
	}
	return p, nil
}

func (r *PreparedRow) show(p Photo) (err error) {
	var refers bool
	if r.Photo, refers, err = p.reference(); err != nil || refers {
		r.Picture = nil
		return err
	}
	if r.Picture, err = p.load(); err == nil {
		r.Photo = tasks.SourceRef(tasks.HashHex(sha256.Sum256(r.Picture)))
	}
	return err
}

// campaignDraft is a campaign whose own fields have been checked. It gives its rows
// their lines, and so serves one run through them.
type campaignDraft struct {
	request ledger.CampaignRequest
	account string
	shared  Photo
	line    int64 // of the last row
}

// newCampaignDraft collects all problems of a campaign's own fields.
func newCampaignDraft(campaign Campaign, by string, now time.Time) (*campaignDraft, error) {
	var problems []error
	note := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	d := &campaignDraft{account: cmp.Or(campaign.Account, tasks.DefaultAccount), shared: campaign.Photo}
	r := &d.request
	r.Name, r.SkipUnchanged, r.Trial, r.Again = campaign.Name, campaign.SkipUnchanged, campaign.Trial, campaign.Again
	note(invalid(tasks.CheckCampaign(campaign.Name)))
	note(invalid(tasks.CheckAccount(d.account)))
	if campaign.Photo.given() {
		_, _, err := campaign.Photo.reference()
		note(err)
	}
	if campaign.Trial < 0 {
		note(fmt.Errorf("a trial of %d rows: must be from 1, or 0 for none: %w", campaign.Trial, ErrInvalid))
	}
	settings, err := settingsText(campaign.Settings)
	note(err)
	r.Settings = settings
	r.By, err = spoken("by", campaign.By, by)
	note(err)
	r.Start, r.Expires, err = campaignTimes(campaign.Start, campaign.Expires, now.UTC().Truncate(time.Millisecond))
	note(err)
	return d, errors.Join(problems...)
}

// settingsText checks settings and gives the form in which they are kept.
func settingsText(s tasks.CampaignSettings) (string, error) {
	return s.JSON(), invalid(s.Check())
}

// campaignTimes settles when a campaign starts and when its rows expire.
func campaignTimes(start, expires, now time.Time) (time.Time, time.Time, error) {
	latest := now.Add(MaxAhead)
	start, expires = start.UTC().Truncate(time.Millisecond), expires.UTC().Truncate(time.Millisecond)
	from := start
	if !start.After(now) {
		start, from = time.Time{}, now
	}
	switch {
	case from.After(latest):
		return start, expires, fmt.Errorf("it would start %s, more than a year ahead; check the unit and the zone: %w", stamp(from), ErrInvalid)
	case expires.IsZero():
		expires = from.Add(DefaultCampaignExpiry)
	case !expires.After(from):
		return start, expires, fmt.Errorf("it would expire %s and starts %s: %w", stamp(expires), stamp(from), ErrExpired)
	case expires.After(latest):
		return start, expires, fmt.Errorf("it would expire %s, more than a year ahead; check the unit and the zone: %w", stamp(expires), ErrInvalid)
	}
	return start, expires, nil
}

// row checks a row and makes the ledger's of it, without its photo. With an error it
// has its line all the same.
func (d *campaignDraft) row(given CampaignRow) (ledger.CampaignRow, error) {
	row := ledger.CampaignRow{Line: given.Line, Account: cmp.Or(given.Account, d.account), Ref: given.Ref, Extra: given.Extra}
	if row.Line == 0 {
		row.Line = d.line + 1
	}
	if row.Line <= d.line {
		return row, fmt.Errorf("comes after line %d: lines must rise: %w", d.line, ErrInvalid)
	}
	d.line = row.Line
	var err error
	if row.Group, err = tasks.ParseGroupID(given.GroupID); err != nil {
		return row, d.all(given, row, err)
	}
	if given.Account != "" && given.Account != d.account && tasks.CheckAccount(given.Account) != nil ||
		!given.Photo.given() && !d.shared.given() || len(given.Extra) > MaxExtra || given.Ref != "" {
		err = d.all(given, row, nil)
	}
	return row, err
}

// all tells all problems of a row; only rows that may have some come here, since a
// million do not.
func (d *campaignDraft) all(given CampaignRow, row ledger.CampaignRow, group error) error {
	problems := []error{group, invalid(tasks.CheckAccount(row.Account))}
	_, err := word("ref", given.Ref, unsaid, "")
	problems = append(problems, err)
	if len(given.Extra) > MaxExtra {
		problems = append(problems, fmt.Errorf("extra is %d bytes long; at most %d are kept: %w", len(given.Extra), MaxExtra, ErrInvalid))
	}
	switch {
	case given.Photo.given():
		_, _, err = given.Photo.reference()
		problems = append(problems, err)
	case !d.shared.given():
		problems = append(problems, fmt.Errorf("photo is missing, and the campaign has none for all: %w", ErrPhoto))
	}
	return errors.Join(problems...)
}

// unsaid is an option that was not given.
var unsaid given[string]

// given says whether there is a photo at all.
func (p Photo) given() bool { return p.source != nil }

// spoken settles who did something, or why: at most tasks.MaxRef bytes on one line.
func spoken(name, text, preset string) (string, error) {
	text, err := word(name, text, unsaid, preset)
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text), err
}

// clipped shortens a name for an error.
func clipped(name string) string {
	const most = 70
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}
