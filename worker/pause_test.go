package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func TestWorker_PausedAccount(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given a call under way and an update that waits for its turn,
		calling, answer := make(chan struct{}), make(chan struct{})
		c := &caller{do: func(_ context.Context, n int, _ plugchat.Call) (bool, error) {
			if n == 1 {
				close(calling)
				<-answer
			}
			return true, nil
		}}
		b := setup(t, rdb, c, func(c *worker.Config) { c.Accounts[0].Concurrency = 1 }).start()
		b.submit("first", tasks.Update{})
		<-calling
		b.submit("second", tasks.Update{GroupID: "120363019502650978-group"})
		b.task("second", asynq.TaskStateActive)
		// when the account is paused,
		if _, err := b.ledger.Pause(t.Context(), "main", "op", ""); err != nil {
			t.Fatal(err)
		}
		// then the one that waits goes back to its queue, asynq shows that it is paused,
		b.task("second", asynq.TaskStateRetry)
		inspector := asynq.NewInspectorFromRedisClient(rdb)
		redistest.Eventually(t, 10*time.Second, func() bool {
			info, err := inspector.GetQueueInfo(tasks.Queue("main"))
			return err == nil && info.Paused
		}, "the queue is not paused")
		// the call under way ends and is recorded,
		close(answer)
		if o := b.wait("first"); o.State != tasks.Updated {
			t.Errorf("got %+v", o)
		}
		if r, err := b.ledger.Record(t.Context(), "main", "second"); err != nil || r.Outcome.State.Ended() || c.count() != 1 {
			t.Errorf("got %+v, %v, %d calls", r.Outcome, err, c.count())
		}
		// and what waits costs nothing: when the account goes on, it is sent with its first attempt.
		if _, err := b.ledger.Resume(t.Context(), "main", "op"); err != nil {
			t.Fatal(err)
		}
		if o := b.wait("second"); o.State != tasks.Updated || o.Attempts != 1 {
			t.Errorf("got %+v", o)
		}
	})
}
