package fetch

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

const lookupTimeout = 3 * time.Second

// Check judges a URL that somebody else will fetch, as far as that can be judged here: scheme, port, host and address by
// the same rules as Get. A name is looked up (for at most 3 s) and refused when any of its addresses is refused; with an
// egress proxy names are the proxy's to judge and are not looked up. No request is made, so what the server answers, where
// it redirects to, and what the name means elsewhere or a moment later stay unknown.
//
// Every failure is an *Error (a refusal is permanent, a failed look-up a transient Network), except that a cancelled or
// expired ctx gives its cause, wrapped.
func (c *Client) Check(ctx context.Context, rawURL string) error {
	target, fail := c.parse(rawURL)
	if fail == nil {
		fail = c.judge(target)
	}
	if fail != nil {
		return fail
	}
	name := target.Hostname()
	if _, err := netip.ParseAddr(name); err == nil || c.proxy != nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	addrs, err := c.guard.resolver.LookupNetIP(limited, "ip", name)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("looking up %s: %w", hostOf(target), context.Cause(ctx))
	}
	if err != nil {
		fail := transportError(hostOf(target), err)
		fail.Reason = Network
		return fail
	}
	for _, addr := range addrs {
		if err := c.guard.Check(addr, portOf(target)); err != nil {
			return transportError(hostOf(target), err)
		}
	}
	return nil
}
