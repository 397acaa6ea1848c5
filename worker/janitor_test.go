package worker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func tidying(c *worker.Config) { c.TidyInterval = 50 * time.Millisecond }

func TestJanitor_ArchivedWithoutOutcomeRunsAgain(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given updates that somebody archived in asynq's web UI before a worker saw
		// them, and one that was refused and archived by us.
		c := &caller{do: func(_ context.Context, _ int, call plugchat.Call) (bool, error) {
			return call.GroupID != "120363019502650999-group", nil
		}}
		b := setup(t, rdb, c, tidying, func(c *worker.Config) { c.Policy.RefusalRetries = -1 })
		inspector := asynq.NewInspectorFromRedisClient(rdb)
		for i := range 3 {
			id := fmt.Sprintf("archived-%d", i)
			b.submit(id, tasks.Update{GroupID: tasks.GroupID(fmt.Sprintf("12036301950265%04d-group", i))})
			if err := inspector.ArchiveTask(tasks.Queue("main"), id); err != nil {
				t.Fatal(err)
			}
		}
		b.submit("refused", tasks.Update{GroupID: "120363019502650999-group"})
		// When a worker runs,
		b.start()
		// then the former are sent, and the latter stays where it is.
		for i := range 3 {
			if o := b.wait(fmt.Sprintf("archived-%d", i)); o.State != tasks.Updated {
				t.Errorf("got %+v", o)
			}
		}
		if o := b.wait("refused"); o.State != tasks.Refused {
			t.Errorf("got %+v", o)
		}
		b.task("refused", asynq.TaskStateArchived)
		b.submit("later", tasks.Update{})
		b.wait("later")
		if err := inspector.ArchiveTask(tasks.Queue("main"), "refused"); err == nil {
			t.Error("the refused update was run again")
		}
		if c.count() != 5 {
			t.Errorf("%d calls; want 5", c.count())
		}
		if !strings.Contains(b.logs.String(), "update.revived") {
			t.Error("the log says nothing of it")
		}
	})
}

func TestJanitor_ForeignTasksStayArchived(t *testing.T) {
	t.Parallel()
	// Given a task that no ledger knows; when the janitor has looked twice; then it is where it was.
	rdb := redistest.Mini(t).Client(t)
	b := setup(t, rdb, answers(true), tidying).start()
	if _, err := b.client.EnqueueContext(t.Context(), asynq.NewTask("something:else", nil), asynq.TaskID("foreign"), asynq.Queue(tasks.Queue("main"))); err != nil {
		t.Fatal(err)
	}
	b.task("foreign", asynq.TaskStateArchived)
	for range 2 {
		looked(t, rdb)
	}
	b.task("foreign", asynq.TaskStateArchived)
	if strings.Contains(b.logs.String(), "update.revived") {
		t.Error("it was run again")
	}
}

// looked waits until the janitor has begun another look.
func looked(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	key := "groupphoto:{main}:chore:tidy"
	if err := rdb.Del(t.Context(), key).Err(); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, 10*time.Second, func() bool {
		n, err := rdb.Exists(t.Context(), key).Result()
		return err == nil && n == 1
	}, "the janitor does not come")
}

func TestJanitor_PrunesTheOldest(t *testing.T) {
	t.Parallel()
	// Given more archived tasks than are kept,
	rdb := redistest.Mini(t).Client(t)
	b := setup(t, rdb, answers(true), tidying)
	queue := tasks.Queue("main")
	const extra = 40
	for i := range worker.MaxArchived + extra {
		id := fmt.Sprintf("old-%05d", i)
		if _, err := b.client.EnqueueContext(t.Context(), asynq.NewTask("something:else", nil), asynq.TaskID(id), asynq.Queue(queue)); err != nil {
			t.Fatal(err)
		}
	}
	inspector := asynq.NewInspectorFromRedisClient(rdb)
	if n, err := inspector.ArchiveAllPendingTasks(queue); err != nil || n != worker.MaxArchived+extra {
		t.Fatalf("%d archived, %v", n, err)
	}
	// when a worker runs, then the oldest are gone.
	b.start()
	redistest.Eventually(t, 20*time.Second, func() bool {
		info, err := inspector.GetQueueInfo(queue)
		return err == nil && info.Archived == worker.MaxArchived
	}, "the archive is not pruned")
	if _, err := inspector.GetTaskInfo(queue, "old-00000"); err == nil {
		t.Error("the oldest is still there")
	}
	if _, err := inspector.GetTaskInfo(queue, fmt.Sprintf("old-%05d", worker.MaxArchived+extra-1)); err != nil {
		t.Errorf("the newest is gone: %v", err)
	}
}
