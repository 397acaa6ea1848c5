package fetch_test

import (
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

// The rows are addresses that a photo must not come from, in every form some part of the way reads as an address.
func TestGet_LiteralAddressesInEveryForm(t *testing.T) {
	t.Parallel()
	client := newClient(t, fetch.Config{})
	noLookUps(t, client)
	for _, host := range []string{
		"0.0.0.0", "0.1.2.3", "100.64.0.1", "100.100.100.200", "169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "192.0.0.192",
		"168.63.129.16", "198.18.0.1", "203.0.113.1", "240.0.0.1", "255.255.255.255", "224.0.0.1",
		"[::]", "[::1]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:FFFF:7F00:0001]",
		"[::ffff:169.254.169.254]", "[::ffff:168.63.129.16]", "[::127.0.0.1]", "[::7f00:1]",
		"[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::808:808]", "[64:ff9b:1::7f00:1]", "[64:ff9b:1:a9fe:a9:fe00::]",
		"[2002:7f00:1::]", "[2001::f5ff:fffe]", "[fec0::1]", "[3fff::1]", "[5f00::1]", "[ff02::1]",
		"[2606:4700::5efe:7f00:1]", "[2606:4700::5efe:127.0.0.1]", "[2606:4700::200:5efe:a9fe:a9fe]",
		// Zones.
		"[fe80::1%25lo]", "[::1%25lo]", "[2606:4700:4700::1111%25eth0]", "127.0.0.1%25lo",
		// What getaddrinfo, browsers and some proxies read as IPv4.
		"2130706433", "017700000001", "0x7f000001", "0X7F000001", "0x7f.0.0.1", "0x7f.1", "0177.0.0.1", "0177.1", "127.1", "127.0.1", "0", "0x", "127.0.0.01",
		"127.0.0.0x1", "127.0.0.1.", "2130706433.", "1.2.3.4.5", "256.256.256.256", "2852039166", "0xa9fea9fe", "169.16689662", "localhost.1", "0b1", "0o177.1",
		// What IDNA turns into one of the above.
		"１２７.0.0.1", "１２７．０．０．１", "127。0。0。1", "①②⑦.⓪.⓪.①", "１２７。１", "0ｘ7f.1", "２１３０７０６４３３", "１６９。２５４。１６９。２５４",
		"%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1", "127%E3%80%820.0.1", "12\u00ad7.0.0.1",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			for _, port := range []string{"", ":80", ":6379"} {
				_, err := client.Get(t.Context(), "http://"+host+port+"/?"+secret, fetch.Validators{})
				if got := wantError(t, err, fetch.RefusedAddress); !got.Permanent() {
					t.Errorf("got a transient error: %v", err)
				}
			}
		})
	}
}

func TestGet_LiteralAddressThatIsRightIsAsked(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ url, host string }{
		{"http://8.8.8.8/p", "8.8.8.8"},
		{"http://[::ffff:8.8.8.8]/p", "[::ffff:8.8.8.8]"},
		{"https://[2606:4700:4700::1111]:443/p", "[2606:4700:4700::1111]:443"},
		{"http://８.8。8.8:80/p", "8.8.8.8:80"},
		{"https://bücher.example:443/p", "xn--bcher-kva.example:443"},
		{"https://BÜCHER.example/p", "xn--bcher-kva.example"},
		{"https://0x7f.example.com/p", "0x7f.example.com"},
		{"https://1.2.3.4.example.com/p", "1.2.3.4.example.com"},
		{"https://Example.com./p", "Example.com."},
	} {
		t.Run(row.url, func(t *testing.T) {
			t.Parallel()
			target, err := fetch.Accept(fetch.Config{}, row.url)
			if err != nil || target.Host != row.host {
				t.Errorf("got %v, %v; want the host %s", target, err, row.host)
			}
		})
	}
}

func TestGet_HostsThatAreNone(t *testing.T) {
	t.Parallel()
	client := newClient(t, fetch.Config{})
	noLookUps(t, client)
	for _, host := range []string{
		"[example.com]", "[127.0.0.1]", "[]", "[v1.fe80]", "example..com", ".example.com", ".", "exa mple.com", "exa$mple.com", "a,b", "a;b", "(a)", "*",
		strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 127) + "com", "\u202eexample.com", "%ff.example.com", "::1", "[::1%25]",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			_, err := client.Get(t.Context(), "http://"+host+"/?"+secret, fetch.Validators{})
			if got := wantError(t, err, fetch.BadURL); strings.Contains(got.Error(), "\u202e") || !utf8.ValidString(got.Error()) {
				t.Errorf("the error shows what can't be printed: %q", err)
			}
		})
	}
}

func TestGuard_PortsAndNAT64(t *testing.T) {
	t.Parallel()
	nat64 := fetch.Config{NAT64: true, Ports: []uint16{8443}}
	allowed := fetch.Config{Allow: []netip.Prefix{netip.MustParsePrefix("64:ff9b::/96")}}
	for _, row := range []struct {
		name    string
		config  fetch.Config
		address string
		allowed bool
	}{
		{"off, public inside", fetch.Config{}, "[64:ff9b::808:808]:443", false},
		{"on, public inside", nat64, "[64:ff9b::808:808]:443", true},
		{"on, further port", nat64, "[64:ff9b::808:808]:8443", true},
		{"on, another port", nat64, "[64:ff9b::808:808]:22", false},
		{"on, loopback inside", nat64, "[64:ff9b::127.0.0.1]:443", false},
		{"on, metadata inside", nat64, "[64:ff9b::169.254.169.254]:80", false},
		{"on, Azure agent inside", nat64, "[64:ff9b::168.63.129.16]:80", false},
		{"on, local-use prefix", nat64, "[64:ff9b:1::808:808]:443", false},
		{"on, own inside", fetch.Config{NAT64: true, Own: own("8.8.8.8:443")}, "[64:ff9b::808:808]:443", false},
		{"on, allowed inside", fetch.Config{NAT64: true, Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, "[64:ff9b::a00:1]:8080", true},
		{"by allow-list, public inside", allowed, "[64:ff9b::808:808]:443", true},
		{"by allow-list, loopback inside", allowed, "[64:ff9b::7f00:1]:443", false},
		{"local-use prefix, even when allowed", fetch.Config{Allow: everywhere()}, "[64:ff9b:1::808:808]:443", false},
		{"ISATAP of a public address", fetch.Config{}, "[2606:4700::5efe:808:808]:443", true},
		{"ISATAP of our own", fetch.Config{Own: own("8.8.8.8:443")}, "[2606:4700::5efe:808:808]:443", false},
		{"further port", nat64, "8.8.8.8:8443", true},
		{"further port, private", nat64, "10.0.0.1:8443", false},
		{"port 0", fetch.Config{Ports: []uint16{0}}, "8.8.8.8:0", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			network := "tcp4"
			if netip.MustParseAddrPort(row.address).Addr().Is6() {
				network = "tcp6"
			}
			if err := fetch.CheckAddress(row.config, network, row.address); (err == nil) != row.allowed {
				t.Errorf("%s: got %v, want allowed = %v", row.address, err, row.allowed)
			}
		})
	}
}
