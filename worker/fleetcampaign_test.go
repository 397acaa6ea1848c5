//go:build unix

package worker_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// TestFleet_CampaignUnderKills ends processes that feed and send a campaign at random
// moments, all of them at once in the end.
func TestFleet_CampaignUnderKills(t *testing.T) {
	notInShort(t)
	// given a campaign of 2,000 rows of two accounts, one of which answers slowly, and
	// 3 processes
	accounts := []fleetAccount{{Name: "quick", Concurrency: 4}, {Name: "paced", Concurrency: 1, Pace: 4 * time.Millisecond, Jitter: 0.3}}
	f := newFleet(t, accounts...)
	f.config.HTTPTimeout, f.config.LeaseMargin = time.Second, time.Second
	f.dial("slow:latency=10ms")
	got, err := f.ledger.AcceptCampaign(t.Context(), ledger.CampaignRequest{Name: "spring", By: "tests", Expires: time.Now().Add(time.Hour)},
		rowsOf(2000, f.photo(0), "quick", "paced"))
	if err != nil {
		t.Fatal(err)
	}
	f.start("one", "two", "three")
	// when every few hundred calls one of them is killed, with another in its place, and
	// then all
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	kills, next, working := 0, 0, append([]*member(nil), f.members...)
	for i := range 5 {
		next += 50 + random.IntN(250)
		redistest.Eventually(t, 60*time.Second, func() bool { return len(f.posts("quick"))+len(f.posts("paced")) >= next }, "%d calls are not reached", next)
		k := random.IntN(len(working))
		working[k].signal(syscall.SIGKILL)
		kills++
		working[k] = f.start(fmt.Sprint("spare", i))[0]
	}
	for _, m := range working {
		m.signal(syscall.SIGKILL)
		kills++
	}
	t.Parallel() // others may work while asynq waits
	<-time.After(asynqForgets)
	f.start("last")
	// then every row has one end, every group was called, and twice only what was under
	// way when a process fell
	s := stands(t, f.ledger, got.ID, 90*time.Second, ledger.Counts{tasks.Updated: 2000})
	calls := map[string]int{}
	for _, a := range accounts {
		for _, c := range f.posts(a.Name) {
			calls[c.GroupID]++
		}
		nothingLeft(t, f.rdb, a.Name)
	}
	twice := 0
	for n := 1; n <= 2000; n++ {
		c := calls[string(campaignGroup(n))]
		if c == 0 {
			t.Errorf("row %d was never called", n)
		}
		twice += max(0, c-1)
	}
	t.Logf("%d kills: %d rows ended, %d calls were made twice", kills, s.Counts[tasks.Updated], twice)
	if most := kills * (accounts[0].Concurrency + accounts[1].Concurrency); twice > most {
		t.Errorf("%d calls were made twice; at most %d were under way", twice, most)
	}
}
