//go:build unix

package main

import (
	"errors"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
)

func TestCampaignStart_KilledWhileAccepting(t *testing.T) {
	t.Parallel()
	// Given a large sheet, when the process that accepts it is killed at random moments,
	// then nothing of it can be fed until one was not, and then it is whole.
	server := redistest.Real(t)
	rdb := server.Client(t)
	l := ledger.New(rdb, 0)
	gp, err := enqueue.New(rdb)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gp.Close() })
	const rows = 60_000
	path, photo := file(t, "grupos.csv", manyGroups(rows)), picture(t)
	env := map[string]string{"REDIS_URL": server.URL(), "GROUPPHOTO_PACE": "1ms"}
	args := []string{"campaign", "start", path, "--photo", photo}
	if _, err := buildBinary(); err != nil { // which takes its own time
		t.Fatal(err)
	}
	began := time.Now()
	if p := start(t, env, "campaign", "start", path, "--photo", photo, "--name", "measured"); !p.ends(t).Success() {
		t.Fatal(p.text)
	}
	whole := time.Since(began)
	killed := 0
	for range 8 {
		p := start(t, env, args...)
		<-time.After(whole/4 + rand.N(whole*3/4)) // the fault's own moment
		p.signal(t, syscall.SIGKILL)
		if p.ends(t).Success() {
			break
		}
		killed++
		if _, err := gp.CampaignInfo(t.Context(), "grupos"); err == nil {
			break // accepted, and killed before it could say so
		} else if !errors.Is(err, enqueue.ErrNoCampaign) {
			t.Fatal(err)
		}
		fed, err := l.Feed(t.Context(), ledger.FeedRequest{Account: "main", Feeder: "f", Lease: time.Millisecond, Question: time.Now().String(), Room: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range fed.Rows {
			if info, _ := gp.CampaignInfo(t.Context(), "measured"); row.Campaign != info.ID {
				t.Fatalf("row %+v of a campaign that is not accepted was fed", row)
			}
		}
		redistest.Eventually(t, 90*time.Second, func() bool { // until the dead one's lease has ended
			held, err := rdb.HGet(t.Context(), "groupphoto:{campaigns}:names", "grupos").Result()
			return err != nil || rdb.HSet(t.Context(), "groupphoto:{campaigns}:h:"+held, "held", "1").Err() == nil
		}, "the lease stays")
	}
	p := start(t, env, args...)
	if !p.ends(t).Success() {
		t.Fatal(p.text)
	}
	info, err := gp.CampaignInfo(t.Context(), "grupos")
	if err != nil || info.Total != rows || info.Counts[enqueue.Waiting] != rows {
		t.Errorf("%+v, %v", info.Counts, err)
	}
	checks, err := gp.VerifyCampaign(t.Context(), "grupos", false)
	if err != nil || !checks[0].Agrees {
		t.Errorf("%+v, %v", checks, err)
	}
	t.Logf("killed %d times; whole it takes %s", killed, whole.Round(time.Millisecond))
}

func TestCampaignRun_Killed(t *testing.T) {
	t.Parallel()
	// Given a run without Redis, when it is killed again and again, then each group is
	// called, and twice only what was under way at a kill.
	th := theatre{box: newBox()}
	provider := httptest.NewServer(th.box)
	t.Cleanup(provider.Close)
	env := map[string]string{"PLUGCHAT_TOKEN": markedToken, "PLUGCHAT_BASE_URL": provider.URL, "GROUPPHOTO_PACE": "5ms"}
	args := []string{"campaign", "run", file(t, "grupos.csv", manyGroups(300)), "--photo", picture(t)}
	kills := 0
	for want := 40; want <= 200; want += 40 {
		p := start(t, env, args...)
		redistest.Eventually(t, 30*time.Second, func() bool { return th.posts() >= want }, "%d calls are not reached: %s", want, p.text)
		p.signal(t, syscall.SIGKILL)
		p.ends(t)
		kills++
	}
	if p := start(t, env, args...); !p.ends(t).Success() {
		t.Fatal(p.text)
	} else if !strings.Contains(p.text.String(), "rows have an outcome from before") {
		t.Errorf("it began anew: %s", p.text)
	}
	calls, twice := th.callsByGroup(), 0
	for _, n := range calls {
		twice += n - 1
	}
	if len(calls) != 300 || twice > kills {
		t.Errorf("%d groups were called, %d of them twice after %d kills", len(calls), twice, kills)
	}
	t.Logf("%d kills: %d calls were made twice", kills, twice)
}
