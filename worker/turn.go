package worker

import (
	"context"
	"strconv"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// How long a waiting run sleeps at most before it asks again, by what it waits
// for: other processes end turns and lift holds without a word to this one.
const (
	lookLimit = 500 * time.Millisecond
	lookGroup = 500 * time.Millisecond
	lookHold  = 5 * time.Second
	// lookPace keeps this run's place: the ledger forgets within 2 s who asked.
	lookPace = time.Second
)

// turnStep waits for a turn. Waiting costs this goroutine and, for the first in
// the line of the process, a look at Redis when the turn may have come.
func (l *lane) turnStep(ctx context.Context, r *run) *consequence {
	r.turns++
	began := time.Now()
	front := false
	defer func() {
		r.waited = time.Since(began)
		if front {
			<-l.front
		}
	}()
	request := ledger.TurnRequest{
		Handle: r.Handle, Turn: r.Token + "." + strconv.Itoa(r.turns), Seq: r.claim.Seq,
		Lease: l.httpTimeout + leaseMargin, Limit: l.account.Concurrency,
		SkipUnchanged: r.update.SkipUnchanged,
	}
	if r.ready.ref.Kind == tasks.PhotoMade {
		request.Photo = r.ready.ref.Wire()
	}
	for {
		request.Gap = spread(l.account.Pace, l.account.Jitter)
		asked := time.Now()
		t, err := l.ledger.Turn(ctx, request)
		if ctx.Err() != nil && (err != nil || t.Verdict != ledger.Go) {
			return interrupted()
		}
		if err != nil {
			return l.noLedger(ctx, err)
		}
		switch t.Verdict {
		case ledger.Go:
			l.granted(r, t, request.Turn, asked)
			return nil
		case ledger.Wait:
			if !l.wait(ctx, t, &front) {
				return interrupted()
			}
		case ledger.Lost:
			return &consequence{detached: true, again: infraDelay, reason: tasks.Interrupted, detail: "another run holds this update"}
		default:
			return early(t.Verdict, t.Outcome, t.By)
		}
	}
}

// granted notes the turn. It must be used soon, and early enough that the call
// ends within the lease whatever the clock of Redis did meanwhile.
func (l *lane) granted(r *run, t ledger.Turn, id string, asked time.Time) {
	r.turn, r.turnID = t, id
	r.calls, r.budget.spent = t.Calls, t.Spent
	if t.Previous != "" {
		r.previous = t.Previous
	}
	r.use = time.Now().Add(turnUse)
	if latest := asked.Add(t.Lease - l.httpTimeout); latest.Before(r.use) {
		r.use = latest
	}
}

// wait sleeps until a turn may have come; false when ctx ended first. Only the
// first in line asks Redis again; who waits for his group stands aside, so that
// the line moves on.
func (l *lane) wait(ctx context.Context, t ledger.Turn, front *bool) bool {
	until := time.Now().Add(t.Wait)
	look := t.Wait
	freed := l.freed
	switch t.Why {
	case "group":
		look, freed = min(look, lookGroup), nil
	case "limit":
		look = min(look, lookLimit)
	case "pace":
		look = min(look, lookPace)
	case "hold":
		look = min(look, lookHold)
	}
	if t.Why != "group" && !*front {
		select {
		case l.front <- struct{}{}:
			*front = true
			look = min(look, time.Until(until))
		case <-ctx.Done():
			return false
		}
	}
	timer := time.NewTimer(max(look, time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-freed:
		return true
	case <-ctx.Done():
		return false
	}
}
