package plugchat_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// hook keeps what Call.Wrote was told.
type hook struct {
	told atomic.Int64
	at   atomic.Pointer[time.Time]
}

func (h *hook) on(c plugchat.Call) plugchat.Call {
	c.Wrote = func(began time.Time) {
		h.told.Add(1)
		h.at.Store(&began)
	}
	return c
}

// served starts a server, with TLS or without, and a client of it.
func served(t *testing.T, secure bool, handler http.HandlerFunc) *plugchat.Client {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	transport := plugchat.NewTransport(nil)
	if secure {
		server.StartTLS()
		transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
		transport.TLSClientConfig.RootCAs.AddCert(server.Certificate())
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return newClient(t, plugchat.Config{BaseURL: server.URL, Transport: transport})
}

func TestWrote_OnceWhenTheWritingBegins(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given a server that notes when a request arrives, when photos of every size are sent over one connection, then each call tells its hook once,
			// before it returns, of a moment between its start and the arrival.
			var arrived atomic.Pointer[time.Time]
			c := served(t, secure, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				now := time.Now()
				arrived.Store(&now)
				_, _ = io.WriteString(w, `{"value":true}`)
			})
			for _, size := range []int{3, 24 << 10, 100 << 10, 1 << 20} {
				var h hook
				start := time.Now()
				photo := plugchat.JPEG(append([]byte{0xff, 0xd8, 0xff}, bytes.Repeat([]byte{7}, size)...))
				if ok, err := c.UpdateGroupPhoto(t.Context(), h.on(plugchat.Call{GroupID: group, Photo: photo})); !ok || err != nil {
					t.Fatalf("%d bytes: %t, %v", size, ok, err)
				}
				if got := h.told.Load(); got != 1 {
					t.Fatalf("%d bytes: the hook was told %d times, want once", size, got)
				}
				if at := *h.at.Load(); at.Before(start) || at.After(*arrived.Load()) || !strings.Contains(at.String(), " m=") {
					t.Errorf("%d bytes: told %s, want a monotonic time between %s and %s", size, at, start, arrived.Load())
				}
			}
		})
	}
}

func TestWrote_NotWhenNothingIsWritten(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given a connection in use, when calls come too late or are given up before, then the hook is not told, though a call in time is told of.
			c := served(t, secure, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"value":true}`) })
			canceled, cancel := context.WithCancel(t.Context())
			cancel()
			late := call()
			late.NotAfter = time.Now().Add(-time.Nanosecond)
			for range 3 {
				var inTime, none hook
				if ok, err := c.UpdateGroupPhoto(t.Context(), inTime.on(call())); !ok || err != nil || inTime.told.Load() != 1 {
					t.Errorf("in time: got %t, %v, and the hook was told %d times", ok, err, inTime.told.Load())
				}
				if _, err := c.UpdateGroupPhoto(t.Context(), none.on(late)); !errors.Is(err, plugchat.ErrTooLate) {
					t.Errorf("too late: got %v", err)
				}
				if _, err := c.UpdateGroupPhoto(canceled, none.on(call())); !errors.Is(err, context.Canceled) {
					t.Errorf("given up: got %v", err)
				}
				if got := none.told.Load(); got != 0 {
					t.Errorf("the hook was told %d times of nothing", got)
				}
			}
		})
	}
}

func TestWrote_ExactlyWhenSent(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	read := func(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }
	for _, tc := range []struct {
		name      string
		transport http.RoundTripper // nil: our own, to an address where nobody listens
		call      plugchat.Call
		want      int64
	}{
		{"nobody listens", nil, call(), 0},
		{"a bad call", nil, plugchat.Call{GroupID: group}, 0},
		{"a foreign transport", answering(200, nil, `{"value":true}`), call(), 1},
		{"a foreign transport that fails before writing", roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, io.EOF }), call(), 0},
		{"a foreign transport that fails after writing", roundTripFunc(func(r *http.Request) (*http.Response, error) { read(r); return nil, io.EOF }), call(), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var h hook
			_, err := newClient(t, plugchat.Config{BaseURL: closed.URL, Transport: tc.transport}).UpdateGroupPhoto(t.Context(), h.on(tc.call))
			if e, ok := errors.AsType[*plugchat.Error](err); ok && e.Sent != (tc.want == 1) {
				t.Errorf("got %v, sent %t", err, e.Sent)
			}
			if got := h.told.Load(); got != tc.want {
				t.Errorf("the hook was told %d times, want %d", got, tc.want)
			}
		})
	}
}

func TestWrote_BeforeTheCallReturns(t *testing.T) {
	t.Parallel()
	// given a server that answers without reading, or takes nothing and never answers, when a photo larger than all buffers is sent,
	// then the hook has been told when the call returns, although its first write still waits.
	for name, handler := range map[string]func(context.Context, http.ResponseWriter){
		"answers at once": func(_ context.Context, w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) },
		"hangs":           func(life context.Context, _ http.ResponseWriter) { <-life.Done() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := served(t, false, func(w http.ResponseWriter, _ *http.Request) { handler(t.Context(), w) })
			photo := plugchat.JPEG(append([]byte{0xff, 0xd8, 0xff}, make([]byte, 16<<20)...))
			var h hook
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := c.UpdateGroupPhoto(ctx, h.on(plugchat.Call{GroupID: group, Photo: photo}))
			if e := failureOf(t, err); !e.Sent || h.told.Load() != 1 {
				t.Errorf("got %v, sent %t, and the hook was told %d times", err, e.Sent, h.told.Load())
			}
		})
	}
}

func TestWrote_ConnectionsThatDie(t *testing.T) {
	t.Parallel()
	// given a server that closes each connection right after its answer without saying so, when many calls race with the closing and net/http repeats some,
	// then the hook of each is told once if it was answered or sent, and never else.
	s := newStale(t, func(*stale, net.Conn, *bufio.Reader) {})
	c := newClient(t, plugchat.Config{BaseURL: "http://" + s.listener.Addr().String()})
	for i := range 200 {
		var h hook
		_, err := c.UpdateGroupPhoto(t.Context(), h.on(call()))
		want := int64(1)
		if err != nil && !failureOf(t, err).Sent {
			want = 0
		}
		if got := h.told.Load(); got != want {
			t.Fatalf("call %d, %v: the hook was told %d times, want %d", i, err, got, want)
		}
	}
}
