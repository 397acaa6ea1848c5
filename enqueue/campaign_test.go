package enqueue_test

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
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

// groupAt is the group of a test's row.
func groupAt(i int) string { return strconv.Itoa(120363000000000000+i) + "-group" }

// sheetRows are n rows, whose groups differ, for accounts in turn.
func sheetRows(n int, accounts ...string) []enqueue.CampaignRow {
	rows := make([]enqueue.CampaignRow, n)
	for i := range rows {
		rows[i] = enqueue.CampaignRow{Line: int64(i + 2), GroupID: groupAt(i)} // line 1 is the header
		if len(accounts) > 0 {
			rows[i].Account = accounts[i%len(accounts)]
		}
	}
	return rows
}

func giving(rows []enqueue.CampaignRow) iter.Seq2[enqueue.CampaignRow, error] {
	return func(yield func(enqueue.CampaignRow, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// campaigns is a client with what a worker would do to its campaigns.
type campaigns struct {
	*enqueue.Client

	rdb    redis.UniversalClient
	ledger *ledger.Ledger
}

func openCampaigns(t *testing.T, rdb redis.UniversalClient, opts ...enqueue.ClientOption) *campaigns {
	t.Helper()
	return &campaigns{Client: open(t, rdb, opts...), rdb: rdb, ledger: ledger.New(rdb, 0)}
}

func (c *campaigns) mustStart(t *testing.T, campaign enqueue.Campaign, rows []enqueue.CampaignRow) enqueue.CampaignReceipt {
	t.Helper()
	if campaign.Photo == (enqueue.Photo{}) {
		campaign.Photo = enqueue.Bytes(png)
	}
	r, err := c.StartCampaign(t.Context(), campaign, giving(rows))
	if err != nil {
		t.Fatalf("StartCampaign: %v", err)
	}
	return r
}

func (c *campaigns) mustInfo(t *testing.T, idOrName string) enqueue.CampaignInfo {
	t.Helper()
	info, err := c.CampaignInfo(t.Context(), idOrName)
	if err != nil {
		t.Fatalf("CampaignInfo: %v", err)
	}
	addsUp(t, info)
	return info
}

// addsUp holds totals against counts.
func addsUp(t *testing.T, info enqueue.CampaignInfo) {
	t.Helper()
	states := []enqueue.State{
		enqueue.Updated, enqueue.Unchanged, enqueue.Refused, enqueue.Failed, enqueue.Superseded, enqueue.Expired, enqueue.Cancelled,
		enqueue.Waiting, enqueue.Queued, enqueue.Calling,
	}
	sum := func(counts map[enqueue.State]int64) (n int64) {
		for state, k := range counts {
			if n += k; !slices.Contains(states, state) {
				t.Errorf("state %s is counted", state)
			}
		}
		if len(counts) != len(states) {
			t.Errorf("counts %v lack a state", counts)
		}
		return n
	}
	if got := sum(info.Counts); got != info.Total {
		t.Errorf("campaign %s has %d rows, and its states add up to %d: %v", info.Name, info.Total, got, info.Counts)
	}
	var parts int64
	for _, p := range info.Accounts {
		if got := sum(p.Counts); got != p.Total {
			t.Errorf("account %s has %d rows, and its states add up to %d: %v", p.Account, p.Total, got, p.Counts)
		}
		parts += p.Total
	}
	if parts != info.Total {
		t.Errorf("the accounts have %d rows of %d", parts, info.Total)
	}
}

// feed takes rows of an account as its feeder does.
func (c *campaigns) feed(t *testing.T, account string, room int) []ledger.FedRow {
	t.Helper()
	fed, err := c.ledger.Feed(t.Context(), ledger.FeedRequest{
		Account: account, Feeder: "tests", Lease: time.Minute, Question: rand.Text(), Room: room,
	})
	if err != nil {
		t.Fatalf("Feed: %v", err)
	}
	return fed.Rows
}

// end feeds rows of an account and ends them, as many as there are ends.
func (c *campaigns) end(t *testing.T, account string, ends ...ledger.RowEnd) []ledger.FedRow {
	t.Helper()
	rows := c.feed(t, account, len(ends))
	if len(rows) != len(ends) {
		t.Fatalf("%d rows were fed for %d ends", len(rows), len(ends))
	}
	for i, row := range rows {
		if v, err := rowtest.Call(t.Context(), c.ledger, row); err != nil || v != ledger.RowOK {
			t.Fatalf("the call: %s, %v", v, err)
		}
		e := ends[i]
		e.FinishedAt = time.Now().UTC().Truncate(time.Millisecond)
		if v, _, err := rowtest.Settle(t.Context(), c.ledger, row, e); err != nil || v != ledger.RowOK {
			t.Fatalf("the end: %s, %v", v, err)
		}
	}
	return rows
}

func hashOf(picture []byte) string { return tasks.HashHex(sha256.Sum256(picture)) }

// made names a finished photo.
func made(digit string) string { return tasks.MadeRef(strings.Repeat(digit, 64)).Wire() }

var (
	yes, no = true, false

	updated  = ledger.RowEnd{State: enqueue.Updated, Value: &yes, Attempts: 1, HTTPStatus: 200, Photo: made("a"), Took: 2 * time.Second}
	refused  = ledger.RowEnd{State: enqueue.Refused, Value: &no, Reason: tasks.NotAdmin, Attempts: 2, HTTPStatus: 200}
	notFound = ledger.RowEnd{State: enqueue.Failed, Reason: "photo_not_found", Detail: "404"}
)

func TestStartCampaign_AcceptsAndKeepsPhotos(t *testing.T) {
	t.Parallel()
	// Given rows with the shared photo, one of their own and a link, when the campaign
	// is started, then they stand there as they were given, and each picture lives in
	// the store a day longer than the campaign.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := openCampaigns(t, rdb, enqueue.WithBy("ana"))
		rows := sheetRows(4, "", "b")
		rows[1].Photo, rows[3].Photo = enqueue.Bytes(jpeg), enqueue.URL("https://cdn.example.com/x.png?sig=hush")
		rows[2].Photo, rows[2].Ref, rows[2].Extra = rows[1].Photo, "r", `["x"]`
		expires := time.Now().Add(48 * time.Hour)
		got := gp.mustStart(t, enqueue.Campaign{Name: "spring", Expires: expires}, rows)
		want := enqueue.CampaignReceipt{
			ID: got.ID, Name: "spring", Total: 4, Accounts: []string{"b", "main"}, Expires: expires.UTC().Truncate(time.Millisecond),
		}
		if diff := cmp.Diff(want, got); diff != "" || got.ID == "" {
			t.Errorf("the receipt (-want +got):\n%s", diff)
		}
		info := gp.mustInfo(t, "spring")
		if info.State != enqueue.CampaignRunning || info.By != "ana" || info.Counts[enqueue.Waiting] != 4 {
			t.Errorf("the campaign is %+v", info)
		}
		var lines []string
		for r, err := range gp.CampaignRecords(t.Context(), got.ID, enqueue.CampaignFilter{}) {
			if err != nil {
				t.Fatal(err)
			}
			photo, _, _ := strings.Cut(strings.TrimPrefix(r.PhotoGiven, "src:sha256:"), "?")
			lines = append(lines, fmt.Sprint(r.Line, " ", r.Account, " ", r.GroupID, " ", r.State, " ", photo[:8], " ", r.Ref, r.Extra))
		}
		shared, own := hashOf(png)[:8], hashOf(jpeg)[:8]
		if diff := cmp.Diff([]string{
			"2 main " + groupAt(0) + " waiting " + shared + " ", "3 b " + groupAt(1) + " waiting " + own + " ",
			"4 main " + groupAt(2) + " waiting " + own + ` r["x"]`, "5 b " + groupAt(3) + " waiting https:// ",
		}, lines); diff != "" {
			t.Errorf("the rows (-want +got):\n%s", diff)
		}
		for _, picture := range [][]byte{png, jpeg} {
			left, err := rdb.PTTL(t.Context(), "groupphoto:photo:{"+hashOf(picture)+"}:src").Result()
			if least := time.Until(expires) + 24*time.Hour; err != nil || left < least || left > least+2*time.Hour {
				t.Errorf("a picture is kept for %s, %v; want %s and some", left, err, least)
			}
		}
	})
}

func TestStartCampaign_RefusesBadInput(t *testing.T) {
	t.Parallel()
	// Given a Redis on which workers serve an account, when a campaign or its first row
	// is wrong, then the error says what and where, and Redis has nothing more.
	server := redistest.Mini(t)
	rdb := server.Client(t)
	gp := openCampaigns(t, rdb)
	if err := gp.ledger.Serve(t.Context(), "test", "main"); err != nil {
		t.Fatal(err)
	}
	if _, err := gp.Campaigns(t.Context()); err != nil { // the schema's number is written
		t.Fatal(err)
	}
	ok := enqueue.Campaign{Name: "c", Photo: enqueue.Bytes(png)}
	row := enqueue.CampaignRow{Line: 7, GroupID: group}
	broken := errors.New("the sheet broke off")
	for _, c := range []struct {
		name     string
		campaign func(*enqueue.Campaign)
		row      func(*enqueue.CampaignRow)
		is       error
		says     string
	}{
		{"no name", func(c *enqueue.Campaign) { c.Name = "" }, nil, enqueue.ErrInvalid, `campaign id ""`},
		{"a name with a dot", func(c *enqueue.Campaign) { c.Name = "a.b" }, nil, enqueue.ErrInvalid, `campaign id "a.b"`},
		{"shared photo is text", func(c *enqueue.Campaign) { c.Photo = enqueue.Bytes([]byte("hello")) }, nil, enqueue.ErrPhoto, "looks like text"},
		{"shared photo is not there", func(c *enqueue.Campaign) { c.Photo = enqueue.File("no/such.png") }, nil, enqueue.ErrPhoto, `"no/such.png"`},
		{"shared photo is not stored", func(c *enqueue.Campaign) { c.Photo = enqueue.Stored(made("0")) }, nil, enqueue.ErrPhoto, "not in the photo store"},
		{"shared link with a password", func(c *enqueue.Campaign) { c.Photo = enqueue.URL("https://a:b@c.de/x") }, nil, enqueue.ErrPhoto, "user name"},
		{"account", func(c *enqueue.Campaign) { c.Account = "A" }, nil, enqueue.ErrInvalid, `account name "A"`},
		{"trial", func(c *enqueue.Campaign) { c.Trial = -1 }, nil, enqueue.ErrInvalid, "trial of -1"},
		{"hours", func(c *enqueue.Campaign) { c.Settings.Hours = "9-25" }, nil, enqueue.ErrInvalid, "9-25"},
		{"stop", func(c *enqueue.Campaign) { c.Settings.StopAt = 51 }, nil, enqueue.ErrInvalid, "stopAt is 51"},
		{"by", func(c *enqueue.Campaign) { c.By = strings.Repeat("x", 129) }, nil, enqueue.ErrInvalid, "by is 129 bytes"},
		{"expires before its start", func(c *enqueue.Campaign) {
			c.Start, c.Expires = time.Now().Add(2*time.Hour), time.Now().Add(time.Hour)
		}, nil, enqueue.ErrExpired, "and starts"},
		{"expired", func(c *enqueue.Campaign) { c.Expires = time.Now().Add(-time.Hour) }, nil, enqueue.ErrExpired, "it would expire"},
		{"starts in years", func(c *enqueue.Campaign) { c.Start = time.Now().AddDate(3, 0, 0) }, nil, enqueue.ErrInvalid, "more than a year ahead"},
		{"expires in years", func(c *enqueue.Campaign) { c.Expires = time.Now().AddDate(3, 0, 0) }, nil, enqueue.ErrInvalid, "more than a year ahead"},
		{"all at once", func(c *enqueue.Campaign) { c.Name, c.Trial = "", -1 }, nil, enqueue.ErrInvalid, "trial of -1"},

		{"group", nil, func(r *enqueue.CampaignRow) { r.GroupID = "5511999999999" }, enqueue.ErrGroupID, "line 7: group id"},
		{"group and account", nil, func(r *enqueue.CampaignRow) { r.GroupID, r.Account = "", "Ä" }, enqueue.ErrInvalid, `account name "Ä"`},
		{"row's account", nil, func(r *enqueue.CampaignRow) { r.Account = "Ä" }, enqueue.ErrInvalid, `line 7: account name "Ä"`},
		{"unknown account", nil, func(r *enqueue.CampaignRow) { r.Account = "mian" }, enqueue.ErrUnknownAccount, `line 7: account "mian"`},
		{"ref", nil, func(r *enqueue.CampaignRow) { r.Ref = strings.Repeat("r", 129) }, enqueue.ErrInvalid, "line 7: ref is 129 bytes"},
		{"extra", nil, func(r *enqueue.CampaignRow) { r.Extra = strings.Repeat("r", enqueue.MaxExtra+1) }, enqueue.ErrInvalid, "line 7: extra is 65537 bytes"},
		{"row's photo", nil, func(r *enqueue.CampaignRow) { r.Photo = enqueue.Base64("%") }, enqueue.ErrPhoto, "line 7: the photo's Base64"},
		{"row's link", nil, func(r *enqueue.CampaignRow) { r.Photo = enqueue.URL("ftp://x/y") }, enqueue.ErrPhoto, "line 7: photo URL"},
		{"negative line", nil, func(r *enqueue.CampaignRow) { r.Line = -1 }, enqueue.ErrInvalid, "line -1: comes after line 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			campaign, r := ok, row
			if c.campaign != nil {
				c.campaign(&campaign)
			}
			if c.row != nil {
				c.row(&r)
				campaign.Photo = enqueue.URL("https://cdn.example.com/logo.png") // which stores nothing
			}
			before := keyCount(t, rdb)
			_, err := gp.StartCampaign(t.Context(), campaign, giving([]enqueue.CampaignRow{r}))
			if !errors.Is(err, c.is) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("got %v\nwant %v with %q", err, c.is, c.says)
			}
			if after := keyCount(t, rdb); after != before {
				t.Errorf("%d keys became %d", before, after)
			}
		})
	}
	for name, rows := range map[string]iter.Seq2[enqueue.CampaignRow, error]{
		"nil": nil, "none": giving(nil), "broken": func(yield func(enqueue.CampaignRow, error) bool) { yield(row, broken) },
		"no photo":      giving([]enqueue.CampaignRow{row}),
		"lines go back": giving([]enqueue.CampaignRow{{Line: 9, GroupID: group, Photo: link}, {Line: 8, GroupID: group, Photo: link}}),
	} {
		_, err := gp.StartCampaign(t.Context(), enqueue.Campaign{Name: "d"}, rows)
		want := map[string]error{"nil": enqueue.ErrNoRows, "none": enqueue.ErrNoRows, "broken": broken, "no photo": enqueue.ErrPhoto, "lines go back": enqueue.ErrInvalid}[name]
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if _, err := gp.CampaignInfo(t.Context(), "d"); !errors.Is(err, enqueue.ErrNoCampaign) {
			t.Errorf("%s: the campaign is there: %v", name, err)
		}
	}
}

func TestStartCampaign_SameAgain(t *testing.T) {
	t.Parallel()
	// Given a campaign, when it is started again, then nothing changes; other rows are
	// refused with the difference; and once all have ended, Again repeats it, once.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := openCampaigns(t, rdb)
		rows := sheetRows(3)
		first := gp.mustStart(t, enqueue.Campaign{Name: "c"}, rows)
		again := gp.mustStart(t, enqueue.Campaign{Name: "c", Again: true, Trial: 1}, rows)
		if !again.Before || again.Finished || again.ID != first.ID {
			t.Errorf("while it runs: %+v", again)
		}
		other := slices.Clone(rows)
		other[1].GroupID = groupAt(99)
		_, err := gp.StartCampaign(t.Context(), enqueue.Campaign{Name: "c", Photo: enqueue.Bytes(png)}, giving(other))
		differs, ok := errors.AsType[*enqueue.CampaignDiffersError](err)
		if !ok || differs.Changed != 1 || differs.Is.Line != 3 || string(differs.Is.Group) != groupAt(99) {
			t.Errorf("other rows: %v", err)
		}
		gp.end(t, "main", updated, updated, refused)
		if done := gp.mustStart(t, enqueue.Campaign{Name: "c"}, rows); !done.Before || !done.Finished || done.ID != first.ID {
			t.Errorf("finished: %+v", done)
		}
		second := gp.mustStart(t, enqueue.Campaign{Name: "c", Again: true}, rows)
		if second.Before || second.ID == first.ID || second.Total != 3 {
			t.Errorf("repeated: %+v", second)
		}
		if lost := gp.mustStart(t, enqueue.Campaign{Name: "c", Again: true}, rows); !lost.Before || lost.ID != second.ID {
			t.Errorf("repeated, and the answer was lost: %+v", lost)
		}
		all, err := gp.Campaigns(t.Context())
		if err != nil || len(all) != 2 || all[0].ID != second.ID || all[1].ID != first.ID {
			t.Errorf("Campaigns = %+v, %v", all, err)
		}
	})
}
