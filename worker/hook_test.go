package worker_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/webhook"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// receiver is a webhook's other end: it fails as often as it is told.
type receiver struct {
	mu       sync.Mutex
	failures int
	got      []webhook.Event
}

func (r *receiver) Send(_ context.Context, e webhook.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failures > 0 {
		r.failures--
		return &webhook.Error{Status: 503, Detail: "later"}
	}
	r.got = append(r.got, e)
	return nil
}

func (r *receiver) types() (list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.got {
		list = append(list, e.Type)
	}
	return list
}

func TestWorker_TellsWhenAnAccountIsPausedAndGoesOn(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given two updates that are told that the subscription has ended, and then no more,
		c := answers(account(), account(), account(), true)
		hook := &receiver{}
		b := setup(t, rdb, c, func(c *worker.Config) { c.Hook = hook }).start()
		b.submit("one", tasks.Update{})
		b.submit("two", tasks.Update{GroupID: groupB})
		b.wait("one")
		b.wait("two")
		// then somebody is told once that the account was paused and once that it went on,
		redistest.Eventually(t, 20*time.Second, func() bool { return len(hook.types()) == 2 }, "the receiver got %v", hook.types())
		if got := hook.types(); got[0] != "account.paused" || got[1] != "account.resumed" {
			t.Errorf("got %v", got)
		}
		// and when a receiver fails, the event comes again.
		hook.mu.Lock()
		hook.failures = 1
		hook.mu.Unlock()
		if _, err := b.ledger.Pause(t.Context(), "main", "op", "phone is charging"); err != nil {
			t.Fatal(err)
		}
		redistest.Eventually(t, 40*time.Second, func() bool { return len(hook.types()) == 3 }, "the failed event did not come again")
		if _, err := b.ledger.Resume(t.Context(), "main", "op"); err != nil {
			t.Fatal(err)
		}
		redistest.Eventually(t, 40*time.Second, func() bool { return len(hook.types()) == 4 }, "the account's going on was not told")
		ids := map[string]bool{}
		for _, e := range hook.got {
			ids[e.ID] = true
		}
		if len(ids) != 4 {
			t.Errorf("ids are not unique: %+v", hook.got)
		}
	})
}

// latch is a provider whose first call is answered when the test says so.
func latch(first chan struct{}, calling chan<- string) *caller {
	return &caller{do: func(_ context.Context, n int, call plugchat.Call) (bool, error) {
		calling <- call.GroupID
		if n == 1 {
			<-first
		}
		return true, nil
	}}
}

func TestWorker_RepairsAfterALateAnswer(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given a call that is not answered before its turn has lapsed (the turn is taken
		// away by hand here), and a newer update of the group that goes out meanwhile,
		answer, calling := make(chan struct{}), make(chan string, 8)
		b := setup(t, rdb, latch(answer, calling), func(c *worker.Config) { c.Accounts[0].Concurrency = 2 }).start()
		b.submit("old", tasks.Update{Photo: b.photo(10)})
		<-calling
		b.lapse("main", groupA)
		newer := b.submit("new", tasks.Update{Photo: b.photo(250)})
		<-calling
		if o := b.wait("new"); o.State != tasks.Updated {
			t.Fatalf("got %+v", o)
		}
		// when the older call is answered with true at last, then the newest photo is shown once more.
		close(answer)
		if o := b.wait("old"); o.State != tasks.Updated {
			t.Errorf("got %+v", o)
		}
		<-calling
		id := "repair-" + itoa(newer.Seq)
		o := b.wait(id)
		if o.State != tasks.Updated || o.Photo != b.wait("new").Photo || o.By == "" {
			t.Errorf("got %+v", o)
		}
		redistest.Eventually(t, 10*time.Second, func() bool {
			list, err := b.ledger.Repairs(t.Context(), "main")
			return err == nil && len(list) == 0
		}, "the repair is not forgotten")
	})
}
