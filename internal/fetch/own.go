package fetch

import (
	"net"
	"net/netip"
)

// checkOwn refuses the listening addresses of this very process: a URL must not be a way to call its API, even
// where the operator allows the network it listens in.
func (g *Guard) checkOwn(addr netip.Addr, port uint16) error {
	if g.own == nil {
		return nil
	}
	for _, own := range g.own() {
		if own.Port() != port && own.Port() != 0 {
			continue
		}
		listening := own.Addr().Unmap().WithZone("")
		// Connecting to the unspecified address means connecting to this machine.
		if addr == listening || addr.IsUnspecified() || listening.IsUnspecified() && isLocal(addr) {
			return &Refusal{"this is where groupphoto itself listens, which is never asked; give a public address"}
		}
	}
	return nil
}

// isLocal reports whether the address is one of this machine's. Interfaces come and go, so they are asked each time; when
// they can't be read every address counts as local.
func isLocal(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	local, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, a := range local {
		prefix, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		if ip, ok := netip.AddrFromSlice(prefix.IP); ok && ip.Unmap() == addr {
			return true
		}
	}
	return false
}
