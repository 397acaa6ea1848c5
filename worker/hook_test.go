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
