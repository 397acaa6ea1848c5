//go:build unix

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/sandbox"
)

func TestCrash_AnotherWorkerFinishes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("not applicable with -short: asynq takes up a dead worker's task after 60 to 120 s")
	}
	// Given a worker in the middle of a call, when it is killed, then a second
	// worker ends the update as updated, and the provider was asked twice: the
	// call in flight, and the one that counts.
	server := redistest.Real(t)
	box := sandbox.New(sandbox.Config{Tokens: []string{markedToken}})
	calling, calls := make(chan struct{}, 10), atomic.Int32{}
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/update-group-photo") && calls.Add(1) == 1 {
			_, _ = io.Copy(io.Discard, r.Body) // the whole call has arrived
			calling <- struct{}{}
			<-r.Context().Done() // and is never answered
			return
		}
		box.ServeHTTP(w, r)
	}))
	t.Cleanup(provider.Close)
	env := map[string]string{
		"REDIS_URL": server.URL(), "PLUGCHAT_TOKEN": markedToken, "PLUGCHAT_BASE_URL": provider.URL,
		"GROUPPHOTO_PACE": "0", "GROUPPHOTO_LOG_FORMAT": "json",
	}
	first := start(t, env, "worker", "--http-timeout", "20s")
	first.says(t, "worker.started")
	if got := call(t, env, "update", "--group", group, "--photo", picture(t), "--id", "crash"); got.code != exitDone {
		t.Fatalf("exit code %d: %s", got.code, got.err)
	}
	<-calling
	first.signal(t, syscall.SIGKILL)
	first.ends(t)
	second := start(t, env, "worker", "--http-timeout", "20s")
	second.says(t, "worker.started")
	began := time.Now()
	var o map[string]any
	redistest.Eventually(t, 170*time.Second, func() bool {
		o = object(t, call(t, env, "outcome", "crash", "-o", "json").out)
		return o["finishedAt"] != nil
	}, "the update has not ended: %v\n%s", &o, second.text)
	if o["state"] != "updated" || o["value"] != true || o["attempts"] != float64(2) {
		t.Fatalf("got %v\n%s", o, second.text)
	}
	t.Logf("taken up and ended %s after the kill", time.Since(began).Round(time.Second))
	if n := calls.Load(); n != 2 {
		t.Errorf("%d calls; want 2", n)
	}
}
