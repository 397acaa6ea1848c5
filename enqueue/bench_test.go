package enqueue_test

import (
	"context"
	"iter"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

const benchRows = 100_000

func benchRedis(b *testing.B) redis.UniversalClient {
	b.Helper()
	// Without a disk: the figures compare two ways to Redis, not its disks.
	return redistest.Real(b, "--appendonly", "no").Client(b)
}

func benchGroup(i int) string { return strconv.Itoa(120363000000000000+i) + "-group" }

func benchUpdates(n int) iter.Seq[enqueue.Row] {
	photo := enqueue.URL("https://cdn.example.com/campaigns/spring/logo.jpg")
	return func(yield func(enqueue.Row) bool) {
		for i := range n {
			row := enqueue.Row{
				Update:  enqueue.Update{GroupID: benchGroup(i), Photo: photo},
				Options: []enqueue.Option{enqueue.ID("row-" + strconv.Itoa(i))},
			}
			if !yield(row) {
				return
			}
		}
	}
}

// BenchmarkUpdateMany and BenchmarkAsynqLoop are to be read side by side: both
// enqueue 100,000 updates with the same payload into an empty Redis.
func BenchmarkUpdateMany(b *testing.B) {
	c := benchRedis(b)
	gp, err := enqueue.New(c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = gp.Close() })
	run := func(ctx context.Context) {
		n := 0
		for r := range gp.UpdateMany(ctx, benchUpdates(benchRows)) {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
			n++
		}
		if n != benchRows {
			b.Fatalf("got %d results, want %d", n, benchRows)
		}
	}
	benchEach(b, c, run)
}

func BenchmarkAsynqLoop(b *testing.B) {
	c := benchRedis(b)
	client := asynq.NewClientFromRedisClient(c)
	ref, err := tasks.ParsePhoto("https://cdn.example.com/campaigns/spring/logo.jpg")
	if err != nil {
		b.Fatal(err)
	}
	run := func(ctx context.Context) {
		for i := range benchRows {
			now := time.Now()
			u := tasks.Update{
				GroupID: tasks.GroupID(benchGroup(i)), Photo: ref, Account: tasks.DefaultAccount, Seq: int64(i + 1),
				EnqueuedAt: now, ExpiresAt: now.Add(24 * time.Hour),
			}
			_, err := client.EnqueueContext(ctx, asynq.NewTask(tasks.TypeUpdate, u.Marshal()),
				asynq.TaskID("row-"+strconv.Itoa(i)), asynq.Queue(tasks.Queue(tasks.DefaultAccount)),
				asynq.MaxRetry(math.MaxInt32), asynq.Timeout(7*24*time.Hour), asynq.Retention(24*time.Hour))
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	benchEach(b, c, run)
}

func benchEach(b *testing.B, c redis.UniversalClient, run func(context.Context)) {
	b.Helper()
	b.ReportAllocs()
	var spent time.Duration
	busy := cpuOf(b, c)
	for b.Loop() {
		b.StopTimer()
		if err := c.FlushAll(b.Context()).Err(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		began := time.Now()
		run(b.Context())
		spent += time.Since(began)
	}
	rows := float64(b.N) * benchRows
	b.ReportMetric(rows/spent.Seconds(), "rows/s")
	// On a machine that does other work too, the server's own time per row says
	// more than the clock.
	b.ReportMetric((cpuOf(b, c)-busy)*1e6/rows, "redis-µs/row")
}

// cpuOf returns the seconds of CPU that the Redis server has used.
func cpuOf(b *testing.B, c redis.UniversalClient) float64 {
	b.Helper()
	text, err := c.Info(b.Context(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	var total float64
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			total += seconds
		}
	}
	return total
}
