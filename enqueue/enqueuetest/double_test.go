package enqueuetest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/enqueue/enqueuetest"
	"github.com/plugchat-go/groupphoto/internal/redistest"
)

// client is the whole method set that the double shares with the real one.
type client interface {
	photos
	UpdateMany(context.Context, iter.Seq[enqueue.Row]) iter.Seq[enqueue.Result]
	Outcome(context.Context, string, ...enqueue.Where) (enqueue.Outcome, error)
	Details(context.Context, string, ...enqueue.Where) (enqueue.Details, error)
	Cancel(context.Context, string, string, ...enqueue.Where) (enqueue.Details, error)
	Retry(context.Context, string, ...enqueue.Where) (enqueue.Receipt, error)
	Accounts(context.Context) ([]enqueue.Account, error)
	StartCampaign(context.Context, enqueue.Campaign, iter.Seq2[enqueue.CampaignRow, error]) (enqueue.CampaignReceipt, error)
	Close() error
}

var (
	_ client = (*enqueue.Client)(nil)
	_ client = (*enqueuetest.Client)(nil)
)

const group = "120363019502650977-group"

var png = []byte("\x89PNG\r\n\x1a\nrest")

// step is what a call came to, as far as both clients must agree.
type step struct {
	Call      string
	State     enqueue.State
	Duplicate bool
	Problem   string
}

var sentinels = []error{
	enqueue.ErrGroupID, enqueue.ErrPhoto, enqueue.ErrPhotoTooLarge, enqueue.ErrID, enqueue.ErrIDReused,
	enqueue.ErrExpired, enqueue.ErrUnknownAccount, enqueue.ErrInvalid, enqueue.ErrNotFound, enqueue.ErrClosed,
	enqueue.ErrNoRows,
}

func problem(err error) string {
	if i := slices.IndexFunc(sentinels, func(s error) bool { return errors.Is(err, s) }); i >= 0 {
		return sentinels[i].Error()
	}
	if err != nil {
		return "another: " + err.Error()
	}
	return ""
}

// story is one sequence of calls that a producer may make.
func story(ctx context.Context, c client) (steps []step) {
	note := func(call string, state enqueue.State, duplicate bool, err error) {
		steps = append(steps, step{call, state, duplicate, problem(err)})
	}
	put := func(call string, u enqueue.Update, opts ...enqueue.Option) {
		r, err := c.UpdateGroupPhoto(ctx, u, opts...)
		note(call, r.State, r.Duplicate, err)
	}
	link, picture := enqueue.URL("https://cdn.example.com/a.png"), enqueue.Bytes(png)
	put("new", enqueue.Update{GroupID: group, Photo: link}, enqueue.ID("a"))
	put("again", enqueue.Update{GroupID: group, Photo: link}, enqueue.ID("a"))
	put("other content", enqueue.Update{GroupID: group, Photo: picture}, enqueue.ID("a"))
	put("same id, other account", enqueue.Update{GroupID: group, Photo: picture, Account: "b"}, enqueue.ID("a"))
	put("scheduled", enqueue.Update{GroupID: group, Photo: picture}, enqueue.ID("s"), enqueue.In(enqueue.DefaultExpiry))
	put("no group", enqueue.Update{Photo: link})
	put("no image", enqueue.Update{GroupID: group, Photo: enqueue.Bytes([]byte("<html>"))})
	put("not stored", enqueue.Update{GroupID: group, Photo: enqueue.Stored("sha256:" + string(make64('a')))})
	put("expired", enqueue.Update{GroupID: group, Photo: link}, enqueue.ExpiresIn(0))
	for r := range c.UpdateMany(ctx, slices.Values([]enqueue.Row{
		{Update: enqueue.Update{GroupID: group, Photo: link}, Options: []enqueue.Option{enqueue.ID("m1")}},
		{Update: enqueue.Update{GroupID: "x", Photo: link}},
		{Update: enqueue.Update{GroupID: group, Photo: link}, Options: []enqueue.Option{enqueue.ID("m1")}},
	})) {
		note("many", r.Receipt.State, r.Receipt.Duplicate, r.Err)
	}
	for _, id := range []string{"a", "s", "nobody", "."} {
		d, err := c.Details(ctx, id)
		note("details of "+id, d.Outcome.State, d.Cancelling, err)
	}
	for _, id := range []string{"s", "s", "nobody"} {
		d, err := c.Cancel(ctx, id, "ann")
		note("cancel "+id, d.Outcome.State, d.Cancelling, err)
	}
	put("again after the end", enqueue.Update{GroupID: group, Photo: picture}, enqueue.ID("s"), enqueue.In(enqueue.DefaultExpiry))
	for _, id := range []string{"s", "s", "nobody"} {
		r, err := c.Retry(ctx, id)
		note("retry "+id, r.State, r.Duplicate, err)
	}
	o, err := c.Outcome(ctx, "a", enqueue.OfAccount("b"))
	note("in account b", o.State, o.Account == "b", err)
	_, err = c.Outcome(ctx, "a", enqueue.OfAccount("b"), enqueue.OfAccount("c"))
	note("in two accounts", "", false, err)
	start := func(call string, campaign enqueue.Campaign, rows ...enqueue.CampaignRow) {
		r, err := c.StartCampaign(ctx, campaign, func(yield func(enqueue.CampaignRow, error) bool) {
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		})
		if differs, ok := errors.AsType[*enqueue.CampaignDiffersError](err); ok {
			err = fmt.Errorf("%d of %d and %d rows differ, first line %d", differs.Changed, differs.Before, differs.After, differs.Is.Line)
		}
		note(call, enqueue.State(fmt.Sprint(r.Total, r.Accounts, r.Start.IsZero(), r.Expires.IsZero())), r.Before, err)
	}
	spring := enqueue.Campaign{Name: "spring", Photo: picture}
	start("campaign", spring, enqueue.CampaignRow{GroupID: group}, enqueue.CampaignRow{GroupID: group, Account: "b", Photo: link})
	start("campaign again", spring, enqueue.CampaignRow{GroupID: group}, enqueue.CampaignRow{GroupID: group, Account: "b", Photo: link})
	start("other campaign of the name", spring, enqueue.CampaignRow{GroupID: group}, enqueue.CampaignRow{Line: 5, GroupID: group, Photo: link})
	start("campaign without rows", enqueue.Campaign{Name: "none"})
	start("campaign without a name", enqueue.Campaign{}, enqueue.CampaignRow{GroupID: group, Photo: link})
	start("campaign's bad row", enqueue.Campaign{Name: "bad"}, enqueue.CampaignRow{GroupID: "x", Photo: link})
	start("campaign's missing photo", enqueue.Campaign{Name: "bad"}, enqueue.CampaignRow{GroupID: group})
	start("campaign of text", enqueue.Campaign{Name: "bad", Photo: enqueue.Bytes([]byte("text"))}, enqueue.CampaignRow{GroupID: group})
	start("campaign of a photo that is not stored", enqueue.Campaign{Name: "bad", Photo: enqueue.Stored("sha256:" + string(make64('a')))}, enqueue.CampaignRow{GroupID: group})
	note("close", "", false, c.Close())
	put("after close", enqueue.Update{GroupID: group, Photo: link})
	return steps
}

func make64(b byte) []byte { return slices.Repeat([]byte{b}, 64) }

func TestClient_BehavesLikeTheRealOne(t *testing.T) {
	t.Parallel()
	// Given the double and a real client on an empty Redis, when both live
	// through the same story, then they tell the same.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp, err := enqueue.New(rdb)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(story(t.Context(), gp), story(t.Context(), enqueuetest.New())); diff != "" {
			t.Errorf("the double differs (-real +double):\n%s", diff)
		}
	})
}

func TestSettle_ScriptGoesOnWithRetry(t *testing.T) {
	t.Parallel()
	// Given a script of two ends, when the update is retried after the first,
	// then the second comes.
	gp := enqueuetest.New()
	u := enqueue.Update{GroupID: group, Photo: enqueue.Bytes(png)}
	if _, err := gp.UpdateGroupPhoto(t.Context(), u, enqueue.ID("a")); err != nil {
		t.Fatal(err)
	}
	waited := make(chan enqueue.State, 1)
	go func() {
		o, _ := gp.Wait(t.Context(), "a")
		waited <- o.State
	}()
	gp.Settle("a", enqueue.Calling, enqueue.Failed, enqueue.Updated)
	if got := <-waited; got != enqueue.Failed {
		t.Fatalf("the first end is %s", got)
	}
	if _, err := gp.Retry(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	o, err := gp.Wait(t.Context(), "a")
	if err != nil || o.State != enqueue.Updated || o.Value == nil || !*o.Value || o.Attempts != 1 {
		t.Errorf("the second end is %+v, %v", o, err)
	}
	if calls := gp.Updates(); len(calls) != 1 || string(calls[0].Picture) != string(png) {
		t.Errorf("recorded calls: %+v", calls)
	}
}

func TestClient_ScriptedTrouble(t *testing.T) {
	t.Parallel()
	// Given an outage and served accounts, when the test scripts them, then calls
	// fail as the real client's do.
	gp := enqueuetest.New()
	u := enqueue.Update{GroupID: group, Photo: enqueue.Bytes(png), Account: "mian"}
	gp.Fail(enqueue.ErrUnavailable)
	if _, err := gp.UpdateGroupPhoto(t.Context(), u); !errors.Is(err, enqueue.ErrUnavailable) {
		t.Errorf("in the outage: %v", err)
	}
	gp.Fail(nil)
	gp.Serve("main")
	if _, err := gp.UpdateGroupPhoto(t.Context(), u); !errors.Is(err, enqueue.ErrUnknownAccount) {
		t.Errorf("unknown account: %v", err)
	}
	if _, err := gp.UpdateGroupPhoto(t.Context(), u, enqueue.AllowUnknownAccount()); err != nil {
		t.Errorf("allowed: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := gp.UpdateGroupPhoto(ctx, u); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestStartCampaign_KeepsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	// Given a program that starts a campaign, when it has, then the test sees its rows
	// and pictures as they were accepted.
	gp := enqueuetest.New()
	gp.Serve("main")
	start := func(account string) error {
		_, err := gp.StartCampaign(t.Context(), enqueue.Campaign{Name: "spring", Photo: enqueue.Bytes(png), Trial: 3, By: "ana"},
			func(yield func(enqueue.CampaignRow, error) bool) {
				yield(enqueue.CampaignRow{Line: 4, GroupID: "120363019502650977@g.us", Account: account, Ref: "r"}, nil)
			})
		return err
	}
	if err := start("mian"); !errors.Is(err, enqueue.ErrUnknownAccount) {
		t.Errorf("an account that nobody serves: %v", err)
	}
	gp.Fail(enqueue.ErrUnavailable)
	if err := start("main"); !errors.Is(err, enqueue.ErrUnavailable) {
		t.Errorf("in an outage: %v", err)
	}
	gp.Fail(nil)
	if err := start("main"); err != nil {
		t.Error(err)
	}
	started := gp.StartedCampaigns()
	if len(started) != 1 || len(started[0].Rows) != 1 || started[0].Trial != 3 || started[0].By != "ana" {
		t.Fatalf("started: %+v", started)
	}
	if row := started[0].Rows[0]; row.Line != 4 || row.GroupID != group || row.Account != "main" || row.Ref != "r" || string(row.Picture) != string(png) {
		t.Errorf("the row is %+v", row)
	}
}
