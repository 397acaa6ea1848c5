package ledger_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestCampaignRows_ComeBackAsTheyWereGiven(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e *env) {
		input := sheet(2345, account, "sales", "sales")
		input[7].Ref, input[8].Extra = "ref 7", "a;b\tc"
		input[9].Group, input[10].Group = groupB, "00120363019502650977-group"
		input[11].Photo = tasks.MadeRef(strings.Repeat("2", 64))
		for i := 100; i < len(input); i++ {
			input[i].Line += 5 // empty lines in between
		}
		c := e.accepted(t, "spring", input)
		var got []ledger.CampaignRow
		for _, r := range c.rows(t, ledger.RowFilter{}) {
			got = append(got, r.Given)
		}
		if !slices.Equal(got, input) {
			t.Fatalf("%d rows came back for %d: %s", len(got), len(input), cmp.Diff(input, got, cmp.AllowUnexported(tasks.PhotoRef{})))
		}
		for _, after := range []int64{1, 2, 100, 1500, 2340, 5000} {
			var want []ledger.CampaignRow
			for _, r := range input {
				if r.Line > after && r.Account == "sales" {
					want = append(want, r)
				}
			}
			got = nil
			for _, r := range c.rows(t, ledger.RowFilter{After: after, Accounts: []string{"sales"}}) {
				got = append(got, r.Given)
			}
			if !slices.Equal(got, want) {
				t.Errorf("after line %d there are %d rows; want %d", after, len(got), len(want))
			}
		}
	})
}

func TestAcceptCampaign_Names(t *testing.T) {
	t.Parallel()
	// Given an accepted campaign, when its name comes again, then the same rows are
	// the same campaign, and others are refused with the difference.
	each(t, func(t *testing.T, e *env) {
		input := sheet(1200, account, "sales")
		c := e.accepted(t, "spring", input)
		moved := slices.Clone(input)
		for i := range moved {
			moved[i].Line += 3
		}
		got, err := e.AcceptCampaign(t.Context(), e.asking("spring"), given(moved))
		if err != nil || !got.Before || got.ID != c.ID {
			t.Fatalf("the same again = %+v, %v; want the campaign as it is", got, err)
		}
		other := slices.Clone(input)
		other[700].Photo = tasks.MadeRef(strings.Repeat("2", 64))
		_, err = e.AcceptCampaign(t.Context(), e.asking("spring"), given(other[:1100]))
		differs, ok := errors.AsType[*ledger.CampaignDiffersError](err)
		if !ok || differs.Before != 1200 || differs.After != 1100 || differs.Changed != 101 || differs.Was != input[700] || differs.Is != other[700] {
			t.Fatalf("other rows = %+v (%v)", differs, err)
		}
		e.pass(t, time.Millisecond)
		again, err := e.AcceptCampaign(t.Context(), e.asking("spring", func(r *ledger.CampaignRequest) { r.Again = true }), given(input))
		if err != nil || again.Before || again.ID == c.ID {
			t.Fatalf("again = %+v, %v; want a new campaign", again, err)
		}
		if now, err := e.Campaign(t.Context(), "spring"); err != nil || now.ID != again.ID {
			t.Errorf("the name stands for %s, %v; want the new one", now.ID, err)
		}
		_, err = e.AcceptCampaign(t.Context(), e.asking("spring", func(r *ledger.CampaignRequest) { r.Again = true }), given(other))
		if _, ok := errors.AsType[*ledger.CampaignDiffersError](err); !ok {
			t.Errorf("again with other rows = %v; want it refused", err)
		}
		list, err := e.Campaigns(t.Context())
		if err != nil || len(list) != 2 || list[0].ID != again.ID {
			t.Errorf("Campaigns = %+v, %v", list, err)
		}
	})
}

func TestAcceptCampaign_BrokenOffGoesOn(t *testing.T) {
	t.Parallel()
	// Given an accepting that ends in the middle, then nothing of it runs and there
	// is no such campaign; when the same comes again, at once, what is there is not
	// sent again; when other rows come, those count.
	each(t, func(t *testing.T, e *env) {
		input := sheet(40_000, account)
		gone := errors.New("the input is gone")
		broken := func(yield func(ledger.CampaignRow, error) bool) {
			for i, r := range input {
				if i == 35_500 {
					yield(r, gone)
					return
				}
				if !yield(r, nil) {
					return
				}
			}
		}
		if _, err := e.AcceptCampaign(t.Context(), e.asking("spring"), broken); !errors.Is(err, gone) {
			t.Fatalf("AcceptCampaign = %v", err)
		}
		if _, err := e.Campaign(t.Context(), "spring"); !errors.Is(err, ledger.ErrNoCampaign) {
			t.Fatalf("Campaign = %v; want that there is none", err)
		}
		got, err := e.AcceptCampaign(t.Context(), e.asking("spring"), given(input))
		if err != nil || got.Kept != 32_000 || got.Total != 40_000 {
			t.Fatalf("AcceptCampaign = kept %d of %d, %v", got.Kept, got.Total, err)
		}
		c := &campaign{env: e, Campaign: got.Campaign}
		c.want(t, ledger.Counts{tasks.Waiting: 40_000})
	})
}

// named is the id that a name stands for, whatever became of it.
func (e *env) named(t testing.TB, name string) string {
	t.Helper()
	id, err := e.rdb.HGet(t.Context(), "groupphoto:{campaigns}:names", name).Result()
	if err != nil {
		t.Fatalf("the name %s: %v", name, err)
	}
	return id
}

func TestAcceptCampaign_OvertakenWhileItStands(t *testing.T) {
	t.Parallel()
	// Given a process that stands still while it accepts, when another one takes over
	// and accepts other rows under the name, then the first one's rows are refused and
	// the campaign is the second one's.
	each(t, func(t *testing.T, e *env) {
		old, input := sheet(40_000, account, "sales"), sheet(50, account)
		var c ledger.AcceptedCampaign
		stands := func(yield func(ledger.CampaignRow, error) bool) {
			for i, r := range old {
				if i == 33_000 {
					e.put(t, "groupphoto:{campaigns}:h:"+e.named(t, "spring"), "held", "1")
					var err error
					if c, err = e.AcceptCampaign(t.Context(), e.asking("spring"), given(input)); err != nil {
						t.Errorf("the second one: %v", err)
					}
				}
				if !yield(r, nil) {
					return
				}
			}
		}
		if _, err := e.AcceptCampaign(t.Context(), e.asking("spring"), stands); !errors.Is(err, ledger.ErrCampaignBusy) {
			t.Fatalf("the first one = %v; want it overtaken", err)
		}
		mine := &campaign{env: e, Campaign: c.Campaign}
		mine.want(t, ledger.Counts{tasks.Waiting: 50})
		if fed := mine.feed(t, account, 100); len(fed) != 50 {
			t.Errorf("fed %d rows", len(fed))
		}
		if fed := mine.feed(t, "sales", 100); len(fed) != 0 {
			t.Errorf("fed %d rows that the first one left", len(fed))
		}
	})
}

func TestAcceptCampaign_DiedBeforeItWasOpened(t *testing.T) {
	t.Parallel()
	// Given a process that died between accepting a campaign and opening its parts,
	// when feeders look, then they open them; before it was accepted they do not.
	each(t, func(t *testing.T, e *env) {
		cut := &fault{}
		e.rdb.AddHook(cut)
		input := sheet(20, account, "sales")
		accept := func(well int) error {
			cut.set(true, well, true)
			defer cut.set(false, 0, false)
			_, err := e.AcceptCampaign(t.Context(), e.asking("spring"), given(input))
			return err
		}
		fed := func() (n int) {
			for _, a := range []string{account, "sales"} {
				if _, err := e.CampaignsOf(t.Context(), a); err != nil {
					t.Fatalf("CampaignsOf: %v", err)
				}
				n += len((&campaign{env: e, questions: n + 1}).feed(t, a, 100))
			}
			return n
		}
		for well := 1; ; well++ {
			if err := accept(well); err == nil {
				t.Fatal("it came to its end without being accepted")
			}
			_, err := e.Campaign(t.Context(), "spring")
			if err == nil {
				break
			}
			if n := fed(); n > 0 {
				t.Fatalf("%d rows were fed of what is not accepted", n)
			}
			if id, err := e.rdb.HGet(t.Context(), "groupphoto:{campaigns}:names", "spring").Result(); err == nil {
				e.put(t, "groupphoto:{campaigns}:h:"+id, "held", "1")
			}
		}
		for _, a := range []string{account, "sales"} { // the questions are new
			e.put(t, "groupphoto:{"+a+"}:feeder", "asked", "")
		}
		if n := fed(); n != 20 {
			t.Errorf("fed %d of 20 rows of an accepted campaign", n)
		}
	})
}

func TestVerifyCampaign_Repairs(t *testing.T) {
	t.Parallel()
	// Given counters that are wrong and a list of what waits that is lost, when they
	// are verified, then it shows, and repairing sets them right.
	each(t, func(t *testing.T, e *env) {
		c := e.accepted(t, "spring", sheet(1500, account))
		fed := c.feed(t, account, 3)
		part := "c:" + c.ID
		e.put(t, key(part), "w", 7, "q", 0, "U", 5, "total", 12)
		if err := e.rdb.Del(t.Context(), key(part)+":todo", key("campaigns")).Err(); err != nil {
			t.Fatal(err)
		}
		for _, want := range []bool{false, true} {
			checks, err := e.VerifyCampaign(t.Context(), c.Campaign, true)
			if err != nil || len(checks) != 1 || checks[0].Agrees != want || checks[0].Counted[tasks.Waiting] != 1497 {
				t.Fatalf("VerifyCampaign = %+v, %v; want agreement %t", checks, err, want)
			}
		}
		c.want(t, ledger.Counts{tasks.Waiting: 1497, ledger.Queued: 3})
		if rows := c.feed(t, account, 500); len(rows) != 500 || rows[0].Row != fed[2].Row+1 {
			t.Errorf("fed %d rows after the repair", len(rows))
		}
	})
}

func TestRow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e *env) {
		c := e.accepted(t, "spring", sheet(5, account, "sales"))
		fed := c.feed(t, "sales", 1)[0]
		c.settle(t, fed, tasks.Refused, ledger.RowOK)
		got, err := e.Row(t.Context(), tasks.RowID{Campaign: c.ID, Row: fed.Row, Feed: 1})
		if err != nil || got.State != tasks.Refused || got.End.Detail != "it said false" || got.Given != fed.Given {
			t.Errorf("Row = %+v, %v", got, err)
		}
		if _, err := e.MoveCampaign(t.Context(), c.ID, account, "sales", ""); err != nil {
			t.Fatal(err)
		}
		for _, gone := range []tasks.RowID{{Campaign: c.ID, Row: 1}, {Campaign: c.ID, Row: 4}, {Campaign: c.ID, Row: 1004}, {Campaign: c.ID, Row: 99_000}} {
			if _, err := e.Row(t.Context(), gone); !errors.Is(err, ledger.ErrNoRow) {
				t.Errorf("Row %s = %v; want that there is none", gone, err)
			}
		}
		if got, err := e.Row(t.Context(), tasks.RowID{Campaign: c.ID, Row: 2001}); err != nil || got.Given.Line != 2 || got.Given.Account != "sales" {
			t.Errorf("the moved row = %+v, %v", got, err)
		}
	})
}
