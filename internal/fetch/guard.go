package fetch

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

var (
	// Azure's host agent lives on an address that every registry calls public.
	azureAgent = netip.MustParseAddr("168.63.129.16")
	// The well-known NAT64 prefix: the last four bytes are the IPv4 address that is really asked.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

// refusal is the guard's own answer; it survives the wrapping of net and net/http.
type refusal struct{ detail string }

func (r *refusal) Error() string { return r.detail }

// guard decides which addresses may be dialled. It looks at the address the kernel is about to connect to, after DNS, on
// every dial: a check of the URL's text or of an earlier look-up is what rebinding defeats.
type guard struct {
	allow  []netip.Prefix
	public *ssrf.Guardian
}

func newGuard(allow []netip.Prefix) *guard {
	return &guard{allow: slices.Clone(allow), public: ssrf.New(ssrf.WithAnyPort())}
}

// control has the signature of net.Dialer.Control.
func (g *guard) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return &refusal{fmt.Sprintf("%s is not a kind of connection photos are fetched by", network)}
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return &refusal{"the address could not be read"}
	}
	return g.check(target.Addr(), target.Port())
}

func (g *guard) check(addr netip.Addr, port uint16) error {
	// Prefix.Contains is false for every zoned address, which would turn deny-lists into nothing.
	if addr.Zone() != "" {
		return &refusal{"addresses with a zone are not fetched from"}
	}
	addr = addr.Unmap()
	if slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		if !nat64.Contains(addr) {
			return nil
		}
		// Allowing the NAT64 prefix means "this network has no IPv4", not "127.0.0.1 is fine".
		return g.check(embedded(addr), port)
	}
	if err := g.checkPublic(addr); err != nil {
		return err
	}
	if port != 80 && port != 443 {
		return &refusal{fmt.Sprintf("port %d is not fetched from; use port 80 or 443, or have the operator allow the address in GROUPPHOTO_PHOTO_ALLOW", port)}
	}
	return nil
}

func (g *guard) checkPublic(addr netip.Addr) error {
	private := &refusal{fmt.Sprintf("%s is not a public address; put the photo on a public server, or have the operator allow the address in GROUPPHOTO_PHOTO_ALLOW", addr)}
	if addr == azureAgent || g.public.SafeAddr(addr) != nil {
		return private
	}
	// ISATAP hides an IPv4 address behind any global prefix; a tunnel router would unpack it.
	if b := addr.As16(); addr.Is6() && b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe {
		if g.checkPublic(embedded(addr)) != nil {
			return private
		}
	}
	return nil
}

// embedded returns the IPv4 address in the last four bytes.
func embedded(addr netip.Addr) netip.Addr {
	b := addr.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}
