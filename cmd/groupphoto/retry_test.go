package main

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestRetry_WhileTheOldTaskIsWithAWorker(t *testing.T) {
	t.Parallel()
	// given an update that has ended, and a worker that has not let go of its task
	mini := redistest.Mini(t)
	rdb, env := mini.Client(t), map[string]string{"REDIS_URL": mini.URL()}
	running, leave := make(chan struct{}), make(chan struct{})
	server := asynq.NewServerFromRedisClient(rdb, asynq.Config{
		Concurrency: 1, Queues: map[string]int{tasks.Queue("main"): 1}, LogLevel: asynq.FatalLevel, TaskCheckInterval: 10 * time.Millisecond,
	})
	if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		close(running)
		<-leave
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(leave); server.Shutdown() })
	if got := call(t, env, "update", "--group", group, "--photo", "https://example.com/a.png", "--id", "a"); got.code != exitDone {
		t.Fatal(got.err)
	}
	<-running
	l := ledger.New(rdb, 0)
	h := ledger.Handle{Account: "main", ID: "a", Group: group, Token: "t1"}
	record, err := l.Record(t.Context(), "main", "a")
	if err != nil {
		t.Fatal(err)
	}
	claim, err := l.Claim(t.Context(), h, record.Update)
	if err != nil {
		t.Fatal(err)
	}
	end := tasks.Outcome{ID: "a", Account: "main", GroupID: h.Group, State: tasks.Failed, Reason: tasks.ProviderError}
	if _, err := l.Settle(t.Context(), ledger.Settlement{Handle: h, Seq: claim.Seq, Outcome: end}); err != nil {
		t.Fatal(err)
	}
	// when it is to be sent again
	got := call(t, env, "retry", "a")
	// then that could not be done, in one sentence that says what to do
	want := regexp.MustCompile(`^groupphoto: update a is not sent again yet: .*call again in a moment.*\n$`)
	if got.code != exitFailure || got.out != "" || !want.MatchString(got.err) {
		t.Errorf("exit code %d, stdout %q, stderr %q; want 1 and %s", got.code, got.out, got.err, want)
	}
}
