package webhook

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

const maxID = 128

// Event is one thing that happened. Its JSON is the body of the request.
type Event struct {
	// ID is unique, and the same whenever the event is sent again: receivers drop repeats by it. 1 to 128 printable ASCII
	// characters without spaces and full stops.
	ID string `json:"id"`
	// Type says what happened, as in "account.paused": words of a-z, 0-9 and _ with full stops between them.
	Type string `json:"type"`
	// Time is when it happened; it is sent in UTC.
	Time time.Time `json:"time"`
	// Data is what there is to know of it, and must be fit for encoding/json; nil is sent as null.
	Data any `json:"data"`
}

var types = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)*$`)

// encode returns the body: the same bytes for the same event.
func (e Event) encode() ([]byte, *Error) {
	bad := func(detail string) ([]byte, *Error) { return nil, &Error{Permanent: true, Detail: detail} }
	switch {
	case e.ID == "" || len(e.ID) > maxID || !isPrintable(e.ID) || strings.ContainsAny(e.ID, " ."):
		return bad("the event's id must be 1 to 128 printable characters without spaces and full stops")
	case !types.MatchString(e.Type):
		return bad("the event's type must be words like account.paused")
	case e.Time.IsZero():
		return bad("the event has no time")
	}
	e.Time = e.Time.UTC()
	body, err := json.Marshal(e)
	if err != nil { // it may quote the data
		return bad("the event's data can't be written as JSON")
	}
	return body, nil
}
