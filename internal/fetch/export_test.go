package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
)

// CheckAddress runs the guard alone.
func CheckAddress(allow []netip.Prefix, network, address string) error {
	return newGuard(allow).control(network, address, nil)
}

// Trust makes the client accept a test server's certificate.
func (c *Client) Trust(roots *x509.CertPool) {
	c.transport.TLSClientConfig = &tls.Config{RootCAs: roots}
}
