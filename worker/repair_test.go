package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

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

func TestWorker_RepairsAfterEachLateAnswer(t *testing.T) {
	t.Parallel()
	// Given two calls whose turns have lapsed and a newer one that went out since, when they are answered one after the
	// other, then the newest photo is shown again after each.
	late := []chan struct{}{make(chan struct{}), make(chan struct{})}
	calling := make(chan string, 8)
	c := &caller{do: func(_ context.Context, n int, call plugchat.Call) (bool, error) {
		calling <- call.GroupID
		if n <= len(late) {
			<-late[n-1]
		}
		return true, nil
	}}
	b := setup(t, redistest.Mini(t).Client(t), c, func(c *worker.Config) { c.Accounts[0].Concurrency = 3 }).start()
	for i, id := range []string{"one", "two"} {
		b.submit(id, tasks.Update{Photo: b.photo(uint8(10 + i))})
		<-calling
		b.lapse("main", groupA)
	}
	newest := b.submit("new", tasks.Update{Photo: b.photo(250)})
	<-calling
	b.wait("new")
	for i, id := range []string{"repair-" + itoa(newest.Seq), "repair-" + itoa(newest.Seq) + "-2"} {
		close(late[i])
		if o := b.wait(id); o.State != tasks.Updated || o.Photo != b.wait("new").Photo {
			t.Errorf("got %+v", o)
		}
	}
}
