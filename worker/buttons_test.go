package worker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// buttons is somebody who plays with asynq's web UI while a worker is at work: its
// buttons are the Inspector's methods, and what they say back is nobody's concern.
type buttons struct {
	*bundle

	inspector *asynq.Inspector
	photo     tasks.PhotoRef
	ids       []string
	deleted   []string
}

func (b *buttons) enqueue(*rapid.T) {
	n := len(b.ids)
	id := "u" + strconv.Itoa(n)
	b.submit(id, tasks.Update{GroupID: tasks.GroupID("12036301950265" + strconv.Itoa(1000+n) + "-group"), Photo: b.photo})
	b.ids = append(b.ids, id)
}

func (b *buttons) pick(rt *rapid.T) string {
	if len(b.ids) == 0 {
		rt.Skip("nothing is there")
	}
	return rapid.SampledFrom(b.ids).Draw(rt, "update")
}

func (b *buttons) run(rt *rapid.T) { _ = b.inspector.RunTask(tasks.Queue("main"), b.pick(rt)) }

func (b *buttons) archive(rt *rapid.T) { _ = b.inspector.ArchiveTask(tasks.Queue("main"), b.pick(rt)) }

func (b *buttons) runAll(*rapid.T) {
	_, _ = b.inspector.RunAllArchivedTasks(tasks.Queue("main"))
	_, _ = b.inspector.RunAllRetryTasks(tasks.Queue("main"))
}

// remove deletes a task, which is the deleter's own loss.
func (b *buttons) remove(rt *rapid.T) {
	id := b.pick(rt)
	if b.inspector.DeleteTask(tasks.Queue("main"), id) == nil {
		b.deleted = append(b.deleted, id)
	}
}

func (b *buttons) pause(*rapid.T)   { _ = b.inspector.PauseQueue(tasks.Queue("main")) }
func (b *buttons) unpause(*rapid.T) { _ = b.inspector.UnpauseQueue(tasks.Queue("main")) }

func (b *buttons) cancel(rt *rapid.T) {
	if _, _, err := b.ledger.Cancel(b.t.Context(), "main", b.pick(rt), "somebody"); err != nil {
		rt.Fatal(err)
	}
}

// Given a worker at work, when somebody presses asynq's buttons in any order, then every update that was not deleted ends
// once, none is called again after its end, and nothing stays paused or archived without an outcome.
func TestProperty_AsynqsButtons(t *testing.T) {
	t.Parallel()
	rdb := redistest.Real(t).Client(t) // the janitor's turns end by themselves there only
	calls := map[string]int{}
	c := &caller{}
	c.do = func(_ context.Context, n int, call plugchat.Call) (bool, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		calls[call.GroupID]++
		if n%7 == 0 {
			return false, away()
		}
		return true, nil
	}
	b := &buttons{bundle: setup(t, rdb, c, func(c *worker.Config) {
		c.TidyInterval, c.Accounts[0].Concurrency = 50*time.Millisecond, 3
	})}
	b.inspector, b.photo = asynq.NewInspectorFromRedisClient(rdb), b.bundle.photo(77)
	b.start()
	rapid.Check(t, func(rt *rapid.T) {
		from := len(b.ids)
		rt.Repeat(map[string]func(*rapid.T){
			"enqueue": b.enqueue, "enqueue more": b.enqueue, "run": b.run, "archive": b.archive, "run all": b.runAll,
			"delete": b.remove, "pause": b.pause, "unpause": b.unpause, "cancel": b.cancel,
		})
		b.settle(rt, from)
	})
	for group, n := range calls {
		if n > 4 { // away now and then, and tried again
			t.Errorf("group %s was called %d times", group, n)
		}
	}
}

// settle lets go of everything and waits for the ends.
func (b *buttons) settle(rt *rapid.T, from int) {
	ctx := b.t.Context()
	redistest.Eventually(b.t, 30*time.Second, func() bool {
		_ = b.inspector.UnpauseQueue(tasks.Queue("main"))
		s, err := b.ledger.Lane(ctx, "main")
		return err == nil && s.PausedSince.IsZero()
	}, "the account stays paused")
	for _, id := range b.ids[from:] {
		if slices.Contains(b.deleted, id) {
			continue
		}
		redistest.Eventually(b.t, 30*time.Second, func() bool {
			r, err := b.ledger.Record(ctx, "main", id)
			return err == nil && r.Outcome.State.Ended()
		}, "%s", later(func() string { return b.story(id) }))
	}
	ends := map[string]int{}
	list, err := b.ledger.Past(ctx, "main", "", time.Time{}, 10_000)
	if err != nil {
		rt.Fatal(err)
	}
	for _, end := range list {
		ends[end.ID]++
	}
	for id, n := range ends {
		if n != 1 {
			rt.Fatalf("update %s has ended %d times", id, n)
		}
	}
}

// story is how an update and its account stand, for a test that fails.
func (b *buttons) story(id string) string {
	r, err := b.ledger.Record(b.t.Context(), "main", id)
	s, err2 := b.ledger.Lane(b.t.Context(), "main")
	info, err3 := b.inspector.GetTaskInfo(tasks.Queue("main"), id)
	q, err4 := b.inspector.GetQueueInfo(tasks.Queue("main"))
	return fmt.Sprintf("update %s has not ended: %+v\nlane %+v\ntask %+v\nqueue %+v\n%v", id, r, s, info, q, errors.Join(err, err2, err3, err4))
}
