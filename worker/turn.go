package worker

import (
	"context"
	"strconv"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	// lookAgain is how long a waiting run sleeps at most before it asks again. It
	// hears when a turn of any process ends; this is for what it could not hear.
	lookAgain = 5 * time.Second
	lookGroup = 500 * time.Millisecond
	// groupPatience is how long a run keeps its handler while its group is busy:
	// many updates of one slow group must not take all handlers of a lane.
	groupPatience = time.Second
	// pausePatience is how long a run keeps its handler while its account is held:
	// by then asynq takes no more of the queue, and short holds are over.
	pausePatience = 800 * time.Millisecond
	// pausedDelay is when an update of a held account shows itself again.
	pausedDelay = 5 * time.Second
)

// turnStep waits for a turn. Waiting costs this goroutine and, for the first in
// the line of the process, a look at Redis when the turn may have come.
func (l *lane) turnStep(ctx context.Context, r *run) *consequence {
	r.turns++
	began := time.Now()
	place := place{lane: l, class: class(r.bulk)}
	defer func() {
		r.waited = time.Since(began)
		place.leave()
	}()
	request := l.turnRequest(r)
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
			if c := l.tooLong(r, t, time.Since(began)); c != nil {
				return c
			}
			if c := place.wait(ctx, t); c != nil {
				return c
			}
		case ledger.Gone:
			return &consequence{gone: t.Row}
		case ledger.Lost:
			return &consequence{detached: true, again: infraDelay, reason: tasks.Interrupted, detail: "another run holds this update"}
		default:
			return early(t.Verdict, t.Outcome, t.By)
		}
	}
}

func (l *lane) turnRequest(r *run) ledger.TurnRequest {
	request := ledger.TurnRequest{
		Handle: r.Handle, Turn: r.Token + "." + strconv.Itoa(r.turns), Seq: r.claim.Seq,
		Lease: l.httpTimeout + l.leaseMargin, Limit: l.account.Concurrency,
		MaxGap: time.Duration(float64(l.account.Pace) * (1 + l.account.Jitter)), SkipUnchanged: r.update.SkipUnchanged,
		Process: l.process, Bulk: r.bulk,
	}
	if r.ready.ref.Kind == tasks.PhotoMade {
		request.Photo = r.ready.ref.Wire()
	}
	return request
}

// tooLong says whether a run gives its handler back instead of waiting on.
func (l *lane) tooLong(r *run, t ledger.Turn, waited time.Duration) *consequence {
	switch {
	case t.Why == ledger.BySuspicion:
		return &consequence{waiting: true, again: t.Wait, reason: t.Reason, detail: "others go first, to see whose fault the last answer was"}
	case t.Why == ledger.ByPause && waited > pausePatience:
		return &consequence{waiting: true, again: pausedDelay, reason: tasks.Interrupted, detail: "the account is paused"}
	case t.Why == ledger.ByHold && waited > pausePatience:
		return &consequence{waiting: true, again: pausedDelay, reason: t.Reason, detail: "the account is held; it goes on by itself"}
	case t.Why == ledger.ByPause, t.Why == ledger.ByHold:
		l.nudge() // asynq's flag stops the queue
	case t.Why == ledger.ByGroup && l.account.Concurrency > 1 && waited > groupPatience:
		return &consequence{waiting: true, again: min(t.Wait, lookAgain), detail: "another call to this group is under way"}
	}
	return nil
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
	r.turn, r.turnID, r.granted = t, id, time.Now()
	r.calls, r.budget.spent = t.Calls, t.Spent
	if t.Previous != "" {
		r.previous = t.Previous
	}
	r.use = r.granted.Add(turnUse)
	if latest := asked.Add(t.Lease - l.httpTimeout); latest.Before(r.use) {
		r.use = latest
	}
}

// place is a run's place among those of its process that wait for turns. Only the
// first of each class asks Redis again; who waits for his group or his account
// stands aside, so that the line moves on.
type place struct {
	lane  *lane
	class int
	front bool
}

func (p *place) leave() {
	if p.front {
		<-p.lane.front[p.class]
		p.front = false
	}
}

// wait sleeps until a turn may have come. It returns a consequence when the run
// has to go instead.
func (p *place) wait(ctx context.Context, t ledger.Turn) *consequence {
	until := time.Now().Add(t.Wait)
	look, freed, aside := min(t.Wait, lookAgain), p.lane.freed[p.class], chan struct{}(nil)
	switch t.Why {
	case ledger.ByGroup:
		look, freed = min(look, lookGroup), nil
		p.leave()
	case ledger.ByHold, ledger.ByPause:
		look = min(look, pausePatience)
		p.leave()
	default:
		if !p.front {
			select {
			case p.lane.front[p.class] <- struct{}{}:
				p.front = true
				look = min(look, time.Until(until))
			case <-ctx.Done():
				return interrupted()
			}
		}
		if p.class == class(true) {
			aside = p.lane.aside
		}
	}
	timer := time.NewTimer(max(look, time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-freed:
	case <-aside:
		return &consequence{waiting: true, reason: tasks.Interrupted, detail: "a single update goes first"}
	case <-ctx.Done():
		return interrupted()
	}
	return nil
}
