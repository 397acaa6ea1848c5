package webhook

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

// Bounds of RetryAfter: less than a second is no advice, and more than an hour is no reason to keep events back.
const (
	minRetryAfter = time.Second
	maxRetryAfter = time.Hour
)

// Error is every failure of a Send but its caller's own cancellation. Its text never contains the URL's path, query or
// user info, the secrets, the event's data, nor anything the receiver wrote; there is no cause to unwrap, because that
// may quote the receiver.
type Error struct {
	Permanent  bool          // the same request would most likely fail again, until somebody mends something
	Host       string        // that was to be told; empty when the event itself is wrong
	Status     int           // HTTP status, 0 when there was no answer
	RetryAfter time.Duration // how long the receiver asks to wait, 1 s to 1 h; 0 when it doesn't
	Detail     string        // for people
}

// Error tells what was wrong, where, and what to do.
func (e *Error) Error() string {
	text := "sending the event"
	if e.Host != "" {
		text += " to " + e.Host
	}
	if e.Status != 0 {
		text += ": status " + strconv.Itoa(e.Status)
	}
	return text + ": " + e.Detail
}

// statusError judges an answer; nil is a good one.
func statusError(host string, response *http.Response, now time.Time) *Error {
	status := response.StatusCode
	e := &Error{Host: host, Status: status, RetryAfter: retryAfter(response.Header, now)}
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		e.Detail = "the receiver can't take the event now; try later"
		return e
	case status == http.StatusGone:
		e.Detail = "the receiver wants no more events; give another address, or none"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Detail = "the receiver doesn't believe the request; check that it has the same secret and the right time"
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		e.Detail = "nothing takes events at this address; check the URL"
	case status >= 400:
		e.Detail = "the receiver refuses the event; its own log may say why"
	case status >= 300:
		e.Detail = "the receiver redirects, which is not followed; give the final address"
	default:
		e.Detail = "the receiver doesn't answer in HTTP as it is known here"
	}
	e.Permanent = true
	return e
}

// transportError judges a failure below HTTP. The ends of both contexts have been dealt with before.
func transportError(host string, err error) *Error {
	e := &Error{Host: host}
	if refused, ok := errors.AsType[*fetch.Refusal](err); ok {
		e.Permanent, e.Detail = true, refused.Error()
		return e
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		e.Permanent, e.Detail = true, "the receiver's certificate is not valid for this host, or not by an authority known here"
		return e
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		e.Permanent, e.Detail = true, "the receiver doesn't speak TLS on this port; check the URL"
		return e
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		e.Detail = "the receiver couldn't be connected to in time; try later"
		return e
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		e.Detail = "the host name couldn't be looked up; try later"
		if dns.IsNotFound {
			e.Detail = "the host name is not known; check the spelling"
		}
		return e
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		e.Detail = fmt.Sprintf("the connection failed (%s); try later", op.Op)
		return e
	}
	e.Detail = "the connection or the receiver's answer broke; try later"
	return e
}

// retryAfter reads the Retry-After header, as seconds or as a date; 0 if it is missing or neither.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if text != "" && strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds > int(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return max(time.Duration(seconds)*time.Second, minRetryAfter)
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), minRetryAfter), maxRetryAfter)
}
