package fetch_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

func own(texts ...string) func() []netip.AddrPort {
	var list []netip.AddrPort
	for _, text := range texts {
		list = append(list, netip.MustParseAddrPort(text))
	}
	return func() []netip.AddrPort { return list }
}

func everywhere() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
}

func TestOwn_Table(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, own, address string
		allowed            bool
	}{
		{"itself", "10.0.0.1:8080", "10.0.0.1:8080", false},
		{"itself, mapped", "10.0.0.1:8080", "[::ffff:10.0.0.1]:8080", false},
		{"itself, said mapped", "[::ffff:10.0.0.1]:8080", "10.0.0.1:8080", false},
		{"itself, said with a zone", "[fe80::1%eth0]:8080", "[fe80::1]:8080", false},
		{"itself, by NAT64", "10.0.0.1:8080", "[64:ff9b::a00:1]:8080", false},
		{"another port", "10.0.0.1:8080", "10.0.0.1:8081", true},
		{"another address", "10.0.0.1:8080", "10.0.0.2:8080", true},
		{"every port", "10.0.0.1:0", "10.0.0.1:8081", false},
		{"everywhere, loopback", "0.0.0.0:8080", "127.0.0.1:8080", false},
		{"everywhere, another loopback", "0.0.0.0:8080", "127.8.8.8:8080", false},
		{"everywhere, loopback v6", "[::]:8080", "[::1]:8080", false},
		{"everywhere v6, loopback v4", "[::]:8080", "127.0.0.1:8080", false},
		{"everywhere, unspecified", "0.0.0.0:8080", "0.0.0.0:8080", false},
		{"everywhere, another port", "0.0.0.0:8080", "127.0.0.1:8081", true},
		{"everywhere, another machine", "0.0.0.0:8080", "192.0.2.77:8080", true},
		{"loopback, by unspecified", "127.0.0.1:8080", "0.0.0.0:8080", false},
		{"loopback, by unspecified v6", "127.0.0.1:8080", "[::]:8080", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			network := "tcp4"
			if netip.MustParseAddrPort(row.address).Addr().Is6() {
				network = "tcp6"
			}
			err := fetch.CheckAddress(fetch.Config{Allow: everywhere(), Own: own(row.own)}, network, row.address)
			if (err == nil) != row.allowed {
				t.Errorf("own %s, dialled %s: got %v, want allowed = %v", row.own, row.address, err, row.allowed)
			}
		})
	}
}

func TestOwn_EveryAddressOfThisMachine(t *testing.T) {
	t.Parallel()
	// Given a service of ours that listens everywhere, and everything allowed.
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, listener, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the API") })
	port := listener.Addr().(*net.TCPAddr).Port
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, fetch.Config{Allow: everywhere(), Own: own(listener.Addr().String())})
	for _, a := range interfaces {
		addr, ok := netip.AddrFromSlice(a.(*net.IPNet).IP)
		if !ok || addr.IsLinkLocalUnicast() && addr.Is6() {
			continue // can only be written with a zone, which is refused anyway
		}
		// When any address of this machine is asked at that port; then it is refused.
		url := "http://" + net.JoinHostPort(addr.Unmap().String(), strconv.Itoa(port)) + "/"
		_, err := client.Get(t.Context(), url, fetch.Validators{})
		wantError(t, err, fetch.RefusedAddress)
	}
	// And the same without Own is reached, so it was Own that refused.
	body, err := newClient(t, fetch.Config{Allow: everywhere()}).Get(t.Context(), fmt.Sprintf("http://127.0.0.1:%d/", port), fetch.Validators{})
	if err != nil || string(body.Bytes) != "the API" {
		t.Errorf("got %q, %v", body.Bytes, err)
	}
}

func TestOwn_RedirectToOurselves(t *testing.T) {
	t.Parallel()
	// Given a photo server that redirects to our API, both in the allowed network; when fetched; then that is refused.
	api := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the API") })
	photos := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, api.URL, http.StatusFound) })
	client := newClient(t, fetch.Config{Allow: loopback(), Own: own(api.Listener.Addr().String())})
	_, err := client.Get(t.Context(), photos.URL, fetch.Validators{})
	wantError(t, err, fetch.RefusedAddress)
}
