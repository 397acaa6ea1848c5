package enqueue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/ledger/rowtest"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestCampaignRecords_Filters(t *testing.T) {
	t.Parallel()
	// Given rows in all states, when records are asked for, then they come in input
	// order, only those that are wanted, and a row between two attempts is queued.
	gp := openCampaigns(t, redistest.Mini(t).Client(t))
	ctx := t.Context()
	gp.mustStart(t, enqueue.Campaign{Name: "c"}, sheetRows(8, "main", "b"))
	end := updated
	end.PreviousPhoto = "https://cdn.example.com/x.png?sig=hush"
	gp.end(t, "main", end, refused)
	gp.end(t, "b", notFound)
	queued := gp.feed(t, "b", 1)[0]
	if v, err := rowtest.Call(ctx, gp.ledger, queued); err != nil || v != ledger.RowOK {
		t.Fatal(v, err)
	}
	if v, err := rowtest.Snooze(ctx, gp.ledger, queued, time.Minute); err != nil || v != ledger.RowOK {
		t.Fatal(v, err)
	}
	gp.feed(t, "main", 1)
	for _, c := range []struct {
		name   string
		filter enqueue.CampaignFilter
		want   string
	}{
		{"all", enqueue.CampaignFilter{}, "2 updated, 3 failed, 4 refused, 5 queued, 6 queued, 7 waiting, 8 waiting, 9 waiting"},
		{"queued", enqueue.CampaignFilter{States: []enqueue.State{enqueue.Queued}}, "5 queued, 6 queued"},
		{"two states of one account", enqueue.CampaignFilter{States: []enqueue.State{enqueue.Updated, enqueue.Waiting}, Accounts: []string{"main"}}, "2 updated, 8 waiting"},
		{"a reason", enqueue.CampaignFilter{Reasons: []tasks.Reason{"photo_not_found"}}, "3 failed"},
		{"from a line on", enqueue.CampaignFilter{After: 7}, "8 waiting, 9 waiting"},
		{"none", enqueue.CampaignFilter{States: []enqueue.State{enqueue.Expired}}, ""},
	} {
		var got []string
		for r, err := range gp.CampaignRecords(ctx, "c", c.filter) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(r.Line, " ", r.State))
			if r.State == enqueue.Updated && (r.Value == nil || !*r.Value || r.Attempts != 1 || r.HTTPStatus != 200 || r.Photo != made("a") ||
				r.PreviousPhoto != "https://cdn.example.com/x.png" || r.FinishedAt.IsZero() || r.Took != 2*time.Second) {
				t.Errorf("the updated row is %+v", r)
			}
		}
		if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestOutcome_OfACampaignsRow(t *testing.T) {
	t.Parallel()
	// Given rows of a campaign, when they are looked up by their updates' ids, then the
	// row answers, whatever the feed; what is done to single updates is refused with
	// the command that is meant.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := openCampaigns(t, rdb)
		ctx := t.Context()
		rows := sheetRows(3)
		rows[0].Ref = "order-1"
		start := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
		r := gp.mustStart(t, enqueue.Campaign{Name: "c", By: "ana"}, rows)
		later := gp.mustStart(t, enqueue.Campaign{Name: "later", Start: start}, sheetRows(1, "b"))
		fed := gp.end(t, "main", refused)
		got, err := gp.Outcome(ctx, fed[0].ID())
		no := false
		want := enqueue.Outcome{
			ID: r.ID + ".1.1", Account: "main", GroupID: tasks.GroupID(groupAt(0)), Campaign: r.ID, Ref: "order-1", By: "ana",
			State: enqueue.Refused, Value: &no, Reason: tasks.NotAdmin, Attempts: 2, HTTPStatus: 200, Photo: tasks.SourceRef(hashOf(png)).Wire(),
			EnqueuedAt: got.EnqueuedAt, FinishedAt: got.FinishedAt,
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" || got.EnqueuedAt.IsZero() || got.FinishedAt.IsZero() {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		gp.feed(t, "main", 1)
		for id, state := range map[string]enqueue.State{
			r.ID + ".1.9": enqueue.Refused, r.ID + ".2.1": enqueue.Waiting, r.ID + ".3.1": enqueue.Waiting, later.ID + ".1.1": enqueue.Scheduled,
		} {
			if d, err := gp.Details(ctx, id); err != nil || d.Outcome.State != state || d.ExpiresAt.IsZero() || state == enqueue.Scheduled && !d.Due.Equal(start) {
				t.Errorf("%s: %+v, %v; want %s", id, d, err, state)
			}
		}
		for _, id := range []string{r.ID + ".4.1", "nobody.1.1"} {
			if _, err := gp.Outcome(ctx, id); !errors.Is(err, enqueue.ErrNotFound) {
				t.Errorf("%s: %v", id, err)
			}
		}
		if _, err := gp.Outcome(ctx, r.ID+".1.1", enqueue.OfAccount("b")); !errors.Is(err, enqueue.ErrNotFound) {
			t.Errorf("in another account: %v", err)
		}
		for command, do := range map[string]func(string) error{
			"cancel": func(id string) error { _, err := gp.Cancel(ctx, id, "ana"); return err },
			"retry":  func(id string) error { _, err := gp.Retry(ctx, id); return err },
		} {
			if err := do(r.ID + ".1.1"); !errors.Is(err, enqueue.ErrInvalid) || !strings.Contains(err.Error(), "groupphoto campaign "+command+" "+r.ID) {
				t.Errorf("%s: %v", command, err)
			}
		}
	})
}

func TestWait_ForACampaignsRow(t *testing.T) {
	t.Parallel()
	// Given a row that is called, when somebody waits for it, then its end comes; and
	// who gives up is told where it stood.
	gp := openCampaigns(t, redistest.Mini(t).Client(t))
	r := gp.mustStart(t, enqueue.Campaign{Name: "c"}, sheetRows(1))
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("tea time"))
	defer cancel()
	if _, err := gp.Wait(ctx, r.ID+".1.1"); err == nil || !strings.Contains(err.Error(), "last seen waiting): tea time") {
		t.Errorf("given up: %v", err)
	}
	ended := make(chan enqueue.Outcome, 1)
	go func() {
		o, _ := gp.Wait(t.Context(), r.ID+".1.1")
		ended <- o
	}()
	gp.end(t, "main", ledger.RowEnd{State: enqueue.Updated})
	if o := <-ended; o.State != enqueue.Updated {
		t.Errorf("waited for: %+v", o)
	}
}
