package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"

	"code.dny.dev/ssrf"
)

var (
	// Azure's host agent lives on an address that every registry calls public.
	azureAgent = netip.MustParseAddr("168.63.129.16")
	// The well-known NAT64 prefix (RFC 6052): the last four bytes are the IPv4 address that is really asked.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
	// The local-use one (RFC 8215): where the IPv4 address stands is each network's own choice.
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48")
)

// refusal is the guard's own answer; it survives the wrapping of net and net/http.
type refusal struct{ detail string }

func (r *refusal) Error() string { return r.detail }

// guard decides which addresses may be dialled. It looks at the address the kernel is about to connect to, after DNS, on
// every dial: a check of the URL's text or of an earlier look-up is what rebinding defeats.
type guard struct {
	allow    []netip.Prefix
	ports    []uint16
	own      func() []netip.AddrPort
	nat64    bool
	resolver *net.Resolver
	public   *ssrf.Guardian
}

func newGuard(config Config) *guard {
	return &guard{
		allow: slices.Clone(config.Allow), ports: slices.Clone(config.Ports), own: config.Own, nat64: config.NAT64,
		resolver: &net.Resolver{}, public: ssrf.New(ssrf.WithAnyPort()),
	}
}

// dial has the signature of http.Transport.DialContext.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var asked atomic.Bool
	dialer := &net.Dialer{Timeout: dialTimeout, Resolver: g.resolver, Control: func(network, address string, _ syscall.RawConn) error {
		err := g.control(network, address)
		if err == nil {
			asked.Store(true)
		}
		return err
	}}
	conn, err := dialer.DialContext(ctx, network, address)
	if _, refused := errors.AsType[*refusal](err); refused && asked.Load() {
		// Of a name with several addresses net returns the first error. When another address was asked and didn't
		// answer, a later try may succeed, so this is no refusal.
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("none of the addresses that may be asked answered")}
	}
	return conn, err
}

// control judges what net.Dialer.Control is given.
func (g *guard) control(network, address string) error {
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
	allowed := slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(addr) })
	switch {
	case nat64Local.Contains(addr):
		return private(addr)
	case nat64.Contains(addr) && (allowed || g.nat64):
		// This means "the network has no IPv4", not "127.0.0.1 is fine".
		return g.check(embedded(addr), port)
	}
	if err := g.checkOwn(addr, port); err != nil {
		return err
	}
	if allowed {
		return nil
	}
	if err := g.checkPublic(addr, port); err != nil {
		return err
	}
	if !g.open(port) {
		return &refusal{portDetail(port)}
	}
	return nil
}

func (g *guard) checkPublic(addr netip.Addr, port uint16) error {
	if addr == azureAgent || g.public.SafeAddr(addr) != nil {
		return private(addr)
	}
	// ISATAP hides an IPv4 address behind any global prefix; a tunnel router would unpack it.
	if b := addr.As16(); addr.Is6() && b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe {
		if err := g.checkOwn(embedded(addr), port); err != nil {
			return err
		}
		if g.checkPublic(embedded(addr), port) != nil {
			return private(addr)
		}
	}
	return nil
}

// open reports whether a port may be asked on public addresses.
func (g *guard) open(port uint16) bool {
	return port == 80 || port == 443 || port != 0 && slices.Contains(g.ports, port)
}

func private(addr netip.Addr) error {
	return &refusal{fmt.Sprintf("%s is not a public address; put the photo on a public server, or have the operator allow the address in GROUPPHOTO_PHOTO_ALLOW", addr)}
}

func portDetail(port uint16) string {
	return fmt.Sprintf("port %d is not fetched from; use port 80 or 443, or have the operator allow the port, or the address in GROUPPHOTO_PHOTO_ALLOW", port)
}

// embedded returns the IPv4 address in the last four bytes.
func embedded(addr netip.Addr) netip.Addr {
	b := addr.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}
