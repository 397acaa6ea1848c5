package enqueue_test

import (
	"context"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/tasks"
)

// farAway is how long the proxy holds every chunk, each way: 3 ms a round trip.
const farAway = 1500 * time.Microsecond

// BenchmarkUpdateManyFar and BenchmarkAsynqLoopFar are the pair for a Redis that
// is 3 ms away. The loop sends fewer rows: it would take minutes.
func BenchmarkUpdateManyFar(b *testing.B) {
	c := farRedis(b)
	gp, err := enqueue.New(c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = gp.Close() })
	farEach(b, c, benchRows, func(ctx context.Context) {
		for r := range gp.UpdateMany(ctx, benchUpdates(benchRows)) {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
		}
	})
}

func BenchmarkAsynqLoopFar(b *testing.B) {
	const rows = 1000
	c := farRedis(b)
	client := asynq.NewClientFromRedisClient(c)
	payload := []byte(`{"groupId":"120363019502650977-group","groupPhoto":"https://cdn.example.com/campaigns/spring/logo.jpg"}`)
	farEach(b, c, rows, func(ctx context.Context) {
		for i := range rows {
			if _, err := client.EnqueueContext(ctx, asynq.NewTask(tasks.TypeUpdate, payload),
				asynq.TaskID("row-"+strconv.Itoa(i)), asynq.Queue(tasks.Queue("main"))); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func farEach(b *testing.B, c redis.UniversalClient, rows int, run func(context.Context)) {
	b.Helper()
	var spent time.Duration
	for b.Loop() {
		if err := c.FlushAll(b.Context()).Err(); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		run(b.Context())
		spent += time.Since(began)
	}
	b.ReportMetric(float64(b.N)*float64(rows)/spent.Seconds(), "rows/s")
}

// farRedis is a real Redis behind a proxy that holds everything for a while.
func farRedis(b *testing.B) redis.UniversalClient {
	b.Helper()
	far, _ := farFrom(b, benchRedis(b))
	return far
}

// address is where a Redis listens, as HOST:PORT.
func address(c redis.UniversalClient) string { return c.(*redis.Client).Options().Addr }

// farFrom puts a proxy that holds everything for a while before a Redis, and returns
// a client of it and its URL.
func farFrom(b *testing.B, near redis.UniversalClient) (redis.UniversalClient, string) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", address(near))
			if err != nil {
				_ = client.Close()
				return
			}
			go delay(server, client)
			go delay(client, server)
		}
	}()
	url := "redis://" + l.Addr().String()
	spec, err := redisconn.Parse(url)
	if err != nil {
		b.Fatal(err)
	}
	far, err := redisconn.Open(b.Context(), spec, redisconn.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = far.Close() })
	return far, url
}

// delay copies, holding every chunk for farAway without slowing the stream.
func delay(to io.WriteCloser, from io.Reader) {
	type chunk struct {
		b   []byte
		due time.Time
	}
	line := make(chan chunk, 1024)
	go func() {
		defer func() { _ = to.Close() }()
		for c := range line {
			<-time.After(time.Until(c.due))
			if _, err := to.Write(c.b); err != nil {
				return
			}
		}
	}()
	defer close(line)
	for {
		b := make([]byte, 64<<10)
		n, err := from.Read(b)
		if n > 0 {
			line <- chunk{b[:n], time.Now().Add(farAway)}
		}
		if err != nil {
			return
		}
	}
}
