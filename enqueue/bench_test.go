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
	benchEach(b, c, loopRows(b, c, benchRows))
}

// loopRows returns what enqueues so many updates one by one, into an empty Redis.
func loopRows(b *testing.B, c redis.UniversalClient, rows int) func(context.Context) {
	b.Helper()
	return func(ctx context.Context) {
		client := asynq.NewClientFromRedisClient(c)
		for i := range rows {
			u := benchTask(b, i, time.Now())
			_, err := client.EnqueueContext(ctx, asynq.NewTask(tasks.TypeUpdate, u.Marshal()),
				asynq.TaskID("row-"+strconv.Itoa(i)), asynq.Queue(tasks.Queue(tasks.DefaultAccount)),
				asynq.MaxRetry(math.MaxInt32), asynq.Timeout(7*24*time.Hour), asynq.Retention(24*time.Hour))
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// benchTask is what row i carries as a task of its own.
func benchTask(b *testing.B, i int, now time.Time) tasks.Update {
	b.Helper()
	photo, err := tasks.ParsePhoto("https://cdn.example.com/campaigns/spring/logo.jpg")
	if err != nil {
		b.Fatal(err)
	}
	return tasks.Update{
		GroupID: tasks.GroupID(benchGroup(i)), Photo: photo, Account: tasks.DefaultAccount, Seq: int64(i + 1),
		EnqueuedAt: now, ExpiresAt: now.Add(24 * time.Hour),
	}
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
	info := infoOf(b, c, "cpu")
	return info["used_cpu_sys"] + info["used_cpu_user"]
}

// infoOf returns the numbers in one section of Redis' INFO.
func infoOf(b *testing.B, c redis.UniversalClient, section string) map[string]float64 {
	b.Helper()
	text, err := c.Info(b.Context(), section).Result()
	if err != nil {
		b.Fatal(err)
	}
	numbers := make(map[string]float64)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if n, err := strconv.ParseFloat(value, 64); err == nil { // words and sizes for people are not asked for
			numbers[name] = n
		}
	}
	return numbers
}
