package worker_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// reader answers questions, and counts them.
type reader struct {
	mu       sync.Mutex
	asked    int
	status   func(context.Context) (plugchat.Status, error)
	metadata func() (plugchat.Metadata, error)
}

func (r *reader) Status(ctx context.Context) (plugchat.Status, error) {
	r.mu.Lock()
	r.asked++
	r.mu.Unlock()
	if r.status == nil {
		return plugchat.Status{Connected: true}, nil
	}
	return r.status(ctx)
}

func (r *reader) Metadata(context.Context, string) (plugchat.Metadata, error) {
	if r.metadata == nil {
		return plugchat.Metadata{}, away()
	}
	return r.metadata()
}

func (r *reader) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func reads(r *reader) func(*worker.Config) {
	return func(c *worker.Config) { c.Accounts[0].Reader = r }
}

func forbidden() *plugchat.Error {
	return &plugchat.Error{Class: plugchat.Account, Reason: plugchat.ReasonNotAllowed, Status: 403}
}

func TestWorker_GoesOnWhereNobodyMayAskForTheStatus(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]*plugchat.Error{"forbidden": forbidden(), "never an answer": away()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Given a provider that takes calls and gives no status, when one answer is about
			// the account, then the account is not held for ever: its calls are what tells.
			c := answers(account(), account(), true)
			b := setup(t, redistest.Mini(t).Client(t), c, reads(&reader{
				status: func(context.Context) (plugchat.Status, error) { return plugchat.Status{}, says },
			})).start()
			b.submit("one", tasks.Update{})
			b.submit("two", tasks.Update{GroupID: groupB})
			for _, id := range []string{"one", "two"} {
				if o := b.wait(id); o.State != tasks.Updated {
					t.Errorf("got %+v", o)
				}
			}
		})
	}
}

func TestWorker_RefusedWhereMetadataIsNotToBeHad(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]*plugchat.Error{"forbidden": forbidden(), "throttled": throttled()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Given a provider that says false, and lets nobody read why, then the update is
			// asked again as often as is set, and refused: what reading is answered is not its own.
			c := answers(false)
			b := setup(t, redistest.Mini(t).Client(t), c, reads(&reader{
				metadata: func() (plugchat.Metadata, error) { return plugchat.Metadata{}, says },
			}), func(c *worker.Config) { c.Policy.ReadGap = time.Millisecond }).start()
			b.submit("no", tasks.Update{})
			if o := b.wait("no"); o.State != tasks.Refused || o.Reason != tasks.NoReasonGiven || c.count() != 2 {
				t.Errorf("%d calls, got %+v", c.count(), o)
			}
			if s, err := b.ledger.Lane(t.Context(), "main"); err != nil || s.Trouble != "" || s.Widen != 1 {
				t.Errorf("the account stands as %+v, %v", s, err)
			}
		})
	}
}

func TestWorker_OneStatusForManyFalses(t *testing.T) {
	t.Parallel()
	// Given a provider without /status, when many updates are answered false, then it is asked once.
	r := &reader{status: func(context.Context) (plugchat.Status, error) {
		return plugchat.Status{}, &plugchat.Error{Class: plugchat.Permanent, Reason: plugchat.ReasonProviderRejects, Status: 404}
	}}
	b := setup(t, redistest.Mini(t).Client(t), answers(false), reads(r), func(c *worker.Config) {
		c.Policy.RefusalRetries, c.Accounts[0].Concurrency = -1, 4
	}).start()
	const n = 6
	for i := range n {
		b.submit("u"+strconv.Itoa(i), tasks.Update{GroupID: tasks.GroupID("12036301950265097" + strconv.Itoa(i) + "-group")})
	}
	for i := range n {
		b.wait("u" + strconv.Itoa(i))
	}
	if r.count() != 1 {
		t.Errorf("it was asked %d times", r.count())
	}
}

func TestWorker_WaitingForAnotherProcessProbeCostsNothing(t *testing.T) {
	t.Parallel()
	// Given two processes of which one asks a /status that takes its time, when both have looked at the account a few times,
	// then that was a look a second, and not one after the other.
	server := redistest.Real(t)
	rdb := server.Client(t)
	asking, answer := make(chan struct{}), make(chan struct{})
	var first sync.Once
	slow := &reader{status: func(ctx context.Context) (plugchat.Status, error) {
		first.Do(func() { close(asking) })
		select {
		case <-answer:
			return plugchat.Status{Connected: true}, nil
		case <-ctx.Done():
			return plugchat.Status{}, away()
		}
	}}
	c := answers(account(), true)
	one, two := setup(t, rdb, c, reads(slow)).start(), setup(t, server.Client(t), c, reads(slow)).start()
	one.submit("a", tasks.Update{})
	<-asking
	before := looks(t, rdb)
	<-time.After(3 * time.Second)             // the looks themselves
	if n := looks(t, rdb) - before; n > 300 { // some tens are looks; a loop makes tens of thousands
		t.Errorf("%d looks in 3 s", n)
	}
	close(answer)
	if o := two.wait("a"); o.State != tasks.Updated {
		t.Errorf("got %+v", o)
	}
}

// looks counts how often processes have looked at their accounts: each look reads a lane by one
// HMGET, and a claim or a turn a few more.
func looks(t *testing.T, rdb redis.UniversalClient) int {
	t.Helper()
	text, err := rdb.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(text, "cmdstat_hmget:calls=")
	n, _, _ := strings.Cut(rest, ",")
	count, err := strconv.Atoi(n)
	if err != nil {
		t.Fatalf("reading %q: %v", n, err)
	}
	return count
}

func TestWorker_ALateWriteMovesTheNextTurn(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given a pace of a second and two calls in flight, when the first request is
		// written 300 ms after its turn and not answered, then the second is not before 1.3 s.
		var mu sync.Mutex
		var written []time.Time
		answer := make(chan struct{})
		c := &caller{do: func(_ context.Context, n int, call plugchat.Call) (bool, error) {
			if n == 1 {
				<-time.After(300 * time.Millisecond) // a slow handshake
			}
			mu.Lock()
			written = append(written, time.Now())
			mu.Unlock()
			call.Wrote(time.Now())
			if n == 2 {
				close(answer)
			}
			<-answer
			return true, nil
		}}
		b := setup(t, rdb, c, func(c *worker.Config) { c.Accounts[0].Concurrency, c.Accounts[0].Pace = 2, time.Second }).start()
		b.submit("one", tasks.Update{})
		b.submit("two", tasks.Update{GroupID: groupB})
		b.wait("one")
		b.wait("two")
		if gap := written[1].Sub(written[0]); gap < 990*time.Millisecond {
			t.Errorf("a gap of %s", gap)
		}
	})
}
