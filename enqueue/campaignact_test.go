package enqueue_test

import (
	"errors"
	"fmt"
	"slices"
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

func TestCampaign_PauseResumeCancel(t *testing.T) {
	t.Parallel()
	// Given a campaign, when it is paused, resumed and cancelled, twice each, then the
	// second says that it was so, states follow at once, and the log tells it all.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := openCampaigns(t, rdb)
		gp.mustStart(t, enqueue.Campaign{Name: "c", By: "ana"}, sheetRows(5))
		gp.end(t, "main", updated)
		ctx := t.Context()
		var steps []string
		step := func(what string, changed bool, err error) {
			info := gp.mustInfo(t, "c")
			steps = append(steps, strings.TrimSuffix(fmt.Sprint(what, " ", changed, " ", errors.Is(err, enqueue.ErrCampaignClosed), ": ", info.State, " ", info.Reason), " "))
			if err != nil && !errors.Is(err, enqueue.ErrCampaignClosed) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for range 2 {
			changed, err := gp.PauseCampaign(ctx, "c", "bob", "wrong\nlogo")
			step("pause", changed, err)
		}
		if fed := gp.feed(t, "main", 5); len(fed) > 0 {
			t.Errorf("%d rows of a paused campaign went out", len(fed))
		}
		for range 2 {
			changed, err := gp.ResumeCampaign(ctx, "c", "bob")
			step("resume", changed, err)
		}
		calling := gp.feed(t, "main", 1)[0]
		if v, err := rowtest.Call(ctx, gp.ledger, calling); err != nil || v != ledger.RowOK {
			t.Fatal(v, err)
		}
		for range 2 {
			changed, err := gp.CancelCampaign(ctx, "c", "bob", "")
			step("cancel", changed, err)
		}
		if info := gp.mustInfo(t, "c"); info.Counts[enqueue.Calling] != 1 || info.Counts[enqueue.Cancelled] != 3 || info.Counts[enqueue.Updated] != 1 {
			t.Errorf("cancelled with a call under way: %v", info.Counts)
		}
		if v, last, err := rowtest.Settle(ctx, gp.ledger, calling, updated); err != nil || v != ledger.RowOK || !last {
			t.Errorf("the call under way: %s, %v, %v", v, last, err)
		}
		changed, err := gp.PauseCampaign(ctx, "c", "bob", "")
		step("pause", changed, err)
		changed, err = gp.ResumeCampaign(ctx, "c", "bob")
		step("resume", changed, err)
		if diff := cmp.Diff([]string{
			"pause true false: paused stopped by bob: wrong logo", "pause false false: paused stopped by bob: wrong logo",
			"resume true false: running", "resume false false: running",
			"cancel true false: cancelled stopped by bob", "cancel false false: cancelled stopped by bob",
			"pause false true: cancelled stopped by bob", "resume false true: cancelled stopped by bob",
		}, steps); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		log, err := gp.CampaignLog(ctx, "c")
		var events []string
		for _, e := range log {
			if e.At.IsZero() || time.Since(e.At) > time.Minute {
				t.Errorf("event at %s", e.At)
			}
			events = append(events, strings.TrimSpace(fmt.Sprint(e.What, " ", e.By, " ", e.Why)))
		}
		if diff := cmp.Diff([]string{"start ana", "pause bob wrong logo", "resume bob", "cancel bob"}, events); err != nil || diff != "" {
			t.Errorf("%v, the log (-want +got):\n%s", err, diff)
		}
	})
}

func TestCampaign_TrialEndsWithResume(t *testing.T) {
	t.Parallel()
	// Given a trial of two rows, when they have ended, then the campaign is paused until
	// somebody resumes it; then all others go.
	gp := openCampaigns(t, redistest.Mini(t).Client(t))
	gp.mustStart(t, enqueue.Campaign{Name: "c", Trial: 2}, sheetRows(5))
	gp.end(t, "main", updated, updated)
	if info := gp.mustInfo(t, "c"); info.State != enqueue.CampaignPaused || info.Reason != enqueue.TrialOver || info.Trial != 2 {
		t.Errorf("after the trial: %s %q", info.State, info.Reason)
	}
	if fed := gp.feed(t, "main", 5); len(fed) > 0 {
		t.Errorf("%d more rows went out", len(fed))
	}
	if changed, err := gp.ResumeCampaign(t.Context(), "c", ""); !changed || err != nil {
		t.Errorf("ResumeCampaign = %v, %v", changed, err)
	}
	gp.end(t, "main", updated, updated, updated)
	if info := gp.mustInfo(t, "c"); info.State != enqueue.CampaignFinished || info.FinishedAt.IsZero() {
		t.Errorf("at the end: %s %s", info.State, info.FinishedAt)
	}
	if _, err := gp.PauseCampaign(t.Context(), "c", "", ""); !errors.Is(err, enqueue.ErrCampaignClosed) {
		t.Errorf("pausing what has finished: %v", err)
	}
	if changed, err := gp.CancelCampaign(t.Context(), "c", "", ""); changed || err != nil {
		t.Errorf("cancelling what has finished: %v, %v", changed, err)
	}
}

func TestCampaign_NobodyKnowsIt(t *testing.T) {
	t.Parallel()
	gp := openCampaigns(t, redistest.Mini(t).Client(t))
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"info":   func() error { _, err := gp.CampaignInfo(ctx, "c"); return err },
		"pause":  func() error { _, err := gp.PauseCampaign(ctx, "c", "", ""); return err },
		"resume": func() error { _, err := gp.ResumeCampaign(ctx, "c", ""); return err },
		"cancel": func() error { _, err := gp.CancelCampaign(ctx, "c", "", ""); return err },
		"retry":  func() error { _, err := gp.RetryCampaign(ctx, "c", enqueue.Retry{}); return err },
		"move":   func() error { _, err := gp.MoveCampaign(ctx, "c", "a", "b", ""); return err },
		"undo":   func() error { _, err := gp.UndoCampaign(ctx, "c", enqueue.Undo{}); return err },
		"log":    func() error { _, err := gp.CampaignLog(ctx, "c"); return err },
		"verify": func() error { _, err := gp.VerifyCampaign(ctx, "c", true); return err },
		"records": func() error {
			for _, err := range gp.CampaignRecords(ctx, "c", enqueue.CampaignFilter{}) {
				return err
			}
			return nil
		},
	} {
		if err := call(); !errors.Is(err, enqueue.ErrNoCampaign) || errors.Is(err, enqueue.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := keyCount(t, gp.rdb); n != 1 { // the schema's number
		t.Errorf("%d keys were left", n)
	}
}

func TestRetryCampaign_ChoosesRows(t *testing.T) {
	t.Parallel()
	expired := ledger.RowEnd{State: enqueue.Expired, Reason: tasks.ExpiredTime}
	superseded := ledger.RowEnd{State: enqueue.Superseded, Reason: tasks.NewerUpdate}
	for _, c := range []struct {
		name  string
		retry enqueue.Retry
		lines []int64
		is    error
	}{
		{"all that make sense", enqueue.Retry{}, []int64{3, 4, 5, 7, 8}, nil},
		{"refused", enqueue.Retry{States: []enqueue.State{enqueue.Refused}}, []int64{3, 7}, nil},
		{"by reason, whatever the state", enqueue.Retry{Reasons: []tasks.Reason{tasks.NewerUpdate, "photo_not_found"}}, []int64{4, 6, 8}, nil},
		{"state and reason", enqueue.Retry{States: []enqueue.State{enqueue.Refused}, Reasons: []tasks.Reason{"photo_not_found"}}, nil, nil},
		{"of an account", enqueue.Retry{Accounts: []string{"b"}}, []int64{7, 8}, nil},
		{"updated rows", enqueue.Retry{States: []enqueue.State{enqueue.Updated}}, nil, enqueue.ErrInvalid},
		{"a state of no row", enqueue.Retry{States: []enqueue.State{"lost"}}, nil, enqueue.ErrInvalid},
		{"a reason that there is not", enqueue.Retry{Reasons: []tasks.Reason{"bad_weather"}}, nil, enqueue.ErrInvalid},
		{"an account that it has not", enqueue.Retry{Accounts: []string{"c"}}, nil, enqueue.ErrInvalid},
		{"expires in the past", enqueue.Retry{Expires: time.Now().Add(-time.Hour)}, nil, enqueue.ErrExpired},
		{"expires in years", enqueue.Retry{Expires: time.Now().AddDate(3, 0, 0)}, nil, enqueue.ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// Given rows that ended in every way over two accounts, when rows are chosen, then
			// these wait again and no others, and how they ended is still known.
			gp := openCampaigns(t, redistest.Mini(t).Client(t))
			rows := sheetRows(7)
			rows[5].Account, rows[6].Account = "b", "b"
			gp.mustStart(t, enqueue.Campaign{Name: "c"}, rows)
			gp.end(t, "main", updated, refused, notFound, expired, superseded)
			gp.end(t, "b", refused, notFound)
			c.retry.By = "ana"
			n, err := gp.RetryCampaign(t.Context(), "c", c.retry)
			if !errors.Is(err, c.is) || n != int64(len(c.lines)) {
				t.Errorf("RetryCampaign = %d, %v; want %d, %v", n, err, len(c.lines), c.is)
			}
			var lines []int64
			for r, err := range gp.CampaignRecords(t.Context(), "c", enqueue.CampaignFilter{States: []enqueue.State{enqueue.Waiting}}) {
				if err != nil {
					t.Fatal(err)
				}
				lines = append(lines, r.Line)
			}
			if diff := cmp.Diff(c.lines, lines); diff != "" {
				t.Errorf("waiting lines (-want +got):\n%s", diff)
			}
			if info := gp.mustInfo(t, "c"); c.is == nil && info.Pass != 1 || c.is != nil && info.Pass != 0 {
				t.Errorf("pass %d", info.Pass)
			}
		})
	}
}

func TestRetryCampaign_OpensAndProlongs(t *testing.T) {
	t.Parallel()
	// Given a cancelled campaign that expires in an hour, when it is retried for three
	// days, then it runs again until then, and its photos live a day longer; a photo
	// that is gone is told before anything changes.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := openCampaigns(t, rdb)
		rows := sheetRows(3)
		rows[2].Photo = enqueue.Bytes(jpeg)
		gp.mustStart(t, enqueue.Campaign{Name: "c", Expires: time.Now().Add(time.Hour)}, rows)
		gp.end(t, "main", updated)
		if _, err := gp.CancelCampaign(t.Context(), "c", "ana", ""); err != nil {
			t.Fatal(err)
		}
		again := enqueue.Retry{States: []enqueue.State{enqueue.Cancelled}, Expires: time.Now().Add(72 * time.Hour)}
		if err := rdb.Rename(t.Context(), "groupphoto:photo:{"+hashOf(jpeg)+"}:src", "groupphoto:photo:{"+hashOf(jpeg)+"}:x").Err(); err != nil {
			t.Fatal(err)
		}
		_, err := gp.RetryCampaign(t.Context(), "c", again)
		if !errors.Is(err, enqueue.ErrPhoto) || !strings.Contains(err.Error(), "line 4: photo src:sha256:") {
			t.Errorf("with a photo that is gone: %v", err)
		}
		if info := gp.mustInfo(t, "c"); info.State != enqueue.CampaignCancelled || info.Counts[enqueue.Cancelled] != 2 {
			t.Errorf("after that: %s %v", info.State, info.Counts)
		}
		if err := rdb.Rename(t.Context(), "groupphoto:photo:{"+hashOf(jpeg)+"}:x", "groupphoto:photo:{"+hashOf(jpeg)+"}:src").Err(); err != nil {
			t.Fatal(err)
		}
		if n, err := gp.RetryCampaign(t.Context(), "c", again); n != 2 || err != nil {
			t.Fatalf("RetryCampaign = %d, %v", n, err)
		}
		info := gp.mustInfo(t, "c")
		if info.State != enqueue.CampaignRunning || info.Counts[enqueue.Waiting] != 2 || time.Until(info.Expires) < 71*time.Hour {
			t.Errorf("it is %s until %s: %v", info.State, info.Expires, info.Counts)
		}
		for _, picture := range [][]byte{png, jpeg} {
			if left := rdb.PTTL(t.Context(), "groupphoto:photo:{"+hashOf(picture)+"}:src").Val(); left < 95*time.Hour {
				t.Errorf("a picture is kept for %s", left)
			}
		}
	})
}

func TestRetryCampaign_ThroughAnotherAccount(t *testing.T) {
	t.Parallel()
	// Given rows of two accounts, when they are to be sent again through a third, then
	// that is refused while others have not ended; after that they wait there, and the
	// campaign goes on as it did before, paused or not.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		for _, closed := range []bool{false, true} {
			gp := openCampaigns(t, rdb)
			name := fmt.Sprint("c-", closed)
			gp.mustStart(t, enqueue.Campaign{Name: name}, sheetRows(5, "a", "b"))
			gp.end(t, "a", updated, refused)
			gp.end(t, "b", refused, updated)
			through := enqueue.Retry{Account: "z", States: []enqueue.State{enqueue.Refused, enqueue.Cancelled}, By: "ana"}
			_, err := gp.RetryCampaign(t.Context(), name, through)
			if want := "groupphoto campaign move " + name + " --from a --to z"; !errors.Is(err, enqueue.ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("while a row waits: %v", err)
			}
			want := int64(2)
			if closed {
				if _, err := gp.CancelCampaign(t.Context(), name, "ana", ""); err != nil {
					t.Fatal(err)
				}
				want = 3
			} else {
				gp.end(t, "a", updated)
			}
			if n, err := gp.RetryCampaign(t.Context(), name, through); n != want || err != nil {
				t.Fatalf("RetryCampaign = %d, %v", n, err)
			}
			info := gp.mustInfo(t, name)
			i := slices.IndexFunc(info.Accounts, func(p enqueue.CampaignPart) bool { return p.Account == "z" })
			if info.State != enqueue.CampaignRunning || i < 0 || info.Accounts[i].Counts[enqueue.Waiting] != want {
				t.Errorf("it is %s (%s): %+v", info.State, info.Reason, info.Accounts)
			}
			if fed := gp.feed(t, "z", 5); int64(len(fed)) != want {
				t.Errorf("z has %d rows", len(fed))
			}
		}
	})
}

func TestMoveCampaign(t *testing.T) {
	t.Parallel()
	// Given a campaign of two accounts that workers serve, when rows are moved, then the
	// target must be known and the source the campaign's; ended rows and a call stay.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := openCampaigns(t, rdb)
		if err := gp.ledger.Serve(t.Context(), "test", "a", "b", "z"); err != nil {
			t.Fatal(err)
		}
		gp.mustStart(t, enqueue.Campaign{Name: "c"}, sheetRows(10, "a", "b"))
		gp.end(t, "a", updated)
		if v, err := rowtest.Call(t.Context(), gp.ledger, gp.feed(t, "a", 1)[0]); err != nil || v != ledger.RowOK {
			t.Fatal(v, err)
		}
		for _, bad := range []struct {
			from, to string
			is       error
		}{{"a", "y", enqueue.ErrUnknownAccount}, {"a", "Y", enqueue.ErrInvalid}, {"a", "a", enqueue.ErrInvalid}, {"z", "b", enqueue.ErrInvalid}} {
			if _, err := gp.MoveCampaign(t.Context(), "c", bad.from, bad.to, ""); !errors.Is(err, bad.is) {
				t.Errorf("from %s to %s: %v", bad.from, bad.to, err)
			}
		}
		if n, err := gp.MoveCampaign(t.Context(), "c", "a", "z", "ana"); n != 3 || err != nil {
			t.Errorf("MoveCampaign = %d, %v", n, err)
		}
		info := gp.mustInfo(t, "c")
		var got []string
		for _, p := range info.Accounts {
			got = append(got, fmt.Sprint(p.Account, " ", p.Total, " ", p.Counts[enqueue.Waiting]))
		}
		if diff := cmp.Diff([]string{"a 2 0", "b 5 5", "z 3 3"}, got); diff != "" || info.Moving != [2]string{} {
			t.Errorf("moving %v (-want +got):\n%s", info.Moving, diff)
		}
		checks, err := gp.VerifyCampaign(t.Context(), "c", false)
		if err != nil || len(checks) != 3 || slices.ContainsFunc(checks, func(c enqueue.CampaignCheck) bool { return !c.Agrees }) || checks[0].Moved != 3 {
			t.Errorf("VerifyCampaign = %+v, %v", checks, err)
		}
	})
}

func TestVerifyCampaign_Repairs(t *testing.T) {
	t.Parallel()
	// Given counters that somebody has spoilt, when the campaign is verified, then that
	// is told; with repair they are right again.
	gp := openCampaigns(t, redistest.Mini(t).Client(t))
	r := gp.mustStart(t, enqueue.Campaign{Name: "c"}, sheetRows(4))
	gp.end(t, "main", updated)
	if err := gp.rdb.HSet(t.Context(), "groupphoto:{main}:c:"+r.ID, "U", 3).Err(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, false, true} {
		checks, err := gp.VerifyCampaign(t.Context(), "c", i == 1)
		if err != nil || len(checks) != 1 || checks[0].Agrees != want || checks[0].Counted[enqueue.Updated] != 1 {
			t.Errorf("look %d: %+v, %v", i, checks, err)
		}
	}
}
