package fetch

import (
	"net/netip"
	"net/url"
	"strings"
)

// judge refuses what can be refused by looking at the URL of a hop alone: the host list, literal addresses, ports. What
// names resolve to is the guard's business when they are dialled; with a proxy nobody here will ever know.
func (c *Client) judge(target *url.URL) *Error {
	refuse := func(detail string) *Error {
		return &Error{Reason: RefusedAddress, Host: hostOf(target), Detail: detail}
	}
	name, port := nameOf(target), portOf(target)
	if len(c.hosts) > 0 && !listed(c.hosts, name) {
		return refuse("photos are fetched only from a list of hosts, and this is none of them; have the operator add it")
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		if err := c.guard.check(addr, port); err != nil {
			return refuse(err.Error())
		}
		return nil
	}
	if c.proxy != nil && localName(name) {
		return refuse("names of the own machine or network are not asked of the egress proxy; put the photo on a public server")
	}
	// Behind a name may stand an address of the allow-list, where any port is right: the guard will see.
	mayBeAllowed := c.proxy == nil && len(c.guard.allow) > 0
	if !mayBeAllowed && !c.guard.open(port) {
		return refuse(portDetail(port))
	}
	return nil
}

// localName reports whether a name means something only inside a network. The dotless ones are those of container
// networks and of search domains, where the cloud keeps names for its metadata service too.
func localName(name string) bool {
	if !strings.Contains(name, ".") {
		return true
	}
	for _, domain := range []string{".localhost", ".local", ".internal"} {
		if strings.HasSuffix(name, domain) {
			return true
		}
	}
	return false
}
