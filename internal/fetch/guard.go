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

// Refusal is the answer of a Guard, and the only one: it survives the wrapping of net and net/http. Its text says what to
// do; of the target it names nothing but the address or the port.
type Refusal struct{ detail string }

// Error says what is refused and what to do.
func (r *Refusal) Error() string { return r.detail }

// GuardConfig sets what a Guard lets through. The zero value is safe: public addresses on ports 80 and 443.
type GuardConfig struct {
	// Allow, Own and NAT64 are those of Config.
	Allow []netip.Prefix
	Own   func() []netip.AddrPort
	NAT64 bool
	// Ports holds further ports that may be asked on public addresses, besides 80 and 443.
	Ports []uint16
	// AnyPort opens all ports of public addresses: for targets that the operator chose.
	AnyPort bool
	// Plain says that what is sent is not encrypted: then public addresses are refused, whatever Allow holds.
	Plain bool
	// Advice ends the sentence about an address that is not public, with what to do. Empty: "use a public one".
	Advice string
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
}

// Guard decides which addresses may be dialled. It looks at the address the kernel is about to connect to, after DNS, on
// every dial: a check of the URL's text or of an earlier look-up is what rebinding defeats. It is safe for concurrent use.
type Guard struct {
	allow    []netip.Prefix
	ports    []uint16
	anyPort  bool
	plain    bool
	own      func() []netip.AddrPort
	nat64    bool
	advice   string
	resolver *net.Resolver
	public   *ssrf.Guardian
}

// NewGuard returns a Guard for the GuardConfig, which is copied.
func NewGuard(config GuardConfig) *Guard {
	if config.Advice == "" {
		config.Advice = "use a public one"
	}
	if config.Resolver == nil {
		config.Resolver = &net.Resolver{}
	}
	return &Guard{
		allow: slices.Clone(config.Allow), ports: slices.Clone(config.Ports), anyPort: config.AnyPort, plain: config.Plain,
		own: config.Own, nat64: config.NAT64, advice: config.Advice, resolver: config.Resolver, public: ssrf.New(ssrf.WithAnyPort()),
	}
}

// newGuard returns the guard of a Client.
func newGuard(config Config) *Guard {
	return NewGuard(GuardConfig{
		Allow: config.Allow, Ports: config.Ports, Own: config.Own, NAT64: config.NAT64,
		Advice: "put the photo on a public server, or have the operator allow the address in GROUPPHOTO_PHOTO_ALLOW",
	})
}

// Dial connects within 3 s, and has the signature of http.Transport.DialContext. The error is a *Refusal, wrapped, when
// none of the target's addresses may be asked; when one was asked in vain, it is none, because a later try may succeed.
func (g *Guard) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var asked atomic.Bool
	dialer := &net.Dialer{Timeout: dialTimeout, Resolver: g.resolver, Control: func(network, address string, _ syscall.RawConn) error {
		err := g.control(network, address)
		if err == nil {
			asked.Store(true)
		}
		return err
	}}
	conn, err := dialer.DialContext(ctx, network, address)
	if _, refused := errors.AsType[*Refusal](err); refused && asked.Load() {
		// Of a name with several addresses net returns the first error. When another address was asked and didn't
		// answer, a later try may succeed, so this is no refusal.
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("none of the addresses that may be asked answered")}
	}
	return conn, err
}

// control judges what net.Dialer.Control is given.
func (g *Guard) control(network, address string) error {
	if network != "tcp4" && network != "tcp6" {
		return &Refusal{fmt.Sprintf("%s is not a kind of connection that is made", network)}
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return &Refusal{"the address could not be read"}
	}
	return g.Check(target.Addr(), target.Port())
}

// Check judges one address, and returns nil or a *Refusal. It is no substitute for Dial where the target is a name.
func (g *Guard) Check(addr netip.Addr, port uint16) error {
	// Prefix.Contains is false for every zoned address, which would turn deny-lists into nothing.
	if addr.Zone() != "" {
		return &Refusal{"addresses with a zone are not asked"}
	}
	addr = addr.Unmap()
	allowed := slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(addr) })
	switch {
	case nat64Local.Contains(addr):
		return g.private(addr)
	case nat64.Contains(addr) && (allowed || g.nat64):
		// This means "the network has no IPv4", not "127.0.0.1 is fine".
		return g.Check(embedded(addr), port)
	}
	if err := g.checkOwn(addr, port); err != nil {
		return err
	}
	if g.plain && g.checkPublic(addr, port) == nil {
		return &Refusal{fmt.Sprintf("%s is a public address, which is told nothing without encryption; use https", addr)}
	}
	if allowed {
		return nil
	}
	if err := g.checkPublic(addr, port); err != nil {
		return err
	}
	if !g.open(port) {
		return &Refusal{portDetail(port)}
	}
	return nil
}

func (g *Guard) checkPublic(addr netip.Addr, port uint16) error {
	if addr == azureAgent || g.public.SafeAddr(addr) != nil {
		return g.private(addr)
	}
	// ISATAP hides an IPv4 address behind any global prefix; a tunnel router would unpack it.
	if b := addr.As16(); addr.Is6() && b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe {
		if err := g.checkOwn(embedded(addr), port); err != nil {
			return err
		}
		if g.checkPublic(embedded(addr), port) != nil {
			return g.private(addr)
		}
	}
	return nil
}

// open reports whether a port may be asked on public addresses.
func (g *Guard) open(port uint16) bool {
	return port == 80 || port == 443 || port != 0 && (g.anyPort || slices.Contains(g.ports, port))
}

func (g *Guard) private(addr netip.Addr) error {
	return &Refusal{fmt.Sprintf("%s is not a public address; %s", addr, g.advice)}
}

func portDetail(port uint16) string {
	return fmt.Sprintf("port %d is not fetched from; use port 80 or 443, or have the operator allow the port, or the address in GROUPPHOTO_PHOTO_ALLOW", port)
}

// embedded returns the IPv4 address in the last four bytes.
func embedded(addr netip.Addr) netip.Addr {
	b := addr.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}
