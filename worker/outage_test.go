package worker_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func TestWorker_RedisAwayDuringCalls(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("not applicable with -short: Redis stays away for 10 s")
	}
	// Given three calls under way, when Redis is away for 10 s while they are
	// answered, then each is recorded once and sent once. (A bare asynq worker
	// sends all three again.)
	const n = 3
	server := redistest.Real(t)
	engine, err := redisconn.Open(t.Context(), server.Spec(), redisconn.Options{Engine: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	calling, answer := make(chan struct{}, n), make(chan struct{})
	c := &caller{do: func(context.Context, int, plugchat.Call) (bool, error) {
		calling <- struct{}{}
		<-answer
		return true, nil
	}}
	b := setup(t, engine, c, func(c *worker.Config) { c.Accounts[0].Concurrency = n })
	for i := range n {
		b.submit("u"+strconv.Itoa(i), tasks.Update{GroupID: tasks.GroupID("12036301950265097" + strconv.Itoa(i) + "-group")})
	}
	b.start()
	for range n {
		<-calling
	}
	server.Stop()
	close(answer)
	<-time.After(10 * time.Second) // the outage itself
	server.Start()
	for i := range n {
		id := "u" + strconv.Itoa(i)
		if o := b.wait(id); o.State != tasks.Updated || o.Attempts != 1 {
			t.Errorf("%s: %+v", id, o)
		}
		// Completed in asynq's books too: nothing is left that could run again.
		b.task(id, asynq.TaskStateCompleted)
	}
	if c.count() != n {
		t.Errorf("%d calls for %d updates", c.count(), n)
	}
	length, err := engine.XLen(t.Context(), "groupphoto:{main}:outcomes").Result()
	if err != nil || length != n {
		t.Errorf("%d entries in the stream of outcomes, %v", length, err)
	}
}

func TestWorker_ATurnWhoseAnswerWasLostIsGivenBack(t *testing.T) {
	t.Parallel()
	// Given a run that asks for its turn while Redis stands still, when the worker
	// shuts down meanwhile, then no turn is left behind: the next worker calls at
	// once, and the update has cost one attempt.
	server := redistest.Real(t)
	rdb := server.Client(t)
	calling, answer := make(chan struct{}), make(chan struct{})
	c := &caller{do: func(_ context.Context, n int, _ plugchat.Call) (bool, error) {
		if n == 1 {
			close(calling)
			<-answer
		}
		return true, nil
	}}
	b := setup(t, rdb, c).start()
	b.submit("first", tasks.Update{GroupID: "120363019502650971-group"})
	<-calling
	b.submit("second", tasks.Update{GroupID: "120363019502650972-group"})
	b.task("second", asynq.TaskStateActive)
	if err := rdb.Do(t.Context(), "CLIENT", "PAUSE", 3000, "ALL").Err(); err != nil {
		t.Fatal(err)
	}
	close(answer) // the turn is free, and the second run's question hangs in Redis
	stopped := make(chan error, 1)
	<-time.After(time.Second) // by now it has asked: it looks every 500 ms
	go func() { stopped <- b.worker.Shutdown() }()
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	next := setup(t, rdb, answers(true)).start()
	if o := next.wait("second"); o.State != tasks.Updated || o.Attempts != 1 {
		t.Fatalf("got %+v", o)
	}
	if n, err := rdb.ZCard(t.Context(), "groupphoto:{main}:turns").Result(); err != nil || n != 0 {
		t.Errorf("%d turns are left, %v", n, err)
	}
}
