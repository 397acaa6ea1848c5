package web_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/web"
)

func TestToken(t *testing.T) {
	t.Parallel()
	open, closed := newSite(t, nil), newSite(t, func(c *web.Config) { c.Token = token })
	const (
		basic    = "Basic YW55Om90aGVy"                 // any:other
		basicTok = "Basic YW55OnRvay1NQVJLRUQtNWYyYw==" // any:token
	)
	for _, tt := range []struct {
		name          string
		site          *site
		path, auth    string
		status        int
		wantChallenge string
	}{
		{"API open", open, "/v1/updates/a", "", 404, ""},
		{"API open with a needless token", open, "/v1/updates/a", "Bearer x", 404, ""},
		{"UI open", open, "/monitoring/", "", 200, ""},
		{"API without", closed, "/v1/updates/a", "", 401, "Bearer"},
		{"API collection without", closed, "/v1/updates", "", 401, "Bearer"},
		{"API unknown without", closed, "/v1/other", "", 401, "Bearer"},
		{"API wrong", closed, "/v1/updates/a", "Bearer wrong", 401, "Bearer"},
		{"API beginning of it", closed, "/v1/updates/a", "Bearer " + token[:8], 401, "Bearer"},
		{"API longer", closed, "/v1/updates/a", "Bearer " + token + "x", 401, "Bearer"},
		{"API empty", closed, "/v1/updates/a", "Bearer ", 401, "Bearer"},
		{"API without scheme", closed, "/v1/updates/a", token, 401, "Bearer"},
		{"API by password", closed, "/v1/updates/a", basicTok, 401, "Bearer"},
		{"API right", closed, "/v1/updates/a", "Bearer " + token, 404, ""},
		{"API right, small letters", closed, "/v1/updates/a", "bearer " + token, 404, ""},
		{"UI without", closed, "/monitoring/", "", 401, "Basic"},
		{"UI API without", closed, "/monitoring/api/queues", "", 401, "Basic"},
		{"UI file without", closed, "/monitoring/favicon.ico", "", 401, "Basic"},
		{"UI wrong password", closed, "/monitoring/", basic, 401, "Basic"},
		{"UI right password", closed, "/monitoring/", basicTok, 200, ""},
		{"UI bearer", closed, "/monitoring/api/queues", "Bearer " + token, 200, ""},
		{"live without", closed, "/livez", "", 200, ""},
		{"ready without", closed, "/readyz", "", 200, ""},
		{"page without", closed, "/", "", 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := tt.site.call(t, http.MethodGet, tt.path, "", "Authorization", tt.auth)
			wantStatus(t, a, tt.status)
			if got := a.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, tt.wantChallenge) || (got == "") != (tt.wantChallenge == "") {
				t.Errorf("got challenge %q, want %q", got, tt.wantChallenge)
			}
			wantClean(t, "the answer", a.body, token)
		})
	}
}

// A page of a foreign origin must not change anything, and a foreign name that
// points at this machine must not be answered when there is no token.
func TestHostAndOrigin(t *testing.T) {
	t.Parallel()
	open := newSite(t, func(c *web.Config) { c.Actions = true })
	closed := newSite(t, func(c *web.Config) { c.Token, c.Actions = token, true })
	auth := []string{"Authorization", "Bearer " + token}
	self := strings.TrimPrefix(open.URL, "http://")
	for _, tt := range []struct {
		name         string
		site         *site
		method, path string
		header       []string
		status       int
	}{
		{"localhost", open, "GET", "/v1/updates/a", []string{"Host", "localhost:8080"}, 404},
		{"name below localhost", open, "GET", "/v1/updates/a", []string{"Host", "app.localhost"}, 404},
		{"localhost with a dot", open, "GET", "/v1/updates/a", []string{"Host", "LOCALHOST.:80"}, 404},
		{"IPv6 loopback", open, "GET", "/v1/updates/a", []string{"Host", "[::1]:8080"}, 404},
		{"IPv6 loopback without port", open, "GET", "/v1/updates/a", []string{"Host", "[::1]"}, 404},
		{"127.1.2.3", open, "GET", "/v1/updates/a", []string{"Host", "127.1.2.3"}, 404},
		{"rebound name", open, "GET", "/v1/updates/a", []string{"Host", "evil.example"}, 403},
		{"rebound name, UI", open, "GET", "/monitoring/", []string{"Host", "evil.example:8080"}, 403},
		{"rebound name, page", open, "GET", "/", []string{"Host", "evil.example:8080"}, 403},
		{"name that only looks it", open, "GET", "/v1/updates/a", []string{"Host", "localhost.evil.example"}, 403},
		{"address that is not loopback", open, "GET", "/v1/updates/a", []string{"Host", "10.0.0.7:8080"}, 403},
		{"probe by any name", open, "GET", "/readyz", []string{"Host", "pod-7.example"}, 200},
		{"any name with a token", closed, "GET", "/v1/updates/a", append([]string{"Host", "photos.example"}, auth...), 404},

		{"other origin posts", open, "POST", "/v1/updates", []string{"Origin", "https://evil.example"}, 403},
		{"other origin deletes", open, "DELETE", "/v1/updates/a", []string{"Origin", "https://evil.example"}, 403},
		{"other site posts", open, "POST", "/v1/updates", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"opaque origin posts", open, "POST", "/v1/updates", []string{"Origin", "null"}, 403},
		{"other port posts", open, "POST", "/v1/updates", []string{"Origin", "http://127.0.0.1:1"}, 403},
		{"other origin acts in the UI", open, "POST", "/monitoring/api/queues/photo.main:pause", []string{"Origin", "https://evil.example"}, 403},
		{"other origin with a token", closed, "POST", "/v1/updates", append([]string{"Origin", "https://evil.example"}, auth...), 403},
		{"same origin posts", open, "POST", "/v1/updates", []string{"Origin", "http://" + self}, 400},
		{"same site by the browser's word", open, "POST", "/v1/updates", []string{"Sec-Fetch-Site", "same-origin"}, 400},
		{"no browser posts", open, "POST", "/v1/updates", nil, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := tt.site.call(t, tt.method, tt.path, "", tt.header...)
			wantStatus(t, a, tt.status)
			if got := a.Header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("got Access-Control-Allow-Origin %q, want none", got)
			}
		})
	}
}

func TestCheckExposure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		addr  string
		token bool
		ok    bool
	}{
		{"127.0.0.1:8080", false, true},
		{"127.9.9.9:0", false, true},
		{"[::1]:8080", false, true},
		{"[::ffff:127.0.0.1]:8080", false, true},
		{"localhost:8080", false, true},
		{":8080", false, false},
		{"0.0.0.0:8080", false, false},
		{"[::]:8080", false, false},
		{"10.0.0.5:8080", false, false},
		{"[fe80::1%eth0]:8080", false, false},
		{"photos.example:8080", false, false},
		{"localhost.example:8080", false, false},
		{"0.0.0.0:8080", true, true},
		{":8080", true, true},
		{"8080", true, false},
		{"127.0.0.1", false, false},
		{"", false, false},
	} {
		t.Run(fmt.Sprintf("%s token %t", tt.addr, tt.token), func(t *testing.T) {
			t.Parallel()
			err := web.CheckExposure(tt.addr, tt.token)
			if (err == nil) != tt.ok {
				t.Fatalf("got %v, want ok %t", err, tt.ok)
			}
			if err != nil && (strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "127.0.0.1")) {
				t.Errorf("got %q, want one line with the mend", err)
			}
		})
	}
}

func TestNew_BadConfig(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"with space", "line\nbreak", "ünïcode"} {
		s := newSite(t, nil)
		_, err := web.New(web.Config{Updates: fake{}, Redis: s.redis, Token: bad})
		if err == nil || strings.Contains(err.Error(), bad) {
			t.Errorf("token %q: got %v, want an error that does not repeat it", bad, err)
		}
		if err := web.CheckToken(bad); err == nil || strings.Contains(err.Error(), bad) {
			t.Errorf("token %q checked alone: got %v, want an error that does not repeat it", bad, err)
		}
	}
	for _, good := range []string{"", token} {
		if err := web.CheckToken(good); err != nil {
			t.Errorf("token %q: %v", good, err)
		}
	}
	if _, err := web.New(web.Config{}); err == nil || !strings.Contains(err.Error(), "Redis") || !strings.Contains(err.Error(), "client") {
		t.Errorf("got %v, want both problems", err)
	}
	c := web.Config{Token: token}
	wantClean(t, "the printed config", fmt.Sprintf("%v %+v %#v %s", c, c, c, c.LogValue()), token)
}

// given a listener of all addresses and no token;
// when it is served;
// then it is refused and closed.
func TestServe_ExposedWithoutToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.web.Serve(l); err == nil || !strings.Contains(err.Error(), "no token is set") {
		t.Fatalf("got %v, want a refusal", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want the listener closed", err)
	}
}

// given a server that serves;
// when it is shut down;
// then Serve returns nil, and readiness says so meanwhile.
func TestServe_UntilShutdown(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.web.Serve(l) }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+"/livez", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.web.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Errorf("got %v, want nil", err)
	}
	if a := s.call(t, http.MethodGet, "/readyz", ""); a.StatusCode != 503 || a.body != "not ready: shutting down\n" {
		t.Errorf("got %d %q", a.StatusCode, a.body)
	}
	if err := s.redis.Ping(t.Context()).Err(); err != nil {
		t.Errorf("the shared connection is closed: %v", err)
	}
}

func TestReadyz(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		err    error
		status int
		body   string
	}{
		{"ready", nil, 200, "ready\n"},
		{"a public reason", fmt.Errorf("checking: %w", web.NotReady("draining")), 503, "not ready: draining\n"},
		{"an inner reason", errors.New("dial tcp 10.0.0.7:6379: " + secret), 503, "not ready\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *web.Config) { c.Ready = func(context.Context) error { return tt.err } })
			a := s.call(t, http.MethodGet, "/readyz", "")
			if a.StatusCode != tt.status || a.body != tt.body {
				t.Errorf("got %d %q, want %d %q", a.StatusCode, a.body, tt.status, tt.body)
			}
			if a := s.call(t, http.MethodGet, "/livez", ""); a.StatusCode != 200 || a.body != "alive\n" {
				t.Errorf("livez: got %d %q", a.StatusCode, a.body)
			}
		})
	}
}

func TestIndex(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	a := s.call(t, http.MethodGet, "/", "")
	wantStatus(t, a, http.StatusOK)
	for _, want := range append(web.ProblemReasons(), "/monitoring/", "/readyz", "/livez", "POST /v1/updates", "prefers-color-scheme: dark") {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if policy := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") {
		t.Errorf("got policy %q", policy)
	}
}
