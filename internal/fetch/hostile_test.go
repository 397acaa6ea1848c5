package fetch_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

// drip sends the text once, and then the drop for as long as the client stays.
func drip(t *testing.T, text, drop string) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				conn.Read(make([]byte, 4096))
				every := time.NewTicker(2 * time.Millisecond)
				defer every.Stop()
				_, err := io.WriteString(conn, text)
				for err == nil {
					<-every.C
					_, err = io.WriteString(conn, drop)
				}
			})
		}
	})
	return "http://" + listener.Addr().String()
}

func TestGet_SlowDrip(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, text, drop string }{
		{"status line", "", "H"},
		{"header name", "HTTP/1.1 200 OK\r\n", "x"},
		{"header lines", "HTTP/1.1 200 OK\r\n", "A: b\r\n"},
		{"body of a stated length", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x"},
		{"body without an end", "HTTP/1.1 200 OK\r\n\r\n", "x"},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"},
		{"trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			// Given a server that never stops, but never hurries; when the fetch's own time ends; then it is over.
			client := newClient(t, fetch.Config{Allow: loopback(), Timeout: 100 * time.Millisecond})
			began := time.Now()
			_, err := client.Get(t.Context(), drip(t, row.text, row.drop)+"/?"+secret, fetch.Validators{})
			got, _ := err.(*fetch.Error) //nolint:errorlint // Get returns the type itself
			if got == nil || got.Permanent() {
				t.Errorf("got %v, want a transient error", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestGet_Floods(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, text, drop string
		want             fetch.Reason
	}{
		{"one endless header", "HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 16<<10), fetch.Network},
		{"endless headers", "HTTP/1.1 200 OK\r\n", strings.Repeat("A: b\r\n", 4<<10), fetch.Network},
		{"endless interim answers", "", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 1<<10), fetch.Network},
		{"endless body", "HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 64<<10), fetch.TooLarge},
		{"endless chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "8000\r\n" + strings.Repeat("x", 0x8000) + "\r\n", fetch.TooLarge},
		{"endless chunk extension", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", strings.Repeat("x", 16<<10), fetch.Network},
		{"endless trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", strings.Repeat("A: b\r\n", 4<<10), fetch.Network},
		{"endless body of a redirect", "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n", strings.Repeat("x", 64<<10), fetch.RefusedAddress},
		{"endless body of an error", "HTTP/1.1 404 Not Found\r\n\r\n", strings.Repeat("x", 64<<10), fetch.NotFound},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, fetch.Config{Allow: loopback(), MaxBytes: 1 << 20})
			_, err := client.Get(t.Context(), drip(t, row.text, row.drop)+"/?"+secret, fetch.Validators{})
			wantError(t, err, row.want)
		})
	}
}

func TestGet_HostileRedirects(t *testing.T) {
	t.Parallel()
	var places *strings.Replacer
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", places.Replace(r.URL.Query().Get("to")))
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	places = strings.NewReplacer("SELF", server.URL, "LONG", strings.Repeat("x", 9<<10))
	client := newClient(t, fetch.Config{Allow: loopback()})
	noLookUps(t, client)
	for _, row := range []struct {
		name, to string
		want     fetch.Reason
	}{
		{"metadata", "http://169.254.169.254/latest/meta-data", fetch.RefusedAddress},
		{"metadata, without a scheme", "//169.254.169.254/", fetch.RefusedAddress},
		{"metadata, as a number", "http://2852039166/", fetch.RefusedAddress},
		{"metadata, in full-width digits", "http://１６９.254.169.254/", fetch.RefusedAddress},
		{"metadata, by NAT64", "http://[64:ff9b::a9fe:a9fe]/", fetch.RefusedAddress},
		{"public, another port", "http://8.8.8.8:6379/", fetch.RefusedAddress},
		{"file", "file:///etc/passwd", fetch.Redirects},
		{"gopher", "gopher://127.0.0.1:6379/_FLUSHALL", fetch.Redirects},
		{"ftp", "ftp://127.0.0.1/p.jpg", fetch.Redirects},
		{"data", "data:image/png;base64,AAAA", fetch.Redirects},
		{"javascript", "javascript:alert(1)", fetch.Redirects},
		{"unix socket", "unix:///var/run/docker.sock", fetch.Redirects},
		{"itself for ever", "SELF/?to=SELF/", fetch.Redirects},
		{"port 0", "http://127.0.0.1:0/", fetch.Redirects},
		{"not a URL", "http://127.0.0.1/%zz" + secret, fetch.Redirects},
		{"very long", "/LONG" + secret, fetch.Redirects},
		{"user info", "http://u:" + secret + "@127.0.0.1/", fetch.Redirects},
		{"name in brackets", "http://[photos.test]/", fetch.Redirects},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			request := server.URL + "/?" + url.Values{"to": {row.to}}.Encode()
			_, err := client.Get(t.Context(), request, fetch.Validators{})
			if got := wantError(t, err, row.want); !got.Permanent() {
				t.Errorf("got a transient error: %v", err)
			}
		})
	}
}

func TestGet_RedirectLoop(t *testing.T) {
	t.Parallel()
	asked := 0
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, r.URL.String(), http.StatusFound)
	})
	_, err := newClient(t, fetch.Config{Allow: loopback()}).Get(t.Context(), server.URL, fetch.Validators{})
	wantError(t, err, fetch.Redirects)
	if asked != 4 {
		t.Errorf("the server was asked %d times, want 4", asked)
	}
}

func TestGet_GzipBombIsNotUnpacked(t *testing.T) {
	t.Parallel()
	// Given a megabyte of zeros that is packed without having been asked for; when fetched; then it is refused, and
	// without the header that says so only the packed bytes arrive.
	for _, declared := range []bool{true, false} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if declared {
				w.Header().Set("Content-Encoding", "gzip")
			}
			packed := gzip.NewWriter(w)
			packed.Write(make([]byte, 1<<20))
			packed.Close()
		})
		body, err := newClient(t, fetch.Config{Allow: loopback(), MaxBytes: 16 << 10}).Get(t.Context(), server.URL, fetch.Validators{})
		if declared {
			wantError(t, err, fetch.NotFound)
		} else if err != nil || len(body.Bytes) > 16<<10 || !strings.HasPrefix(string(body.Bytes), "\x1f\x8b") {
			t.Errorf("got %d bytes, %v", len(body.Bytes), err)
		}
	}
}

func TestGet_NothingIsCarriedToTheNextHop(t *testing.T) {
	t.Parallel()
	// Given a server that sets cookies and asks for a login, and redirects; when fetched; then the next hop gets none.
	second := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Cookie", "Authorization", "Referer", "Proxy-Authorization", "Origin"} {
			if value := r.Header.Get(name); value != "" {
				t.Errorf("%s: %s was sent", name, value)
			}
		}
		fmt.Fprint(w, "bytes")
	})
	first := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: secret, Path: "/"})
		w.Header().Set("WWW-Authenticate", "Basic")
		http.Redirect(w, r, second.URL+"/?a", http.StatusSeeOther)
	})
	if _, err := newClient(t, fetch.Config{Allow: loopback()}).Get(t.Context(), first.URL+"/?"+secret, fetch.Validators{}); err != nil {
		t.Error(err)
	}
}
