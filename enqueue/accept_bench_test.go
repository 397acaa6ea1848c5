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

// place is one Redis as the contestants see it.
type place struct {
	name  string
	redis redis.UniversalClient
	url   string
	// loopRows is how many rows the loop puts there; the others put benchRows.
	loopRows int
}

// contestant is one way to put rows into Redis.
type contestant struct {
	name string
	rows int
	// run puts the rows into the empty Redis and returns how long that took.
	run func(b *testing.B, at place, rows int) time.Duration

	rate  []float64 // rows a second, one figure a round
	bytes []float64 // of Redis for a row, one figure a round
}

// BenchmarkAccept compares what takes 100,000 rows with one photo URL into one Redis:
// StartCampaign, a loop over asynq.Client.Enqueue, and BullMQ's addBulk, one after
// another in every round, with an empty Redis each time; then the same 3 ms away.
// -benchtime 5x makes five rounds. bench/accept.sh brings BullMQ and shows the tables.
func BenchmarkAccept(b *testing.B) {
	near := benchRedis(b)
	far, farURL := farFrom(b, near)
	for _, at := range []place{
		{"here", near, "redis://" + address(near), benchRows},
		{"3 ms away", far, farURL, 1000}, // all of them would take minutes
	} {
		b.Run(at.name, func(b *testing.B) { compare(b, at, contestants(b, at)) })
	}
}

// contestants begins with the campaign.
func contestants(b *testing.B, at place) []*contestant {
	b.Helper()
	start, loop := startRows(b, at.redis), loopRows(b, at.redis, at.loopRows)
	list := []*contestant{
		{name: "`StartCampaign`", rows: benchRows, run: func(b *testing.B, _ place, _ int) time.Duration { return timed(b, start) }},
		{name: "loop over `Enqueue`", rows: at.loopRows, run: func(b *testing.B, _ place, _ int) time.Duration { return timed(b, loop) }},
	}
	if why := noBullMQ(); why != "" {
		b.Logf("BullMQ is left out: %s", why)
		return list
	}
	for _, batch := range []int{500, 1000, 5000} {
		list = append(list, &contestant{name: fmt.Sprintf("`addBulk` of %d", batch), rows: benchRows, run: addBulk(batch, 1)})
	}
	return append(list, &contestant{name: "`addBulk` of 500, two at once", rows: benchRows, run: addBulk(500, 2)})
}

// compare has every contestant run once a round and logs the table.
func compare(b *testing.B, at place, all []*contestant) {
	b.Helper()
	for b.Loop() {
		for _, c := range all {
			if err := at.redis.FlushAll(b.Context()).Err(); err != nil {
				b.Fatal(err)
			}
			before := dataBytes(b, at.redis)
			took := c.run(b, at, c.rows)
			c.rate = append(c.rate, float64(c.rows)/took.Seconds())
			c.bytes = append(c.bytes, (dataBytes(b, at.redis)-before)/float64(c.rows))
		}
	}
	ours := median(all[0].rate)
	table := []string{"", "| Redis | by | rows/s: min / **median** / max | campaign to it | Redis, bytes a row |", "|---|---|---|---|---|"}
	for _, c := range all {
		table = append(table, fmt.Sprintf("| %s | %s | %.0f / **%.0f** / %.0f | %.1f | %.1f |",
			at.name, c.name, slices.Min(c.rate), median(c.rate), slices.Max(c.rate), ours/median(c.rate), median(c.bytes)))
	}
	b.Log(strings.Join(table, "\n")) // ten lines is the most that a benchmark may log
	b.ReportMetric(0, "ns/op")       // a round's time says nothing
	b.ReportMetric(ours, "rows/s")
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
