package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

const large = 64 << 10

func TestGet_WhenLargeTable(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		if r.URL.Query().Get("says") != "" {
			w.Header().Set("Content-Length", strconv.Itoa(n))
		} else {
			w.(http.Flusher).Flush()
		}
		w.Write(bytes.Repeat([]byte("x"), n))
	})
	for _, row := range []struct{ bytes, want int }{{0, 0}, {1, 0}, {large, 0}, {large + 1, 1}, {300_000, 1}} {
		for _, says := range []string{"", "&says=it"} {
			client := newClient(t, fetch.Config{Allow: loopback(), MaxBytes: 300_000})
			asked := 0
			body, err := client.Get(t.Context(), server.URL+"?n="+strconv.Itoa(row.bytes)+says, fetch.Validators{},
				fetch.WhenLarge(func(context.Context) error { asked++; return nil }))
			if err != nil || len(body.Bytes) != row.bytes || asked != row.want {
				t.Errorf("%d%s: %d bytes, %v, asked %d times; want %d", row.bytes, says, len(body.Bytes), err, asked, row.want)
			}
		}
	}
	// And what is too large by its header is refused before anybody waits; by counting, after it.
	for says, want := range map[string]int{"": 1, "&says=it": 0} {
		asked := 0
		_, err := newClient(t, fetch.Config{Allow: loopback(), MaxBytes: 300_000}).Get(t.Context(), server.URL+"?n=300001"+says, fetch.Validators{},
			fetch.WhenLarge(func(context.Context) error { asked++; return nil }))
		wantError(t, err, fetch.TooLarge)
		if asked != want {
			t.Errorf("too large%s: asked %d times; want %d", says, asked, want)
		}
	}
}

func TestGet_WhenLargeIsAskedBeforeTheRest(t *testing.T) {
	t.Parallel()
	for _, says := range []bool{false, true} {
		// Given a server that sends the rest only when somebody was asked; when fetched; then all arrives.
		asked := make(chan struct{})
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			sent := large + 1
			if says {
				w.Header().Set("Content-Length", strconv.Itoa(2*large))
				sent = 0
			}
			w.Write(make([]byte, sent))
			w.(http.Flusher).Flush()
			select {
			case <-asked:
				w.Write(make([]byte, 2*large-sent))
			case <-r.Context().Done():
			}
		})
		body, err := newClient(t, fetch.Config{Allow: loopback(), Timeout: 5 * time.Second}).Get(t.Context(), server.URL, fetch.Validators{},
			fetch.WhenLarge(func(context.Context) error { close(asked); return nil }))
		if err != nil || len(body.Bytes) != 2*large {
			t.Errorf("got %d bytes, %v", len(body.Bytes), err)
		}
	}
}

func TestGet_WhenLargeEndsTheFetch(t *testing.T) {
	t.Parallel()
	busy := errors.New("busy")
	ours := &fetch.Error{Reason: fetch.Network}
	for _, row := range []struct {
		name string
		wait func(context.Context) error
		want error
	}{
		{"at once", func(context.Context) error { return busy }, busy},
		{"with what looks like the server's fault", func(context.Context) error { return ours }, ours},
		{"when the fetch's time is up", func(ctx context.Context) error { <-ctx.Done(); return busy }, busy},
		{"late, so that the rest can't arrive", func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			<-time.After(time.Until(deadline) * 3 / 4)
			return nil
		}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			// Given a server that announces a large photo and sends none.
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/other" {
					return
				}
				w.Header().Set("Content-Length", strconv.Itoa(2*large))
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			})
			client := newClient(t, fetch.Config{Allow: loopback(), Timeout: 300 * time.Millisecond})
			// When the one who is asked ends the fetch many times; then that is what comes back, and the server isn't left alone.
			for range 6 {
				_, err := client.Get(t.Context(), server.URL, fetch.Validators{}, fetch.WhenLarge(row.wait))
				if row.want == nil {
					wantError(t, err, fetch.Timeout)
				} else if err != row.want { //nolint:errorlint // as it is
					t.Fatalf("got %v; want %v", err, row.want)
				}
			}
			if _, err := client.Get(t.Context(), server.URL+"/other", fetch.Validators{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestGet_WhenLargeOutlivesTheCaller(t *testing.T) {
	t.Parallel()
	// Given somebody who waits when the caller gives up; when he says why; then the caller gets his own cause all the same.
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 2*large)) })
	cause := errors.New("the worker stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := newClient(t, fetch.Config{Allow: loopback()}).Get(ctx, server.URL, fetch.Validators{}, fetch.WhenLarge(func(ctx context.Context) error {
		cancel(cause)
		<-ctx.Done()
		return errors.New("busy")
	}))
	if !errors.Is(err, cause) {
		t.Errorf("got %v; want the cause", err)
	}
}

func TestGet_WhenLargeSaysNothingAboutTheServer(t *testing.T) {
	t.Parallel()
	// Given a server with four failures in a row; when a caller ends a fetch from it himself; then that ends the row no more
	// than it goes on with it, and the fifth failure is the one after which the server is left alone.
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/large" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Write(make([]byte, 2*large))
	})
	client := newClient(t, fetch.Config{Allow: loopback()})
	busy := errors.New("busy")
	for _, path := range []string{"/", "/", "/", "/", "/large", "/", "/"} {
		_, err := client.Get(t.Context(), server.URL+path, fetch.Validators{}, fetch.WhenLarge(func(context.Context) error { return busy }))
		if path == "/large" && !errors.Is(err, busy) {
			t.Fatalf("got %v", err)
		}
	}
	_, err := client.Get(t.Context(), server.URL+"/large", fetch.Validators{})
	if got := wantError(t, err, fetch.Unavailable); got.Detail != "it has failed 5 times in a row; left alone for 30s" {
		t.Errorf("got %v", err)
	}
}
