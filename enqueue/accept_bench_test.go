package enqueue_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// place is one Redis as a contestant sees it.
type place struct {
	name     string
	redis    redis.UniversalClient
	url      string
	loopRows int // how many rows the loop gets; the others get benchRows
}

// contestant is one way to put rows into Redis.
type contestant struct {
	name string
	rows func(place) int
	// run puts rows into the empty Redis and returns how long that took.
	run func(b *testing.B, at place, rows int) time.Duration

	rate  []float64 // rows a second, one figure a round
	bytes []float64 // of Redis for a row, one figure a round
}

// BenchmarkAccept compares what takes 100,000 rows with one photo URL into one Redis:
// a campaign, a loop over asynq.Client.Enqueue, and BullMQ's addBulk, all one after
// another in every round, with an empty Redis each time; then the same 3 ms away.
// -benchtime 5x makes five rounds. bench/accept.sh brings BullMQ and shows the tables.
func BenchmarkAccept(b *testing.B) {
	near := benchRedis(b)
	far, farURL := farFrom(b, near)
	if why := noBullMQ(); why != "" {
		b.Logf("BullMQ is left out: %s", why)
	}
	for _, at := range []place{
		{"here", near, "redis://" + address(near), benchRows},
		{"3 ms away", far, farURL, 1000}, // all of them would take minutes
	} {
		b.Run(at.name, func(b *testing.B) { compare(b, at, contestants(b, at)) })
	}
}

func contestants(b *testing.B, at place) []*contestant {
	b.Helper()
	all := func(place) int { return benchRows }
	accept := acceptRows(b, at.redis)
	list := []*contestant{
		{name: "campaign", rows: all, run: func(b *testing.B, _ place, _ int) time.Duration {
			return timed(b, accept)
		}},
		{name: "asynq loop", rows: func(at place) int { return at.loopRows }, run: func(b *testing.B, at place, rows int) time.Duration {
			return timed(b, loopRows(b, at.redis, rows))
		}},
	}
	if noBullMQ() != "" {
		return list
	}
	for _, batch := range []int{500, 1000, 5000} {
		list = append(list, &contestant{name: fmt.Sprintf("addBulk of %d", batch), rows: all, run: addBulk(batch, 1)})
	}
	return append(list, &contestant{name: "addBulk of 500, two at once", rows: all, run: addBulk(500, 2)})
}

// compare has every contestant run once a round and logs the table.
func compare(b *testing.B, at place, all []*contestant) {
	b.Helper()
	for b.Loop() {
		for _, c := range all {
			if err := at.redis.FlushAll(b.Context()).Err(); err != nil {
				b.Fatal(err)
			}
			rows, before := c.rows(at), dataBytes(b, at.redis)
			took := c.run(b, at, rows)
			c.rate = append(c.rate, float64(rows)/took.Seconds())
			c.bytes = append(c.bytes, (dataBytes(b, at.redis)-before)/float64(rows))
		}
	}
	ours := all[0]
	var table strings.Builder
	table.WriteString("\n| Redis | by | rows/s: min / **median** / max | campaign's median to it | Redis bytes a row |\n|---|---|---|---|---|\n")
	for _, c := range all {
		fmt.Fprintf(&table, "| %s | %s | %.0f / **%.0f** / %.0f | %.1f | %.1f |\n", at.name, c.name,
			slices.Min(c.rate), median(c.rate), slices.Max(c.rate), median(ours.rate)/median(c.rate), median(c.bytes))
	}
	b.Log(table.String())
	b.ReportMetric(0, "ns/op") // a round's time says nothing
	b.ReportMetric(median(ours.rate), "rows/s")
}

func timed(b *testing.B, run func(context.Context)) time.Duration {
	b.Helper()
	began := time.Now()
	run(b.Context())
	return time.Since(began)
}

func median(figures []float64) float64 {
	s := slices.Sorted(slices.Values(figures))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// dataBytes is what Redis uses but for its clients' buffers, which can weigh more than
// a campaign and are gone soon after.
func dataBytes(b *testing.B, c redis.UniversalClient) float64 {
	b.Helper()
	info := infoOf(b, c, "memory")
	return info["used_memory"] - info["mem_clients_normal"]
}
