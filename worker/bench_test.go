package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/photo"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

const (
	benchUpdates     = 10_000
	benchConcurrency = 64
)

// countdown is a provider that answers at once and tells when all have called.
type countdown struct {
	left atomic.Int64
	done chan struct{}
}

func (c *countdown) UpdateGroupPhoto(context.Context, plugchat.Call) (bool, error) {
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
	return true, nil
}

func benchEngine(b *testing.B) redis.UniversalClient {
	b.Helper()
	// Without a disk: the figures compare two ways to work, not disks.
	server := redistest.Real(b, "--appendonly", "no")
	c, err := redisconn.Open(b.Context(), server.Spec(), redisconn.Options{Engine: true, PoolSize: 2 * benchConcurrency})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return c
}

// BenchmarkDelivery and BenchmarkBareAsynq are to be read side by side: 10,000
// tasks with an instant provider, with our five steps and with none.
func BenchmarkDelivery(b *testing.B) {
	for _, servers := range []int{1, 4} {
		b.Run(fmt.Sprintf("servers=%d", servers), func(b *testing.B) {
			rdb := benchEngine(b)
			deliver(b, rdb, func(done *countdown) func() {
				maker, err := photo.New(photo.Options{})
				if err != nil {
					b.Fatal(err)
				}
				w, err := worker.New(worker.Config{
					Redis: rdb, Logger: slog.New(slog.DiscardHandler), Maker: maker, Fetcher: fetch.New(fetch.Config{}), Servers: servers,
					Accounts: []worker.Account{{Name: "main", Caller: done, Concurrency: benchConcurrency}},
				})
				if err != nil {
					b.Fatal(err)
				}
				if err := w.Start(b.Context()); err != nil {
					b.Fatal(err)
				}
				return func() { _ = w.Shutdown() }
			})
		})
	}
}

func BenchmarkBareAsynq(b *testing.B) {
	for _, servers := range []int{1, 4} {
		b.Run(fmt.Sprintf("servers=%d", servers), func(b *testing.B) {
			rdb := benchEngine(b)
			deliver(b, rdb, func(done *countdown) func() {
				var list []*asynq.Server
				for range servers {
					s := asynq.NewServerFromRedisClient(rdb, asynq.Config{
						Concurrency: benchConcurrency, Queues: map[string]int{tasks.Queue("main"): 1}, LogLevel: asynq.FatalLevel,
					})
					if err := s.Start(asynq.HandlerFunc(func(ctx context.Context, _ *asynq.Task) error {
						_, err := done.UpdateGroupPhoto(ctx, plugchat.Call{})
						return err
					})); err != nil {
						b.Fatal(err)
					}
					list = append(list, s)
				}
				return func() {
					for _, s := range list {
						s.Shutdown()
					}
				}
			})
		})
	}
}

// deliver fills the queue, starts the workers and waits for the last call.
func deliver(b *testing.B, rdb redis.UniversalClient, start func(*countdown) (stop func())) {
	b.Helper()
	var spent time.Duration
	for b.Loop() {
		fill(b, rdb)
		done := &countdown{done: make(chan struct{})}
		done.left.Store(benchUpdates)
		began := time.Now()
		stop := start(done)
		<-done.done
		spent += time.Since(began)
		stop()
	}
	b.ReportMetric(float64(b.N)*benchUpdates/spent.Seconds(), "updates/s")
}

func fill(b *testing.B, rdb redis.UniversalClient) {
	b.Helper()
	if err := rdb.FlushAll(b.Context()).Err(); err != nil {
		b.Fatal(err)
	}
	ref, err := ledger.New(rdb, 0).StorePhoto(b.Context(), tasks.PhotoMade, []byte("\xff\xd8\xff\xe0 stands for a JPEG"), time.Now().Add(time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	fillWith(b, rdb, ref)
}

// fillWith enqueues updates of as many groups with one photo.
func fillWith(b *testing.B, rdb redis.UniversalClient, ref tasks.PhotoRef) {
	b.Helper()
	l := ledger.New(rdb, 0)
	client := asynq.NewClientFromRedisClient(rdb)
	for first := 0; first < benchUpdates; first += 500 {
		entries := make([]ledger.Entry, 500)
		for i := range entries {
			entries[i] = ledger.Entry{ID: "u" + strconv.Itoa(first+i), Update: tasks.Update{
				GroupID: tasks.GroupID(strconv.Itoa(120363000000000000+first+i) + "-group"), Photo: ref, Account: "main",
				EnqueuedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
			}}
		}
		registered, err := l.Register(b.Context(), "main", entries)
		if err != nil {
			b.Fatal(err)
		}
		for i, r := range registered {
			task := asynq.NewTask(tasks.TypeUpdate, r.Update.Marshal())
			if _, err := client.EnqueueContext(b.Context(), task, asynq.TaskID(entries[i].ID), asynq.Queue(tasks.Queue("main")),
				asynq.MaxRetry(1<<30), asynq.Timeout(time.Hour), asynq.Retention(time.Hour)); err != nil {
				b.Fatal(err)
			}
		}
	}
}
