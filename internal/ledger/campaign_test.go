package ledger_test

import (
	"iter"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/ledger/rowtest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// sheet is rows of an input: n of them, each account's in turn.
func sheet(n int, accounts ...string) []ledger.CampaignRow {
	rows := make([]ledger.CampaignRow, n)
	for i := range rows {
		rows[i] = ledger.CampaignRow{
			Line: int64(i + 2), Account: accounts[i%len(accounts)], // line 1 is the header
			Group: tasks.GroupID(strconv.Itoa(120363000000000000+i) + "-group"), Photo: tasks.MadeRef(strings.Repeat("1", 64)),
		}
	}
	return rows
}

func given(rows []ledger.CampaignRow) iter.Seq2[ledger.CampaignRow, error] {
	return func(yield func(ledger.CampaignRow, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// campaign is a test's campaign.
type campaign struct {
	*env
	ledger.Campaign
	questions int
}

func (e *env) asking(name string, changes ...func(*ledger.CampaignRequest)) ledger.CampaignRequest {
	r := ledger.CampaignRequest{Name: name, By: "tests", Expires: time.Now().Add(30 * 24 * time.Hour)}
	for _, change := range changes {
		change(&r)
	}
	return r
}

// accepted accepts a campaign.
func (e *env) accepted(t testing.TB, name string, rows []ledger.CampaignRow, changes ...func(*ledger.CampaignRequest)) *campaign {
	t.Helper()
	got, err := e.AcceptCampaign(t.Context(), e.asking(name, changes...), given(rows))
	if err != nil || got.Before || got.Total != int64(len(rows)) {
		t.Fatalf("AcceptCampaign of %d rows = %+v, %v", len(rows), got, err)
	}
	return &campaign{env: e, Campaign: got.Campaign}
}

// feed feeds rows of an account and returns those of this campaign.
func (c *campaign) feed(t testing.TB, account string, room int, resting ...string) []ledger.FedRow {
	t.Helper()
	c.questions++
	var windows map[string]ledger.Window
	for _, id := range resting {
		windows = map[string]ledger.Window{c.ID: {}, id: {Shut: true}}
	}
	fed, err := c.Feed(t.Context(), ledger.FeedRequest{
		Account: account, Feeder: "f1", Lease: 10 * time.Second, Question: c.ID + strconv.Itoa(c.questions), Room: room, Campaigns: windows,
	})
	if err != nil || fed.Held > 0 {
		t.Fatalf("Feed = held %s, %v", fed.Held, err)
	}
	return fed.Rows
}

// counts reads the counters and sees that they add up, that the rows agree, and
// that the rows themselves are all there.
func (c *campaign) counts(t testing.TB) ledger.Counts {
	t.Helper()
	s, err := c.CampaignStatus(t.Context(), c.ID)
	if err != nil {
		t.Fatalf("CampaignStatus: %v", err)
	}
	if s.Counts.Sum() != s.Total {
		t.Fatalf("the counts %v add up to %d of %d", s.Counts, s.Counts.Sum(), s.Total)
	}
	checks, err := c.VerifyCampaign(t.Context(), s.Campaign, false)
	if err != nil {
		t.Fatalf("VerifyCampaign: %v", err)
	}
	for i, check := range checks {
		if !check.Agrees || check.Total != s.Parts[i].Total || s.Parts[i].Counts.Sum() != s.Parts[i].Total {
			t.Fatalf("account %s: %+v, status %+v", check.Account, check, s.Parts[i])
		}
	}
	return s.Counts
}

func (c *campaign) want(t testing.TB, want ledger.Counts) {
	t.Helper()
	got := c.counts(t)
	maps.DeleteFunc(got, func(_ tasks.State, n int64) bool { return n == 0 })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("counts (-want +got):\n%s", diff)
	}
}

// rows reads the campaign's rows in order.
func (c *campaign) rows(t testing.TB, f ledger.RowFilter) []ledger.RowView {
	t.Helper()
	now, err := c.Ledger.Campaign(t.Context(), c.ID)
	if err != nil {
		t.Fatalf("Campaign: %v", err)
	}
	var all []ledger.RowView
	for row, err := range c.CampaignRows(t.Context(), now, f) {
		if err != nil {
			t.Fatalf("CampaignRows: %v", err)
		}
		all = append(all, row)
	}
	return all
}

func (c *campaign) settle(t testing.TB, r ledger.FedRow, state tasks.State, want ledger.RowVerdict, changes ...func(*ledger.RowEnd)) {
	t.Helper()
	e := ledger.RowEnd{State: state, Attempts: 1, HTTPStatus: 200, FinishedAt: time.UnixMilli(1_800_000_000_000).UTC(), Took: 1500 * time.Millisecond, Photo: photo1}
	if state == tasks.Updated || state == tasks.Refused {
		value := state == tasks.Updated
		e.Value = &value
	}
	if state == tasks.Refused {
		e.Reason, e.Detail = tasks.NoReasonGiven, "it said false"
	}
	for _, change := range changes {
		change(&e)
	}
	got, _, err := rowtest.Settle(t.Context(), c.Ledger, r, e)
	if err != nil || got != want {
		t.Fatalf("the end of %s as %s = %q, %v; want %q", r.ID(), state, got, err, want)
	}
}

func (c *campaign) call(t testing.TB, r ledger.FedRow, want ledger.RowVerdict) {
	t.Helper()
	got, err := rowtest.Call(t.Context(), c.Ledger, r)
	if err != nil || got != want {
		t.Fatalf("the call of %s = %q, %v; want %q", r.ID(), got, err, want)
	}
}

func (c *campaign) snooze(t testing.TB, r ledger.FedRow, after time.Duration, want ledger.RowVerdict) {
	t.Helper()
	got, err := rowtest.Snooze(t.Context(), c.Ledger, r, after)
	if err != nil || got != want {
		t.Fatalf("putting %s off = %q, %v; want %q", r.ID(), got, err, want)
	}
}
