package worker_test

import (
	"context"
	"encoding/base64"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func inline(t *testing.T, b []byte) tasks.PhotoRef {
	t.Helper()
	ref, err := tasks.ParsePhoto("data:image/png;base64," + base64.StdEncoding.EncodeToString(b))
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestWorker_NewerUpdateSupersedes(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given an update that fails for the moment, when a newer one of the same
		// group goes out, then the older one ends as superseded and is not called again.
		var b *bundle
		calling, submitted := make(chan struct{}), make(chan struct{})
		c := &caller{do: func(_ context.Context, n int, _ plugchat.Call) (bool, error) {
			if n == 1 {
				close(calling)
				<-submitted
				return false, lost()
			}
			return true, nil
		}}
		b = setup(t, rdb, c, func(c *worker.Config) { c.Policy.Backoff, c.Policy.MaxBackoff = time.Second, time.Second }).start()
		b.submit("older", tasks.Update{Photo: b.photo(10)})
		<-calling
		newer := b.submit("newer", tasks.Update{Photo: b.photo(200)})
		redistest.Eventually(t, 10*time.Second, func() bool {
			asked, err := rdb.HGet(t.Context(), "groupphoto:{main}:g:"+string(groupA), "asked").Int64()
			return err == nil && asked == newer.Seq
		}, "the newer update does not ask for its turn")
		close(submitted)
		if o := b.wait("newer"); o.State != tasks.Updated {
			t.Fatalf("newer: %+v", o)
		}
		o := b.wait("older")
		if o.State != tasks.Superseded || o.Reason != tasks.NewerUpdate || o.Value != nil {
			t.Fatalf("older: %+v", o)
		}
		if c.count() != 2 {
			t.Fatalf("%d calls", c.count())
		}
		b.task("older", asynq.TaskStateCompleted)
	})
}

func TestWorker_EndsWithoutACall(t *testing.T) {
	t.Parallel()
	c := answers(true)
	b := setup(t, redistest.Mini(t).Client(t), c)
	// Given updates that expired, were cancelled, lost their photo or have none,
	// when the worker comes to them, then each ends by its name and nobody is called.
	b.submit("expired", tasks.Update{ExpiresAt: time.Now().Add(-time.Second)})
	b.submit("stopped", tasks.Update{GroupID: groupB})
	if _, _, err := b.ledger.Cancel(t.Context(), "main", "stopped", "tester"); err != nil {
		t.Fatal(err)
	}
	b.submit("gone", tasks.Update{Photo: tasks.MadeRef(tasks.HashHex([32]byte{1}))})
	text, err := b.ledger.StorePhoto(t.Context(), tasks.PhotoSource, []byte("<html><body>log in</body></html>"), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	b.submit("page", tasks.Update{Photo: text})
	metadata, err := tasks.ParsePhoto("http://169.254.169.254/latest/meta-data?token=secret")
	if err != nil {
		t.Fatal(err)
	}
	b.submit("metadata", tasks.Update{Photo: metadata})
	b.start()
	want := map[string]struct {
		state  tasks.State
		reason tasks.Reason
	}{
		"expired":  {tasks.Expired, tasks.ExpiredTime},
		"stopped":  {tasks.Cancelled, tasks.Stopped},
		"gone":     {tasks.Failed, "photo_missing"},
		"page":     {tasks.Failed, "photo_not_an_image"},
		"metadata": {tasks.Failed, "photo_refused_address"},
	}
	for id, w := range want {
		if o := b.wait(id); o.State != w.state || o.Reason != w.reason || o.Attempts != 0 || o.Value != nil {
			t.Errorf("%s: got %+v", id, o)
		}
	}
	if c.count() != 0 {
		t.Errorf("%d calls", c.count())
	}
}

func TestWorker_UnchangedIsSkipped(t *testing.T) {
	t.Parallel()
	c := answers(true)
	b := setup(t, redistest.Mini(t).Client(t), c).start()
	// Given a group that shows a photo, when the same is asked for with
	// SkipUnchanged, then it ends as unchanged; another photo goes out and knows
	// the one before.
	b.submit("first", tasks.Update{Photo: b.photo(50)})
	first := b.wait("first")
	b.submit("same", tasks.Update{Photo: b.photo(50), SkipUnchanged: true})
	if o := b.wait("same"); o.State != tasks.Unchanged || o.Value != nil || o.Attempts != 0 || o.Photo != first.Photo {
		t.Fatalf("same: %+v", o)
	}
	b.submit("other", tasks.Update{Photo: b.photo(51), SkipUnchanged: true})
	if o := b.wait("other"); o.State != tasks.Updated || o.PreviousPhoto != first.Photo {
		t.Fatalf("other: %+v", o)
	}
	if c.count() != 2 {
		t.Fatalf("%d calls", c.count())
	}
}

func TestWorker_InFlightLimitHoldsOverProcesses(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given two workers that share an account with one call in flight, when
		// twelve updates run, then no two calls overlap and all are updated.
		var inFlight, most atomic.Int32
		c := &caller{do: func(context.Context, int, plugchat.Call) (bool, error) {
			now := inFlight.Add(1)
			for {
				seen := most.Load()
				if now <= seen || most.CompareAndSwap(seen, now) {
					break
				}
			}
			<-time.After(5 * time.Millisecond) // a call takes its time
			inFlight.Add(-1)
			return true, nil
		}}
		b := setup(t, rdb, c).start()
		other := setup(t, rdb, c).start()
		ids := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}
		for i, id := range ids {
			b.submit(id, tasks.Update{GroupID: []tasks.GroupID{groupA, groupB}[i%2], Photo: b.photo(9)})
		}
		for _, id := range ids {
			if o := other.wait(id); o.State != tasks.Updated && o.State != tasks.Superseded {
				t.Errorf("%s: %+v", id, o)
			}
		}
		if most.Load() != 1 {
			t.Errorf("%d calls at once", most.Load())
		}
	})
}

func TestWorker_PaceHolds(t *testing.T) {
	t.Parallel()
	// Given a gap of 100 ms without jitter, when five updates run, then no two
	// calls start closer than that.
	var starts []time.Time
	c := &caller{do: func(context.Context, int, plugchat.Call) (bool, error) {
		starts = append(starts, time.Now()) // one call at a time: the limit is 1
		return true, nil
	}}
	b := setup(t, redistest.Mini(t).Client(t), c, func(c *worker.Config) { c.Accounts[0].Pace = 100 * time.Millisecond })
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		b.submit(id, tasks.Update{GroupID: groupA, Photo: b.photo(9)})
	}
	b.start()
	b.wait("e")
	if err := b.worker.Shutdown(); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(starts); i++ {
		if gap := starts[i].Sub(starts[i-1]); gap < 90*time.Millisecond {
			t.Errorf("call %d came %s after the one before", i+1, gap)
		}
	}
}

func TestWorker_ShutdownRecordsTheCallAndReturnsTheRest(t *testing.T) {
	t.Parallel()
	// Given one call under way and updates waiting for their turn, when the
	// worker shuts down, then the call is recorded, the others cost nothing and
	// the next worker takes them.
	entered, leave := make(chan struct{}), make(chan struct{}, 1)
	c := &caller{do: func(_ context.Context, n int, _ plugchat.Call) (bool, error) {
		if n == 1 {
			close(entered)
			<-leave
		}
		return true, nil
	}}
	rdb := redistest.Mini(t).Client(t)
	b := setup(t, rdb, c)
	b.submit("calling", tasks.Update{GroupID: groupA})
	b.start()
	t.Cleanup(func() { close(leave) }) // before start's clean-up, whatever happens
	<-entered
	b.submit("waiting", tasks.Update{GroupID: groupB})
	b.task("waiting", asynq.TaskStateActive)
	done := make(chan error, 1)
	go func() { done <- b.worker.Shutdown() }()
	inspector := asynq.NewInspectorFromRedisClient(rdb)
	redistest.Eventually(t, 5*time.Second, func() bool { // long before the call ends
		info, err := inspector.GetTaskInfo(tasks.Queue("main"), "waiting")
		return err == nil && info.State != asynq.TaskStateActive
	}, "the waiting update was not given back")
	leave <- struct{}{}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if o := b.wait("calling"); o.State != tasks.Updated {
		t.Fatalf("got %+v", o)
	}
	next := setup(t, rdb, c).start()
	if o := next.wait("waiting"); o.State != tasks.Updated || o.Attempts != 1 {
		t.Fatalf("got %+v", o)
	}
}

func TestWorker_PanicSpendsAttemptsAndEnds(t *testing.T) {
	t.Parallel()
	c := &caller{do: func(context.Context, int, plugchat.Call) (bool, error) { panic("a bug") }}
	b := setup(t, redistest.Mini(t).Client(t), c, func(c *worker.Config) { c.Policy.Attempts = 2 }).start()
	b.submit("bug", tasks.Update{})
	if o := b.wait("bug"); o.State != tasks.Failed || o.Attempts != 2 {
		t.Fatalf("got %+v", o)
	}
}

func TestNew_ReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := worker.New(worker.Config{
		Accounts: []worker.Account{{Name: "Main!"}, {Name: "a", Pace: -1}, {Name: "a", Jitter: 2}},
		Policy:   worker.Policy{Attempts: 1000},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Redis, Logger", `"Main!"`, "pace -1ns", "configured twice", "jitter 2", "attempts 1000"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in: %v", want, err)
		}
	}
}

func TestWorker_CancelDuringACallEndsWithIt(t *testing.T) {
	t.Parallel()
	// Given a call that will fail and a backoff of an hour, when the update is
	// cancelled meanwhile, then it ends as its call ends, not an hour later.
	calling, answer := make(chan struct{}), make(chan struct{})
	c := &caller{do: func(context.Context, int, plugchat.Call) (bool, error) {
		close(calling)
		<-answer
		return false, lost()
	}}
	b := setup(t, redistest.Mini(t).Client(t), c, func(c *worker.Config) { c.Policy.Backoff, c.Policy.MaxBackoff = time.Hour, time.Hour }).start()
	b.submit("stop", tasks.Update{})
	<-calling
	if _, _, err := b.ledger.Cancel(t.Context(), "main", "stop", "tester"); err != nil {
		t.Fatal(err)
	}
	close(answer)
	if o := b.wait("stop"); o.State != tasks.Cancelled || o.Attempts != 1 {
		t.Fatalf("got %+v", o)
	}
}

func TestWorker_ASlowGroupLeavesTheOthersTheirTurns(t *testing.T) {
	t.Parallel()
	// Given two calls in flight at most and three handlers, when one group's call
	// is slow and more updates of it wait, then another group's update goes.
	calling, answer := make(chan struct{}), make(chan struct{})
	c := &caller{do: func(_ context.Context, n int, call plugchat.Call) (bool, error) {
		if n == 1 {
			close(calling)
		}
		if call.GroupID == string(groupA) {
			<-answer
		}
		return true, nil
	}}
	b := setup(t, redistest.Mini(t).Client(t), c, func(c *worker.Config) { c.Accounts[0].Concurrency = 2 }).start()
	t.Cleanup(func() { close(answer) })
	b.submit("slow1", tasks.Update{GroupID: groupA})
	<-calling
	for _, id := range []string{"slow2", "slow3"} {
		b.submit(id, tasks.Update{GroupID: groupA})
		b.task(id, asynq.TaskStateActive)
	}
	b.submit("other", tasks.Update{GroupID: groupB})
	if o := b.wait("other"); o.State != tasks.Updated {
		t.Fatalf("got %+v", o)
	}
}
