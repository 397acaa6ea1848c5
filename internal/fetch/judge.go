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
	if err := c.guard.CheckURL(target); err != nil {
		return refuse(err.Error())
	}
	if isAddress(name) {
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

// CheckURL judges a URL that ParseURL accepted, as far as its text goes: a literal address is judged as by Check. What a
// name stands for is seen by Dial alone.
func (g *Guard) CheckURL(target *url.URL) error {
	addr, err := netip.ParseAddr(nameOf(target))
	if err != nil {
		return nil
	}
	return g.Check(addr, portOf(target))
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
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
