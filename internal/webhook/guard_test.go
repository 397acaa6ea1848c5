package webhook_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/fetch/dnstest"
	"github.com/plugchat-go/groupphoto/internal/webhook"
)

func TestNew_URLTable(t *testing.T) {
	t.Parallel()
	intranet := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("8.8.4.0/24")}
	for _, row := range []struct {
		name, url string
		allow     []netip.Prefix
		says      string // empty: it is taken
	}{
		{"public", "https://hooks.example.com/a?b=c#d", nil, ""},
		{"public, another port", "https://hooks.example.com:8443/a", nil, ""},
		{"public address", "https://8.8.8.8:9443/a", nil, ""},
		{"http to a name", "http://hooks.example.com/", nil, "must begin with https://"},
		{"http to a name that may be allowed", "http://hooks.internal/", intranet, ""},
		{"http to an allowed address", "http://10.1.2.3:8080/", intranet, ""},
		{"HTTP in capitals, to a public address", "HTTP://8.8.8.8/", intranet, "public address"},
		{"http to a public address", "http://8.8.8.8/", intranet, "public address"},
		{"http to an allowed public address", "http://8.8.4.4/", intranet, "public address"},
		{"http to a private address beside", "http://10.2.2.3/", intranet, "not a public address; use a public one, or allow it in GROUPPHOTO_WEBHOOK_ALLOW"},
		{"private", "https://10.1.2.3/", nil, "not a public address"},
		{"private, allowed", "https://10.1.2.3/", intranet, ""},
		{"loopback", "https://127.0.0.1/", nil, "not a public address"},
		{"loopback v6", "https://[::1]/", nil, "not a public address"},
		{"mapped loopback", "https://[::ffff:127.0.0.1]/", nil, "not a public address"},
		{"metadata", "https://169.254.169.254/", nil, "not a public address"},
		{"decimal loopback", "https://2130706433/", nil, "only when written like"},
		{"zone", "https://[fe80::1%25lo]/", nil, "zone"},
		{"user info", "https://user:MARKED-PASSWORD@hooks.example.com/", nil, "user name or password"},
		{"port 0", "https://hooks.example.com:0/", nil, "port must be a number"},
		{"no host", "https:///a", nil, "must be a URL"},
		{"no scheme", "hooks.example.com/a", nil, "must be a URL"},
		{"another scheme", "ftp://hooks.example.com/a", nil, "must be a URL"},
		{"unreadable", "https://hooks.example.com/%zz?MARKED-QUERY", nil, "must be a URL"},
		{"a line break", "https://hooks.example.com/\n", nil, "must be a URL"},
		{"nothing", "", nil, "must be a URL"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := webhook.Config{URL: row.url, Secrets: []webhook.Secret{secret(t, oursSecret)}, Allow: row.allow}
			_, err := webhook.New(c)
			if (err == nil) != (row.says == "") || (c.CheckURL() == nil) != (row.says == "") {
				t.Fatalf("got %v and %v, want %q", err, c.CheckURL(), row.says)
			}
			if err != nil && (!strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "MARKED")) {
				t.Errorf("got %v, want %q and no secret", err, row.says)
			}
		})
	}
}

func TestNew_AllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := webhook.New(webhook.Config{URL: "nothing", Timeout: -1, UserAgent: "a\nb"})
	if err == nil || len(strings.Split(err.Error(), "\n")) != 4 {
		t.Errorf("got %v, want four problems", err)
	}
	five := make([]webhook.Secret, 5)
	for i := range five {
		five[i] = secret(t, oursSecret)
	}
	for name, secrets := range map[string][]webhook.Secret{"too many": five, "one that is none": {five[0], {}}} {
		if _, err := webhook.New(webhook.Config{URL: "https://hooks.example.com", Secrets: secrets}); err == nil || !strings.Contains(err.Error(), "secrets") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// twoReceivers listen on the same port of 127.0.0.2, which stands for where events may go, and of 127.0.0.1. The second
// makes every request a fault of the test.
func twoReceivers(t *testing.T) (port uint16) {
	t.Helper()
	start := func(listener net.Listener, handler http.HandlerFunc) {
		server := httptest.NewUnstartedServer(handler)
		server.Listener.Close()
		server.Listener = listener
		server.Start()
		t.Cleanup(server.Close)
	}
	var config net.ListenConfig
	for range 20 {
		good, err := config.Listen(t.Context(), "tcp", "127.0.0.2:0")
		if err != nil {
			t.Skipf("this machine has no second loopback address: %v", err)
		}
		port := good.Addr().(*net.TCPAddr).Port
		bad, err := config.Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			good.Close()
			continue // the port is taken there
		}
		start(good, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
		start(bad, func(http.ResponseWriter, *http.Request) { t.Error("the refused address was asked") })
		return uint16(port)
	}
	t.Fatal("no port is free on both loopback addresses")
	return 0
}

func TestGuard_Rebinding(t *testing.T) {
	t.Parallel()
	second := []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}
	for _, row := range []struct {
		name   string
		sets   [][]netip.Addr // one per sending, of which the first is well but for the last two rows
		refuse []bool
	}{
		{"stays", [][]netip.Addr{dnstest.Addrs("127.0.0.2")}, []bool{false, false}},
		{"turns to loopback", [][]netip.Addr{dnstest.Addrs("127.0.0.2"), dnstest.Addrs("127.0.0.1")}, []bool{false, true}},
		{"turns to metadata", [][]netip.Addr{dnstest.Addrs("127.0.0.2"), dnstest.Addrs("169.254.169.254")}, []bool{false, true}},
		{"turns to a public address, where http is not for", [][]netip.Addr{dnstest.Addrs("127.0.0.2"), dnstest.Addrs("8.8.8.8")}, []bool{false, true}},
		{"both at once", [][]netip.Addr{dnstest.Addrs("127.0.0.1", "127.0.0.2")}, []bool{false}},
		{"only refused ones", [][]netip.Addr{dnstest.Addrs("127.0.0.1", "10.0.0.1")}, []bool{true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			port := twoReceivers(t)
			s := newSender(t, webhook.Config{URL: fmt.Sprintf("http://hooks.rebind.test:%d/", port), Allow: second})
			s.ResolveBy(dnstest.Serve(t, row.sets...).Dial)
			for i, refuse := range row.refuse {
				err := s.Send(t.Context(), event())
				if !refuse && err != nil {
					t.Errorf("sending %d: %v", i+1, err)
				}
				if refuse && !wantError(t, err).Permanent {
					t.Errorf("sending %d: got %v, want a refusal", i+1, err)
				}
			}
		})
	}
}

func TestGuard_LoopbackIsRefusedOverTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := newSender(t, webhook.Config{URL: "https://example.com:" + port})
	s.ResolveBy(dnstest.Serve(t, dnstest.Addrs("127.0.0.1")).Dial)
	if e := wantError(t, s.Send(t.Context(), event())); !e.Permanent || !strings.Contains(e.Detail, "127.0.0.1 is not a public address") {
		t.Errorf("got %+v", e)
	}
}

func TestGuard_OwnAddressIsRefused(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	own := netip.MustParseAddrPort(server.Listener.Addr().String())
	s := newSender(t, webhook.Config{
		URL: fmt.Sprintf("http://hooks.rebind.test:%d/", own.Port()), Allow: loopback(), Own: func() []netip.AddrPort { return []netip.AddrPort{own} },
	})
	s.ResolveBy(dnstest.Serve(t, dnstest.Addrs("127.0.0.1")).Dial)
	if e := wantError(t, s.Send(t.Context(), event())); !e.Permanent || !strings.Contains(e.Detail, "itself listens") {
		t.Errorf("got %+v", e)
	}
}

func TestSend_TLS(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(secure.Close)
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	allowed := webhook.Config{URL: secure.URL, Allow: loopback()}
	trusting := newSender(t, allowed)
	trusting.Trust(secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs)
	if err := trusting.Send(t.Context(), event()); err != nil {
		t.Error(err)
	}
	if e := wantError(t, newSender(t, allowed).Send(t.Context(), event())); !e.Permanent || !strings.Contains(e.Detail, "certificate") {
		t.Errorf("unknown authority: got %+v", e)
	}
	allowed.URL = "https" + strings.TrimPrefix(plain.URL, "http")
	if e := wantError(t, newSender(t, allowed).Send(t.Context(), event())); !e.Permanent || !strings.Contains(e.Detail, "TLS") {
		t.Errorf("no TLS there: got %+v", e)
	}
}
