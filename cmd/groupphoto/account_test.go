package main

import (
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestAccountList(t *testing.T) {
	t.Parallel()
	// given a Redis that nobody has used
	th := newTheatre(t, "401:p=1")
	if r := call(t, th.env, "account", "list"); r.code != exitDone || r.out != "" || !strings.Contains(r.err, "there is no account yet") {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
	// when an update waits without a worker
	call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", "a")
	if r := call(t, th.env, "account", "list"); !strings.Contains(r.out, "main  working  never served") || !strings.Contains(r.out, "1 waiting, 0 calling") || !strings.Contains(r.out, "start a worker with: groupphoto worker") {
		t.Errorf("got %s", r.out)
	}
	// and then a worker meets a provider that does not take the token
	th.work(t)
	redistest.Eventually(t, 20*time.Second, func() bool {
		r := call(t, th.env, "account", "list", "-o", "json")
		o := object(t, r.out)
		return o["state"] == "trouble" && o["served"] == true && o["reason"] == "credentials" && o["tries"] == 1.0 && o["later"] == 1.0
	}, "the trouble does not show")
	// then it says since when, what to do, and when it is tried again
	r := call(t, th.env, "account", "list")
	for _, want := range []string{"main  trouble  served", "credentials since 20", "; mend: check PLUGCHAT_TOKEN", "next try at 20", "after 1 in vain; no attempt is spent"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("lacks %q:\n%s", want, r.out)
		}
	}
	if r := call(t, nil, "account", "lst"); r.code != exitUsage || !strings.Contains(r.err, `did you mean "list"?`) {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

func TestAccountPause(t *testing.T) {
	t.Parallel()
	// given a worker at work
	th := newTheatre(t)
	th.work(t)
	send := func(id string) { call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", id) }
	ended := func(id string) bool {
		return object(t, call(t, th.env, "outcome", id, "-o", "json").out)["state"] == "updated"
	}
	// when its account is paused
	if r := call(t, th.env, "account", "pause", "main", "--reason", "phone is charging"); r.code != exitDone || !strings.Contains(r.err, "groupphoto account resume main") {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	if r := call(t, th.env, "account", "pause", "main"); r.code != exitDone || r.err != "was paused already\n" {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	r := call(t, th.env, "account", "list")
	for _, want := range []string{"main  paused  served", "by tester: phone is charging; go on with: groupphoto account resume main"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("lacks %q:\n%s", want, r.out)
		}
	}
	// then asynq shows it, and nothing is called
	inspector := inspect(t, th.redis)
	send("a")
	for _, queue := range []string{tasks.Queue("main"), tasks.BulkQueue("main")} {
		if info, err := inspector.GetQueueInfo(queue); err == nil && !info.Paused {
			t.Errorf("queue %s is not paused", queue)
		}
	}
	// and when somebody resumes the queue in the web UI, it goes on
	if err := inspector.UnpauseQueue(tasks.Queue("main")); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, 20*time.Second, func() bool { return ended("a") }, "the update is not sent")
	if r := call(t, th.env, "account", "list"); !strings.Contains(r.out, "main  working") {
		t.Errorf("got %s", r.out)
	}
	// and when somebody pauses it there, the account is paused for all, until it is resumed here
	if err := inspector.PauseQueue(tasks.Queue("main")); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, 20*time.Second, func() bool {
		return strings.Contains(call(t, th.env, "account", "list").out, "by the asynq web UI")
	}, "the pause does not show")
	send("b")
	if r := call(t, th.env, "account", "resume", "main"); r.code != exitDone || r.err != "goes on\n" {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	redistest.Eventually(t, 20*time.Second, func() bool { return ended("b") }, "the update is not sent")
	if th.posts() != 2 {
		t.Errorf("%d calls; want 2", th.posts())
	}
	if r := call(t, th.env, "account", "resume", "main"); r.err != "was not paused\n" {
		t.Errorf("got %s", r.err)
	}
	if r := call(t, th.env, "account", "pause", "mian"); r.code != exitUsage || !strings.Contains(r.err, `did you mean "main"?`) {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

func inspect(t *testing.T, url string) *asynq.Inspector {
	t.Helper()
	spec, err := redisconn.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	rdb, err := redisconn.Open(t.Context(), spec, redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return asynq.NewInspectorFromRedisClient(rdb)
}
