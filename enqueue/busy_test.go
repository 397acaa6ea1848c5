package enqueue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestRetry_WhileTheOldTaskIsWithAWorker(t *testing.T) {
	t.Parallel()
	// Given an update that has ended while its task is still with a worker, when
	// it is retried, then that is not accepted: the old task's id would be taken
	// for the new task. Once the old one is gone, retrying again goes on.
	rdb := redistest.Mini(t).Client(t)
	gp, err := enqueue.New(rdb)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gp.Close() })
	running, leave := make(chan struct{}), make(chan struct{})
	server := asynq.NewServerFromRedisClient(rdb, asynq.Config{
		Concurrency: 1, Queues: map[string]int{tasks.Queue("main"): 1}, LogLevel: asynq.FatalLevel, TaskCheckInterval: 10 * time.Millisecond,
	})
	if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		close(running)
		<-leave
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			close(leave)
			server.Shutdown()
		}
	}
	t.Cleanup(stop)
	wish := enqueue.Update{GroupID: "120363019502650977-group", Photo: enqueue.URL("https://example.com/a.png")}
	if _, err := gp.UpdateGroupPhoto(t.Context(), wish, enqueue.ID("a")); err != nil {
		t.Fatal(err)
	}
	<-running
	// The run has recorded its end and is about to return.
	l := ledger.New(rdb, 0)
	h := ledger.Handle{Account: "main", ID: "a", Group: "120363019502650977-group", Token: "t1"}
	record, err := l.Record(t.Context(), "main", "a")
	if err != nil {
		t.Fatal(err)
	}
	claim, err := l.Claim(t.Context(), h, record.Update)
	if err != nil {
		t.Fatal(err)
	}
	end := tasks.Outcome{ID: "a", Account: "main", GroupID: h.Group, State: tasks.Failed, Reason: tasks.ProviderError}
	if _, err := l.Settle(t.Context(), ledger.Settlement{Handle: h, Seq: claim.Seq, Outcome: end}); err != nil {
		t.Fatal(err)
	}
	if _, err := gp.Retry(t.Context(), "a"); !errors.Is(err, enqueue.ErrTaskBusy) {
		t.Fatalf("Retry = %v, want ErrTaskBusy", err)
	}
	stop()
	receipt, err := gp.Retry(t.Context(), "a")
	if err != nil || receipt.State != enqueue.Waiting {
		t.Fatalf("Retry = %+v, %v", receipt, err)
	}
	info, err := asynq.NewInspectorFromRedisClient(rdb).GetTaskInfo(tasks.Queue("main"), "a")
	if err != nil || info.State != asynq.TaskStatePending {
		t.Fatalf("its task is %+v, %v; want it pending", info, err)
	}
}
