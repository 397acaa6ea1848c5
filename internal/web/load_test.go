package web_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/web"
)

// given six photos of exactly 10 MiB;
// when they are posted at the same time;
// then each is accepted, although only four are in memory at a time.
func TestUpdates_LargestPhotosTogether(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	picture := append([]byte("\xff\xd8\xff\xe0"), make([]byte, enqueue.MaxPhoto-4)...)
	body := `{"groupId": "` + group + `", "groupPhoto": "` + base64.StdEncoding.EncodeToString(picture) + `"}`
	var calls []<-chan answer
	for range 6 {
		calls = append(calls, background(func() answer {
			a := s.call(t, http.MethodPost, "/v1/updates", body)
			// On a machine that is slow enough they are too many at a time, and told to come again.
			for tries := 0; a.StatusCode == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "" && tries < 20; tries++ {
				a = s.call(t, http.MethodPost, "/v1/updates", body)
			}
			return a
		}))
	}
	for _, c := range calls {
		wantStatus(t, <-c, http.StatusAccepted)
	}
}

// given four large bodies that do not end, and a server that is told to end;
// when a fifth arrives;
// then it is sent away to come again.
func TestUpdates_TooManyLargeBodies(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	var callers []net.Conn
	for range 4 {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		callers = append(callers, c)
		const head = "POST /v1/updates HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n{"
		if _, err := io.WriteString(c, head); err != nil {
			t.Fatal(err)
		}
	}
	redistest.Eventually(t, 10*time.Second, func() bool { return web.LargeBodies(s.web) == 4 }, "four bodies are being read")
	if err := s.web.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := s.call(t, http.MethodPost, "/v1/updates", `{"groupPhoto": "`+strings.Repeat("A", 2<<20)+`"}`)
	wantProblem(t, a, http.StatusServiceUnavailable, "busy")
	if a.Header.Get("Retry-After") == "" {
		t.Error("got no Retry-After")
	}
	for _, c := range callers {
		_ = c.Close()
	}
	redistest.Eventually(t, 10*time.Second, func() bool { return web.LargeBodies(s.web) == 0 }, "the callers' places are free again")
}

// given one Idempotency-Key;
// when ten callers post with it at the same time;
// then one of them is the first and the others are told so.
func TestUpdates_SameKeyTogether(t *testing.T) {
	t.Parallel()
	s := newSiteOn(t, redistest.Real(t).Client(t), nil)
	var calls []<-chan answer
	for range 10 {
		calls = append(calls, background(func() answer { return s.call(t, http.MethodPost, "/v1/updates", goodBody, "Idempotency-Key", "one") }))
	}
	first := 0
	for _, c := range calls {
		a := <-c
		wantStatus(t, a, http.StatusAccepted)
		if a.json(t)["duplicate"] == false {
			first++
		}
	}
	if first != 1 {
		t.Errorf("got %d first ones, want 1", first)
	}
}

// given a client that takes its time;
// when the caller hangs up;
// then that ends the work, and the log says so.
func TestUpdates_CallerHangsUp(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	s := newSite(t, func(c *web.Config) {
		c.Updates = fake{c.Updates, func(ctx context.Context, _ enqueue.Update) (enqueue.Receipt, error) {
			close(begun)
			<-ctx.Done()
			return enqueue.Receipt{}, context.Cause(ctx)
		}}
	})
	ctx, hangUp := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v1/updates", strings.NewReader(goodBody))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	go func() {
		<-begun
		hangUp()
	}()
	if resp, err := http.DefaultClient.Do(r); err == nil {
		_ = resp.Body.Close()
		t.Fatalf("got status %d, want none", resp.StatusCode)
	}
	redistest.Eventually(t, 5*time.Second, func() bool { return strings.Contains(s.log.String(), `"status":499`) }, "the log says 499")
}

func TestLog_OneEventPerRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.call(t, http.MethodGet, "/v1/updates/order-881?account=main", "")
	var event map[string]any
	if err := json.Unmarshal([]byte(s.log.String()), &event); err != nil {
		t.Fatalf("the log is not one event: %v\n%s", err, s.log)
	}
	if took, ok := event["duration_ms"].(float64); !ok || took < 0 || took > 60_000 {
		t.Errorf("got duration_ms %v", event["duration_ms"])
	}
	if size, ok := event["bytes"].(float64); !ok || size < 100 {
		t.Errorf("got bytes %v", event["bytes"])
	}
	delete(event, "duration_ms")
	delete(event, "bytes")
	delete(event, "time")
	want := map[string]any{"level": "INFO", "msg": "http.answered", "method": "GET", "route": "/v1/updates/{id}", "status": 404.0}
	if diff := cmp.Diff(want, event); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}
