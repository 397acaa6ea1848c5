package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/plugchat-go/groupphoto/internal/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

func newSender(t *testing.T, c webhook.Config) *webhook.Sender {
	t.Helper()
	if c.Secrets == nil {
		c.Secrets = []webhook.Secret{secret(t, oursSecret)}
	}
	s, err := webhook.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.CloseIdle)
	return s
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func event() webhook.Event {
	return webhook.Event{
		ID: "evt-1", Type: "account.paused", Data: map[string]string{"account": "main"},
		Time: time.Date(2026, 11, 2, 7, 0, 0, 0, time.FixedZone("", -3*60*60)),
	}
}

func wantError(t *testing.T, err error) *webhook.Error {
	t.Helper()
	got, ok := errors.AsType[*webhook.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *webhook.Error", err)
	}
	return got
}

func TestSend_RequestIsWhatIsPromised(t *testing.T) {
	t.Parallel()
	// given a receiver that keeps what it gets, and a secret that is being replaced
	type kept struct {
		method, uri string
		header      http.Header
		body        []byte
	}
	got := make(chan kept, 2)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- kept{r.Method, r.RequestURI, r.Header.Clone(), body}
		w.WriteHeader(http.StatusNoContent)
	})
	old, fresh := secret(t, oursSecret), secret(t, theirsSecret)
	s := newSender(t, webhook.Config{URL: server.URL + "/in?key=k#part", Secrets: []webhook.Secret{fresh, old}, Allow: loopback(), UserAgent: "groupphoto/test"})
	// when an event is sent twice
	for range 2 {
		if status, err := s.Post(t.Context(), event()); err != nil || status != http.StatusNoContent {
			t.Fatalf("got %d, %v", status, err)
		}
	}
	// then both requests carry the same body and id, and hold against either secret
	first, second := <-got, <-got
	if string(first.body) != oursBody || !bytes.Equal(first.body, second.body) {
		t.Errorf("got %s and %s, want %s", first.body, second.body, oursBody)
	}
	if first.method != http.MethodPost || first.uri != "/in?key=k" {
		t.Errorf("got %s %s", first.method, first.uri)
	}
	h := first.header
	if h.Get("Content-Type") != "application/json" || h.Get("User-Agent") != "groupphoto/test" || h.Get("webhook-id") != "evt-1" || second.header.Get("webhook-id") != "evt-1" {
		t.Errorf("got %v", h)
	}
	for name, s := range map[string]webhook.Secret{"old": old, "new": fresh} {
		if err := webhook.Verify(s, h, first.body, time.Now()); err != nil {
			t.Errorf("%s secret: %v", name, err)
		}
	}
	if want := fresh.Sign("evt-1", h.Get("webhook-timestamp"), first.body) + " " + old.Sign("evt-1", h.Get("webhook-timestamp"), first.body); h.Get("webhook-signature") != want {
		t.Errorf("got %s, want the new secret's signature first: %s", h.Get("webhook-signature"), want)
	}
}

func TestSend_StatusTable(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		w.Header().Set("Location", "/200")
		w.WriteHeader(status)
	})
	later := map[int]bool{408: true, 425: true, 429: true}
	tried := int64(0)
	for status := 200; status < 600; status++ {
		if http.StatusText(status) == "" {
			continue
		}
		s := newSender(t, webhook.Config{URL: server.URL + "/" + strconv.Itoa(status), Allow: loopback()})
		got, err := s.Post(t.Context(), event())
		tried++
		if got != status || (err == nil) != (status < 300) {
			t.Errorf("%d: got %d, %v", status, got, err)
		}
		if err == nil {
			continue
		}
		if e := wantError(t, err); e.Status != status || e.Permanent != (status < 500 && !later[status]) || !strings.Contains(e.Error(), "status "+strconv.Itoa(status)) {
			t.Errorf("%d: got %+v: %v", status, e, e)
		}
	}
	// Redirects among them: each Send is one request.
	if asked.Load() != tried {
		t.Errorf("%d requests for %d events", asked.Load(), tried)
	}
}

func TestSend_RetryAfter(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, value string
		least, most time.Duration
	}{
		{"missing", "", 0, 0},
		{"seconds", "30", 30 * time.Second, 30 * time.Second},
		{"no time at all", "0", time.Second, time.Second},
		{"for ever", "99999999999999999999", time.Hour, time.Hour},
		{"nonsense", "-5", 0, 0},
		{"date", time.Now().Add(20 * time.Minute).UTC().Format(http.TimeFormat), 19 * time.Minute, 20 * time.Minute},
		{"date gone by", "Mon, 02 Nov 2020 10:00:00 GMT", time.Second, time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if row.value != "" {
					w.Header().Set("Retry-After", row.value)
				}
				w.WriteHeader(http.StatusTooManyRequests)
			})
			e := wantError(t, newSender(t, webhook.Config{URL: server.URL, Allow: loopback()}).Send(t.Context(), event()))
			if e.Permanent || e.RetryAfter < row.least || e.RetryAfter > row.most {
				t.Errorf("got %+v, want from %s to %s", e, row.least, row.most)
			}
		})
	}
}

// The receiver of these never ends its answer by itself.
func TestSend_HangingReceiver(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the sender is gone
		asked <- struct{}{}
		<-r.Context().Done()
	})
	t.Run("until the caller gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("the caller has gone")
		go func() {
			<-asked
			cancel(gone)
		}()
		err := newSender(t, webhook.Config{URL: server.URL, Allow: loopback()}).Send(ctx, event())
		if _, ok := errors.AsType[*webhook.Error](err); ok || !errors.Is(err, gone) {
			t.Errorf("got %v, want the caller's own reason", err)
		}
	})
	t.Run("until the time is over", func(t *testing.T) {
		err := newSender(t, webhook.Config{URL: server.URL, Allow: loopback(), Timeout: 50 * time.Millisecond}).Send(t.Context(), event())
		<-asked
		if e := wantError(t, err); e.Permanent || e.Status != 0 || !strings.Contains(e.Detail, "within 50ms") {
			t.Errorf("got %+v", e)
		}
	})
}

func TestSend_BodiesThatDoNotEnd(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]http.HandlerFunc{
		"a giant one": func(w http.ResponseWriter, _ *http.Request) {
			junk := bytes.Repeat([]byte("x"), 1<<20)
			for range 1 << 20 {
				if _, err := w.Write(junk); err != nil {
					return // the sender hangs up: else this would be a terabyte
				}
			}
			t.Error("everything was read")
		},
		"a slow one": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"another protocol's": func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn) // until the sender hangs up
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, body)
			status, err := newSender(t, webhook.Config{URL: server.URL, Allow: loopback()}).Post(t.Context(), event())
			if status == http.StatusSwitchingProtocols {
				err = map[bool]error{false: errors.New("want a permanent error"), true: nil}[wantError(t, err).Permanent]
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSend_HeadThatIsTooLong(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 64<<10)) })
	if e := wantError(t, newSender(t, webhook.Config{URL: server.URL, Allow: loopback()}).Send(t.Context(), event())); e.Permanent || e.Status != 0 {
		t.Errorf("got %+v", e)
	}
}

func TestSend_EventsThatAreNone(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	s := newSender(t, webhook.Config{URL: server.URL, Allow: loopback()})
	for name, change := range map[string]func(*webhook.Event){
		"no id":              func(e *webhook.Event) { e.ID = "" },
		"id with a stop":     func(e *webhook.Event) { e.ID = "a.b" },
		"id with a space":    func(e *webhook.Event) { e.ID = "a b" },
		"id with a line end": func(e *webhook.Event) { e.ID = "a\r\nX: y" },
		"long id":            func(e *webhook.Event) { e.ID = strings.Repeat("a", 129) },
		"no type":            func(e *webhook.Event) { e.Type = "" },
		"type of no words":   func(e *webhook.Event) { e.Type = "account..paused" },
		"no time":            func(e *webhook.Event) { e.Time = time.Time{} },
		"a year beyond JSON": func(e *webhook.Event) { e.Time = time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC) },
		"data beyond JSON":   func(e *webhook.Event) { e.Data = math.NaN() },
	} {
		e := event()
		change(&e)
		if got := wantError(t, s.Send(t.Context(), e)); !got.Permanent || got.Status != 0 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestEvent_NoDataIsNull(t *testing.T) {
	t.Parallel()
	got := make(chan []byte, 1)
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- body
	})
	e := event()
	e.Data = nil
	if err := newSender(t, webhook.Config{URL: server.URL, Allow: loopback()}).Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(<-got, &body); err != nil || string(body["data"]) != "null" || len(body) != 4 {
		t.Errorf("got %s, %v", body, err)
	}
}
