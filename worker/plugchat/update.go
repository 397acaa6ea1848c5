package plugchat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxReply bounds what is read of a reply: the documented ones have 14 bytes. A group's metadata may be longer.
const maxReply = 64 << 10

// maxGroupID is well above the longest id that WhatsApp is known to use.
const maxGroupID = 64

var errTimeout = errors.New("the time for the call is up")

// Call is one change of one group's photo.
type Call struct {
	// GroupID is the group in the form that PlugChat documents, as in 120363019502650977-group. It is sent as it is; only its alphabet is checked.
	GroupID string
	// Photo is what to show.
	Photo Photo
	// NotAfter is the last moment to begin writing the request, on the monotonic clock if it has one. Zero: any time.
	NotAfter time.Time
	// Wrote is told when the writing of the request began, on the monotonic clock: once, before the call returns, and never when nothing was written.
	// It is called by whoever writes, as soon as a connection took the first bytes, so it must return at once. Nil tells nobody.
	Wrote func(began time.Time)
}

// check refuses what must not reach PlugChat: an empty target makes several servers change the account's own picture.
func (c Call) check() error {
	if err := checkGroupID(c.GroupID); err != nil {
		return err
	}
	if problem := c.Photo.check(); problem != "" {
		return badCall(problem)
	}
	return nil
}

func checkGroupID(id string) error {
	switch {
	case id == "":
		return badCall("the group id is empty")
	case len(id) > maxGroupID || strings.ContainsFunc(id, notInGroupID):
		return badCall("the group id holds characters that no group id has, or is too long")
	}
	return nil
}

func badCall(problem string) *Error {
	return &Error{Class: Permanent, Reason: ReasonBadCall, Detail: problem}
}

func notInGroupID(r rune) bool {
	digit, letter := r >= '0' && r <= '9', r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !digit && !letter && !strings.ContainsRune("-@._:", r)
}

// UpdateGroupPhoto asks PlugChat once to show the photo on the group. At most one request is ever written, and no redirect is followed.
// It returns (true, nil) or (false, nil) when PlugChat answered 200 with that JSON boolean as "value", and a *Error in all other cases.
// When ctx ends before the request was written, nothing was sent and the error's cause is that of ctx; when it ends later, the class is Lost.
func (c *Client) UpdateGroupPhoto(ctx context.Context, call Call) (bool, error) {
	if err := call.check(); err != nil {
		return false, err
	}
	limited, cancel := context.WithTimeoutCause(ctx, c.timeout, errTimeout)
	defer cancel()
	s := newSending(limited, call)
	req, err := http.NewRequestWithContext(guarded(limited, s), http.MethodPost, c.updateURL, s.open())
	if err != nil {
		return false, &Error{Class: Permanent, Reason: ReasonBadCall, Detail: "the request could not be built", Err: c.cause(err)}
	}
	req.Header = c.header()
	req.Header.Set("Content-Type", "application/json")
	req.ContentLength, req.GetBody = s.length(), s.reopen
	got, err := c.roundTrip(req, maxReply)
	state := s.end()
	if err != nil {
		return false, c.broken(ctx, limited, err, state, got)
	}
	value, failure := c.readAnswer(got)
	if failure != nil {
		failure.Sent = state == begun
		return false, failure
	}
	return value, nil
}

// reply is what came back, its body read within a limit.
type reply struct {
	status int
	header http.Header
	body   []byte
	long   bool
}

// roundTrip makes one request. It goes to the transport directly: an http.Client would add redirects, cookies and URLs in its errors, none of which we want.
// An error next to a reply with a status means that the reply's body broke off.
func (c *Client) roundTrip(req *http.Request, limit int) (reply, error) {
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return reply{}, err
	}
	if resp == nil || resp.Body == nil {
		return reply{}, errors.New("the transport gave neither a reply nor an error")
	}
	defer resp.Body.Close()
	got := reply{status: resp.StatusCode, header: resp.Header}
	got.body, err = io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if len(got.body) > limit {
		// The rest is not drained: closing costs one connection, an endless reply would cost more.
		got.body, got.long = got.body[:limit], true
	}
	// Only a 200 is decided by its body; a broken one of any other status changes nothing.
	if err != nil && got.status == http.StatusOK {
		return got, fmt.Errorf("reading the reply: %w", err)
	}
	return got, nil
}

// broken makes the error of a call without a usable reply.
func (c *Client) broken(ctx, limited context.Context, err error, state int32, got reply) *Error {
	if limited.Err() != nil {
		err = context.Cause(limited)
	}
	e := &Error{Class: Transient, Reason: ReasonUnavailable, Status: got.status, Sent: state == begun, Err: c.cause(err)}
	switch {
	case state == late:
		e.Reason, e.Err = ReasonTooLate, ErrTooLate
		e.Detail = "the call was not made, its moment had passed"
	case e.Sent:
		e.Class, e.Reason = Lost, ReasonNoAnswer
		e.Detail = c.clean.clean("the request was written but no whole answer came: " + describe(err))
	case ctx.Err() != nil:
		e.Reason = ReasonCanceled
		e.Detail = c.clean.clean("the call was given up before anything was written: " + describe(err))
	default:
		e.Detail = c.clean.clean("PlugChat could not be reached, nothing was written: " + describe(err))
	}
	return e
}

func (c *Client) cause(err error) error {
	return &cause{text: c.clean.clean(describe(err)), err: err}
}

// describe says what went wrong without the address of the request, which net/url's error would quote.
func describe(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return "the host name " + e.Name + " could not be looked up: " + e.Err // without the name server, which is nobody's business
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection was closed"
	}
	return err.Error()
}
