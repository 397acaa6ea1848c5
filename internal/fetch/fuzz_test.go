package fetch_test

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

// likeInetAton reads IPv4 addresses as the C library does: one to four numbers, decimal, octal or hexadecimal, the last of
// which fills all the bytes that are left. It is written from that definition and not from the code under test.
func likeInetAton(host string) (netip.Addr, bool) {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, part := range parts {
		if part == "" || strings.ContainsAny(part, "_+-") {
			return netip.Addr{}, false
		}
		if strings.EqualFold(part, "0x") {
			part = "0"
		}
		base := 10
		if len(part) > 1 && part[0] == '0' {
			base = 0
		}
		n, err := strconv.ParseUint(part, base, 32)
		left := 4 - i
		if i < len(parts)-1 {
			left = 1
		}
		if err != nil || n > math.MaxUint32>>(8*(4-left)) {
			return netip.Addr{}, false
		}
		value = value<<(8*left) | n
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}

func FuzzURL(f *testing.F) {
	for _, seed := range []string{
		"http://127.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1:80/", "http://127.1/", "http://0B0",
		"http://１２７.0.0.1/",
		"http://127。0。0。1/", "http://[::1%25lo]/", "http://127.0.0.1./", "https://[64:ff9b::7f00:1]/", "http://[::]:80/", "http://photos.example.com/p.jpg?q#f",
		"https://Photos.EXAMPLE.com.:443/", "https://a.cdn.example.com", "https://bücher.example/", "https://[photos.example.com]/",
		"http://u:p@photos.example.com/",
		"http://photos.example.com@127.0.0.1/", "http://photos.example.com%2f@127.0.0.1/", `http://127.0.0.1\@photos.example.com/`,
		"HTTP://8.8.8.8", "file:///etc/passwd", "//a", "",
	} {
		f.Add(seed)
	}
	hosts := []string{"photos.example.com", "*.cdn.example.com"}
	f.Fuzz(func(t *testing.T, raw string) {
		target, err := fetch.Accept(fetch.Config{}, raw)
		_, errListed := fetch.Accept(fetch.Config{Hosts: hosts}, raw)
		if err != nil {
			if errListed == nil {
				t.Errorf("%q: a list of hosts lets through what is refused without: %v", raw, err)
			}
			return
		}
		name := target.Hostname()
		refused := func(addr netip.Addr) bool {
			network := "tcp4"
			if addr.Unmap().Is6() {
				network = "tcp6"
			}
			return fetch.CheckAddress(fetch.Config{}, network, netip.AddrPortFrom(addr, 80).String()) != nil
		}
		if addr, ok := likeInetAton(name); ok && refused(addr) {
			t.Errorf("%q passes as %s, which can be read as %s", raw, target, addr)
		}
		if addr, err := netip.ParseAddr(name); err == nil && refused(addr) {
			t.Errorf("%q passes as %s", raw, target)
		}
		if target.Scheme != "http" && target.Scheme != "https" || target.User != nil || name == "" {
			t.Errorf("%q passes as %s", raw, target)
		}
		// Escaping makes URLs longer, and long ones are refused.
		if text := target.String(); len(text) <= 8<<10 {
			if again, err := fetch.Accept(fetch.Config{}, text); err != nil || again.Host != target.Host {
				t.Errorf("%q passes as %s, which then is %v, %v", raw, target, again, err)
			}
		}
		lower := strings.TrimSuffix(strings.ToLower(name), ".")
		if (errListed == nil) != (lower == "photos.example.com" || len(lower) > len(".cdn.example.com") && strings.HasSuffix(lower, ".cdn.example.com")) {
			t.Errorf("%q passes as %s; by the list of hosts: %v", raw, target, errListed)
		}
	})
}
