package enqueue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestWait_ManyShareOneConnection(t *testing.T) {
	t.Parallel()
	// Given 200 calls that wait for 100 updates of two accounts, when the updates
	// end, then each call gets its outcome, over a handful of connections.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := open(t, rdb)
		var wg sync.WaitGroup
		var ids, accounts []string
		for i := range 100 {
			u := update(link)
			u.Account = []string{"main", "b"}[i%2]
			ids, accounts = append(ids, fmt.Sprint("u", i)), append(accounts, u.Account)
			mustUpdate(t, gp, u, enqueue.ID(ids[i]))
		}
		for i := range 200 {
			wg.Go(func() {
				o, err := gp.Wait(t.Context(), ids[i%100])
				if err != nil || o.State != enqueue.Updated || o.ID != ids[i%100] {
					t.Errorf("Wait: %+v, %v", o, err)
				}
			})
		}
		for i := range ids {
			settle(t, rdb, accounts[i], ids[i], enqueue.Updated)
		}
		wg.Wait()
	})
}

func TestWait_ContextEnds(t *testing.T) {
	t.Parallel()
	// Given an update that never ends, when the wait is given up, then the error
	// carries the cause and the outcome says where it stood.
	gp := open(t, redistest.Mini(t).Client(t))
	mustUpdate(t, gp, update(link), enqueue.ID("a"))
	ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, errors.New("tea time"))
	defer cancel()
	o, err := gp.Wait(ctx, "a")
	if err == nil || !strings.Contains(err.Error(), "last seen waiting): tea time") || o.State != enqueue.Waiting {
		t.Errorf("got %+v, %v", o, err)
	}
	if _, err := gp.Wait(t.Context(), "nobody"); !errors.Is(err, enqueue.ErrNotFound) {
		t.Errorf("unknown id: %v", err)
	}
	if _, err := gp.Wait(t.Context(), "a.b"); !errors.Is(err, enqueue.ErrID) {
		t.Errorf("bad id: %v", err)
	}
}

func TestWait_SurvivesOutage(t *testing.T) {
	t.Parallel()
	// Given a call that waits, when Redis is killed, comes back from its disk and
	// the update ends, then the call gets the outcome.
	server := redistest.Real(t)
	rdb := server.Client(t)
	gp := open(t, rdb)
	mustUpdate(t, gp, update(link), enqueue.ID("a"))
	waiting := func() <-chan error {
		done := make(chan error, 1)
		go func() {
			o, err := gp.Wait(t.Context(), "a")
			if err == nil && o.State != enqueue.Updated {
				err = fmt.Errorf("state %s", o.State)
			}
			done <- err
		}()
		return done
	}
	before := waiting()
	server.Kill()
	during := waiting()
	server.Start()
	redistest.Eventually(t, 10*time.Second, func() bool { return rdb.Ping(t.Context()).Err() == nil }, "Redis is back")
	settle(t, rdb, "main", "a", enqueue.Updated)
	for _, done := range []<-chan error{before, during} {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the wait did not end")
		}
	}
}

func TestClose_EndsWaiting(t *testing.T) {
	t.Parallel()
	// Given an opened client with a waiting call, when it is closed, then the
	// call ends with ErrClosed and so does every later one.
	mini := redistest.Mini(t)
	gp, err := enqueue.Open(t.Context(), mini.URL(), enqueue.WithName("till-3"))
	if err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, gp, update(link), enqueue.ID("a"))
	done := make(chan error, 1)
	go func() {
		_, err := gp.Wait(t.Context(), "a")
		done <- err
	}()
	for range 2 {
		if err := gp.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := <-done; !errors.Is(err, enqueue.ErrClosed) {
		t.Errorf("the waiting call: %v", err)
	}
	_, err1 := gp.UpdateGroupPhoto(t.Context(), update(link))
	_, err2 := gp.Outcome(t.Context(), "a")
	_, err3 := gp.Wait(t.Context(), "a")
	_, err4 := gp.Retry(t.Context(), "a")
	for i, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, enqueue.ErrClosed) {
			t.Errorf("call %d after Close: %v", i, err)
		}
	}
}

func TestOpen_Refuses(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	if err := mini.Client(t).Set(t.Context(), redisconn.SchemaKey, 99, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := enqueue.Open(t.Context(), mini.URL()); !errors.Is(err, redisconn.ErrSchemaNewer) {
		t.Errorf("newer data: %v", err)
	}
	if _, err := open(t, mini.Client(t)).UpdateGroupPhoto(t.Context(), update(link)); !errors.Is(err, redisconn.ErrSchemaNewer) {
		t.Errorf("newer data through New: %v", err)
	}
	if _, err := enqueue.Open(t.Context(), "redis://:hush@127.0.0.1:1"); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("nobody listens: %v", err)
	}
	if _, err := enqueue.Open(t.Context(), "http://x"); err == nil {
		t.Error("a wrong scheme was taken")
	}
	rdb := redistest.Mini(t).Client(t)
	for name, o := range map[string]enqueue.ClientOption{
		"WithExpiry": enqueue.WithExpiry(-1), "WithKeep": enqueue.WithKeep(-1), "WithBy": enqueue.WithBy(strings.Repeat("x", 129)),
	} {
		if _, err := enqueue.New(rdb, o, enqueue.WithLogger(slog.Default())); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := enqueue.New(nil); err == nil {
		t.Error("a nil connection was taken")
	}
}

func TestCancel_Situations(t *testing.T) {
	t.Parallel()
	// Given a waiting, a scheduled, an ended and a missing update, when each is
	// cancelled, then the first two end and are seen by who waits, the third keeps
	// its outcome, the last is not found.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := open(t, rdb)
		mustUpdate(t, gp, update(link), enqueue.ID("now"))
		mustUpdate(t, gp, update(link), enqueue.ID("later"), enqueue.In(time.Hour))
		done := make(chan enqueue.Outcome, 1)
		go func() {
			o, _ := gp.Wait(t.Context(), "later")
			done <- o
		}()
		for _, id := range []string{"now", "later"} {
			d, err := gp.Cancel(t.Context(), id, "ann")
			if err != nil || d.Outcome.State != enqueue.Cancelled || d.Outcome.Detail != "cancelled by ann" {
				t.Errorf("cancelling %s: %+v, %v", id, d, err)
			}
		}
		if o := <-done; o.State != enqueue.Cancelled {
			t.Errorf("who waited saw %s", o.State)
		}
		if d, err := gp.Cancel(t.Context(), "now", ""); err != nil || d.Outcome.Detail != "cancelled by ann" {
			t.Errorf("cancelling twice: %+v, %v", d, err)
		}
		if _, err := gp.Cancel(t.Context(), "nobody", "ann"); !errors.Is(err, enqueue.ErrNotFound) {
			t.Errorf("unknown id: %v", err)
		}
	})
}

func TestRetry_AfterEnd(t *testing.T) {
	t.Parallel()
	// Given a failed update with a stored photo and a newer one of its group, when
	// it is retried, then it is open again with a newer number and a fresh task.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := open(t, rdb)
		first := mustUpdate(t, gp, update(enqueue.Bytes(png)), enqueue.ID("a"))
		mustUpdate(t, gp, update(link), enqueue.ID("b"))
		settle(t, rdb, "main", "a", enqueue.Failed)
		r, err := gp.Retry(t.Context(), "a")
		if err != nil || r.Duplicate || r.State != enqueue.Waiting || r.ExpiresAt.Before(first.ExpiresAt) {
			t.Fatalf("Retry: %+v, %v", r, err)
		}
		u, err := tasks.ParseUpdate(task(t, rdb, "main", "a").Payload, "main")
		if err != nil || u.Seq != 3 || u.Photo.Kind != tasks.PhotoSource {
			t.Errorf("task carries %+v, %v", u, err)
		}
		o, err := gp.Outcome(t.Context(), "a", enqueue.OfAccount("main"))
		if err != nil || o.State != enqueue.Waiting {
			t.Errorf("outcome is %+v, %v", o, err)
		}
		if r, err := gp.Retry(t.Context(), "a"); err != nil || !r.Duplicate {
			t.Errorf("retrying what waits: %+v, %v", r, err)
		}
		if _, err := gp.Outcome(t.Context(), "a", enqueue.OfAccount("b")); !errors.Is(err, enqueue.ErrNotFound) {
			t.Errorf("in another account: %v", err)
		}
	})
}

func TestRetry_AfterInterruptedRetry(t *testing.T) {
	t.Parallel()
	// Given a Retry that stopped between the ledger and the queue, so that the old
	// archived task still holds the id, when Retry is called again, then the
	// update has a task that will run.
	rdb := redistest.Mini(t).Client(t)
	gp := open(t, rdb)
	mustUpdate(t, gp, update(link), enqueue.ID("a"))
	if err := asynq.NewInspectorFromRedisClient(rdb).ArchiveTask("photo.main", "a"); err != nil {
		t.Fatal(err)
	}
	if r, err := gp.Retry(t.Context(), "a"); err != nil || !r.Duplicate {
		t.Fatalf("Retry: %+v, %v", r, err)
	}
	if info := task(t, rdb, "main", "a"); info.State != asynq.TaskStatePending {
		t.Errorf("the task is %s", info.State)
	}
}

func TestRetry_PhotoGone(t *testing.T) {
	t.Parallel()
	// Given an ended update whose photo has left the store, when it is retried,
	// then that is said and the update keeps its outcome.
	rdb := redistest.Mini(t).Client(t)
	gp := open(t, rdb)
	mustUpdate(t, gp, update(enqueue.Bytes(png)), enqueue.ID("a"))
	settle(t, rdb, "main", "a", enqueue.Failed)
	keys, err := rdb.Keys(t.Context(), "groupphoto:photo:*").Result()
	if err != nil || rdb.Del(t.Context(), keys...).Err() != nil {
		t.Fatal(err)
	}
	if _, err := gp.Retry(t.Context(), "a"); !errors.Is(err, enqueue.ErrPhoto) {
		t.Errorf("Retry: %v", err)
	}
	if o, err := gp.Outcome(t.Context(), "a"); err != nil || o.State != enqueue.Failed {
		t.Errorf("outcome is %+v, %v", o, err)
	}
}

func TestRetry_TaskStillActive(t *testing.T) {
	t.Parallel()
	// Given an ended update whose run has not returned yet, when it is retried,
	// then Retry waits for the run and the new task takes the place of the old.
	rdb := redistest.Real(t).Client(t)
	gp := open(t, rdb)
	mustUpdate(t, gp, update(link), enqueue.ID("a"))
	running, leave, again := make(chan struct{}), make(chan struct{}), make(chan struct{})
	runs := 0
	srv := asynq.NewServerFromRedisClient(rdb, asynq.Config{
		Concurrency: 1, Queues: map[string]int{"photo.main": 1}, TaskCheckInterval: 50 * time.Millisecond,
		LogLevel: asynq.FatalLevel,
	})
	err := srv.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		if runs++; runs == 1 {
			close(running)
			<-leave
		} else {
			close(again)
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Shutdown)
	<-running
	settle(t, rdb, "main", "a", enqueue.Failed)
	done := make(chan error, 1)
	go func() {
		_, err := gp.Retry(t.Context(), "a")
		done <- err
	}()
	redistest.Eventually(t, 5*time.Second, func() bool {
		o, err := gp.Outcome(t.Context(), "a")
		return err == nil && o.State == enqueue.Waiting
	}, "the update is open again")
	close(leave)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	select {
	case <-again:
	case <-time.After(10 * time.Second):
		t.Error("the update did not run again")
	}
}

func TestCheckKnown_NearestSpelling(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, account string
		served        []string
		want          string // "" is nil
	}{
		{"fresh", "x", nil, ""},
		{"known", "b", []string{"a", "b"}, ""},
		{"near", "mian", []string{"main", "shop"}, `did you mean "main"?`},
		{"far", "zzzzzz", []string{"main"}, "known: main"},
		{"many", "q", strings.Split("aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj kkkk", " "), "jjjj and 1 more"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			err := enqueue.CheckKnown(row.account, row.served)
			if got := fmt.Sprint(err); (row.want == "") != (err == nil) || err != nil && !strings.Contains(got, row.want) {
				t.Errorf("got %v, want %q", err, row.want)
			}
			if err != nil && !errors.Is(err, enqueue.ErrUnknownAccount) {
				t.Errorf("%v is no ErrUnknownAccount", err)
			}
		})
	}
}

func TestPrepare_SameAsClient(t *testing.T) {
	t.Parallel()
	// Given an update, when it is prepared and when it is enqueued, then both
	// mean the same content.
	rdb := redistest.Mini(t).Client(t)
	p, err := enqueue.Prepare(update(enqueue.Bytes(png)), enqueue.ID("a"))
	if err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, open(t, rdb), update(enqueue.Bytes(png)), enqueue.ID("a"))
	u, err := tasks.ParseUpdate(task(t, rdb, "main", "a").Payload, "main")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(u.Fingerprint(), p.Update.Fingerprint()); diff != "" || len(p.Picture) != len(png) {
		t.Errorf("prepared %s with %d bytes %s", p.Update, len(p.Picture), diff)
	}
}
