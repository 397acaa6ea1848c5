//go:build linux

package worker_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/redistest"
)

// idle is what a worker process costs that has nothing to do.
type idle struct{ memory, goroutines, connections, commands, sent, cpu, redisCPU, drain float64 }

// BenchmarkTwoHundredAccounts is what 200 accounts cost in one worker process that
// has nothing to do, and the slope per account from 50 to 200. MB is resident memory,
// after a garbage collection; cmds/s is what Redis counts, which includes what its
// scripts call, sent/s what comes from the worker; the log lists them by name. cpu-% is
// of one core, drain-s how long the process takes to end.
//
//	go test -run '^$' -bench TwoHundredAccounts -benchtime 1x ./worker
func BenchmarkTwoHundredAccounts(b *testing.B) {
	for _, interval := range []time.Duration{time.Second, 250 * time.Millisecond} {
		b.Run("interval="+interval.String(), func(b *testing.B) {
			for b.Loop() {
				few, many := idleCost(b, 50, interval), idleCost(b, 200, interval)
				slope := func(a, z float64) float64 { return (z - a) / 150 }
				b.ReportMetric(many.memory, "MB")
				b.ReportMetric(many.goroutines, "goroutines")
				b.ReportMetric(many.connections, "conns")
				b.ReportMetric(many.commands, "cmds/s")
				b.ReportMetric(many.sent, "sent/s")
				b.ReportMetric(many.drain, "drain-s")
				b.ReportMetric(many.cpu, "cpu-%")
				b.ReportMetric(many.redisCPU, "redis-cpu-%")
				b.ReportMetric(1024*slope(few.memory, many.memory), "KB/account")
				b.ReportMetric(slope(few.goroutines, many.goroutines), "goroutines/account")
				b.ReportMetric(slope(few.connections, many.connections), "conns/account")
				b.ReportMetric(slope(few.commands, many.commands), "cmds/s/account")
			}
		})
	}
}

func idleCost(b *testing.B, n int, interval time.Duration) idle {
	b.Helper()
	accounts := make([]fleetAccount, n)
	for i := range accounts {
		accounts[i] = fleetAccount{Name: "a" + strconv.Itoa(i), Pace: 10 * time.Second, Jitter: 0.3, Concurrency: 1}
	}
	f := newFleet(b, accounts...)
	f.config.CheckInterval = interval
	m := f.start("idle")[0]
	const settles, measured = 5 * time.Second, 15 * time.Second
	<-time.After(settles) // what is measured is time itself
	before, processor, redisProcessor := f.commands(), processorTime(b, m.cmd.Process.Pid), f.redisTime()
	<-time.After(measured)
	after := f.commands()
	var cost idle
	names := slices.Sorted(maps.Keys(after))
	line := strings.Builder{}
	for _, name := range names {
		rate := (after[name] - before[name]) / measured.Seconds()
		if rate < 0.5 || name == "info" {
			continue
		}
		fmt.Fprintf(&line, " %s %.0f", name, rate)
		cost.commands += rate
		if !slices.Contains(inScripts, name) {
			cost.sent += rate
		}
	}
	b.Logf("%d accounts, commands a second:%s", n, line.String())
	cost.cpu = 100 * (processorTime(b, m.cmd.Process.Pid) - processor) / measured.Seconds()
	cost.redisCPU = 100 * (f.redisTime() - redisProcessor) / measured.Seconds()
	cost.connections = float64(strings.Count(f.rdb.ClientList(b.Context()).Val(), "name=idle"))
	m.signal(syscall.SIGUSR1)
	redistest.Eventually(b, 10*time.Second, func() bool { return len(m.says("fleet.counted")) > 0 }, "it does not count")
	cost.goroutines, _ = m.says("fleet.counted")[0]["goroutines"].(float64)
	cost.memory = residentMemory(b, m.cmd.Process.Pid)
	began := time.Now()
	f.drain()
	cost.drain = time.Since(began).Seconds()
	return cost
}

// inScripts are commands that only scripts call while nothing is to be done.
var inScripts = []string{"exists", "rpoplpush", "zrangebyscore", "setex", "del", "expire", "hset"}

var (
	statLine     = regexp.MustCompile(`cmdstat_([^:]+):calls=(\d+)`)
	redisCPULine = regexp.MustCompile(`used_cpu_(?:sys|user):([0-9.]+)`)
)

// commands are how often each command was sent to Redis; what scripts call is not sent.
func (f *fleet) commands() map[string]float64 {
	f.t.Helper()
	text, err := f.rdb.Info(f.t.Context(), "commandstats").Result()
	if err != nil {
		f.t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, m := range statLine.FindAllStringSubmatch(text, -1) {
		counts[m[1]], _ = strconv.ParseFloat(m[2], 64)
	}
	return counts
}

func (f *fleet) redisTime() (seconds float64) {
	f.t.Helper()
	for _, m := range redisCPULine.FindAllStringSubmatch(f.rdb.Info(f.t.Context(), "cpu").Val(), -1) {
		s, _ := strconv.ParseFloat(m[1], 64)
		seconds += s
	}
	return seconds
}

func procFile(b *testing.B, pid int, name string) string {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// processorTime is what a process has used, in seconds.
func processorTime(b *testing.B, pid int) float64 {
	b.Helper()
	_, rest, _ := strings.Cut(procFile(b, pid, "stat"), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100
}

// residentMemory is in MB.
func residentMemory(b *testing.B, pid int) float64 {
	b.Helper()
	_, rest, _ := strings.Cut(procFile(b, pid, "status"), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1024
}
