package plugchat_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func TestNew_ReportsEveryProblem(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		cfg  plugchat.Config
		want []string // nil: no error
	}{
		{"defaults", plugchat.Config{Token: token}, nil},
		{"prefix and scheme", plugchat.Config{Token: token, BaseURL: "http://127.0.0.1:1/a/", AuthScheme: "Bearer"}, nil},
		{"nothing", plugchat.Config{}, []string{"token: is empty"}},
		{"all at once", plugchat.Config{BaseURL: "ftp://x", AuthScheme: "Be arer", Timeout: -1, UserAgent: "a\nb", Token: token + "\n"},
			[]string{"base URL", "authorization scheme", "time-out", "user agent", "line break"}},
		{"query", plugchat.Config{Token: token, BaseURL: "https://h/?t=SECRETQUERY"}, []string{"before any ?"}},
		{"user info", plugchat.Config{Token: token, BaseURL: "https://u:SECRETQUERY@h/"}, []string{"user name or password"}},
		{"not a URL", plugchat.Config{Token: token, BaseURL: "https://h/%zz?SECRETQUERY"}, []string{"not a URL"}},
		{"no host", plugchat.Config{Token: token, BaseURL: "https://:80"}, []string{"name a host"}},
		{"scheme in the token", plugchat.Config{Token: "Bearer " + token}, []string{"contains a space"}},
		{"endless token", plugchat.Config{Token: plugchat.Secret(strings.Repeat("t", 3000))}, []string{"longer than"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := plugchat.New(tc.cfg)
			if (err != nil) != (tc.want != nil) {
				t.Fatalf("error: got %v, want one: %t", err, tc.want != nil)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to say %q", err, want)
				}
			}
			if err != nil && (strings.Contains(err.Error(), "MARKED") || strings.Contains(err.Error(), "SECRETQUERY")) {
				t.Errorf("the error leaks: %q", err)
			}
		})
	}
}

func TestUpdate_SendsExactlyTheDocumentedRequest(t *testing.T) {
	t.Parallel()
	// given a server that keeps what it gets, when photos are sent with and without a scheme, then method, path, headers and every byte of the body are as documented.
	type request struct{ Method, Path, Auth, Type, Accept, Agent, Body string }
	seen := make(chan request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.ContentLength != int64(len(body)) {
			t.Errorf("content length: got %d, want %d", r.ContentLength, len(body))
		}
		h := r.Header
		seen <- request{r.Method, r.RequestURI, h.Get("Authorization"), h.Get("Content-Type"), h.Get("Accept"), h.Get("User-Agent"), string(body)}
		_, _ = io.WriteString(w, `{"value":true}`)
	}))
	t.Cleanup(server.Close)
	for _, tc := range []struct {
		scheme, auth string
		photo        plugchat.Photo
		body         string
	}{
		{"", token, plugchat.JPEG([]byte("\xFF\xD8\xFF\xE0ab")), `{"groupId":"` + group + `","groupPhoto":"data:image/jpeg;base64,/9j/4GFi"}`},
		{"Bearer", "Bearer " + token, plugchat.URL(`https://h/a"b?x=1&y=ü`), `{"groupId":"` + group + `","groupPhoto":"https://h/a\"b?x=1\u0026y=ü"}`},
	} {
		c := newClient(t, plugchat.Config{BaseURL: server.URL + "/p/", AuthScheme: tc.scheme})
		value, err := c.UpdateGroupPhoto(t.Context(), plugchat.Call{GroupID: group, Photo: tc.photo})
		if err != nil || !value {
			t.Fatalf("got %t, %v, want true", value, err)
		}
		want := request{"POST", "/p/api/whatsapp/update-group-photo", tc.auth, "application/json", "application/json", "groupphoto", tc.body}
		if diff := cmp.Diff(want, <-seen); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	}
}

func TestUpdate_RefusesBadCallsWithoutARequest(t *testing.T) {
	t.Parallel()
	c := newClient(t, plugchat.Config{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
		t.Error("a request was made")
		return nil, io.EOF
	})})
	good := plugchat.JPEG(jpeg)
	for name, call := range map[string]plugchat.Call{
		"no group":         {Photo: good},
		"quote in group":   {GroupID: `1","groupId":"2`, Photo: good},
		"endless group":    {GroupID: strings.Repeat("1", 100), Photo: good},
		"no photo":         {GroupID: group},
		"empty photo":      {GroupID: group, Photo: plugchat.JPEG(nil)},
		"a PNG":            {GroupID: group, Photo: plugchat.JPEG([]byte("\x89PNG\r\n"))},
		"empty address":    {GroupID: group, Photo: plugchat.URL("")},
		"file address":     {GroupID: group, Photo: plugchat.URL("file:///etc/passwd")},
		"address, no host": {GroupID: group, Photo: plugchat.URL("https:///x")},
		"broken address":   {GroupID: group, Photo: plugchat.URL("https://h/%zz?SECRETQUERY")},
	} {
		_, err := c.UpdateGroupPhoto(t.Context(), call)
		if e := failureOf(t, err); e.Class != plugchat.Permanent || e.Reason != plugchat.ReasonBadCall || e.Sent || strings.Contains(err.Error(), "SECRETQUERY") {
			t.Errorf("%s: got %v, class %s, sent %t", name, err, e.Class, e.Sent)
		}
	}
}

// tally counts, at the server, the bytes that arrived on each connection, and tells the sum when the connection ends.
type tally struct {
	net.Listener

	sums chan int64
}

type tallyConn struct {
	net.Conn

	sum  atomic.Int64
	once sync.Once
	sums chan int64
}

func (l tally) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &tallyConn{Conn: conn, sums: l.sums}, err
}

func (c *tallyConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.sum.Add(int64(n))
	return n, err
}

func (c *tallyConn) Close() error {
	c.once.Do(func() { c.sums <- c.sum.Load() })
	return c.Conn.Close()
}

func TestUpdate_TooLateAfterConnecting(t *testing.T) {
	t.Parallel()
	// given a call whose moment passes while it waits for its connection, when the connection stands, then not one byte is written, be the connection fresh or used.
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"value":true}`)
	}))
	sums := make(chan int64, 10)
	server.Listener = tally{server.Listener, sums}
	server.Start()
	t.Cleanup(server.Close)
	transport := plugchat.NewTransport(nil)
	dial, late := transport.DialContext, call()
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		<-time.After(time.Until(late.NotAfter) + time.Millisecond)
		return dial(ctx, network, addr)
	}
	c := newClient(t, plugchat.Config{BaseURL: server.URL, Transport: transport})
	inTime := func() {
		t.Helper()
		if value, err := c.UpdateGroupPhoto(t.Context(), call()); err != nil || !value {
			t.Fatalf("a call in time: got %t, %v", value, err)
		}
	}
	tooLate := func() {
		t.Helper()
		_, err := c.UpdateGroupPhoto(t.Context(), late)
		if e := failureOf(t, err); !errors.Is(err, plugchat.ErrTooLate) || e.Class != plugchat.Transient || e.Reason != plugchat.ReasonTooLate || e.Sent {
			t.Errorf("got %v, class %s, sent %t", err, e.Class, e.Sent)
		}
	}
	inTime()
	c.CloseIdle()
	oneCall := <-sums
	late.NotAfter = time.Now().Add(20 * time.Millisecond)
	tooLate()
	if fresh := <-sums; fresh != 0 {
		t.Errorf("fresh connection: %d bytes were written", fresh)
	}
	inTime()
	tooLate()
	if used := <-sums; used != oneCall {
		t.Errorf("used connection: %d bytes were written, want those of the first call, %d", used, oneCall)
	}
}

func TestUpdate_TooLateUnderTLS(t *testing.T) {
	t.Parallel()
	// given an encrypted connection in use, when a call comes too late, then the server sees no request at all, and a later call works.
	var requests atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		_, _ = io.WriteString(w, `{"value":true}`)
	}))
	t.Cleanup(server.Close)
	transport := plugchat.NewTransport(nil)
	transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	transport.TLSClientConfig.RootCAs.AddCert(server.Certificate())
	c := newClient(t, plugchat.Config{BaseURL: server.URL, Transport: transport})
	late := call()
	late.NotAfter = time.Now().Add(-time.Nanosecond)
	for i := range 4 {
		if i%2 == 1 {
			if _, err := c.UpdateGroupPhoto(t.Context(), late); !errors.Is(err, plugchat.ErrTooLate) {
				t.Errorf("too late: got %v", err)
			}
			continue
		}
		if value, err := c.UpdateGroupPhoto(t.Context(), call()); err != nil || !value {
			t.Fatalf("in time: got %t, %v", value, err)
		}
	}
	if got := requests.Load(); got != 2 {
		t.Errorf("the server saw %d requests, want 2", got)
	}
}

func TestUpdate_TooLateOnAForeignTransport(t *testing.T) {
	t.Parallel()
	// given a transport without our gate, when the moment has passed, then the body cannot be read, so nothing lands.
	c := newClient(t, plugchat.Config{Transport: answering(200, nil, `{"value":true}`)})
	late := call()
	late.NotAfter = time.Now().Add(-time.Nanosecond)
	_, err := c.UpdateGroupPhoto(t.Context(), late)
	if e := failureOf(t, err); !errors.Is(err, plugchat.ErrTooLate) || e.Sent {
		t.Errorf("got %v, sent %t", err, e.Sent)
	}
}

func TestUpdate_CancelledBeforeWriting(t *testing.T) {
	t.Parallel()
	c := newClient(t, plugchat.Config{BaseURL: "http://127.0.0.1:9"})
	cause := errors.New("the lane stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := c.UpdateGroupPhoto(ctx, call())
	if e := failureOf(t, err); !errors.Is(err, cause) || e.Sent || e.Class != plugchat.Transient || e.Reason != plugchat.ReasonCanceled {
		t.Errorf("got %v, class %s, sent %t", err, e.Class, e.Sent)
	}
}

func TestUpdate_NoAnswer(t *testing.T) {
	t.Parallel()
	// given servers that take the whole request and then hang, vanish or stop in the middle of the answer, when the call ends, then it is lost, never a plain failure.
	read := func(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }
	for _, tc := range []struct {
		name    string
		timeout time.Duration
		handler http.HandlerFunc
	}{
		{"hangs", 100 * time.Millisecond, func(_ http.ResponseWriter, r *http.Request) { read(r); <-r.Context().Done() }},
		{"vanishes", 0, func(_ http.ResponseWriter, r *http.Request) { read(r); panic(http.ErrAbortHandler) }},
		{"stops within the answer", 0, func(w http.ResponseWriter, r *http.Request) {
			read(r)
			w.Header().Set("Content-Length", "50")
			_, _ = io.WriteString(w, `{"value":true}`)
		}},
		{"hangs within the answer", 100 * time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
			read(r)
			w.Header().Set("Content-Length", "50")
			_, _ = io.WriteString(w, `{"value":true}`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tc.handler)
			t.Cleanup(server.Close)
			c := newClient(t, plugchat.Config{BaseURL: server.URL, Timeout: tc.timeout})
			value, err := c.UpdateGroupPhoto(t.Context(), call())
			if e := failureOf(t, err); value || e.Class != plugchat.Lost || e.Reason != plugchat.ReasonNoAnswer || !e.Sent {
				t.Errorf("got %t, %v, class %s, sent %t", value, err, e.Class, e.Sent)
			}
		})
	}
}

func TestUpdate_Unreachable(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of the handshake that we want to fail
	secure.StartTLS()
	t.Cleanup(secure.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, base := range map[string]string{"refused": closed.URL, "unknown authority": secure.URL} {
		_, err := newClient(t, plugchat.Config{BaseURL: base}).UpdateGroupPhoto(t.Context(), call())
		if e := failureOf(t, err); e.Class != plugchat.Transient || e.Reason != plugchat.ReasonUnavailable || e.Sent || e.Err == nil {
			t.Errorf("%s: got %v, class %s, sent %t", name, err, e.Class, e.Sent)
		}
	}
}

func TestUpdate_TransportGivesNothing(t *testing.T) {
	t.Parallel()
	c := newClient(t, plugchat.Config{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, nil })}) //nolint:nilnil // that is the point
	if _, err := c.UpdateGroupPhoto(t.Context(), call()); err == nil {
		t.Error("got no error")
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   plugchat.Status
		reason string // "": no error
	}{
		{"connected, with its friendly error", 200, `{"connected":true,"session":true,"error":"You are already connected.","smartphoneConnected":false}`, plugchat.Status{Connected: true, Detail: "You are already connected."}, ""},
		{"not connected", 200, `{"connected":false,"error":"You are not connected."}`, plugchat.Status{Detail: "You are not connected."}, ""},
		{"text instead of boolean", 200, `{"connected":"true"}`, plugchat.Status{}, plugchat.ReasonUnclearAnswer},
		{"null", 200, `{"connected":null}`, plugchat.Status{}, plugchat.ReasonUnclearAnswer},
		{"other case", 200, `{"Connected":true}`, plugchat.Status{}, plugchat.ReasonUnclearAnswer},
		{"contradiction", 200, `{"connected":true,"connected":false}`, plugchat.Status{}, plugchat.ReasonUnclearAnswer},
		{"html", 200, `<html>`, plugchat.Status{}, plugchat.ReasonUnclearAnswer},
		{"401", 401, ``, plugchat.Status{}, plugchat.ReasonCredentials},
		{"503", 503, ``, plugchat.Status{}, plugchat.ReasonUnavailable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := newClient(t, plugchat.Config{Transport: answering(tc.status, nil, tc.body)}).Status(t.Context())
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if tc.reason == "" && err != nil {
				t.Errorf("got %v, want no error", err)
			}
			if tc.reason != "" && failureOf(t, err).Reason != tc.reason {
				t.Errorf("got %v, want %s", err, tc.reason)
			}
		})
	}
}

func ExampleClient_UpdateGroupPhoto() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"value":true}`) }))
	defer server.Close()
	c, err := plugchat.New(plugchat.Config{BaseURL: server.URL, Token: "my-token"})
	if err != nil {
		panic(err)
	}
	photo := plugchat.URL("https://www.plugchat.com.br/imgs/blue.png")
	fmt.Println(c.UpdateGroupPhoto(context.Background(), plugchat.Call{GroupID: "120363019502650977-group", Photo: photo}))
	// Output: true <nil>
}
