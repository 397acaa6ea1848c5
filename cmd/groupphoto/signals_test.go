//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/redistest"
)

// process is the program as a process of its own.
type process struct {
	cmd  *exec.Cmd
	text *syncBuffer
	gone chan struct{}
}

func start(t *testing.T, env map[string]string, args ...string) *process {
	t.Helper()
	path, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.CommandContext(t.Context(), path, args...), text: &syncBuffer{}, gone: make(chan struct{})}
	p.cmd.Env = []string{}
	for name, value := range env {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Stderr = p.text
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its state is looked at
		close(p.gone)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.gone
	})
	return p
}

func (p *process) says(t *testing.T, text string) {
	t.Helper()
	redistest.Eventually(t, 20*time.Second, func() bool { return strings.Contains(p.text.String(), text) }, "the process never said %q", text)
}

func (p *process) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

// ends waits until the process has ended.
func (p *process) ends(t *testing.T) *os.ProcessState {
	t.Helper()
	select {
	case <-p.gone:
	case <-time.After(20 * time.Second):
		t.Fatalf("the process goes on:\n%s", p.text)
	}
	return p.cmd.ProcessState
}

// slowProvider says true, once the test lets it.
type slowProvider struct {
	*httptest.Server

	called, answer chan struct{}
}

func newSlowProvider(t *testing.T) *slowProvider {
	t.Helper()
	s := &slowProvider{called: make(chan struct{}, 16), answer: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the caller is gone
		s.called <- struct{}{}
		select {
		case <-s.answer:
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"value":true}`))
	}))
	t.Cleanup(s.Close)
	return s
}

func TestBinary_SIGTERMDrains(t *testing.T) {
	t.Parallel()
	// given a worker in the middle of a call
	redis, provider := redistest.Real(t), newSlowProvider(t)
	env := map[string]string{"REDIS_URL": redis.URL(), "PLUGCHAT_TOKEN": markedToken, "PLUGCHAT_BASE_URL": provider.URL, "GROUPPHOTO_PACE": "0"}
	w := start(t, env, "worker")
	w.says(t, "worker.started")
	if got := call(t, env, "update", "--group", group, "--photo", picture(t), "--id", "a"); got.code != exitDone {
		t.Fatal(got.err)
	}
	<-provider.called
	// when it is asked to take no new work and then to end
	w.signal(t, syscall.SIGTSTP)
	w.says(t, "worker.quiet")
	w.signal(t, syscall.SIGTERM)
	w.says(t, "worker.draining")
	close(provider.answer)
	// then the call is let finish and recorded
	if state := w.ends(t); state.ExitCode() != exitDone {
		t.Errorf("the worker ended with %s:\n%s", state, w.text)
	}
	var o map[string]any
	if err := json.Unmarshal([]byte(call(t, env, "outcome", "a", "-o", "json").out), &o); err != nil || o["state"] != "updated" {
		t.Errorf("outcome %v, %v", o, err)
	}
}

func TestBinary_SecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	// given a worker that drains, and a call that does not end
	redis, provider := redistest.Real(t), newSlowProvider(t)
	env := map[string]string{"REDIS_URL": redis.URL(), "PLUGCHAT_TOKEN": markedToken, "PLUGCHAT_BASE_URL": provider.URL, "GROUPPHOTO_PACE": "0"}
	w := start(t, env, "worker")
	w.says(t, "worker.started")
	if got := call(t, env, "update", "--group", group, "--photo", picture(t), "--id", "a"); got.code != exitDone {
		t.Fatal(got.err)
	}
	<-provider.called
	w.signal(t, syscall.SIGTERM)
	w.says(t, "worker.draining")
	// when the signal comes again
	w.signal(t, syscall.SIGTERM)
	// then it is gone
	if state := w.ends(t); state.Success() {
		t.Errorf("the worker ended with %s", state)
	}
}

func TestBinary_InterruptedWait(t *testing.T) {
	t.Parallel()
	// given somebody who waits for an update that nobody carries out
	env := map[string]string{"REDIS_URL": freshRedis(t)}
	p := start(t, env, "update", "--group", group, "--photo", picture(t), "--wait", "1m")
	p.says(t, "  waiting")
	// when Ctrl-C comes
	p.signal(t, os.Interrupt)
	// then the exit code is the shell's for that
	if state := p.ends(t); state.ExitCode() != exitInterrupted {
		t.Errorf("it ended with %s", state)
	}
}

func TestBinary_DevEndsWithCtrlC(t *testing.T) {
	t.Parallel()
	// given dev
	p := start(t, nil, "dev", "--addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0")
	p.says(t, "Ctrl-C ends it")
	// when it is taken at its word
	p.signal(t, os.Interrupt)
	// then it ends cleanly
	if state := p.ends(t); state.ExitCode() != exitDone || !strings.HasSuffix(p.text.String(), "ended\n") {
		t.Errorf("it ended with %s:\n%s", state, p.text)
	}
}
