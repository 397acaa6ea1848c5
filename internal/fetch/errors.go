package fetch

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// Reason is the one word for why a fetch failed. The words are stable: they may be stored and shown.
type Reason string

// The reasons. Only BadURL, RefusedAddress, TooLarge, NotFound and Redirects are permanent.
const (
	// BadURL means that the text is no http(s) URL without user info.
	BadURL Reason = "bad_url"
	// RefusedAddress means that the host, its address or the port must not be asked.
	RefusedAddress Reason = "refused_address"
	// TooLarge means that the body is longer than the limit.
	TooLarge Reason = "too_large"
	// NotFound means that the server has no photo there: 4xx other than 408, 425 and 429, a success other
	// than 200, a 304 that was not asked for, or a body in a content encoding.
	NotFound Reason = "not_found"
	// Redirects means too many redirects, or one to a place that is not followed.
	Redirects Reason = "redirects"
	// Unavailable means 5xx, 408, 425 or 429, or that the server is left alone for a while after failures in a row.
	Unavailable Reason = "unavailable"
	// Timeout means that dialling, the handshake, the header or the whole fetch took too long.
	Timeout Reason = "timeout"
	// Network means that DNS, the connection or TLS failed, or that the egress proxy could not be used.
	Network Reason = "network"
)

// Error is every failure of a fetch but the caller's own cancellation. Its text never contains the URL's path, query
// or user info, nor anything the server wrote.
type Error struct {
	Reason Reason
	Host   string // host[:port] that was asked, cut to 100 bytes; empty when the URL could not be read
	Status int    // HTTP status, 0 when there was no answer
	Detail string // for people
	Err    error  // the cause, or nil; not part of the text, because it may quote the server
}

// Error tells what was wrong, where, and what to do.
func (e *Error) Error() string {
	text := "fetching the photo"
	if e.Host != "" {
		text += " from " + e.Host
	}
	text += ": " + string(e.Reason)
	if e.Status != 0 {
		text += " (status " + strconv.Itoa(e.Status) + ")"
	}
	return text + ": " + e.Detail
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// Permanent reports whether the same fetch would fail again. An unknown reason is transient.
func (e *Error) Permanent() bool {
	switch e.Reason {
	case BadURL, RefusedAddress, TooLarge, NotFound, Redirects:
		return true
	}
	return false
}

// statusError judges an answer that is neither 200 nor a redirect that can be followed.
func statusError(host string, status int) *Error {
	e := &Error{Host: host, Status: status}
	switch {
	case status >= 500 || status == 408 || status == 425 || status == 429:
		e.Reason, e.Detail = Unavailable, "the server can't give the photo now; try later"
	case status >= 400:
		e.Reason, e.Detail = NotFound, "the server doesn't give out this photo; check the address in a private browser window"
	case status == 304:
		e.Reason, e.Detail = NotFound, "the server says that the photo hasn't changed although it wasn't asked that; mend the server or its cache"
	case status >= 300:
		e.Reason, e.Detail = Redirects, "the server redirects without saying where; give the final address"
	default:
		e.Reason, e.Detail = NotFound, "the server must answer 200 with the whole photo; give the address of the image itself"
	}
	return e
}

// transportError judges a failure below HTTP. The cancellation of the caller's context has been dealt with before.
func transportError(host string, err error) *Error {
	if refused, ok := errors.AsType[*Refusal](err); ok {
		return &Error{Reason: RefusedAddress, Host: host, Detail: refused.Error(), Err: err}
	}
	if fault := atProxy(err); fault != nil {
		return &Error{Reason: Network, Host: host, Detail: fault.Error(), Err: err}
	}
	if fault, ok := errors.AsType[*tunnelFault](err); ok {
		return &Error{Reason: Unavailable, Host: host, Detail: fault.Error(), Err: err}
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return &Error{Reason: Timeout, Host: host, Detail: "the server didn't answer in time; try later", Err: err}
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		detail := "the host name couldn't be looked up; try later"
		if dns.IsNotFound {
			detail = "the host name is not known; check the spelling"
		}
		return &Error{Reason: Network, Host: host, Detail: detail, Err: err}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return &Error{Reason: Network, Host: host, Detail: fmt.Sprintf("the connection failed (%s); try later", op.Op), Err: err}
	}
	return &Error{Reason: Network, Host: host, Detail: "the connection or the server's answer broke; try later", Err: err}
}
