package fetch_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

// The rows are textual on purpose: addresses built byte by byte repeat the mistakes of the code they test.
func TestGuard_AddressTable(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, address string
		allowed       bool
	}{
		{"unspecified", "0.0.0.0", false},
		{"unspecified v6", "::", false},
		{"this network", "0.1.2.3", false},
		{"carrier NAT", "100.64.0.1", false},
		{"Alibaba metadata", "100.100.100.200", false},
		{"cloud metadata", "169.254.169.254", false},
		{"private 10/8", "10.0.0.1", false},
		{"private 172.16/12", "172.16.0.1", false},
		{"private 192.168/16", "192.168.1.1", false},
		{"loopback", "127.0.0.1", false},
		{"loopback, another", "127.8.8.8", false},
		{"loopback v6", "::1", false},
		{"link-local v6", "fe80::1", false},
		{"link-local v6 with zone", "fe80::1%lo", false},
		{"loopback v6 with zone", "::1%lo", false},
		{"public v6 with zone", "2606:4700:4700::1111%eth0", false},
		{"unique local", "fc00::1", false},
		{"AWS metadata v6", "fd00:ec2::254", false},
		{"IPv4-mapped loopback", "::ffff:127.0.0.1", false},
		{"IPv4-mapped metadata", "::ffff:169.254.169.254", false},
		{"Oracle metadata", "192.0.0.192", false},
		{"Azure host agent", "168.63.129.16", false},
		{"Azure host agent, mapped", "::ffff:168.63.129.16", false},
		{"benchmark", "198.18.0.1", false},
		{"documentation", "203.0.113.1", false},
		{"reserved", "240.0.0.1", false},
		{"broadcast", "255.255.255.255", false},
		{"multicast", "224.0.0.1", false},
		{"multicast v6", "ff02::1", false},
		{"IPv4-compatible", "::127.0.0.1", false},
		{"NAT64 of loopback", "64:ff9b::7f00:1", false},
		{"NAT64 of metadata", "64:ff9b::a9fe:a9fe", false},
		{"NAT64 local use, loopback", "64:ff9b:1::7f00:1", false},
		{"NAT64 local use, metadata", "64:ff9b:1:a9fe:a9:fe00::", false},
		{"NAT64 of a public address", "64:ff9b::808:808", false},
		{"6to4 of loopback", "2002:7f00:1::", false},
		{"Teredo", "2001::f5ff:fffe", false},
		{"site-local", "fec0::1", false},
		{"documentation v6, new", "3fff::1", false},
		{"SRv6", "5f00::1", false},
		{"ISATAP of loopback", "2606:4700::5efe:7f00:1", false},
		{"ISATAP of metadata, global bit", "2606:4700::200:5efe:a9fe:a9fe", false},
		{"ISATAP of the Azure agent", "2606:4700::5efe:a83f:8110", false},
		{"public", "8.8.8.8", true},
		{"public v6", "2606:4700:4700::1111", true},
		{"public, mapped", "::ffff:8.8.8.8", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			network := "tcp4"
			if !netip.MustParseAddr(row.address).Is4() {
				network = "tcp6"
			}
			address := "[" + row.address + "]:80"
			if network == "tcp4" {
				address = row.address + ":80"
			}
			if err := fetch.CheckAddress(fetch.Config{}, network, address); (err == nil) != row.allowed {
				t.Errorf("%s: got %v, want allowed = %v", row.address, err, row.allowed)
			}
		})
	}
}

func TestGuard_PortsAndAllowList(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, allow, network, address string
		allowed                       bool
	}{
		{"public, http", "", "tcp4", "8.8.8.8:80", true},
		{"public, https", "", "tcp4", "8.8.8.8:443", true},
		{"public, Redis", "", "tcp4", "8.8.8.8:6379", false},
		{"public, port 0", "", "tcp4", "8.8.8.8:0", false},
		{"allowed intranet, any port", "10.1.0.0/16", "tcp4", "10.1.2.3:8080", true},
		{"beside the allowed intranet", "10.1.0.0/16", "tcp4", "10.2.2.3:80", false},
		{"allowed intranet, mapped form", "10.1.0.0/16", "tcp6", "[::ffff:10.1.2.3]:80", true},
		{"an allow-list opens no port elsewhere", "10.1.0.0/16", "tcp4", "8.8.8.8:8080", false},
		{"NAT64 allowed, public inside", "64:ff9b::/96", "tcp6", "[64:ff9b::808:808]:443", true},
		{"NAT64 allowed, loopback inside", "64:ff9b::/96", "tcp6", "[64:ff9b::7f00:1]:443", false},
		{"NAT64 allowed, metadata inside", "64:ff9b::/96", "tcp6", "[64:ff9b::a9fe:a9fe]:80", false},
		{"allowed link-local with a zone", "fe80::/10", "tcp6", "[fe80::1%lo]:80", false},
		{"udp", "", "udp4", "8.8.8.8:80", false},
		{"no address", "", "tcp4", "example.com:80", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var allow []netip.Prefix
			if row.allow != "" {
				allow = append(allow, netip.MustParsePrefix(row.allow))
			}
			if err := fetch.CheckAddress(fetch.Config{Allow: allow}, row.network, row.address); (err == nil) != row.allowed {
				t.Errorf("%s: got %v, want allowed = %v", row.address, err, row.allowed)
			}
		})
	}
}

// What only those who make a Guard of their own can ask for.
func TestGuard_AnyPortAndPlain(t *testing.T) {
	t.Parallel()
	intranet := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("8.8.4.0/24"), netip.MustParsePrefix("64:ff9b::/96")}
	anyPort := fetch.GuardConfig{AnyPort: true}
	plain := fetch.GuardConfig{AnyPort: true, Plain: true, Allow: intranet}
	for _, row := range []struct {
		name    string
		config  fetch.GuardConfig
		address string
		allowed bool
	}{
		{"zero value, usual port", fetch.GuardConfig{}, "8.8.8.8:443", true},
		{"zero value, another port", fetch.GuardConfig{}, "8.8.8.8:8443", false},
		{"any port", anyPort, "8.8.8.8:8443", true},
		{"any port but 0", anyPort, "8.8.8.8:0", false},
		{"any port, private", anyPort, "10.1.2.3:8443", false},
		{"any port, loopback", anyPort, "[::1]:8443", false},
		{"plain, allowed", plain, "10.1.2.3:8080", true},
		{"plain, beside", plain, "10.2.2.3:80", false},
		{"plain, public", plain, "8.8.8.8:80", false},
		{"plain, public and allowed", plain, "8.8.4.4:80", false},
		{"plain, public by NAT64", plain, "[64:ff9b::808:808]:80", false},
		{"plain, allowed by NAT64", plain, "[64:ff9b::a01:203]:80", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			target := netip.MustParseAddrPort(row.address)
			err := fetch.NewGuard(row.config).Check(target.Addr(), target.Port())
			if _, refused := errors.AsType[*fetch.Refusal](err); refused == row.allowed || (err == nil) != row.allowed {
				t.Errorf("%s: got %v, want allowed = %v", row.address, err, row.allowed)
			}
		})
	}
}
