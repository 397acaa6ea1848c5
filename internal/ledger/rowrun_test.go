package ledger_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/ledger/rowtest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// rowRun is a run of a fed row with its claim.
func (c *campaign) rowRun(t testing.TB, row ledger.FedRow) (ledger.Handle, ledger.Claim) {
	t.Helper()
	h := rowtest.Handle(row)
	claim, err := c.Claim(t.Context(), h, row.Update(c.Campaign, "", time.Now()))
	if err != nil {
		t.Fatalf("Claim: %v", err)
	}
	return h, claim
}

func TestRowRun_WhatItHasSpentStaysKnown(t *testing.T) {
	t.Parallel()
	// Given a row that was called and is to be tried again, when it is fed again and
	// claimed, then its calls and the policy's word are those of before; an ended row, and
	// one that was never called, leave no record.
	each(t, func(t *testing.T, e *env) {
		c := e.accepted(t, "spring", sheet(3, account))
		fed := c.feed(t, account, 3)
		c.call(t, fed[0], ledger.RowOK)
		h, _ := c.rowRun(t, fed[0])
		if _, err := e.Release(t.Context(), ledger.ReleaseRequest{
			Handle: h, Turn: fed[0].ID() + ".1", State: tasks.Retrying, Policy: `{"refusals":1}`, Seq: fed[0].Seq, Process: "p",
		}); err != nil {
			t.Fatal(err)
		}
		c.snooze(t, fed[1], 0, ledger.RowOK)
		c.want(t, ledger.Counts{tasks.Retrying: 1, tasks.Waiting: 1, ledger.Queued: 1})
		again := c.feed(t, account, 1)[0]
		if again.Row != fed[0].Row || again.Feed != 2 || again.Seq != fed[0].Seq {
			t.Fatalf("fed again: %+v", again)
		}
		_, claim := c.rowRun(t, again)
		if claim.Verdict != ledger.Run || claim.Calls != 1 || claim.Spent != 1 || claim.Policy != `{"refusals":1}` {
			t.Errorf("the second claim is %+v", claim)
		}
		c.settle(t, again, tasks.Refused, ledger.RowOK)
		c.settle(t, fed[2], tasks.Updated, ledger.RowOK)
		if left := e.rdb.Keys(t.Context(), key("u:*")).Val(); len(left) != 0 {
			t.Errorf("records are left: %v", left)
		}
	})
}

func TestRowRun_TheLastGoLast(t *testing.T) {
	t.Parallel()
	// Given rows that are to be tried again, one of them after all others, when rows are
	// fed, then first the one that is due, then those that wait, and the last one last.
	each(t, func(t *testing.T, e *env) {
		c := e.accepted(t, "spring", sheet(5, account))
		fed := c.feed(t, account, 3)
		for i, r := range []ledger.ReleaseRequest{{Last: true}, {Again: time.Hour}, {}} {
			c.call(t, fed[i], ledger.RowOK)
			r.Handle, r.Turn, r.State, r.Process = rowtest.Handle(fed[i]), fed[i].ID()+".1", tasks.Retrying, "p"
			if _, err := e.Release(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		order := ""
		for _, row := range append(c.feed(t, account, 2), c.feed(t, account, 9)...) {
			order += strconv.FormatInt(row.Row, 10)
		}
		if order != "345" {
			t.Errorf("fed %s; want the due one and those that wait", order)
		}
		if row := c.feed(t, account, 9); len(row) != 1 || row[0].Row != 1 {
			t.Errorf("then %v; want the last one", row)
		}
		if row := c.feed(t, account, 9); len(row) != 0 {
			t.Errorf("%v is not due", row)
		}
	})
}

func TestRowRun_HoursEnd(t *testing.T) {
	t.Parallel()
	// Given rows that were fed while their campaign was open, when its hours are over, then
	// those that come to be claimed or called wait again, and a call under way ends.
	e := newMini(t)
	c := e.accepted(t, "spring", sheet(4, account))
	fed, err := e.Feed(t.Context(), ledger.FeedRequest{
		Account: account, Feeder: "f", Lease: time.Minute, Question: "q", Room: 3,
		Campaigns: map[string]ledger.Window{c.ID: {Until: e.at.Add(5 * time.Second)}},
	})
	if err != nil || len(fed.Rows) != 3 {
		t.Fatalf("Feed = %+v, %v", fed, err)
	}
	c.call(t, fed.Rows[0], ledger.RowOK)
	h, claim := c.rowRun(t, fed.Rows[1])
	if claim.Verdict != ledger.Run {
		t.Fatalf("Claim = %+v", claim)
	}
	e.pass(t, 6*time.Second)
	turn, err := e.Turn(t.Context(), ledger.TurnRequest{Handle: h, Turn: "t", Seq: claim.Seq, Lease: time.Minute, Limit: 9, Process: "p", Bulk: true})
	if err != nil || turn.Verdict != ledger.Gone || turn.Row != ledger.RowPaused {
		t.Errorf("Turn = %+v, %v", turn, err)
	}
	c.call(t, fed.Rows[2], ledger.RowPaused)
	c.settle(t, fed.Rows[0], tasks.Updated, ledger.RowOK)
	c.want(t, ledger.Counts{tasks.Waiting: 3, tasks.Updated: 1})
	if rows, err := e.Feed(t.Context(), ledger.FeedRequest{
		Account: account, Feeder: "f", Lease: time.Minute, Question: "q2", Room: 3, Campaigns: map[string]ledger.Window{c.ID: {Shut: true}},
	}); err != nil || len(rows.Rows) != 0 {
		t.Errorf("fed %+v, %v while it is shut", rows, err)
	}
	if rows, err := e.Feed(t.Context(), ledger.FeedRequest{
		Account: account, Feeder: "f", Lease: time.Minute, Question: "q3", Room: 3, Campaigns: map[string]ledger.Window{},
	}); err != nil || len(rows.Rows) != 0 {
		t.Errorf("fed %+v, %v of a campaign that was not named", rows, err)
	}
}

func TestRowRun_StopsAtTooManyBadEnds(t *testing.T) {
	t.Parallel()
	// Given a campaign that stops at two bad ends, when they have come, then no other row
	// is called or fed, until it has been paused and resumed; then it counts anew.
	each(t, func(t *testing.T, e *env) {
		c := e.accepted(t, "spring", sheet(9, account))
		questions := 0
		feed := func(room int) []ledger.FedRow {
			questions++
			fed, err := e.Feed(t.Context(), ledger.FeedRequest{
				Account: account, Feeder: "f", Lease: time.Minute, Question: strconv.Itoa(questions), Room: room,
				Campaigns: map[string]ledger.Window{c.ID: {StopAt: 2}},
			})
			if err != nil {
				t.Fatal(err)
			}
			return fed.Rows
		}
		fed := feed(4)
		c.settle(t, fed[0], tasks.Refused, ledger.RowOK)
		c.call(t, fed[1], ledger.RowOK)
		c.settle(t, fed[1], tasks.Failed, ledger.RowOK)
		c.call(t, fed[2], ledger.RowPaused)
		if rows := feed(4); len(rows) != 0 {
			t.Fatalf("%d rows were fed", len(rows))
		}
		if _, err := e.PauseCampaign(t.Context(), c.ID, "", "too many"); err != nil {
			t.Fatal(err)
		}
		if _, err := e.ResumeCampaign(t.Context(), c.ID, "ana"); err != nil {
			t.Fatal(err)
		}
		if s, err := e.CampaignStatus(t.Context(), c.ID); err != nil || len(s.Parts[0].Last) != 0 {
			t.Errorf("the last ends are %v, %v", s.Parts[0].Last, err)
		}
		c.call(t, fed[3], ledger.RowOK)
		c.settle(t, fed[3], tasks.Refused, ledger.RowOK)
		if rows := feed(1); len(rows) != 1 {
			t.Errorf("%d rows were fed after it was resumed", len(rows))
		}
	})
}

func TestRowRun_TellsOnce(t *testing.T) {
	t.Parallel()
	// Given a row whose outcome is to be told, when its end is recorded twice, then there
	// is one event; a campaign's end and pause are told once, each pass anew.
	each(t, func(t *testing.T, e *env) {
		c := e.accepted(t, "spring", sheet(1, account))
		row := c.feed(t, account, 1)[0]
		o := tasks.Outcome{ID: row.ID(), Account: account, GroupID: row.Given.Group, Campaign: c.ID, State: tasks.Updated, Attempts: 1}
		s := ledger.Settlement{Handle: rowtest.Handle(row), Outcome: o, Seq: row.Seq, Process: "p", Tell: true}
		for range 2 {
			if r, err := e.Settle(t.Context(), s); err != nil || r.Verdict != "" || !r.LastRow {
				t.Fatalf("Settle = %+v, %v", r, err)
			}
		}
		if untold, err := e.Untold(t.Context(), account); err != nil || len(untold) != 1 {
			t.Fatalf("Untold = %v, %v", untold, err)
		}
		for i, want := range []bool{true, false} {
			if told, err := e.TellCampaign(t.Context(), c.Campaign, ledger.CampaignFinished, c.Which(), `{"id":"x"}`, "finished"); err != nil || told != want {
				t.Errorf("telling, time %d: %t, %v", i+1, told, err)
			}
		}
		if untold, err := e.Untold(t.Context(), account); err != nil || len(untold) != 0 {
			t.Errorf("Untold = %v, %v", untold, err)
		}
		var kinds []string
		for at := ""; ; {
			ev, ok, err := e.NextEvent(t.Context(), account, at)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			at, kinds = ev.Position, append(kinds, ev.Type)
			if ev.Data == "" {
				t.Errorf("%s says nothing", ev.Type)
			}
		}
		if len(kinds) != 2 || kinds[0] != ledger.CampaignOutcome || kinds[1] != ledger.CampaignFinished {
			t.Errorf("the events are %v", kinds)
		}
	})
}
