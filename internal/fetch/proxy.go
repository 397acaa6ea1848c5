package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
)

// proxyFault is a failure between us and the egress proxy: the photo's host has no part in it.
type proxyFault struct {
	detail string
	err    error
}

func (f *proxyFault) Error() string { return f.detail }
func (f *proxyFault) Unwrap() error { return f.err }

// atProxy returns what went wrong at the proxy, or nil when it was elsewhere.
func atProxy(err error) *proxyFault {
	if fault, ok := errors.AsType[*proxyFault](err); ok {
		return fault
	}
	// What net/http finds wrong before the proxy takes requests, such as its certificate.
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "proxyconnect" {
		return &proxyFault{"the egress proxy could not be reached; have the operator check it, or try later", err}
	}
	return nil
}

// checkProxy says what is wrong with the address of a proxy, without quoting it.
func checkProxy(proxy *url.URL) error {
	port, err := strconv.ParseUint(proxy.Port(), 10, 16)
	switch {
	case proxy.Scheme != "http" && proxy.Scheme != "https":
		return errors.New("the egress proxy must be an http or https URL, like http://proxy.example.com:3128")
	case !validName(proxy.Hostname()) && net.ParseIP(proxy.Hostname()) == nil:
		return errors.New("the egress proxy's URL must name a host (a name in ASCII, or an address without a zone)")
	case proxy.Port() != "" && (err != nil || port == 0):
		return errors.New("the egress proxy's port must be a number from 1 to 65535")
	}
	return nil
}

// useProxy makes the transport send everything through the proxy. The proxy itself may be anywhere, that is the
// operator's word; anything else is not dialled.
func useProxy(transport *http.Transport, proxy *url.URL, resolver *net.Resolver) {
	transport.Proxy = http.ProxyURL(proxy)
	only := net.JoinHostPort(proxy.Hostname(), strconv.Itoa(int(portOf(proxy))))
	dialer := &net.Dialer{Timeout: dialTimeout, Resolver: resolver}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != only {
			return nil, &Refusal{"with an egress proxy nothing but the proxy is connected to"}
		}
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, &proxyFault{"the egress proxy could not be reached; have the operator check it, or try later", err}
		}
		return conn, nil
	}
	transport.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
		return tunnelError(answer.StatusCode)
	}
}

// tunnelError judges the proxy's answer to CONNECT.
func tunnelError(status int) error {
	switch {
	case status == http.StatusOK:
		return nil
	case status == http.StatusForbidden:
		return &Refusal{"the egress proxy doesn't let this host through; put the photo on another server, or have the operator allow it there"}
	case status >= 500:
		return &tunnelFault{status}
	}
	return &proxyFault{detail: proxyRefuses(status)}
}

func proxyRefuses(status int) string {
	return fmt.Sprintf("the egress proxy answers with status %d; have the operator check its address and our credentials for it", status)
}

// tunnelFault means that the proxy is there and could not reach the host.
type tunnelFault struct{ status int }

func (f *tunnelFault) Error() string {
	return fmt.Sprintf("the egress proxy couldn't reach the host (its status %d); try later", f.status)
}
