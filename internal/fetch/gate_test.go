package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

func TestGate_FourAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := fetch.NewGate()
		var inside, most atomic.Int32
		var running sync.WaitGroup
		// Given twenty fetches from one host, each of which takes a second; when they all come at once.
		for range 20 {
			running.Go(func() {
				if err := gate.Enter(t.Context(), "a"); err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n > most.Load() {
					most.Store(n)
				}
				<-time.After(time.Second)
				inside.Add(-1)
				gate.Leave("a")
			})
		}
		synctest.Wait()
		// Then four are inside, another host isn't kept waiting, all get in within five seconds, nothing is left over.
		if inside.Load() != 4 {
			t.Errorf("%d are inside, want 4", inside.Load())
		}
		if err := gate.Enter(t.Context(), "b"); err != nil {
			t.Error(err)
		}
		gate.Leave("b")
		began := time.Now()
		running.Wait()
		if took := time.Since(began); most.Load() != 4 || took != 5*time.Second {
			t.Errorf("at most %d were inside, in %s", most.Load(), took)
		}
		if gate.Hosts() != 0 {
			t.Errorf("%d hosts are remembered for nothing", gate.Hosts())
		}
	})
}

func TestGate_WaitingEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := fetch.NewGate()
		for range 4 {
			gate.Enter(t.Context(), "a")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		if err := gate.Enter(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		for range 4 {
			gate.Leave("a")
		}
		if gate.Hosts() != 0 {
			t.Errorf("%d hosts are remembered for nothing", gate.Hosts())
		}
	})
}

func TestGet_FifthWaits(t *testing.T) {
	t.Parallel()
	// Given four fetches that the server holds.
	arrived, release := make(chan string, 8), make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- r.URL.Path
		<-release
		fmt.Fprint(w, "bytes")
	})
	client := newClient(t, fetch.Config{Allow: loopback()})
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			if _, err := client.Get(t.Context(), server.URL+"/held", fetch.Validators{}); err != nil {
				t.Error(err)
			}
		})
	}
	for range 4 {
		<-arrived
	}
	// When a fifth comes whose caller has little time; then it waits in vain, and the caller's deadline is what it gets.
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Get(ctx, server.URL+"/fifth", fetch.Validators{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if len(arrived) != 0 {
		t.Errorf("the server was asked for %s", <-arrived)
	}
	// And once the four are served there is room again.
	close(release)
	running.Wait()
	if _, err := client.Get(t.Context(), server.URL, fetch.Validators{}); err != nil {
		t.Error(err)
	}
}

func TestGet_WaitingTakesAllTheTime(t *testing.T) {
	t.Parallel()
	// Given four fetches that the server holds for ever; when their time and that of a fifth ends; then all are time-outs.
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	client := newClient(t, fetch.Config{Allow: loopback(), Timeout: 100 * time.Millisecond})
	var running sync.WaitGroup
	for range 5 {
		running.Go(func() {
			_, err := client.Get(t.Context(), server.URL, fetch.Validators{})
			if got, ok := errors.AsType[*fetch.Error](err); !ok || got.Reason != fetch.Timeout {
				t.Errorf("got %v", err)
			}
		})
	}
	running.Wait()
}
