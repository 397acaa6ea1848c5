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
	// groupPatience is how long a run keeps its handler while its group is busy:
	// many updates of one slow group must not take all handlers of a lane.
	groupPatience = time.Second
	// pausedDelay is when an update of a paused account shows itself again.
	pausedDelay = 5 * time.Second
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
		MaxGap: time.Duration(float64(l.account.Pace) * (1 + l.account.Jitter)), SkipUnchanged: r.update.SkipUnchanged,
	}
	if r.ready.ref.Kind == tasks.PhotoMade {
		request.Photo = r.ready.ref.Wire()
	}
	for {
		request.Gap = spread(l.account.Pace, l.account.Jitter)
		asked := time.Now()
		t, err := l.ledger.Turn(ctx, request)
		if err != nil {
			return l.unsure(ctx, r, request.Turn, err)
		}
		if ctx.Err() != nil && t.Verdict != ledger.Go {
			return interrupted()
		}
		switch t.Verdict {
		case ledger.Go:
			l.granted(r, t, request.Turn, asked)
			return nil
		case ledger.Wait:
			if t.Why == "paused" { // asynq takes no more of the queue until somebody resumes it
				return &consequence{waiting: true, again: pausedDelay, reason: tasks.Interrupted, detail: "the account is paused"}
			}
			if t.Why == "group" && l.account.Concurrency > 1 && time.Since(began) > groupPatience {
				return &consequence{waiting: true, again: min(t.Wait, lookHold), detail: "another call to this group is under way"}
			}
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

// unsure gives back a turn that may have been granted: the question is with
// Redis or on its way, only the answer is missing.
func (l *lane) unsure(ctx context.Context, r *run, turn string, err error) *consequence {
	c := interrupted()
	if ctx.Err() == nil {
		c = l.noLedger(ctx, err)
		c.detached = false
	}
	r.turnID, c.refund = turn, ledger.Call
	return c
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
	if t.Why == "group" && *front { // who waits for his group stands aside
		<-l.front
		*front = false
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
