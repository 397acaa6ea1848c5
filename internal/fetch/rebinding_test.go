package fetch_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

// trap listens where nobody may connect.
type trap struct{ net.Listener }

// wantUntouched proves that nobody connected: the first connection that comes out of the queue is the test's own.
func (tr trap) wantUntouched(t *testing.T) {
	t.Helper()
	mine, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", tr.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	first, err := tr.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if first.RemoteAddr().String() != mine.LocalAddr().String() {
		t.Errorf("%s was connected to although it is refused", tr.Addr())
	}
}

// twoLoopbacks returns a listener on 127.0.0.2, which the tests allow in the place of a public address, and a trap on
// 127.0.0.1 with the same port.
func twoLoopbacks(t *testing.T) (net.Listener, trap, uint16) {
	t.Helper()
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
		t.Cleanup(func() {
			good.Close()
			bad.Close()
		})
		return good, trap{bad}, uint16(port)
	}
	t.Fatal("no port is free on both loopback addresses")
	return nil, trap{}, 0
}

func serveOn(t *testing.T, listener net.Listener, handler http.HandlerFunc) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
}

func onlySecond() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")} }

func TestRebinding_BetweenCheckAndGet(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1", "169.254.169.254"} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			// Given a name that is a public address when it is looked at, and another one a moment later.
			_, bad, port := twoLoopbacks(t)
			client := newClient(t, fetch.Config{Ports: []uint16{port}})
			lookUpIn(t, client, addrs("8.8.8.8"), addrs(address))
			url := fmt.Sprintf("http://photo.rebind.test:%d/", port)
			if err := client.Check(t.Context(), url); err != nil {
				t.Fatalf("the first answer is public: %v", err)
			}
			// When it is fetched; then the address that counts is the one that would be dialled.
			_, err := client.Get(t.Context(), url, fetch.Validators{})
			wantError(t, err, fetch.RefusedAddress)
			bad.wantUntouched(t)
		})
	}
}

func TestRebinding_BetweenTwoHops(t *testing.T) {
	t.Parallel()
	// Given a name that is an allowed address, whose server redirects to the same name and closes the connection, and
	// that then is a refused address.
	good, bad, port := twoLoopbacks(t)
	serveOn(t, good, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		http.Redirect(w, r, "/again", http.StatusFound)
	})
	client := newClient(t, fetch.Config{Allow: onlySecond()})
	names := lookUpIn(t, client, addrs("127.0.0.2"), addrs("127.0.0.1"))
	// When it is fetched; then the second hop is refused.
	_, err := client.Get(t.Context(), fmt.Sprintf("http://photo.rebind.test:%d/", port), fetch.Validators{})
	wantError(t, err, fetch.RefusedAddress)
	if names.Asked() != 2 {
		t.Errorf("the name was looked up %d times, want 2", names.Asked())
	}
	bad.wantUntouched(t)
}

func TestRebinding_MixedAnswers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		addrs     []netip.Addr
		served    bool
		want      fetch.Reason
		permanent bool
	}{
		{"refused first, then the server", addrs("127.0.0.1", "127.0.0.2"), true, "", false},
		{"the server first, then refused", addrs("127.0.0.2", "127.0.0.1"), true, "", false},
		{"refused first, then nobody", addrs("127.0.0.1", "127.0.0.2"), false, fetch.Network, false},
		{"nobody first, then refused", addrs("127.0.0.2", "127.0.0.1"), false, fetch.Network, false},
		{"only refused ones", addrs("127.0.0.1", "169.254.169.254", "10.0.0.1"), true, fetch.RefusedAddress, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			good, bad, port := twoLoopbacks(t)
			if row.served {
				serveOn(t, good, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "bytes") })
			} else {
				good.Close()
			}
			client := newClient(t, fetch.Config{Allow: onlySecond()})
			lookUpIn(t, client, row.addrs)
			body, err := client.Get(t.Context(), fmt.Sprintf("http://photo.rebind.test:%d/", port), fetch.Validators{})
			bad.wantUntouched(t)
			if row.want == "" {
				if err != nil || string(body.Bytes) != "bytes" {
					t.Errorf("got %q, %v", body.Bytes, err)
				}
				return
			}
			if got := wantError(t, err, row.want); got.Permanent() != row.permanent {
				t.Errorf("got permanent = %v: %v", got.Permanent(), err)
			}
		})
	}
}
