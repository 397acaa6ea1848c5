package worker

import (
	"context"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sethvargo/go-retry"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// settleStep writes down what follows: the end of the update, or when and why
// it runs again. It tells asynq the same.
func (l *lane) settleStep(r *run, c consequence) error {
	switch {
	case c.gone != "":
		l.rowGone(r, c.gone)
		return nil
	case c.recorded != nil:
		return answer(r.task, *c.recorded, true)
	case c.detached:
		return again(c)
	case c.end != "":
		return l.settle(r, c)
	}
	if left := time.Until(r.claim.ExpiresAt); c.again > left {
		// It ends when its time is up, not a backoff later, and not before: the
		// engine cuts to whole seconds, and early it would call once more.
		c.again = max(0, left) + time.Second
	}
	l.attempted(r, c)
	if gone := l.release(r, &c, false); gone != nil {
		return again(*gone)
	}
	if r.Row != nil { // it is fed again, as another task
		return nil
	}
	return again(c)
}

// rowGone is a task without a row: what it was fed for is done by another, or waits.
func (l *lane) rowGone(r *run, why ledger.RowVerdict) {
	if why == ledger.RowUnknown {
		l.log.Warn("row.unknown", "id", r.ID, "note", "there is no such row, or its campaign is no longer kept")
		return
	}
	l.log.Debug("row.gone", "id", r.ID, "why", why)
}

// settle records the outcome, and goes on trying until it is recorded: the call
// was made, and forgetting that would send it again.
func (l *lane) settle(r *run, c consequence) error {
	o := r.outcome(c)
	s := ledger.Settlement{Handle: r.Handle, Turn: r.turnID, Outcome: o, Answer: l.says(r, c), Seq: r.claim.Seq, Process: l.process}
	s.Tell = l.tells(l.life, r)
	if c.end == tasks.Updated {
		s.Accepted = r.ready.ref.Wire()
	}
	if l.ending != nil {
		l.ending(o)
	}
	var recorded ledger.Recorded
	err := l.persist(func(ctx context.Context) (err error) {
		recorded, err = l.ledger.Settle(ctx, s)
		return err
	})
	l.freeTurn(r)
	if err != nil { // only when the process is being ended by force
		l.log.Error("outcome.unrecorded", "id", r.ID, "state", c.end, "error", err)
		return again(consequence{reason: tasks.Interrupted, detail: "the outcome could not be recorded"})
	}
	l.attempted(r, c)
	l.heed(c, recorded.Repair)
	l.host.heard(l, c.says)
	switch {
	case recorded.Verdict == ledger.Lost:
		return again(consequence{again: infraDelay, reason: tasks.Interrupted, detail: "another run holds this update"})
	case r.Row != nil: // its end is its campaign's: asynq forgets it
		if recorded.LastRow {
			l.ended(l.life, r.Row.Campaign)
			l.stirFeeder()
		}
		return nil
	}
	return answer(r.task, recorded.Outcome, recorded.Verdict == ledger.Settled)
}

// outcome is the record of the end.
func (r *run) outcome(c consequence) tasks.Outcome {
	o := tasks.Outcome{
		ID: r.ID, Account: r.Account, GroupID: r.Group, Campaign: r.update.Campaign, Ref: r.update.Ref, By: r.update.By,
		State: c.end, Value: c.value, Reason: c.reason, Detail: c.detail, Attempts: r.calls, HTTPStatus: c.status,
		PreviousPhoto: r.previous, EnqueuedAt: r.claim.EnqueuedAt, StartedAt: r.claim.Started,
		FinishedAt: time.Now().UTC().Truncate(time.Millisecond),
	}
	switch {
	case r.ready.ref.Kind != tasks.PhotoNone:
		o.Photo = r.ready.ref.String()
	case r.update.Photo.Kind != tasks.PhotoNone:
		o.Photo = r.update.Photo.String()
	}
	if o.Detail == "" && o.State != tasks.Updated && o.State != tasks.Unchanged {
		o.Detail = o.Reason.Means()
	}
	return o
}

// release gives the turn back and leaves word of the next run, or, when this one is
// to stay, of what its call came to; what it returns, if anything, overrules the
// consequence.
func (l *lane) release(r *run, c *consequence, stay bool) *consequence {
	state := tasks.Retrying
	if r.calls == 0 && (r.Row == nil || c.waiting) {
		state = tasks.Waiting
	}
	var released ledger.Released
	err := l.persist(func(ctx context.Context) (err error) {
		released, err = l.ledger.Release(ctx, ledger.ReleaseRequest{
			Handle: r.Handle, Turn: r.turnID, Refund: c.refund, State: state, Reason: c.reason, Detail: c.detail,
			HTTPStatus: c.status, Again: c.again, Policy: r.budget.String(), Answer: l.says(r, *c),
			Seq: r.claim.Seq, Process: l.process, Stay: stay, Last: c.last,
		})
		return err
	})
	l.freeTurn(r)
	l.heed(*c, released.Repair)
	l.host.heard(l, c.says)
	switch {
	case err != nil:
		return &consequence{detached: true, again: infraDelay, reason: tasks.Interrupted, detail: "Redis could not be reached"}
	case released.Verdict == ledger.Settled: // cancelled meanwhile: the next run finds the outcome
		return &consequence{detached: true, reason: tasks.Stopped, detail: "it ended while it was under way"}
	case released.Verdict == ledger.Lost:
		return &consequence{detached: true, again: infraDelay, reason: tasks.Interrupted, detail: "another run holds this update"}
	}
	if released.Cancelling {
		c.again = 0 // the next run ends it
	}
	switch c.says.Said {
	case ledger.SaidAccount: // others go first
		c.again = max(c.again, released.Suspect)
	case ledger.SaidSlower:
		c.again = max(c.again, released.Rest)
	}
	return nil
}

// says completes what the answer says of the account.
func (l *lane) says(r *run, c consequence) ledger.Answer {
	a := c.says
	a.Late = r.late
	a.Trip += l.account.Concurrency - 1 // they may all have been under way
	return a
}

// heed sees at once to what an answer changed for the account or the group.
func (l *lane) heed(c consequence, repair bool) {
	switch c.says.Said {
	case ledger.SaidAccount, ledger.SaidFailing, ledger.SaidSlower:
		l.nudge()
	}
	if repair {
		l.repairs.Store(true)
		l.nudge()
	}
}

// betweenTries gives the turn back before go-retry's pause.
func (l *lane) betweenTries(r *run, c consequence) *consequence {
	c.again = 0
	l.attempted(r, c)
	return l.release(r, &c, true)
}

func (l *lane) freeTurn(r *run) {
	if r.turnID == "" {
		return
	}
	r.turnID = ""
	l.ring()
}

// persist repeats a write to the ledger until Redis took it. It ends with an
// error only when the process is being ended by force.
func (l *lane) persist(write func(context.Context) error) error {
	warned := false
	backoff := retry.WithCappedDuration(2*time.Second, retry.NewExponential(50*time.Millisecond))
	return retry.Do(l.life, backoff, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		err := write(ctx)
		if err != nil && !warned {
			warned = true
			l.log.Warn("ledger.unreachable", "error", err, "trying", "until it is recorded")
		}
		return retry.RetryableError(err)
	})
}

// again says to asynq that the task is to run again, in the words that the web
// UI shows.
func again(c consequence) error {
	text := tasks.Outcome{Reason: c.reason, Detail: c.detail}.Sentence()
	if c.atLeast { // the engine cuts the moment to whole seconds
		at := time.Now().Add(c.again)
		c.again += at.Truncate(time.Second).Add(time.Second).Sub(at)
	}
	return &errAgain{after: c.again, text: text}
}

func stack() string {
	lines := strings.Split(string(debug.Stack()), "\n")
	return strings.Join(lines[:min(len(lines), 40)], "\n")
}
