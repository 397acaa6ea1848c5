package enqueue_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// shows writes down, as a worker does, what a group shows.
func (c *campaigns) shows(t *testing.T, account, group, photo string) {
	t.Helper()
	if err := c.rdb.HSet(t.Context(), "groupphoto:{"+account+"}:g:"+group, "last", photo).Err(); err != nil {
		t.Fatal(err)
	}
}

// before is the end of a row whose group showed this photo before.
func before(photo string) ledger.RowEnd {
	e := updated
	e.PreviousPhoto = photo
	return e
}

func TestUndoCampaign_RestoresWhatItCan(t *testing.T) {
	t.Parallel()
	// Given rows whose groups show what was applied, something newer or nothing that is
	// known, with a photo before that is stored, gone, a link, the same or unknown, when the
	// campaign is undone, then exactly the first kind has rows in another campaign, in
	// input order, and each other row is counted; the same again changes nothing.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := openCampaigns(t, rdb)
		ctx := t.Context()
		old, err := gp.ledger.StorePhoto(ctx, tasks.PhotoMade, jpeg, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		rows := sheetRows(11, "main", "b")
		rows[0].Ref, rows[0].Extra = "r", `["x"]`
		first := gp.mustStart(t, enqueue.Campaign{Name: "c"}, rows)
		gp.end(t, "main", before(old.Wire()), before(old.Wire()), refused, before(""), before(made("0")), before(made("a")))
		gp.end(t, "b", before(old.Wire()), before(old.Wire()), before("https://cdn.example.com/x?sig=hush"), updated, before(old.Wire()))
		for i, r := range rows {
			account, photo := r.Account, made("a")
			switch i {
			case 2: // line 4, main: something newer
				photo = made("b")
			case 3: // line 5, b: a call whose answer was lost
				photo = ""
			}
			gp.shows(t, account, r.GroupID, photo)
		}
		got, err := gp.UndoCampaign(ctx, "c", enqueue.Undo{By: "ana", Trial: 1, Settings: tasks.CampaignSettings{StopAt: 25}})
		if err != nil {
			t.Fatal(err)
		}
		if got.Restored != 3 || got.Changed != 2 || got.Unknown != 3 || got.Gone != 2 || got.Name != "c-undo" || got.Total != 3 || got.Before {
			t.Errorf("the receipt is %+v", got)
		}
		var restored []string
		for r, err := range gp.CampaignRecords(ctx, "c-undo", enqueue.CampaignFilter{}) {
			if err != nil {
				t.Fatal(err)
			}
			restored = append(restored, fmt.Sprint(r.Line, " ", r.Account, " ", r.PhotoGiven == old.String(), " ", r.Ref, r.Extra))
		}
		if diff := cmp.Diff([]string{`2 main true r["x"]`, "3 b true ", "11 b true "}, restored); diff != "" {
			t.Errorf("the rows (-want +got):\n%s", diff)
		}
		info := gp.mustInfo(t, "c-undo")
		if info.Undoes != first.ID || info.Trial != 1 || info.Settings.StopAt != 25 || info.By != "ana" {
			t.Errorf("the campaign is %+v", info)
		}
		if left := rdb.PTTL(ctx, "groupphoto:photo:{"+old.Hash()+"}:made").Val(); left < 30*24*time.Hour {
			t.Errorf("the photo before is kept for %s", left)
		}
		again, err := gp.UndoCampaign(ctx, first.ID, enqueue.Undo{})
		if err != nil || !again.Before || again.Finished || again.ID != got.ID || again.Restored != 3 {
			t.Errorf("again: %+v, %v", again, err)
		}
		text, err := json.Marshal(got)
		if want := `"start":null,"expires":"` + got.Expires.Format(time.RFC3339Nano) + `","restored":3,"changed":2,"unknown":3,"gone":2}`; err != nil || !strings.HasSuffix(string(text), want) {
			t.Errorf("JSON: %s, %v", text, err)
		}
	})
}

func TestUndoCampaign_NothingToRestore(t *testing.T) {
	t.Parallel()
	// Given a campaign whose groups have changed, when it is undone, then nothing is
	// started, and the counts say why; a name that is taken is refused.
	gp := openCampaigns(t, redistest.Mini(t).Client(t))
	rows := sheetRows(3)
	gp.mustStart(t, enqueue.Campaign{Name: "c"}, rows)
	gp.end(t, "main", before(made("0")), updated, refused)
	gp.shows(t, "main", rows[0].GroupID, made("b"))
	gp.shows(t, "main", rows[1].GroupID, "")
	got, err := gp.UndoCampaign(t.Context(), "c", enqueue.Undo{})
	if !errors.Is(err, enqueue.ErrNoRows) || got.Changed != 2 || got.Restored != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := gp.CampaignInfo(t.Context(), "c-undo"); !errors.Is(err, enqueue.ErrNoCampaign) {
		t.Errorf("the campaign is there: %v", err)
	}
	gp.mustStart(t, enqueue.Campaign{Name: "taken"}, sheetRows(1))
	for _, bad := range []enqueue.Undo{{Name: "taken"}, {Name: "c"}, {Name: "a.b"}, {Trial: -1}} {
		if _, err := gp.UndoCampaign(t.Context(), "c", bad); !errors.Is(err, enqueue.ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	long := strings.Repeat("n", 60)
	gp.mustStart(t, enqueue.Campaign{Name: long}, sheetRows(1))
	if _, err := gp.UndoCampaign(t.Context(), long, enqueue.Undo{}); !errors.Is(err, enqueue.ErrInvalid) {
		t.Errorf("a name that gets too long: %v", err)
	}
}

func TestUndoCampaign_ManyRows(t *testing.T) {
	t.Parallel()
	// Given more rows than are looked at in one go, when they are undone after another
	// pass, then each is restored, in order, and the second undo needs a name.
	gp := openCampaigns(t, redistest.Real(t).Client(t))
	old, err := gp.ledger.StorePhoto(t.Context(), tasks.PhotoMade, jpeg, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	rows := sheetRows(700)
	gp.mustStart(t, enqueue.Campaign{Name: "c"}, rows)
	var ends []ledger.RowEnd
	for i := range rows {
		ends = append(ends, before(old.Wire()))
		gp.shows(t, "main", groupAt(i), made("a"))
	}
	ends[699] = refused
	gp.end(t, "main", ends...)
	got, err := gp.UndoCampaign(t.Context(), "c", enqueue.Undo{})
	if err != nil || got.Restored != 699 || got.Total != 699 {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := gp.CancelCampaign(t.Context(), "c-undo", "ana", ""); err != nil {
		t.Fatal(err)
	}
	if n, err := gp.RetryCampaign(t.Context(), "c", enqueue.Retry{}); n != 1 || err != nil {
		t.Fatalf("RetryCampaign = %d, %v", n, err)
	}
	gp.end(t, "main", before(old.Wire()))
	if _, err := gp.UndoCampaign(t.Context(), "c", enqueue.Undo{}); !errors.Is(err, enqueue.ErrInvalid) {
		t.Errorf("after another pass: %v", err)
	}
	got, err = gp.UndoCampaign(t.Context(), "c", enqueue.Undo{Name: "c-undo-2"})
	if err != nil || got.Restored != 700 {
		t.Errorf("under another name: %+v, %v", got, err)
	}
}
