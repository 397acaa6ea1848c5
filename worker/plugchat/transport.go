package plugchat

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
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

// gate is a connection that asks before the first byte of a request whether it may still be written. It also keeps what
// a call costs near to that of a request made of one piece of memory: net/http flushes the head of a request whose body
// is no such piece, so the gate lets it wait for the body that follows at once.
type gate struct {
	net.Conn

	next atomic.Pointer[sending]
	// The head that waits, and whose it is. Writers take turns, as net/http and crypto/tls see to.
	head []byte
	held *sending
}

// Write refuses, with nothing written, if the request's moment has passed.
func (g *gate) Write(p []byte) (int, error) {
	s := g.next.Swap(nil)
	if s != nil {
		if err := s.may(); err != nil {
			return 0, err
		}
		if s.untouched() { // the body comes with the next Write, or an error that ends the connection
			g.head, g.held = append(g.head[:0], p...), s
			return len(p), nil
		}
	}
	if g.held != nil {
		return g.writeHeld(p)
	}
	n, err := g.Conn.Write(p)
	if s != nil && n > 0 {
		s.tell()
	}
	return n, err
}

// writeHeld writes the head that waits with the body that follows it. What follows without a body is TLS's own: it waits too
// while the body may still come, and is refused when it will not, since a last alert would take the head along.
func (g *gate) writeHeld(p []byte) (int, error) {
	if g.held.untouched() {
		g.head = append(g.head, p...)
		return len(p), nil
	}
	if !g.held.hasBegun() {
		return 0, errSealed
	}
	both := net.Buffers{g.head, p}
	n, err := both.WriteTo(g.Conn)
	if n == 0 && err != nil {
		g.held.unwritten()
	} else {
		g.held.tell()
	}
	g.held = nil
	return int(max(0, n-int64(len(g.head)))), err
}

// pieces holds what bodies are copied through: room for a data URI of the usual 100 KiB, so that it goes out in one write.
var pieces = sync.Pool{New: func() any { return new([144 << 10]byte) }}

// ReadFrom writes a body without memory of its own for every call. With TLS crypto/tls writes, and it is not used.
func (g *gate) ReadFrom(r io.Reader) (int64, error) {
	piece := pieces.Get().(*[144 << 10]byte) //nolint:errcheck,forcetypeassert // the pool holds nothing else
	defer pieces.Put(piece)
	return io.CopyBuffer(struct{ io.Writer }{g}, r, piece[:])
}

// guarded makes the gate of whatever connection the request gets ask s. On connections of other transports it does nothing.
func guarded(ctx context.Context, s *sending) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		conn := info.Conn
		if secure, ok := conn.(*tls.Conn); ok {
			conn = secure.NetConn()
		}
		g, ok := conn.(*gate)
		s.gated.Store(ok)
		if ok {
			g.next.Store(s)
		}
	}})
}
