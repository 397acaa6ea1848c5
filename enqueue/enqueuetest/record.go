package enqueuetest

import (
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/tasks"
)

// record is one update of the double. The Client's lock guards it.
type record struct {
	call       Call
	print      string
	cancelling bool
}

// begin makes the outcome of an update that waits.
func (r *record) begin() {
	u := r.call.Update
	state := enqueue.Waiting
	if !r.call.Due.IsZero() {
		state = enqueue.Scheduled
	}
	r.call.Outcome = enqueue.Outcome{
		ID: r.call.ID, Account: u.Account, GroupID: u.GroupID, Ref: u.Ref, By: u.By,
		State: state, Photo: u.Photo.String(), EnqueuedAt: u.EnqueuedAt,
	}
}

func (r *record) receipt(duplicate bool) enqueue.Receipt {
	o := r.call.Outcome
	receipt := enqueue.Receipt{ID: r.call.ID, Account: o.Account, Duplicate: duplicate, State: o.State}
	switch {
	case duplicate && o.State.Ended():
		receipt.Outcome = &o
	default:
		receipt.Due, receipt.ExpiresAt = r.call.Due, r.call.Update.ExpiresAt
		receipt.State = enqueue.Waiting
		if !r.call.Due.IsZero() {
			receipt.State = enqueue.Scheduled
		}
	}
	return receipt
}

// reasons are the plainest ones for states that never come without.
var reasons = map[enqueue.State]tasks.Reason{
	enqueue.Refused: tasks.NoReasonGiven, enqueue.Failed: tasks.ProviderError, enqueue.Superseded: tasks.NewerUpdate,
	enqueue.Expired: tasks.ExpiredTime, enqueue.Cancelled: tasks.Stopped, enqueue.Retrying: tasks.ProviderError,
}

// play takes the script up to and with the next end.
func (c *Client) play(r *record) {
	script := c.scripts[r.call.ID]
	for len(script) > 0 && !r.call.Outcome.State.Ended() {
		r.turn(script[0])
		script = script[1:]
	}
	c.scripts[r.call.ID] = script
}

func (r *record) turn(state enqueue.State) {
	o := &r.call.Outcome
	now := time.Now().UTC().Truncate(time.Millisecond)
	o.State, o.Reason, o.Value = state, reasons[state], nil
	if state == enqueue.Calling || state == enqueue.Updated || state == enqueue.Refused {
		if o.StartedAt.IsZero() {
			o.StartedAt = now
		}
		o.Attempts = max(1, o.Attempts)
	}
	if state == enqueue.Updated || state == enqueue.Refused {
		said := state == enqueue.Updated
		o.Value, o.HTTPStatus = &said, 200
	}
	if state.Ended() {
		o.FinishedAt = now
		r.cancelling = false
	}
}

func (r *record) details() enqueue.Details {
	return enqueue.Details{
		Outcome: r.call.Outcome, Due: r.call.Due, ExpiresAt: r.call.Update.ExpiresAt, Cancelling: r.cancelling,
	}
}
