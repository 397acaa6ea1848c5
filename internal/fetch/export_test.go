package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
)

// CheckAddress runs the guard alone.
func CheckAddress(config Config, network, address string) error {
	return newGuard(config).control(network, address)
}

// Trust makes the client accept a test server's certificate.
func (c *Client) Trust(roots *x509.CertPool) {
	c.transport.TLSClientConfig = &tls.Config{RootCAs: roots}
}

// Accept runs all rules that look at a URL's text alone.
func Accept(config Config, rawURL string) (*url.URL, error) {
	target, fail := parseURL(rawURL)
	if fail == nil {
		fail = New(config).judge(target)
	}
	if fail != nil {
		return nil, fail
	}
	return target, nil
}

// ResolveBy makes the client look names up through the connections that dial gives.
func (c *Client) ResolveBy(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	c.guard.resolver.PreferGo = true
	c.guard.resolver.Dial = dial
}

// Resource names the resource of a URL as Validators.Of does.
func Resource(rawURL string) string {
	target, fail := parseURL(rawURL)
	if fail != nil {
		return ""
	}
	return nameless(target)
}

// MaxRows is how many failing servers are remembered.
const MaxRows = maxRows

// Rests and Gate are tested on their own, with their own time.
type (
	Rests = rests
	Gate  = gate
)

var (
	NewRests = newRests
	NewGate  = newGate
)

// Resting, Failed and Answered are those of one server.
func (r *rests) Resting(server string) bool { return r.resting(server, server) != nil }
func (r *rests) Failed(server string)       { r.failed(server) }
func (r *rests) Answered(server string)     { r.answered(server) }

// Rows returns how many failing servers are remembered.
func (r *rests) Rows() int { return len(r.rows) }

// Enter and Leave are those of one host.
func (g *gate) Enter(ctx context.Context, host string) error { return g.enter(ctx, host) }
func (g *gate) Leave(host string)                            { g.leave(host) }

// Hosts returns how many hosts are remembered.
func (g *gate) Hosts() int { return len(g.hosts) }
