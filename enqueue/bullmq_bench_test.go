package enqueue_test

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// bullMQ is the other program of the comparison, beside this module.
const bullMQ = "../bench/bullmq"

// BenchmarkBullMQ is to be read beside BenchmarkCampaignAccept: 100,000 jobs with what
// a task carries, by BullMQ's addBulk. It needs Node, and `npm ci` in bench/bullmq.
func BenchmarkBullMQ(b *testing.B) {
	for _, batch := range []int{1000, 5000, 20_000} {
		b.Run(strconv.Itoa(batch), func(b *testing.B) { addBulk(b, benchRedis(b), benchRows, batch) })
	}
}

// BenchmarkBullMQFar is to be read beside BenchmarkCampaignAcceptFar.
func BenchmarkBullMQFar(b *testing.B) {
	for _, batch := range []int{1000, 5000, 20_000} {
		b.Run(strconv.Itoa(batch), func(b *testing.B) { addBulk(b, farRedis(b), benchRows, batch) })
	}
}

// addBulk times what the program says of itself: its start is not part of it.
func addBulk(b *testing.B, c redis.UniversalClient, jobs, batch int) {
	b.Helper()
	if _, err := os.Stat(bullMQ + "/node_modules/bullmq"); err != nil {
		b.Skip("BullMQ is missing: npm ci in bench/bullmq brings it")
	}
	client, ok := c.(*redis.Client)
	if !ok {
		b.Fatal("not a plain Redis")
	}
	_, port, err := net.SplitHostPort(client.Options().Addr)
	if err != nil {
		b.Fatal(err)
	}
	var seconds float64
	var bytes int64
	for b.Loop() {
		if err := c.FlushAll(b.Context()).Err(); err != nil {
			b.Fatal(err)
		}
		before := usedMemory(b, c)
		cmd := exec.CommandContext(context.WithoutCancel(b.Context()), "node", "addbulk.mjs", port, strconv.Itoa(jobs), strconv.Itoa(batch))
		cmd.Dir, cmd.Stderr = bullMQ, os.Stderr
		out, err := cmd.Output()
		var said struct{ Seconds float64 }
		if err == nil {
			err = json.Unmarshal(out, &said)
		}
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		seconds += said.Seconds
		bytes += usedMemory(b, c) - before
	}
	rows := float64(b.N) * float64(jobs)
	b.ReportMetric(rows/seconds, "rows/s")
	b.ReportMetric(float64(bytes)/rows, "redis-B/row")
}

// usedMemory is what the Redis server uses, in bytes.
func usedMemory(b *testing.B, c redis.UniversalClient) int64 {
	b.Helper()
	text, err := c.Info(b.Context(), "memory").Result()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); found {
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatal("INFO tells no memory")
	return 0
}
