package enqueue_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
)

// bullMQ is the other program of the comparison, beside this module.
const bullMQ = "../bench/bullmq"

// noBullMQ says why BullMQ cannot take part, or nothing. bench/accept.sh looks closer
// than this and gives its reason in NO_BULLMQ.
func noBullMQ() string {
	if why := os.Getenv("NO_BULLMQ"); why != "" {
		return why
	}
	if _, err := exec.LookPath("node"); err != nil {
		return "no node on this machine"
	}
	if _, err := os.Stat(bullMQ + "/node_modules/bullmq"); err != nil {
		return "it is not installed: npm ci in bench/bullmq brings it"
	}
	return ""
}

// addBulk returns what adds jobs with the payload of our task by addBulk: so many in
// one, so many of these under way. The time is what the program says of itself, so
// its start is not part of it.
func addBulk(batch, atOnce int) func(*testing.B, place, int) time.Duration {
	return func(b *testing.B, at place, jobs int) time.Duration {
		b.Helper()
		first := benchTask(b, 0, time.Now())
		cmd := exec.CommandContext(b.Context(), "node", "addbulk.mjs", "--redis", at.url, "--queue", "photo",
			"--jobs", strconv.Itoa(jobs), "--batch", strconv.Itoa(batch), "--at-once", strconv.Itoa(atOnce), "--payload", string(first.Marshal()))
		cmd.Dir, cmd.Stderr = bullMQ, os.Stderr
		out, err := cmd.Output()
		var said struct{ Seconds float64 }
		if err == nil {
			err = json.Unmarshal(out, &said)
		}
		if err != nil {
			b.Fatalf("node addbulk.mjs: %v: %s", err, out)
		}
		sameJobs(b, at, jobs, first)
		return time.Duration(said.Seconds * float64(time.Second))
	}
}

// sameJobs fails the benchmark when BullMQ's queue is not what the figures are said
// to be of: every job waits, and the last has the bytes that our task would have.
func sameJobs(b *testing.B, at place, jobs int, first tasks.Update) {
	b.Helper()
	ctx := context.WithoutCancel(b.Context())
	waiting, err := at.redis.LLen(ctx, "bull:photo:wait").Result()
	if err != nil || waiting != int64(jobs) {
		b.Fatalf("%d jobs wait in BullMQ's queue, want %d: %v", waiting, jobs, err)
	}
	last := benchTask(b, jobs-1, first.EnqueuedAt)
	data, err := at.redis.HGet(ctx, "bull:photo:row-"+strconv.Itoa(jobs-1), "data").Result()
	if err != nil || data != string(last.Marshal()) {
		b.Fatalf("BullMQ's last job carries %s, want %s: %v", data, last.Marshal(), err)
	}
}
