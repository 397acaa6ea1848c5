package plugchat

import (
	"context"
	"encoding/json"
	"net/http"
)

// Status is what PlugChat says of the account's number.
type Status struct {
	// Connected says whether the number is connected to WhatsApp. Nothing else in the answer decides it.
	Connected bool
	// Detail is PlugChat's own text, cleaned, at most 200 bytes. It is there on the happy path too ("You are already connected.").
	Detail string
}

// Status asks PlugChat whether the account's number is connected. It changes nothing, and net/http may repeat it on a stale connection.
// Every error is a *Error, classified like that of a call; an answer without a JSON boolean "connected" is Unclear.
func (c *Client) Status(ctx context.Context) (Status, error) {
	got, err := c.get(ctx, c.statusURL, maxReply)
	if err != nil {
		return Status{}, err
	}
	if got.status != http.StatusOK {
		_, failure := c.readAnswer(got)
		return Status{}, failure
	}
	members, ok := readObject(got.body)
	raw, contradictory := members.last("connected")
	var connected *bool
	if !ok || got.long || contradictory || json.Unmarshal(raw, &connected) != nil || connected == nil {
		return Status{}, &Error{Class: Unclear, Reason: ReasonUnclearAnswer, Status: got.status, Sent: true,
			Detail: c.clean.clean("the status answer has no boolean \"connected\"" + c.quote(got.body))}
	}
	return Status{Connected: *connected, Detail: c.clean.clean(members.text("error"))}, nil
}

// get makes one reading request. Its errors are of type *Error.
func (c *Client) get(ctx context.Context, address string, limit int) (reply, error) {
	limited, cancel := context.WithTimeoutCause(ctx, c.timeout, errTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodGet, address, nil)
	if err != nil {
		return reply{}, &Error{Class: Permanent, Reason: ReasonBadCall, Detail: "the request could not be built", Err: c.cause(err)}
	}
	req.Header = c.header()
	got, err := c.roundTrip(req, limit)
	if err != nil {
		// Nothing can have landed by reading: whatever broke, it is only that PlugChat could not be reached.
		return reply{}, c.broken(ctx, limited, err, sealed, got)
	}
	return got, nil
}
