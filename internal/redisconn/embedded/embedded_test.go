package embedded_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redisconn/embedded"
	"github.com/plugchat-go/groupphoto/internal/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) *embedded.Server {
	t.Helper()
	s, err := embedded.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Given a key that lives a second, when real time passes, then it is gone, and
// one that lives longer is not.
func TestServer_KeysExpire(t *testing.T) {
	t.Parallel()
	s := start(t)
	c, err := redisconn.Open(t.Context(), s.Spec(), redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := errors.Join(c.Set(t.Context(), "short", 1, time.Second).Err(), c.Set(t.Context(), "long", 1, time.Hour).Err()); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, 10*time.Second, func() bool { return c.Exists(t.Context(), "short").Val() == 0 }, "the short key stays")
	if c.Exists(t.Context(), "long").Val() != 1 {
		t.Error("the long key is gone too")
	}
}

// Given a running server, when it is closed twice and at once, then both calls
// return, nothing listens any more, and the address can still be told.
func TestServer_CloseTwice(t *testing.T) {
	t.Parallel()
	s := start(t)
	if !strings.HasPrefix(s.Addr(), "127.0.0.1:") || s.URL() != "redis://"+s.Addr() || s.Spec().String() != s.URL() {
		t.Errorf("address %q, URL %q, spec %s do not agree on loopback", s.Addr(), s.URL(), s.Spec())
	}
	both := make(chan error, 2)
	for range 2 {
		go func() { both <- s.Close() }()
	}
	for range 2 {
		if err := <-both; err != nil {
			t.Error(err)
		}
	}
	if _, err := redisconn.Open(t.Context(), s.Spec(), redisconn.Options{}); err == nil || !strings.Contains(err.Error(), s.Addr()) {
		t.Errorf("opening a closed server: %v, want an error with its address", err)
	}
}

// Given a context that has ended, when a server is started, then there is none.
func TestStart_CancelledContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := embedded.Start(ctx); !errors.Is(err, context.Canceled) || s != nil {
		t.Errorf("Start = %v, %v; want nothing and the context's error", s, err)
	}
}
