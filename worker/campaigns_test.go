package worker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func TestCampaign_EveryRowEndsOnce(t *testing.T) {
	t.Parallel()
	// Given rows that are accepted, refused twice, refused and then accepted, failing for
	// a while, and not to be found, when the campaign runs, then each has its end, a
	// refused row was asked again after all others had their first call, and asynq and
	// the ledger keep nothing of them.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		var mu sync.Mutex
		calls := map[string]int{}
		var order []string
		c := &caller{do: func(_ context.Context, _ int, call plugchat.Call) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			calls[call.GroupID]++
			order = append(order, call.GroupID)
			switch n := calls[call.GroupID]; tasks.GroupID(call.GroupID) {
			case campaignGroup(3):
				return false, nil
			case campaignGroup(5):
				return n > 1, nil
			case campaignGroup(7):
				if n < 3 {
					return false, &plugchat.Error{Class: plugchat.Unclear, Reason: plugchat.ReasonUnclearAnswer, Sent: true}
				}
			case campaignGroup(9):
				return false, &plugchat.Error{Class: plugchat.Permanent, Reason: plugchat.ReasonWrongMethod, Status: 405, Sent: true}
			}
			return true, nil
		}}
		b := setup(t, rdb, c).start()
		s := stands(t, b.ledger, b.campaign("spring", 40).ID, 60*time.Second, ledger.Counts{tasks.Updated: 38, tasks.Refused: 1, tasks.Failed: 1})
		mu.Lock()
		defer mu.Unlock()
		for n := 1; n <= 40; n++ {
			want := map[int]int{3: 2, 5: 2, 7: 3}[n]
			if got := calls[string(campaignGroup(n))]; got != max(want, 1) {
				t.Errorf("row %d was called %d times; want %d", n, got, max(want, 1))
			}
		}
		for _, n := range []int{3, 5} {
			again := slices.Index(order, string(campaignGroup(n)))
			again += 1 + slices.Index(order[again+1:], string(campaignGroup(n)))
			first := map[string]bool{}
			for _, group := range order[:again] {
				first[group] = true
			}
			if len(first) != 40 {
				t.Errorf("row %d was asked again when %d of 40 had been called", n, len(first))
			}
		}
		if s.Parts[0].Finished.IsZero() {
			t.Error("the part does not say that it has finished")
		}
		nothingLeft(t, rdb, "main")
	})
}

// slow is a provider that answers true after a moment, so that a campaign lasts.
func slow(c *caller, per time.Duration) *caller {
	c.do = func(ctx context.Context, _ int, _ plugchat.Call) (bool, error) {
		timer := time.NewTimer(per)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		return true, nil
	}
	return c
}

func TestCampaign_PauseResumeCancel(t *testing.T) {
	t.Parallel()
	// Given a campaign that runs, when it is paused, then calls stop, those under way count
	// and all other rows wait; resumed it goes on; cancelled, what is left
	// has ended at once, and nobody is called any more.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := slow(&caller{}, 5*time.Millisecond)
		b := setup(t, rdb, c).start()
		campaign := b.campaign("spring", 5000)
		redistest.Eventually(t, 20*time.Second, func() bool { return c.count() > 50 }, "no calls")
		if _, err := b.ledger.PauseCampaign(t.Context(), campaign.ID, "ana", "a look"); err != nil {
			t.Fatal(err)
		}
		n := b.still(campaign.ID)
		if got := int64(c.count()); got != n {
			t.Errorf("%d calls were made, %d rows have ended", got, n)
		}
		stands(t, b.ledger, campaign.ID, time.Second, ledger.Counts{tasks.Updated: n, tasks.Waiting: 5000 - n})
		nothingLeft(t, rdb, "main")
		if _, err := b.ledger.ResumeCampaign(t.Context(), campaign.ID, "ana"); err != nil {
			t.Fatal(err)
		}
		redistest.Eventually(t, 20*time.Second, func() bool { return int64(c.count()) > n+50 }, "it does not go on")
		if _, err := b.ledger.CancelCampaign(t.Context(), campaign.ID, "ana", "wrong photo"); err != nil {
			t.Fatal(err)
		}
		n = b.still(campaign.ID)
		s := stands(t, b.ledger, campaign.ID, time.Second, ledger.Counts{tasks.Updated: n, tasks.Cancelled: 5000 - n})
		if got := int64(c.count()); got != n {
			t.Errorf("%d calls were made, %d rows were updated", got, n)
		}
		if s.Why[0].Reason != tasks.Stopped || s.Why[0].Rows != 5000-n {
			t.Errorf("the reasons are %+v", s.Why)
		}
		nothingLeft(t, rdb, "main")
	})
}

// still waits until no row is under way, and returns how many were updated.
func (b *bundle) still(id string) int64 {
	b.t.Helper()
	var s ledger.CampaignStatus
	redistest.Eventually(b.t, 20*time.Second, func() bool {
		var err error
		s, err = b.ledger.CampaignStatus(b.t.Context(), id)
		return err == nil && s.Counts[ledger.Queued]+s.Counts[tasks.Calling] == 0
	}, "rows are still under way")
	return s.Counts[tasks.Updated]
}

func TestCampaign_StopsItself(t *testing.T) {
	t.Parallel()
	// Given a campaign with a trial, when so many rows have ended, then it is paused until
	// somebody says on; one of whose last 50 rows too many were refused is paused too, and
	// looked at afresh when it is resumed.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := &caller{do: func(_ context.Context, n int, _ plugchat.Call) (bool, error) {
			if n%2 == 0 {
				return true, nil
			}
			return false, &plugchat.Error{Class: plugchat.Refused, Reason: plugchat.ReasonNotAdmin, Sent: true}
		}}
		b := setup(t, rdb, c, func(c *worker.Config) { c.Accounts[0].Pace = time.Millisecond }).start()
		settings := tasks.CampaignSettings{StopAt: 10}
		campaign := b.campaign("spring", 500, func(r *ledger.CampaignRequest) { r.Trial, r.Settings = 4, settings.JSON() })
		s := stands(t, b.ledger, campaign.ID, 20*time.Second, ledger.Counts{tasks.Updated: 2, tasks.Refused: 2, tasks.Waiting: 496})
		paused := func(why string) {
			t.Helper()
			redistest.Eventually(t, 20*time.Second, func() bool {
				var err error
				s, err = b.ledger.CampaignStatus(t.Context(), campaign.ID)
				return err == nil && !s.PausedSince.IsZero() && s.PausedBy == "" && strings.Contains(s.PauseWhy, why)
			}, "it is not paused for %q: %v", why, later(func() string { return fmt.Sprintf("%+v", s) }))
		}
		paused("trial")
		if _, err := b.ledger.ResumeCampaign(t.Context(), campaign.ID, "ana"); err != nil {
			t.Fatal(err)
		}
		paused("refused or failed")
		b.still(campaign.ID)
		first, err := b.ledger.CampaignStatus(t.Context(), campaign.ID)
		if err != nil || first.Counts[tasks.Refused] < 10 || first.Counts[tasks.Waiting] < 100 {
			t.Fatalf("paused with %v, %v", first.Counts, err)
		}
		if _, err := b.ledger.ResumeCampaign(t.Context(), campaign.ID, "ana"); err != nil {
			t.Fatal(err)
		}
		paused("refused or failed")
		if more := s.Counts[tasks.Refused] - first.Counts[tasks.Refused]; more < 10 {
			t.Errorf("after being resumed it was paused with %d more refused", more)
		}
	})
}

func TestCampaign_ShutOutOfTimeAndExpiry(t *testing.T) {
	t.Parallel()
	// Given campaigns that may not go at this time of day, whose start has not come, and
	// whose time runs out, when a worker serves their account, then no row of the first two
	// is called, and those of the third end as expired.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := &caller{}
		b := setup(t, rdb, c, func(c *worker.Config) { c.Accounts[0].Pace = 200 * time.Millisecond }).start()
		never := time.Now().UTC().Add(2 * time.Hour).Format("15:04")
		settings := tasks.CampaignSettings{Hours: never + "-" + time.Now().UTC().Add(3*time.Hour).Format("15:04")}
		shut := b.campaign("shut", 5, func(r *ledger.CampaignRequest) { r.Settings = settings.JSON() })
		later := b.campaign("later", 5, func(r *ledger.CampaignRequest) { r.Start = time.Now().Add(30 * time.Minute) })
		late := b.campaign("late", 500, func(r *ledger.CampaignRequest) { r.Expires = time.Now().Add(3 * time.Second) })
		var s ledger.CampaignStatus
		redistest.Eventually(t, 30*time.Second, func() bool {
			var err error
			s, err = b.ledger.CampaignStatus(t.Context(), late.ID)
			return err == nil && !s.Open() && s.Closed == tasks.Expired
		}, "it does not end")
		n := s.Counts[tasks.Updated]
		stands(t, b.ledger, late.ID, time.Second, ledger.Counts{tasks.Updated: n, tasks.Expired: 500 - n})
		if n == 0 || n != int64(c.count()) {
			t.Errorf("%d rows were updated, %d calls made", n, c.count())
		}
		for _, id := range []string{shut.ID, later.ID} {
			stands(t, b.ledger, id, time.Second, ledger.Counts{tasks.Waiting: 5})
		}
	})
}

func TestCampaign_LostTasksAreFedAgain(t *testing.T) {
	t.Parallel()
	// Given rows that a feeder fed and died before it made tasks of them, and others whose
	// tasks somebody deleted or archived, when another process feeds, then all are sent.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		c := &caller{}
		b := setup(t, rdb, c)
		campaign := b.campaign("spring", 30)
		fed, err := b.ledger.Feed(t.Context(), ledger.FeedRequest{Account: "main", Feeder: "dead", Lease: time.Millisecond, Question: "q", Room: 10})
		if err != nil || len(fed.Rows) != 10 {
			t.Fatalf("Feed = %d rows, %v", len(fed.Rows), err)
		}
		b.start()
		stands(t, b.ledger, campaign.ID, 30*time.Second, ledger.Counts{tasks.Updated: 30})
		if c.count() != 30 {
			t.Errorf("%d calls were made for 30 rows", c.count())
		}
	})
}

func TestCampaign_TellsOutside(t *testing.T) {
	t.Parallel()
	// Given a webhook and a campaign that wants each outcome told, when it pauses itself,
	// is resumed and finishes, then all that is told once each, with the counts.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		hook := &receiver{}
		b := setup(t, rdb, &caller{}, func(c *worker.Config) { c.Hook = hook }).start()
		settings := tasks.CampaignSettings{EachOutcome: true}
		campaign := b.campaign("spring", 4, func(r *ledger.CampaignRequest) { r.Trial, r.Settings = 1, settings.JSON() })
		told := func(kind string, n int) {
			t.Helper()
			redistest.Eventually(t, 30*time.Second, func() bool {
				count := 0
				for _, got := range hook.types() {
					if got == kind {
						count++
					}
				}
				return count == n
			}, "%s is not told %d times: %v", kind, n, later(func() string { return fmt.Sprint(hook.types()) }))
		}
		told(ledger.CampaignPaused, 1)
		told(ledger.CampaignOutcome, 1)
		if _, err := b.ledger.ResumeCampaign(t.Context(), campaign.ID, "ana"); err != nil {
			t.Fatal(err)
		}
		told(ledger.CampaignFinished, 1)
		told(ledger.CampaignOutcome, 4)
		told(ledger.CampaignPaused, 1)
		entries := rdb.XRange(t.Context(), "groupphoto:{main}:outcomes", "-", "+").Val()
		if len(entries) != 1 || entries[0].Values["campaign"] != campaign.ID || entries[0].Values["state"] != "finished" {
			t.Errorf("the stream of outcomes holds %v", entries)
		}
	})
}

func TestCampaign_SinglesGoFirst(t *testing.T) {
	t.Parallel()
	// Given a paced account in the middle of a campaign, when a single update comes, then
	// at most one row is called before it.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		var mu sync.Mutex
		var order []string
		c := &caller{do: func(_ context.Context, _ int, call plugchat.Call) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, call.GroupID)
			return true, nil
		}}
		b := setup(t, rdb, c, func(c *worker.Config) { c.Accounts[0].Pace = 300 * time.Millisecond }).start()
		b.campaign("spring", 100)
		redistest.Eventually(t, 30*time.Second, func() bool { return c.count() >= 3 }, "no calls")
		mu.Lock()
		before := len(order)
		mu.Unlock()
		b.submit("now", tasks.Update{GroupID: groupB})
		b.wait("now")
		mu.Lock()
		defer mu.Unlock()
		if at := slices.Index(order, string(groupB)); at > before+1 {
			t.Errorf("the single update was call %d; %d calls had been made when it came", at+1, before)
		}
	})
}

func TestCampaign_ARowIsRepairedToo(t *testing.T) {
	t.Parallel()
	// Given an update whose turn has lapsed in the middle of its call, and a campaign's row
	// that goes to the same group meanwhile, when the older call is answered at last, then
	// the row's photo is shown once more.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		answer, calling := make(chan struct{}), make(chan string, 8)
		b := setup(t, rdb, latch(answer, calling), func(c *worker.Config) { c.Accounts[0].Concurrency = 2 }).start()
		b.submit("old", tasks.Update{GroupID: campaignGroup(1), Photo: b.photo(10)})
		<-calling
		b.lapse("main", campaignGroup(1))
		campaign := b.campaign("spring", 1)
		<-calling
		stands(t, b.ledger, campaign.ID, 20*time.Second, ledger.Counts{tasks.Updated: 1})
		close(answer)
		b.wait("old")
		if group := <-calling; group != string(campaignGroup(1)) {
			t.Errorf("group %s was called", group)
		}
		redistest.Eventually(t, 10*time.Second, func() bool {
			list, err := b.ledger.Repairs(t.Context(), "main")
			return err == nil && len(list) == 0
		}, "the repair is not forgotten")
		row := campaign.ID + ".1"
		for _, id := range rdb.Keys(t.Context(), "groupphoto:{main}:u:repair-*").Val() {
			o := b.wait(strings.TrimPrefix(id, "groupphoto:{main}:u:"))
			if o.State != tasks.Updated || o.Campaign != "" {
				t.Errorf("the repair of %s ended as %+v", row, o)
			}
		}
	})
}
