package tasks

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// State is where an update stands. Ended tells the terminal ones apart.
type State string

// The terminal states: exactly one of them is recorded for every accepted
// update. "The provider said no" and "we could not ask" are never the same.
const (
	Updated    State = "updated"    // the provider said true
	Refused    State = "refused"    // the provider said false
	Failed     State = "failed"     // it could not be asked, or the update cannot work
	Superseded State = "superseded" // a newer update of the group went out
	Unchanged  State = "unchanged"  // the same photo was already accepted, and skipping asked for
	Expired    State = "expired"    // its time ran out
	Cancelled  State = "cancelled"  // somebody stopped it
)

// The states before the end.
const (
	Scheduled State = "scheduled" // its time has not come
	Waiting   State = "waiting"   // in the queue, or for its turn
	Calling   State = "calling"   // a call of the provider is under way
	Retrying  State = "retrying"  // between two attempts
)

// Ended reports whether the state is terminal.
func (s State) Ended() bool {
	switch s {
	case Updated, Refused, Failed, Superseded, Unchanged, Expired, Cancelled:
		return true
	default:
		return false
	}
}

// MaxDetail is the longest Outcome.Detail, in bytes.
const MaxDetail = 200

// Outcome is the record of an update: of its end once State.Ended, of where it
// stands before. It is the same everywhere: in Redis, in the asynq task's
// result, on the command line, over HTTP. Times are UTC to the millisecond.
type Outcome struct {
	ID       string
	Account  string
	GroupID  GroupID
	Campaign string
	Ref, By  string
	State    State
	// Value is the provider's boolean: true only when it said true, false only
	// when it said false, nil when it was not asked or its answer was neither.
	Value *bool
	// Reason is why it ended so, one word of the list in Reasons; "" for
	// updated and unchanged. While retrying it is the last attempt's.
	Reason Reason
	// Detail is for people: at most MaxDetail bytes, without token, photo or
	// query strings.
	Detail string
	// Attempts counts the calls of the provider that were made.
	Attempts int
	// HTTPStatus is the last answer's; 0 when there was none.
	HTTPStatus int
	// Photo is what was sent: sha256:<hex> of the finished JPEG, or the source
	// (a URL without its query) when none was made.
	Photo string
	// PreviousPhoto is the photo last accepted for the group before, "" when
	// that is not known.
	PreviousPhoto string
	// EnqueuedAt is the producer's time, StartedAt the first claim's,
	// FinishedAt the end's; zero when it has not come to that.
	EnqueuedAt, StartedAt, FinishedAt time.Time
}

// wireOutcome fixes the JSON names and their order, which a test pins.
type wireOutcome struct {
	ID            string     `json:"id"`
	Account       string     `json:"account"`
	GroupID       GroupID    `json:"groupId"`
	Campaign      string     `json:"campaign"`
	Ref           string     `json:"ref"`
	By            string     `json:"by"`
	State         State      `json:"state"`
	Value         *bool      `json:"value"`
	Reason        Reason     `json:"reason"`
	Detail        string     `json:"detail"`
	Attempts      int        `json:"attempts"`
	HTTPStatus    int        `json:"httpStatus"`
	Photo         string     `json:"photo"`
	PreviousPhoto string     `json:"previousPhoto"`
	EnqueuedAt    *time.Time `json:"enqueuedAt"`
	StartedAt     *time.Time `json:"startedAt"`
	FinishedAt    *time.Time `json:"finishedAt"`
	DurationMS    int64      `json:"durationMs"`
}

// Duration is the time from the first claim to the end; 0 before the end.
func (o Outcome) Duration() time.Duration {
	if o.StartedAt.IsZero() || o.FinishedAt.IsZero() {
		return 0
	}
	return max(0, o.FinishedAt.Sub(o.StartedAt))
}

// MarshalJSON writes every key, in the documented order; times that are not
// known are null.
func (o Outcome) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireOutcome{
		ID: o.ID, Account: o.Account, GroupID: o.GroupID, Campaign: o.Campaign, Ref: o.Ref, By: o.By,
		State: o.State, Value: o.Value, Reason: o.Reason, Detail: clipDetail(o.Detail),
		Attempts: o.Attempts, HTTPStatus: o.HTTPStatus, Photo: o.Photo, PreviousPhoto: o.PreviousPhoto,
		EnqueuedAt: wireTime(o.EnqueuedAt), StartedAt: wireTime(o.StartedAt), FinishedAt: wireTime(o.FinishedAt),
		DurationMS: o.Duration().Milliseconds(),
	})
}

// UnmarshalJSON reads what MarshalJSON wrote; unknown keys are ignored.
func (o *Outcome) UnmarshalJSON(b []byte) error {
	var w wireOutcome
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("reading an outcome: %w", err)
	}
	*o = Outcome{
		ID: w.ID, Account: w.Account, GroupID: w.GroupID, Campaign: w.Campaign, Ref: w.Ref, By: w.By,
		State: w.State, Value: w.Value, Reason: w.Reason, Detail: w.Detail,
		Attempts: w.Attempts, HTTPStatus: w.HTTPStatus, Photo: w.Photo, PreviousPhoto: w.PreviousPhoto,
		EnqueuedAt: plainTime(w.EnqueuedAt), StartedAt: plainTime(w.StartedAt), FinishedAt: plainTime(w.FinishedAt),
	}
	return nil
}

// Sentence says in words what happened: "reason: detail; mend: what to do".
// It is the error text that the asynq web UI shows.
func (o Outcome) Sentence() string {
	text := clipDetail(o.Detail)
	if text == "" {
		text = o.Reason.Means()
	}
	if o.Reason != "" && text != "" {
		text = string(o.Reason) + ": " + text
	}
	if mend := o.Mend(); mend != "" {
		text += "; mend: " + mend
	}
	return strings.TrimPrefix(text, "; ")
}

// Mend says what a person should do about this very update; "" when nothing is
// to be done. Rows of a campaign are sent again through their campaign.
func (o Outcome) Mend() string {
	switch {
	case o.Campaign != "":
		return strings.ReplaceAll(o.Reason.Mend(), "retry ID", "campaign retry "+o.Campaign+" --reason "+string(o.Reason))
	case o.ID == "":
		return o.Reason.Mend()
	}
	return strings.ReplaceAll(o.Reason.Mend(), "retry ID", "retry "+o.ID)
}

func wireTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

func plainTime(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func clipDetail(text string) string {
	text = strings.ToValidUTF8(text, "?") // JSON would make three bytes of each bad one
	if len(text) <= MaxDetail {
		return text
	}
	return strings.ToValidUTF8(text[:MaxDetail-len("…")], "") + "…"
}
