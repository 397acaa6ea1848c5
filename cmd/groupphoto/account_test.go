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
	// and a queue paused in the web UI shows
	spec, err := redisconn.Parse(th.redis)
	if err != nil {
		t.Fatal(err)
	}
	rdb, err := redisconn.Open(t.Context(), spec, redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer rdb.Close()
	if err := asynq.NewInspectorFromRedisClient(rdb).PauseQueue(tasks.Queue("main")); err != nil {
		t.Fatal(err)
	}
	if r := call(t, th.env, "account", "list"); !strings.Contains(r.out, "main  paused") || !strings.Contains(r.out, "resume it there") {
		t.Errorf("got %s", r.out)
	}
	if r := call(t, nil, "account", "lst"); r.code != exitUsage || !strings.Contains(r.err, `did you mean "list"?`) {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}
