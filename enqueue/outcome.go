package enqueue

import (
	"encoding/json"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// Outcome is the record of an update: of its end once State.Ended, of where it
// stands before.
type Outcome = tasks.Outcome

// State is where an update stands.
type State = tasks.State

// The states, as in package tasks. Exactly one of the first seven ends every
// accepted update.
const (
	Updated    = tasks.Updated    // the provider said true
	Refused    = tasks.Refused    // the provider said false
	Failed     = tasks.Failed     // it could not be asked, or the update cannot work
	Superseded = tasks.Superseded // a newer update of the group went out
	Unchanged  = tasks.Unchanged  // the same photo was already accepted, and skipping asked for
	Expired    = tasks.Expired    // its time ran out
	Cancelled  = tasks.Cancelled  // somebody stopped it

	Scheduled = tasks.Scheduled // its time has not come
	Waiting   = tasks.Waiting   // in the queue, or for its turn
	Calling   = tasks.Calling   // a call of the provider is under way
	Retrying  = tasks.Retrying  // between two attempts
)

// Receipt says that an update was accepted. A Receipt that comes with an error
// holds the ID only, so that the call can be made again with it.
type Receipt struct {
	ID      string
	Account string
	// Duplicate says that the update had been accepted before, with the same
	// id and content. All else is then the first one's.
	Duplicate bool
	// State is Waiting or Scheduled, or the end's for a duplicate that has ended.
	State State
	// Outcome is set for a duplicate that has ended.
	Outcome *Outcome
	// Due is when a scheduled update is to run; zero is at once.
	Due time.Time
	// ExpiresAt is the moment after which it is not sent any more; zero for a
	// duplicate that has ended.
	ExpiresAt time.Time
}

// MarshalJSON gives the form in which the command line and the HTTP API show a
// receipt: every key is there, times are UTC or null.
func (r Receipt) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID        string     `json:"id"`
		Account   string     `json:"account"`
		State     State      `json:"state"`
		Duplicate bool       `json:"duplicate"`
		Due       *time.Time `json:"due"`
		ExpiresAt *time.Time `json:"expiresAt"`
		Outcome   *Outcome   `json:"outcome"`
	}{r.ID, r.Account, r.State, r.Duplicate, orNull(r.Due), orNull(r.ExpiresAt), r.Outcome})
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Details is what there is to know of an update beyond its outcome.
type Details struct {
	Outcome Outcome
	// Due is when a scheduled update is to run; zero: at once.
	Due time.Time
	// Again is when a retrying or waiting update is to run next; zero: unknown.
	Again time.Time
	// ExpiresAt is the moment after which it is not sent any more.
	ExpiresAt time.Time
	// Cancelling says that a call is under way after which the update will not
	// be called again.
	Cancelling bool
}

func details(r ledger.Record) Details {
	return Details{
		Outcome: r.Outcome, Due: r.Due, Again: r.Again, ExpiresAt: r.Update.ExpiresAt,
		Cancelling: r.Cancelling && !r.Outcome.State.Ended(),
	}
}

// Where narrows in which account an update is looked for.
type Where struct{ account string }

// OfAccount looks for the update in this account alone. Without it the account
// "main" is asked first and then every other that is known, one after the other;
// of updates that share an id the first one found is taken.
func OfAccount(name string) Where { return Where{account: name} }
