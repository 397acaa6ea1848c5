package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
)

// BackoffOf is Backoff with the draw given.
var BackoffOf = backoff

// Trust makes the sender accept a test server's certificate.
func (s *Sender) Trust(roots *x509.CertPool) {
	s.transport.TLSClientConfig = &tls.Config{RootCAs: roots}
}

// ResolveBy makes the sender look names up through the connections that dial gives.
func (s *Sender) ResolveBy(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	s.resolver.PreferGo = true
	s.resolver.Dial = dial
}

// DialNothing makes every connection fail with the error.
func (s *Sender) DialNothing(err error) {
	s.transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, err }
}

// Sign returns what a sender puts into the header webhook-signature.
func (s Secret) Sign(id, stamp string, body []byte) string { return s.signature(id, stamp, body) }
