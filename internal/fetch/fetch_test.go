package fetch_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

const secret = "SECRET-4711"

func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

func newClient(t *testing.T, config fetch.Config) *fetch.Client {
	t.Helper()
	client := fetch.New(config)
	t.Cleanup(client.CloseIdle)
	return client
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// wantError holds an error against a reason, and against the rule that no query or user info shows.
func wantError(t *testing.T, err error, want fetch.Reason) *fetch.Error {
	t.Helper()
	got, ok := errors.AsType[*fetch.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *fetch.Error with %s", err, want)
	}
	if got.Reason != want {
		t.Errorf("got reason %s (%v), want %s", got.Reason, err, want)
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error tells the secret: %v", err)
	}
	return got
}

func TestGet_PhotoIsThere(t *testing.T) {
	t.Parallel()
	// Given a server that keeps what it was asked.
	var asked http.Header
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Clone()
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT")
		fmt.Fprint(w, "bytes")
	})
	// When the photo is fetched.
	body, err := newClient(t, fetch.Config{Allow: loopback()}).Get(t.Context(), server.URL+"/p.jpg#part", fetch.Validators{})
	if err != nil {
		t.Fatal(err)
	}
	// Then bytes and validators arrive, and the request carried nothing of ours.
	if string(body.Bytes) != "bytes" || body.Validators.ETag != `"v1"` || body.Validators.LastModified != "Mon, 02 Nov 2026 10:00:00 GMT" {
		t.Errorf("got %+v", body)
	}
	if asked.Get("Accept-Encoding") != "identity" || asked.Get("Cookie") != "" || asked.Get("Referer") != "" || asked.Get("Authorization") != "" {
		t.Errorf("the request carried %v", asked)
	}
}

func TestGet_StatusTable(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		w.WriteHeader(status)
	})
	transient := map[int]bool{408: true, 425: true, 429: true}
	for status := 201; status < 600; status++ {
		if http.StatusText(status) == "" {
			continue
		}
		want := fetch.NotFound
		switch {
		case status >= 500 || transient[status]:
			want = fetch.Unavailable
		case status >= 300 && status < 400 && status != http.StatusNotModified:
			want = fetch.Redirects
		}
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			// A client of its own: five 5xx in a row would end the asking.
			client := newClient(t, fetch.Config{Allow: loopback()})
			_, err := client.Get(t.Context(), fmt.Sprintf("%s/%d?sig=%s", server.URL, status, secret), fetch.Validators{})
			got := wantError(t, err, want)
			if got.Status != status {
				t.Errorf("got status %d, want %d", got.Status, status)
			}
			if got.Permanent() == (want == fetch.Unavailable) {
				t.Errorf("got permanent = %v", got.Permanent())
			}
		})
	}
}

func TestGet_BadURLs(t *testing.T) {
	t.Parallel()
	client := newClient(t, fetch.Config{})
	for _, row := range []struct {
		name, url string
		want      fetch.Reason
	}{
		{"empty", "", fetch.BadURL},
		{"no scheme", "example.com/p.jpg?" + secret, fetch.BadURL},
		{"file", "file:///etc/passwd?" + secret, fetch.BadURL},
		{"gopher", "gopher://127.0.0.1:6379/_" + secret, fetch.BadURL},
		{"data", "data:image/png;base64," + secret, fetch.BadURL},
		{"opaque", "http:" + secret, fetch.BadURL},
		{"no host", "http:///p.jpg?" + secret, fetch.BadURL},
		{"port but no host", "http://:80/", fetch.BadURL},
		{"user info", "https://user:" + secret + "@example.com/", fetch.BadURL},
		{"user info, unreadable", "https://user:" + secret + " x@example.com/", fetch.BadURL},
		{"port too high", "http://example.com:99999/", fetch.BadURL},
		{"port 0", "http://example.com:0/", fetch.BadURL},
		{"port no number", "http://example.com:" + secret + "/", fetch.BadURL},
		{"control character", "http://example.com/\n" + secret, fetch.BadURL},
		{"bad escape", "http://example.com/%zz" + secret, fetch.BadURL},
		{"very long", "http://example.com/?" + strings.Repeat(secret, 2000), fetch.BadURL},
		{"zone", "http://[::1%25lo]/", fetch.RefusedAddress},
		{"loopback", "http://127.0.0.1/?" + secret, fetch.RefusedAddress},
		{"loopback, Redis", "http://127.0.0.1:6379/?" + secret, fetch.RefusedAddress},
		{"localhost by name", "http://localhost:6379/?" + secret, fetch.RefusedAddress},
		{"unspecified v6", "http://[::]/", fetch.RefusedAddress},
		{"mapped", "http://[::ffff:127.0.0.1]/", fetch.RefusedAddress},
		{"metadata", "http://169.254.169.254/latest/meta-data", fetch.RefusedAddress},
		{"public on another port", "http://8.8.8.8:6379/", fetch.RefusedAddress},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, err := client.Get(t.Context(), row.url, fetch.Validators{})
			if got := wantError(t, err, row.want); !got.Permanent() {
				t.Errorf("got a transient error: %v", err)
			}
		})
	}
}

func TestGet_Redirects(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Referer") != "" || r.Header.Get("Cookie") != "" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		if hops, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/hops/")); err == nil && hops > 0 {
			http.SetCookie(w, &http.Cookie{Name: "c", Value: "1", Path: "/"})
			w.Header().Set("Location", fmt.Sprintf("/hops/%d?sig=%s", hops-1, secret))
			w.WriteHeader(http.StatusFound)
			return
		}
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return
		}
		fmt.Fprint(w, "bytes")
	})
	client := newClient(t, fetch.Config{Allow: loopback()})
	for _, row := range []struct {
		name, path string
		want       fetch.Reason
	}{
		{"three are followed", "/hops/3", ""},
		{"four are not", "/hops/4", fetch.Redirects},
		{"metadata", "/?to=http://169.254.169.254/latest/?" + secret, fetch.RefusedAddress},
		{"metadata, mapped", "/?to=http://[::ffff:a9fe:a9fe]/", fetch.RefusedAddress},
		{"zone", "/?to=http://[fe80::1%2525lo]/", fetch.RefusedAddress},
		{"port elsewhere", "/?to=http://8.8.8.8:22/", fetch.RefusedAddress},
		{"file", "/?to=file:///etc/passwd", fetch.Redirects},
		{"user info", "/?to=http://u:" + secret + "@127.0.0.1/", fetch.Redirects},
		{"not a URL", "/?to=http://[" + secret, fetch.Redirects},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			body, err := client.Get(t.Context(), server.URL+row.path, fetch.Validators{})
			if row.want == "" {
				if err != nil || string(body.Bytes) != "bytes" {
					t.Errorf("got %q, %v", body.Bytes, err)
				}
				return
			}
			if got := wantError(t, err, row.want); !got.Permanent() {
				t.Errorf("got a transient error: %v", err)
			}
		})
	}
}

func TestGet_RedirectFromHTTPSToHTTP(t *testing.T) {
	t.Parallel()
	// Given a TLS server whose certificate is trusted and that redirects to plain HTTP.
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "bytes") })
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stay" {
			fmt.Fprint(w, "safe")
			return
		}
		http.Redirect(w, r, plain.URL, http.StatusFound)
	}))
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	client := newClient(t, fetch.Config{Allow: loopback()})
	client.Trust(roots)
	// When both are fetched, then https itself works and the step down is refused.
	if body, err := client.Get(t.Context(), secure.URL+"/stay", fetch.Validators{}); err != nil || string(body.Bytes) != "safe" {
		t.Fatalf("got %q, %v", body.Bytes, err)
	}
	_, err := client.Get(t.Context(), secure.URL, fetch.Validators{})
	wantError(t, err, fetch.Redirects)
	// And a client that doesn't trust the certificate gets a transient network error.
	_, err = newClient(t, fetch.Config{Allow: loopback()}).Get(t.Context(), secure.URL+"/stay", fetch.Validators{})
	wantError(t, err, fetch.Network)
}

func TestGet_BodyLimits(t *testing.T) {
	t.Parallel()
	const limit = 1000
	send := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush() // no Content-Length: chunked
			w.Write(make([]byte, n))
		}
	}
	for _, row := range []struct {
		name    string
		handler http.HandlerFunc
		want    fetch.Reason
	}{
		{"exactly the limit", send(limit), ""},
		{"one byte more", send(limit + 1), fetch.TooLarge},
		{"content length above the limit", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(1<<40))
		}, fetch.TooLarge},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}, fetch.TooLarge},
		{"gzip", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "gzip") }, fetch.NotFound},
		{"identity", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "Identity") }, ""},
		{"identity, then br", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Content-Encoding", "identity")
			w.Header().Add("Content-Encoding", "br")
		}, fetch.NotFound},
		{"header flood", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Flood", strings.Repeat("x", 64<<10))
		}, fetch.Network},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, row.handler)
			_, err := newClient(t, fetch.Config{Allow: loopback(), MaxBytes: limit}).Get(t.Context(), server.URL+"/?"+secret, fetch.Validators{})
			if row.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, row.want)
		})
	}
}

// raw answers every connection with the text and then closes it.
func raw(t *testing.T, answer string) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 4096))
			conn.Write([]byte(answer))
			conn.Close()
		}
	}()
	return "http://" + listener.Addr().String()
}

func TestGet_BrokenServers(t *testing.T) {
	t.Parallel()
	client := newClient(t, fetch.Config{Allow: loopback()})
	for _, row := range []struct{ name, answer string }{
		{"content length that lies upwards", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"},
		{"no answer", ""},
		{"not HTTP, and it echoes the query", "/?" + secret + "\r\n\r\n"},
		{"bad status, and it echoes the query", "HTTP/1.1 " + secret + "\r\n\r\n"},
		{"broken chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secret + "\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, err := client.Get(t.Context(), raw(t, row.answer)+"/?"+secret, fetch.Validators{})
			if got := wantError(t, err, fetch.Network); got.Permanent() {
				t.Errorf("got a permanent error: %v", err)
			}
		})
	}
}

func TestGet_ContentLengthThatLiesDownwards(t *testing.T) {
	t.Parallel()
	// Given a server that announces 3 bytes and sends a flood; when fetched; then 3 bytes are all that is taken.
	url := raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"+strings.Repeat("x", 100_000))
	body, err := newClient(t, fetch.Config{Allow: loopback(), MaxBytes: 10}).Get(t.Context(), url, fetch.Validators{})
	if err != nil || !bytes.Equal(body.Bytes, []byte("xxx")) {
		t.Errorf("got %q, %v", body.Bytes, err)
	}
}

func TestGet_NobodyListens(t *testing.T) {
	t.Parallel()
	// Given a port that was free a moment ago; when fetched; then it is a transient network error.
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := newClient(t, fetch.Config{Allow: loopback()}).Get(t.Context(), server.URL+"/?"+secret, fetch.Validators{})
	if got := wantError(t, err, fetch.Network); got.Permanent() {
		t.Errorf("got a permanent error: %v", err)
	}
}

func TestGet_SlowBody(t *testing.T) {
	t.Parallel()
	// Given a server that sends a byte and then nothing; when the fetch's own time ends; then it is a time-out.
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("x"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	_, err := newClient(t, fetch.Config{Allow: loopback(), Timeout: 100 * time.Millisecond}).Get(t.Context(), server.URL+"/?"+secret, fetch.Validators{})
	if got := wantError(t, err, fetch.Timeout); got.Permanent() {
		t.Errorf("got a permanent error: %v", err)
	}
}

func TestGet_CallerCancels(t *testing.T) {
	t.Parallel()
	// Given a fetch under way; when the caller cancels with a cause; then the cause comes back and no *Error.
	cause := errors.New("the campaign was cancelled")
	ctx, cancel := context.WithCancelCause(t.Context())
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		cancel(cause)
		<-r.Context().Done()
	})
	_, err := newClient(t, fetch.Config{Allow: loopback()}).Get(ctx, server.URL+"/?"+secret, fetch.Validators{})
	if !errors.Is(err, cause) || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v, want the cause", err)
	}
	if _, ok := errors.AsType[*fetch.Error](err); ok {
		t.Errorf("got a *fetch.Error: %v", err)
	}
}

func TestGet_ProxyVariablesAreIgnored(t *testing.T) {
	// Not parallel: it sets the environment.
	// Given a proxy in the environment; when metadata is asked for; then the guard still sees the address.
	proxied := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "leaked") })
	t.Setenv("HTTP_PROXY", proxied.URL)
	_, err := newClient(t, fetch.Config{Allow: loopback()}).Get(t.Context(), "http://169.254.169.254/", fetch.Validators{})
	wantError(t, err, fetch.RefusedAddress)
}
