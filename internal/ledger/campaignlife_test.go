package ledger_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/ledger/rowtest"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestCampaign_FromAcceptedToFinished(t *testing.T) {
	t.Parallel()
	// Given 2,345 rows of two accounts, when they are fed, called, put off and
	// settled, then every step counts, and the rows come back in input order with
	// how they ended.
	each(t, func(t *testing.T, e *env) {
		input := sheet(2345, account, "sales")
		input[7].Ref, input[8].Extra = "ref 7", "a;b\tc"
		input[9].Group, input[10].Group = groupB, "00120363019502650977-group"
		input[11].Photo = tasks.MadeRef(strings.Repeat("2", 64))
		c := e.accepted(t, "spring", input)
		c.want(t, ledger.Counts{tasks.Waiting: 2345})
		fed := c.feed(t, account, 3)
		if len(fed) != 3 || fed[0].ID() != c.ID+".1.1" || fed[0].Given != input[0] || fed[1].Given != input[2] || fed[1].Seq != fed[0].Seq+1 {
			t.Fatalf("fed %+v", fed)
		}
		if ref, ok := ledger.RowRefOf(account, fed[0].ID()); !ok || ref != fed[0].RowRef {
			t.Fatalf("RowRefOf(%s) = %+v, %t", fed[0].ID(), ref, ok)
		}
		c.want(t, ledger.Counts{tasks.Waiting: 2342, ledger.Queued: 3})
		for range 2 { // twice: the answer to the first may be lost
			c.call(t, fed[0], ledger.RowOK)
			c.call(t, fed[1], ledger.RowOK)
		}
		c.snooze(t, fed[1], time.Minute, ledger.RowOK)
		c.snooze(t, fed[2], 0, ledger.RowOK)
		c.call(t, fed[1], ledger.RowStale)
		c.snooze(t, fed[2], 0, ledger.RowStale)
		c.want(t, ledger.Counts{tasks.Waiting: 2343, tasks.Calling: 1, tasks.Retrying: 1})
		for range 2 {
			c.settle(t, fed[0], tasks.Updated, ledger.RowOK, func(e *ledger.RowEnd) { e.PreviousPhoto = photo2 })
			c.settle(t, fed[1], tasks.Refused, ledger.RowOK)
		}
		c.settle(t, fed[0], tasks.Failed, ledger.RowEnded)
		c.call(t, fed[0], ledger.RowEnded)
		c.want(t, ledger.Counts{tasks.Waiting: 2343, tasks.Updated: 1, tasks.Refused: 1})
		yes, no := true, false
		at := time.UnixMilli(1_800_000_000_000).UTC()
		want := []ledger.RowView{
			{Row: 1, Given: input[0], Feed: 1, State: tasks.Updated, End: ledger.RowEnd{
				State: tasks.Updated, Value: &yes, Attempts: 1, HTTPStatus: 200, Photo: photo1, PreviousPhoto: photo2, FinishedAt: at, Took: 1500 * time.Millisecond}},
			{Row: 2, Given: input[2], Feed: 1, State: tasks.Refused, End: ledger.RowEnd{
				State: tasks.Refused, Value: &no, Reason: tasks.NoReasonGiven, Detail: "it said false", Attempts: 1, HTTPStatus: 200, Photo: photo1, FinishedAt: at, Took: 1500 * time.Millisecond}},
		}
		got := c.rows(t, ledger.RowFilter{States: []tasks.State{tasks.Updated, tasks.Refused}})
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(tasks.PhotoRef{})); diff != "" {
			t.Fatalf("settled rows (-want +got):\n%s", diff)
		}
		again := c.feed(t, account, 1)[0]
		if again.Row != fed[2].Row || again.Feed != 2 {
			t.Fatalf("fed again %+v", again)
		}
	})
}

func TestFeed_CampaignsTakeTurns(t *testing.T) {
	t.Parallel()
	// Given a long and a short campaign of one account, when rows are fed, then both
	// get the same until one has no more, whatever the room.
	each(t, func(t *testing.T, e *env) {
		long, short := e.accepted(t, "long", sheet(1500, account)), e.accepted(t, "short", sheet(4, account))
		var order []string
		for _, room := range []int{1, 1, 1, 2, 3, 4} {
			for _, r := range long.feed(t, account, room) {
				order = append(order, map[string]string{long.ID: "L", short.ID: "s"}[r.Campaign])
			}
		}
		got := strings.Join(order, "")
		if strings.Count(got, "s") != 4 || strings.Count(got[:8], "s") != 4 || len(got) != 12 {
			t.Errorf("fed %s; want the short one in turn with the long one", got)
		}
		if rows := long.feed(t, account, 5, long.ID); len(rows) != 0 {
			t.Errorf("fed %d rows of a campaign that rests", len(rows))
		}
		long.want(t, ledger.Counts{tasks.Waiting: 1492, ledger.Queued: 8})
	})
}

func TestFeed_OneFeederAndOneAnswer(t *testing.T) {
	t.Parallel()
	// Given a feeder, when it asks again, then it gets the same rows; another one is
	// held until the first was not heard of for its lease.
	each(t, func(t *testing.T, e *env) {
		c := e.accepted(t, "spring", sheet(50, account))
		ask := func(feeder, question string) ([]ledger.FedRow, time.Duration) {
			fed, err := e.Feed(t.Context(), ledger.FeedRequest{Account: account, Feeder: feeder, Lease: time.Second, Question: question, Room: 5})
			if err != nil {
				t.Fatalf("Feed: %v", err)
			}
			return fed.Rows, fed.Held
		}
		first, _ := ask("f1", "a")
		again, _ := ask("f1", "a")
		if len(first) != 5 || !slices.Equal(first, again) {
			t.Fatalf("asked again: %v; first: %v", again, first)
		}
		if rows, held := ask("f2", "b"); len(rows) != 0 || held <= 0 || held > time.Second {
			t.Fatalf("another feeder got %d rows, held %s", len(rows), held)
		}
		e.pass(t, time.Second)
		if rows, _ := ask("f2", "c"); len(rows) != 5 || rows[0].Row != 6 {
			t.Fatalf("another feeder got %v", rows)
		}
		c.want(t, ledger.Counts{tasks.Waiting: 40, ledger.Queued: 10})
	})
}

func TestQuiet_LostTasksWaitAgain(t *testing.T) {
	t.Parallel()
	e := newMini(t)
	c := e.accepted(t, "spring", sheet(10, account))
	fed := c.feed(t, account, 3)
	e.pass(t, ledger.QuietAfter-time.Second)
	c.call(t, fed[1], ledger.RowOK)
	e.pass(t, time.Second)
	quiet, err := e.Quiet(t.Context(), account, "", ledger.QuietAfter, 10)
	if err != nil || !slices.Equal(quiet, []ledger.RowRef{fed[0].RowRef, fed[2].RowRef}) {
		t.Fatalf("Quiet = %v, %v", quiet, err)
	}
	if n, err := e.BackRows(t.Context(), account, c.ID, quiet[:1], quiet[1:]); n != 1 || err != nil {
		t.Fatalf("BackRows = %d, %v", n, err)
	}
	c.want(t, ledger.Counts{tasks.Waiting: 8, ledger.Queued: 1, tasks.Calling: 1})
	if quiet, _ = e.Quiet(t.Context(), account, "", ledger.QuietAfter, 10); len(quiet) != 0 {
		t.Errorf("Quiet = %v; want nothing", quiet)
	}
	c.call(t, fed[0], ledger.RowStale)
	again := c.feed(t, account, 1)[0]
	if again.Row != 1 || again.Feed != 2 || again.Seq != fed[0].Seq {
		t.Errorf("fed again: %+v", again)
	}
	c.settle(t, fed[0], tasks.Updated, ledger.RowStale)
	c.settle(t, again, tasks.Updated, ledger.RowOK)
}

func TestCampaign_PauseResumeCancelAgain(t *testing.T) {
	t.Parallel()
	// Given rows under way, when the campaign is paused, then no call begins; when it
	// is cancelled, what waits has ended and what is called ends as it ends; when it
	// runs again, only what was asked for does.
	each(t, func(t *testing.T, e *env) {
		c := e.accepted(t, "spring", sheet(2100, account, "sales"))
		fed := append(c.feed(t, account, 3), c.feed(t, "sales", 2)...)
		c.call(t, fed[0], ledger.RowOK)
		is := func(what string, got bool, err error, want bool) {
			t.Helper()
			if err != nil || got != want {
				t.Fatalf("%s = %t, %v; want %t", what, got, err, want)
			}
		}
		for _, want := range []bool{true, false} {
			got, err := e.PauseCampaign(t.Context(), c.ID, "ana", "a look")
			is("PauseCampaign", got, err, want)
		}
		c.call(t, fed[1], ledger.RowPaused)
		c.want(t, ledger.Counts{tasks.Waiting: 2096, tasks.Calling: 1, ledger.Queued: 3})
		if rows := c.feed(t, account, 5); len(rows) != 0 {
			t.Fatalf("%d rows were fed of a paused campaign", len(rows))
		}
		got, err := e.ResumeCampaign(t.Context(), c.ID, "ana")
		is("ResumeCampaign", got, err, true)
		if rows := c.feed(t, account, 1); len(rows) != 1 || rows[0].Row != fed[1].Row || rows[0].Feed != 2 {
			t.Fatalf("fed %v after the pause", rows)
		}
		got, err = e.CancelCampaign(t.Context(), c.ID, "rui", "wrong photo")
		is("CancelCampaign", got, err, true)
		c.want(t, ledger.Counts{tasks.Cancelled: 2095, tasks.Calling: 1, ledger.Queued: 4})
		c.call(t, fed[2], ledger.RowClosed)
		c.settle(t, fed[2], tasks.Cancelled, ledger.RowOK, func(e *ledger.RowEnd) { e.Reason = tasks.Stopped })
		c.settle(t, fed[0], tasks.Refused, ledger.RowOK)
		c.snooze(t, fed[3], 0, ledger.RowOK)
		c.want(t, ledger.Counts{tasks.Cancelled: 2097, tasks.Refused: 1, ledger.Queued: 2})

		n, err := e.PassCampaign(t.Context(), c.ID, ledger.PassRequest{By: "ana"})
		if err != nil || n != 1 {
			t.Fatalf("PassCampaign = %d, %v; want the refused one", n, err)
		}
		c.want(t, ledger.Counts{tasks.Cancelled: 2097, tasks.Waiting: 1, ledger.Queued: 2})
		n, err = e.PassCampaign(t.Context(), c.ID, ledger.PassRequest{States: []tasks.State{tasks.Cancelled}, Reasons: []tasks.Reason{tasks.Stopped}, Accounts: []string{"sales"}})
		if err != nil || n != 1049 {
			t.Fatalf("PassCampaign = %d, %v; want what sales had, less the one that is queued", n, err)
		}
		again := c.feed(t, account, 5)
		if len(again) != 1 || again[0].Row != fed[0].Row || again[0].Feed != 3 {
			t.Fatalf("fed %v in the second pass", again)
		}
		c.settle(t, again[0], tasks.Updated, ledger.RowOK)
		now, err := e.Campaign(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		history, err := e.RowHistory(t.Context(), now, account, fed[0].Row)
		if err != nil || len(history) != 2 || history[0].State != tasks.Refused || history[0].Detail != "it said false" || history[1].State != tasks.Updated {
			t.Errorf("RowHistory = %+v, %v", history, err)
		}
		events, err := e.CampaignLog(t.Context(), c.ID)
		var log []string
		for _, ev := range events {
			log = append(log, strings.TrimSpace(fmt.Sprint(ev.What, " ", ev.By, " ", ev.Why)))
		}
		if diff := cmp.Diff([]string{"start tests", "pause ana a look", "resume ana", "cancel rui wrong photo", "again ana", "again  cancelled stopped sales"}, log); diff != "" || err != nil {
			t.Errorf("the log (%v; -want +got):\n%s", err, diff)
		}
	})
}

func TestMoveCampaign(t *testing.T) {
	t.Parallel()
	// Given rows in every state, when they are moved, then those that have not ended
	// and are not called go, all are still there in input order, and the tasks they
	// had are stale.
	each(t, func(t *testing.T, e *env) {
		input := sheet(2100, account, account, "sales")
		c := e.accepted(t, "spring", input)
		fed := c.feed(t, account, 4)
		c.call(t, fed[0], ledger.RowOK)
		c.settle(t, fed[1], tasks.Updated, ledger.RowOK)
		c.call(t, fed[2], ledger.RowOK)
		c.snooze(t, fed[2], 0, ledger.RowOK)
		n, err := e.MoveCampaign(t.Context(), c.ID, account, "backup", "ana")
		if err != nil || n != 1398 {
			t.Fatalf("MoveCampaign = %d, %v; want all but the called and the updated one", n, err)
		}
		c.want(t, ledger.Counts{tasks.Waiting: 2098, tasks.Calling: 1, tasks.Updated: 1})
		c.call(t, fed[2], ledger.RowStale)
		c.settle(t, fed[3], tasks.Updated, ledger.RowStale)
		c.snooze(t, fed[3], 0, ledger.RowStale)
		for i, r := range c.rows(t, ledger.RowFilter{}) {
			r.Given.Account = input[i].Account
			if r.Given != input[i] {
				t.Fatalf("row %d is %+v; want %+v", i, r.Given, input[i])
			}
		}
		moved := c.feed(t, "backup", 2)
		if len(moved) != 2 || moved[0].Given.Group != input[3].Group && moved[0].Given.Group != input[4].Group {
			t.Fatalf("backup was fed %+v", moved)
		}
		if rows := c.feed(t, account, 2); len(rows) != 0 {
			t.Errorf("%d rows were fed of the account they have left", len(rows))
		}
		c.settle(t, moved[0], tasks.Updated, ledger.RowOK)
		if n, err = e.MoveCampaign(t.Context(), c.ID, "backup", account, ""); err != nil || n != 1397 {
			t.Fatalf("moving back = %d, %v", n, err)
		}
		c.want(t, ledger.Counts{tasks.Waiting: 2097, tasks.Calling: 1, tasks.Updated: 2})
	})
}

func TestSettle_ARowKeepsWhatAnEndSays(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	at := time.UnixMilli(1_800_000_000_123).UTC()
	tests := []struct {
		name      string
		end, want ledger.RowEnd
	}{
		{"everything", ledger.RowEnd{State: tasks.Refused, Value: &no, Reason: tasks.NotAdmin, Detail: "ação", Attempts: 3, HTTPStatus: 200, Photo: photo1, PreviousPhoto: photo2, FinishedAt: at, Took: 1234 * time.Millisecond},
			ledger.RowEnd{State: tasks.Refused, Value: &no, Reason: tasks.NotAdmin, Detail: "ação", Attempts: 3, HTTPStatus: 200, Photo: photo1, PreviousPhoto: photo2, FinishedAt: at, Took: 1234 * time.Millisecond}},
		{"true", ledger.RowEnd{State: tasks.Updated, Value: &yes}, ledger.RowEnd{State: tasks.Updated, Value: &yes}},
		{"the same photo before and after", ledger.RowEnd{State: tasks.Unchanged, Photo: photo1, PreviousPhoto: photo1}, ledger.RowEnd{State: tasks.Unchanged, Photo: photo1, PreviousPhoto: photo1}},
		{"photos of all kinds", ledger.RowEnd{State: tasks.Failed, Photo: "https://example.com/a.jpg", PreviousPhoto: "src:" + photo2}, ledger.RowEnd{State: tasks.Failed, Photo: "https://example.com/a.jpg", PreviousPhoto: "src:" + photo2}},
		{"a new word twice", ledger.RowEnd{State: tasks.Failed, Reason: "twice", Detail: "twice"}, ledger.RowEnd{State: tasks.Failed, Reason: "twice", Detail: "twice"}},
		{"only a state", ledger.RowEnd{State: tasks.Superseded}, ledger.RowEnd{State: tasks.Superseded}},
		{"too much", ledger.RowEnd{State: tasks.Failed, Attempts: 1 << 20, HTTPStatus: -1, Took: 1 << 62, FinishedAt: at}, ledger.RowEnd{State: tasks.Failed, Attempts: 65535, FinishedAt: at, Took: (1<<32 - 1) * time.Millisecond}},
		{"before it began", ledger.RowEnd{State: tasks.Failed, Took: -time.Second, FinishedAt: time.UnixMilli(-5)}, ledger.RowEnd{State: tasks.Failed}},
	}
	each(t, func(t *testing.T, e *env) {
		c := e.accepted(t, "spring", sheet(len(tests), account))
		fed := c.feed(t, account, len(tests))
		for i, tt := range tests {
			for range 2 { // the first answer may be lost
				if v, last, err := rowtest.Settle(t.Context(), c.Ledger, fed[i], tt.end); err != nil || v != ledger.RowOK || last != (i == len(tests)-1) {
					t.Fatalf("%s: Settle = %q, last %t, %v", tt.name, v, last, err)
				}
			}
		}
		for i, r := range c.rows(t, ledger.RowFilter{}) {
			if diff := cmp.Diff(tests[i].want, r.End); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tests[i].name, diff)
			}
		}
		s, err := c.CampaignStatus(t.Context(), c.Name)
		if err != nil || s.Open() || s.Parts[0].Finished.IsZero() || len(s.Parts[0].Last) != len(tests) {
			t.Errorf("CampaignStatus = %+v, %v; want it finished", s, err)
		}
		want := []ledger.ReasonCount{{State: tasks.Failed, Reason: "twice", Rows: 1}, {State: tasks.Refused, Reason: tasks.NotAdmin, Rows: 1}}
		if diff := cmp.Diff(want, s.Why); diff != "" {
			t.Errorf("reasons (-want +got):\n%s", diff)
		}
	})
}

func TestKnowRows(t *testing.T) {
	t.Parallel()
	// Given a campaign of which Redis lost what was done, when its ends are told, twice,
	// then those rows have ended so, are not fed, and say nothing of how it goes.
	each(t, func(t *testing.T, e *env) {
		c := e.accepted(t, "spring", sheet(1500, account))
		fed := c.feed(t, account, 1)
		var ends []ledger.KnownEnd
		for row := int64(1); row <= 1200; row += 2 {
			ends = append(ends, ledger.KnownEnd{Row: row, End: ledger.RowEnd{State: tasks.Refused, Reason: tasks.NotAdmin, Detail: "said so", Attempts: 2}})
		}
		for i, want := range []int{599, 0} {
			if n, err := e.KnowRows(t.Context(), account, c.ID, ends); err != nil || n != want {
				t.Fatalf("KnowRows, call %d = %d, %v; want %d", i+1, n, err, want)
			}
		}
		c.want(t, ledger.Counts{tasks.Refused: 599, tasks.Waiting: 900, ledger.Queued: 1})
		for _, row := range c.feed(t, account, 900) {
			if row.Row%2 == 1 && row.Row <= 1200 {
				t.Fatalf("row %d was fed", row.Row)
			}
		}
		s, err := e.CampaignStatus(t.Context(), c.ID)
		if err != nil || len(s.Parts[0].Last) != 0 || s.Parts[0].Known != 599 || !s.FirstEnd.IsZero() || s.Why[0].Rows != 599 {
			t.Errorf("CampaignStatus = %+v, %v", s, err)
		}
		c.settle(t, fed[0], tasks.Updated, ledger.RowOK)
	})
}
