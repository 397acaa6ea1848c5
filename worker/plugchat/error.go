package plugchat

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// ErrTooLate is found by errors.Is in the error of a call whose NotAfter passed before anything was written.
var ErrTooLate = errors.New("the call's moment has passed")

// Error is how every call ends that did not bring a boolean. Its text, in all its forms, is free of token, photo and query strings.
type Error struct {
	// Class is the kind of end; the zero value is Unclear.
	Class Class
	// Reason is one of the Reason constants.
	Reason string
	// Status is the HTTP status, 0 when no reply began.
	Status int
	// RetryAfter is how long the reply asks to wait, from 1 s to 1 h; 0 when it does not say.
	RetryAfter time.Duration
	// Detail is one sentence for people, our own words and at most 200 bytes of the reply's cleaned text.
	Detail string
	// Sent says whether any byte of the request's body was handed to the connection; false proves that nothing can have landed.
	Sent bool
	// Err is the cause, where there is one; its text is cleaned, errors.Is and errors.AsType look through it.
	Err error
}

// Error returns "reason: detail", with the HTTP status where there was one.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Reason)
	b.WriteString(": ")
	b.WriteString(e.Detail)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	return b.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// GoString is Error in brackets, for %#v, which would otherwise walk through the cause's fields.
func (e *Error) GoString() string { return "plugchat.Error{" + e.Error() + "}" }

// LogValue is a group of class, reason, status, sent and detail.
func (e *Error) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("class", e.Class.String()), slog.String("reason", e.Reason), slog.Int("status", e.Status),
		slog.Bool("sent", e.Sent), slog.String("detail", e.Detail))
}

// cause carries a foreign error whose own text can't be trusted: text is the cleaned one, and the error behind is only found by its identity or type.
type cause struct {
	text string
	err  error
}

// Error returns the cleaned text.
func (c *cause) Error() string { return c.text }

// Is finds what the error behind is.
func (c *cause) Is(target error) bool { return errors.Is(c.err, target) }

// As finds what the error behind is, by type.
func (c *cause) As(target any) bool { return errors.As(c.err, target) }

// GoString is Error, for %#v.
func (c *cause) GoString() string { return c.text }
