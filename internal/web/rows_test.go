package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/ledger/rowtest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// given a campaign, one of whose rows has ended;
// when its rows are asked for by their ids;
// then they are told as updates are, and one cannot be cancelled by itself.
func TestUpdate_CampaignRows(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	gp, err := enqueue.New(s.redis)
	if err != nil {
		t.Fatal(err)
	}
	defer gp.Close() //nolint:errcheck // it owns nothing that could fail
	got, err := gp.StartCampaign(t.Context(), enqueue.Campaign{Name: "spring", Photo: enqueue.URL("https://example.com/a.png?sig=marked-query")},
		func(yield func(enqueue.CampaignRow, error) bool) {
			_ = yield(enqueue.CampaignRow{GroupID: group}, nil) && yield(enqueue.CampaignRow{GroupID: "5511999999999-1623281429"}, nil)
		})
	if err != nil {
		t.Fatal(err)
	}
	l := ledger.New(s.redis, 0)
	fed, err := l.Feed(t.Context(), ledger.FeedRequest{Account: tasks.DefaultAccount, Feeder: "f", Lease: time.Minute, Question: "q", Room: 1})
	if err != nil || len(fed.Rows) != 1 {
		t.Fatalf("Feed = %+v, %v", fed, err)
	}
	if v, _, err := rowtest.Settle(t.Context(), l, fed.Rows[0], ledger.RowEnd{State: tasks.Updated}); err != nil || v != ledger.RowOK {
		t.Fatal(v, err)
	}
	for id, want := range map[string]string{got.ID + ".1.1": "updated", got.ID + ".2.1": "waiting"} {
		a := s.call(t, http.MethodGet, "/v1/updates/"+id, "")
		if o := a.json(t); o["state"] != want || o["campaign"] != got.ID || o["id"] != id {
			t.Errorf("%s: %s", id, a.body)
		}
		wantClean(t, "the answer", a.body, "marked-query")
	}
	wantStatus(t, s.call(t, http.MethodGet, "/v1/updates/"+got.ID+".3.1", ""), http.StatusNotFound)
	wantStatus(t, s.call(t, http.MethodGet, "/v1/updates/nobody.1.1", ""), http.StatusNotFound)
	if a := s.call(t, http.MethodDelete, "/v1/updates/"+got.ID+".2.1", ""); a.StatusCode < 400 || a.StatusCode >= 500 {
		t.Errorf("DELETE: %d %s", a.StatusCode, a.body)
	}
}
