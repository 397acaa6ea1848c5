package plugchat_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// stale is a server that answers the first request of every connection and does something else with the second.
type stale struct {
	listener net.Listener
	requests atomic.Int64
}

func newStale(t *testing.T, second func(*stale, net.Conn, *bufio.Reader)) *stale {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stale{listener: listener}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				if s.take(r) {
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"value\":true}")
					second(s, conn, r)
				}
			}()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return s
}

// take reads one whole request and counts it.
func (s *stale) take(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return false
	}
	s.requests.Add(1)
	return true
}

func TestUpdate_ConnectionDiesUnderTheSecondRequest(t *testing.T) {
	t.Parallel()
	// given a server that reads the second request of a connection and hangs up, when two calls are made, then the second is lost and not sent again:
	// net/http does repeat requests on such a connection when it thinks it may.
	s := newStale(t, func(s *stale, _ net.Conn, r *bufio.Reader) { s.take(r) })
	c := newClient(t, plugchat.Config{BaseURL: "http://" + s.listener.Addr().String()})
	if value, err := c.UpdateGroupPhoto(t.Context(), call()); err != nil || !value {
		t.Fatalf("first call: got %t, %v", value, err)
	}
	_, err := c.UpdateGroupPhoto(t.Context(), call())
	if e := failureOf(t, err); e.Class != plugchat.Lost || !e.Sent {
		t.Errorf("second call: got %v, class %s, sent %t, want lost", err, e.Class, e.Sent)
	}
	if got := s.requests.Load(); got != 2 {
		t.Errorf("the server saw %d requests for two calls", got)
	}
}

func TestUpdate_IdleConnectionClosedByTheServer(t *testing.T) {
	t.Parallel()
	// given a server that closes each connection right after its answer without saying so, when many calls race with the closing,
	// then a call is either answered by exactly one request or fails, and no call is ever seen twice.
	s := newStale(t, func(*stale, net.Conn, *bufio.Reader) {})
	c := newClient(t, plugchat.Config{BaseURL: "http://" + s.listener.Addr().String()})
	for i := range 200 {
		before := s.requests.Load()
		value, err := c.UpdateGroupPhoto(t.Context(), call())
		seen := s.requests.Load() - before
		switch {
		case seen > 1:
			t.Fatalf("call %d reached the server %d times", i, seen)
		case err == nil && (!value || seen != 1):
			t.Fatalf("call %d: got %t with %d requests", i, value, seen)
		case err != nil && failureOf(t, err).Class != plugchat.Lost && failureOf(t, err).Class != plugchat.Transient:
			t.Fatalf("call %d: got %v, want a lost or a transient one", i, err)
		}
	}
}

func TestUpdate_BodyIsNotGivenTwice(t *testing.T) {
	t.Parallel()
	// given a transport that asks for the body again after having read it, as HTTP/2 does, when it does so, then it gets none; before reading it gets one.
	transport := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		unread, err := r.GetBody()
		if err != nil {
			t.Errorf("nothing was read yet: got %v, want a body", err)
			return nil, err
		}
		_, _ = unread.Read(make([]byte, 1))
		if _, err := r.GetBody(); err == nil {
			t.Error("got a second body after the first was read")
		}
		if n, err := r.Body.Read(make([]byte, 10)); n != 0 || err == nil {
			t.Errorf("the other body gave %d bytes, %v", n, err)
		}
		return nil, io.ErrUnexpectedEOF
	})
	_, err := newClient(t, plugchat.Config{Transport: transport}).UpdateGroupPhoto(t.Context(), call())
	if e := failureOf(t, err); !e.Sent || e.Class != plugchat.Lost {
		t.Errorf("got %v, class %s, sent %t", err, e.Class, e.Sent)
	}
}

func TestUpdate_BodyIsDeadAfterTheCall(t *testing.T) {
	t.Parallel()
	// given a transport that fails first and would write later, when it reads the body after the call has ended, then it gets nothing: "not sent" stays true.
	var kept io.ReadCloser
	transport := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		kept = r.Body
		return nil, context.DeadlineExceeded
	})
	_, err := newClient(t, plugchat.Config{Transport: transport}).UpdateGroupPhoto(t.Context(), call())
	if e := failureOf(t, err); e.Sent {
		t.Fatal("nothing was read, yet it says sent")
	}
	if n, err := kept.Read(make([]byte, 10)); n != 0 || err == nil {
		t.Errorf("got %d bytes, %v after the call", n, err)
	}
}
