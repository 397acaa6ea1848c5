package web_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/web"
)

const (
	group  = "120363019502650977-group"
	token  = "tok-MARKED-5f2c"
	secret = "SECRETMARK"
)

// site is a server under test with what stands behind it.
type site struct {
	*httptest.Server

	web   *web.Server
	redis redis.UniversalClient
	log   *logBuffer
	mini  *redistest.MiniServer
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newSite(t *testing.T, change func(*web.Config)) *site {
	t.Helper()
	mini := redistest.Mini(t)
	s := newSiteOn(t, mini.Client(t), change)
	s.mini = mini
	return s
}

func newSiteOn(t *testing.T, rdb redis.UniversalClient, change func(*web.Config)) *site {
	t.Helper()
	client, err := enqueue.New(rdb)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	s := &site{redis: rdb, log: &logBuffer{}}
	cfg := web.Config{
		Updates: client, Redis: rdb,
		Logger: slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&cfg)
	}
	if s.web, err = web.New(cfg); err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(s.web.Handler())
	t.Cleanup(s.Close)
	return s
}

// answer is a response with its body read.
type answer struct {
	*http.Response

	body string
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("body %q is no JSON object: %v", a.body, err)
	}
	return m
}

// call makes a request; header is pairs of name and value, "Host" included.
func (s *site) call(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		switch {
		case header[i] == "Host":
			r.Host = header[i+1]
		case header[i+1] == "":
			r.Header.Del(header[i])
		default:
			r.Header.Add(header[i], header[i+1])
			if header[i] == "Content-Type" {
				r.Header.Set(header[i], header[i+1])
			}
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(text)}
}

// post sends an update given as pairs of field and value.
func (s *site) post(t *testing.T, fields map[string]any, header ...string) answer {
	t.Helper()
	b, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return s.call(t, http.MethodPost, "/v1/updates", string(b), header...)
}

func jpegBase64(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 300, 300)), nil); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func wantStatus(t *testing.T, a answer, status int) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("got status %d, want %d; body: %s", a.StatusCode, status, a.body)
	}
}

func wantProblem(t *testing.T, a answer, status int, reason string) map[string]any {
	t.Helper()
	wantStatus(t, a, status)
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("got Content-Type %q, want application/problem+json", got)
	}
	m := a.json(t)
	if m["reason"] != reason || m["status"] != float64(status) || m["type"] != "/#"+reason || m["title"] == "" || m["detail"] == "" {
		t.Errorf("got problem %s, want reason %q and status %d with type, title and detail", a.body, reason, status)
	}
	return m
}

// wantClean fails when a text holds what must not leave.
func wantClean(t *testing.T, where, text string, marks ...string) {
	t.Helper()
	for _, mark := range marks {
		if strings.Contains(text, mark) {
			t.Errorf("%s holds %q: %.600s", where, mark, text)
		}
	}
}
