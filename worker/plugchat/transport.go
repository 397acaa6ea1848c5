package plugchat

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// NewTransport returns the transport that New takes by default: HTTP/1.1 only, sized for many calls in flight to one host.
// proxy decides per request on a proxy, as http.ProxyFromEnvironment does; nil uses none, since this package reads no environment.
// One transport may serve the clients of several accounts.
func NewTransport(proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	// HTTP/2 repeats streams by itself after GOAWAY and REFUSED_STREAM. With HTTP/1.1 a POST is repeated only when nothing was written.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:     proxy,
		Protocols: &protocols,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &gate{Conn: conn}, nil
		},
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 128,
		// Shorter than the 60 s after which common load balancers close: a connection that dies under a request costs a lost call.
		IdleConnTimeout:        45 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		// A data URI of the usual 100 KiB goes out in a few writes instead of 35.
		WriteBufferSize: 32 << 10,
		// Replies are a few bytes: compression gains nothing and would let a small reply unfold.
		DisableCompression: true,
	}
}

// gate is a connection that asks before the first byte of a request whether it may still be written.
type gate struct {
	net.Conn

	next atomic.Pointer[sending]
}

// Write refuses, with nothing written, if the request's moment has passed.
func (g *gate) Write(p []byte) (int, error) {
	if s := g.next.Swap(nil); s != nil {
		if err := s.may(); err != nil {
			return 0, err
		}
	}
	return g.Conn.Write(p)
}

// guarded makes the gate of whatever connection the request gets ask s. On connections of other transports it does nothing.
func guarded(ctx context.Context, s *sending) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		conn := info.Conn
		if secure, ok := conn.(*tls.Conn); ok {
			conn = secure.NetConn()
		}
		if g, ok := conn.(*gate); ok {
			g.next.Store(s)
		}
	}})
}
