//go:build unix

package worker_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

// metronome is set in a child process that calls an address at fixed moments.
const metronome = "GROUPPHOTO_TEST_METRONOME"

const metronomeGap = 20 * time.Millisecond

// beMetronome is the whole life of that process: each call says when it was due.
func beMetronome(address string) int {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
		os.Exit(0)
	}()
	for due := time.Now().Add(metronomeGap); ; due = due.Add(metronomeGap) {
		if late := time.Since(due); late > metronomeGap { // what it has slept through it leaves out
			due = due.Add(late.Truncate(metronomeGap))
		}
		<-time.After(time.Until(due))
		resp, err := http.Get(address + strconv.FormatInt(due.UnixNano(), 10)) //nolint:noctx // it ends with the process
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

// noise measures how late anything happens on this machine just now: the calls of
// a process that does nothing else, as another process receives them.
type noise struct {
	mu        sync.Mutex
	most, sum time.Duration
	n         int
}

func watchNoise(t *testing.T) *noise {
	t.Helper()
	n := &noise{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		now := time.Now()
		due, _ := strconv.ParseInt(r.URL.Path[1:], 10, 64)
		n.mu.Lock()
		defer n.mu.Unlock()
		late := now.Sub(time.Unix(0, due))
		n.most, n.sum, n.n = max(n.most, late), n.sum+late, n.n+1
	}))
	t.Cleanup(server.Close)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
	cmd.Env = append(os.Environ(), metronome+"="+server.URL+"/")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return n
}

// since returns the longest and the mean delay since it was asked last.
func (n *noise) since() (most, mean time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	most, mean = n.most, n.sum/time.Duration(max(1, n.n))
	n.most, n.sum, n.n = 0, 0, 0
	return most, mean
}
