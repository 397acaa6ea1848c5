package fetch_test

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

func mustURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}

// egress is an HTTP proxy that leads every name to one origin and keeps what it was asked for.
type egress struct {
	*httptest.Server
	origin string // host:port
	mu     sync.Mutex
	asked  []string
	login  string
}

func startEgress(t *testing.T, origin string) *egress {
	t.Helper()
	e := &egress{origin: origin}
	e.Server = serve(t, e.handle)
	return e
}

func (e *egress) handle(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.asked = append(e.asked, r.Method+" "+r.Host)
	e.login = r.Header.Get("Proxy-Authorization")
	e.mu.Unlock()
	if r.Method != http.MethodConnect {
		fmt.Fprintf(w, "plain %s", r.URL)
		return
	}
	out, err := net.Dial("tcp", e.origin)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	in, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		out.Close()
		return
	}
	io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		io.Copy(out, in)
		out.Close()
	}()
	io.Copy(in, out)
	in.Close()
}

func (e *egress) seen() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.asked, ", ")
}

func TestProxy_EverythingGoesThroughIt(t *testing.T) {
	t.Parallel()
	// Given an origin behind a proxy that wants a login.
	origin := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "secure") }))
	t.Cleanup(origin.Close)
	proxy := startEgress(t, origin.Listener.Addr().String())
	address := mustURL(proxy.URL)
	address.User = url.UserPassword("me", secret)
	client := newClient(t, fetch.Config{Proxy: address})
	roots := x509.NewCertPool()
	roots.AddCert(origin.Certificate())
	client.Trust(roots)
	noLookUps(t, client)
	// When names are fetched that only the proxy can look up; then both ways arrive, with the login.
	for _, row := range []struct{ url, want string }{
		{"http://photos.example.com/p.jpg?q", "plain http://photos.example.com/p.jpg?q"},
		{"https://example.com/p.jpg", "secure"},
	} {
		body, err := client.Get(t.Context(), row.url, fetch.Validators{})
		if err != nil || string(body.Bytes) != row.want {
			t.Errorf("%s: got %q, %v", row.url, body.Bytes, err)
		}
	}
	if want := "GET photos.example.com, CONNECT example.com:443"; proxy.seen() != want {
		t.Errorf("the proxy was asked %s, want %s", proxy.seen(), want)
	}
	if want := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+secret)); proxy.login != want {
		t.Errorf("the proxy got the login %q", proxy.login)
	}
}

func TestProxy_RefusedByTheURL(t *testing.T) {
	t.Parallel()
	proxy := startEgress(t, "")
	client := newClient(t, fetch.Config{Proxy: mustURL(proxy.URL), Ports: []uint16{8443}})
	noLookUps(t, client)
	for _, target := range []string{
		"http://127.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/", "http://168.63.129.16/", "http://10.0.0.1/",
		"http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/", "http://0/", "http://127.0.0.1./", "http://[fe80::1%25eth0]/",
		"http://１２７.0.0.1/", "http://127。0。0。1/", "http://①②⑦.0.0.1/", "http://[64:ff9b::7f00:1]/",
		"http://localhost/", "http://LOCALHOST./", "http://a.localhost/", "http://printer.local/", "http://metadata.google.internal/", "http://redis/",
		"http://ｌocalhost/", "http://photos.example.com:6379/", "http://8.8.8.8:22/",
	} {
		_, err := client.Get(t.Context(), target, fetch.Validators{})
		if got := wantError(t, err, fetch.RefusedAddress); !got.Permanent() {
			t.Errorf("%s: got a transient error: %v", target, err)
		}
		wantError(t, client.Check(t.Context(), target), fetch.RefusedAddress)
	}
	if proxy.seen() != "" {
		t.Errorf("the proxy was asked %s", proxy.seen())
	}
	if _, err := client.Get(t.Context(), "http://photos.example.com:8443/", fetch.Validators{}); err != nil {
		t.Errorf("a further port: %v", err)
	}
}

func TestProxy_Redirects(t *testing.T) {
	t.Parallel()
	// Given a proxy whose answers redirect; when fetched; then each hop's URL is judged.
	var location string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, location, http.StatusFound) })
	client := newClient(t, fetch.Config{Proxy: mustURL(server.URL)})
	for _, to := range []string{"http://169.254.169.254/", "http://localhost:6379/", "http://0x7f.1/", "http://photos.example.com:22/"} {
		location = to
		_, err := client.Get(t.Context(), "http://photos.example.com/", fetch.Validators{})
		wantError(t, err, fetch.RefusedAddress)
	}
}

func TestProxy_InTrouble(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	answering := func(status int) string {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }).URL
	}
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, row := range []struct {
		name, proxy, url string
		want             fetch.Reason
		text             string
	}{
		{"not there", closed.URL, "http://photos.example.com/?" + secret, fetch.Network, "egress proxy"},
		{"not there, https", closed.URL, "https://photos.example.com/?" + secret, fetch.Network, "egress proxy"},
		{"no TLS", strings.Replace(plain.URL, "http:", "https:", 1), "https://photos.example.com/", fetch.Network, "egress proxy"},
		{"wants a login", answering(407), "http://photos.example.com/", fetch.Network, "egress proxy"},
		{"wants a login, https", answering(407), "https://photos.example.com/", fetch.Network, "egress proxy"},
		{"can't reach the host", answering(502), "https://photos.example.com/", fetch.Unavailable, "egress proxy"},
		{"forbids the host", answering(403), "https://photos.example.com/", fetch.RefusedAddress, "egress proxy"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			address := mustURL(row.proxy)
			address.User = url.UserPassword("me", secret)
			client := newClient(t, fetch.Config{Proxy: address})
			// More often than a host in trouble is asked: the proxy's trouble is not the host's.
			for range 7 {
				_, err := client.Get(t.Context(), row.url, fetch.Validators{})
				got := wantError(t, err, row.want)
				if row.want != fetch.Unavailable && !strings.Contains(got.Detail, row.text) {
					t.Errorf("got %q, want it to name the %s", got.Detail, row.text)
				}
				if got.Permanent() != (row.want == fetch.RefusedAddress) {
					t.Errorf("got permanent = %v: %v", got.Permanent(), err)
				}
			}
		})
	}
}

func TestProxy_AddressThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"socks5://me:" + secret + "@10.0.0.1:1080", "//me:" + secret + "@10.0.0.1", "http://me:" + secret + "@",
		"http://me:" + secret + "@h:99999", "http://me:" + secret + "@[fe80::1%25lo]:1",
	} {
		config := fetch.Config{Proxy: mustURL(text)}
		if err := config.Validate(); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", text, err)
		}
		// A client for it fetches nothing at all.
		_, err := newClient(t, config).Get(t.Context(), "http://8.8.8.8/", fetch.Validators{})
		wantError(t, err, fetch.Network)
		wantError(t, newClient(t, config).Check(t.Context(), "http://8.8.8.8/"), fetch.Network)
	}
}
