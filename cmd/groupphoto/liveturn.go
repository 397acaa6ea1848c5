package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sethvargo/go-retry"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
)

const (
	// turnLease is that of a worker: the longest call and a margin.
	turnLease = worker.DefaultHTTPTimeout + 30*time.Second
	// turnUse is how soon a granted turn is used, as in a worker.
	turnUse = 5 * time.Second
	// lookForTurn is how often a turn is asked for at least: the ledger forgets
	// within 2 s who asked.
	lookForTurn = time.Second
	// settlePatience is how long the end of a call is tried to be recorded.
	settlePatience = 30 * time.Second
)

// liveTurn takes one update through a worker's steps around the call, without a
// worker and without a task: enter and claim, turn, settle.
type liveTurn struct {
	ledger.Handle
	ledger   *ledger.Ledger
	trial    *trial
	narrator *narrator

	claim    ledger.Claim
	turn     ledger.Turn
	turnID   string // "" when none is held
	recorded bool   // somebody else ended the update
}

func newTurn(c config, rdb redis.UniversalClient, t *trial, n *narrator) *liveTurn {
	return &liveTurn{
		Handle: ledger.Handle{Account: t.account.name, ID: t.prepared.ID, Group: t.prepared.Update.GroupID, Token: rand.Text()},
		ledger: ledger.New(rdb, c.keep), trial: t, narrator: n,
	}
}

// enter puts the photo and the update into the ledger and claims it. A paused
// account is refused before.
func (l *liveTurn) enter(ctx context.Context) error {
	t := l.trial
	lane, err := laneOf(ctx, l.ledger, enqueue.Account{Name: l.Account})
	if err != nil {
		return err
	}
	if lane.Paused {
		return fmt.Errorf("account %s is %s; resume it first: groupphoto account resume %s", l.Account, pausedText(l.narrator.config, lane), l.Account)
	}
	if t.jpeg != nil { // both forms, so that it can be sent again, and undone
		until := time.Now().Add(l.ledger.Keep())
		if _, err := l.ledger.StorePhoto(ctx, tasks.PhotoSource, t.prepared.Picture, until); err != nil {
			return err
		}
		if _, err := l.ledger.StorePhoto(ctx, tasks.PhotoMade, t.jpeg, until); err != nil {
			return err
		}
	}
	entered, err := l.ledger.Register(ctx, l.Account, []ledger.Entry{{ID: l.ID, Update: t.prepared.Update}})
	if err != nil {
		return err
	}
	// Who gives up now must not leave an update that nobody ends.
	l.claim, err = l.ledger.Claim(context.WithoutCancel(ctx), l.Handle, entered[0].Update)
	if err == nil && l.claim.Verdict != ledger.Run {
		err = fmt.Errorf("the update could not be claimed: %s", l.claim.Verdict)
	}
	return err
}

// request asks for a turn as a worker asks for one.
func (l *liveTurn) request() ledger.TurnRequest {
	a := l.trial.account
	spread := a.jitter * (2*mathrand.Float64() - 1)
	r := ledger.TurnRequest{
		Handle: l.Handle, Turn: l.Token + ".1", Seq: l.claim.Seq, Lease: turnLease, Limit: a.concurrency,
		Gap: time.Duration(float64(a.pace) * (1 + spread)), MaxGap: time.Duration(float64(a.pace) * (1 + a.jitter)),
		Process: l.Token,
	}
	if l.trial.ref.Kind == tasks.PhotoMade {
		r.Photo = l.trial.ref.Wire()
	}
	return r
}

// take waits for the turn, and tells until when the call must begin. Without a turn
// it returns how the update ends.
func (l *liveTurn) take(ctx context.Context, wait time.Duration) (notAfter time.Time, end *worker.Next) {
	began := time.Now()
	defer func() { l.trial.waited = time.Since(began) }()
	stopped := func(detail string) *worker.Next {
		return &worker.Next{End: tasks.Cancelled, Reason: tasks.Stopped, Detail: detail}
	}
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		request, asked := l.request(), time.Now()
		t, err := l.ledger.Turn(limited, request)
		switch {
		case err != nil && limited.Err() == nil:
			l.turnID = request.Turn // it may have been granted, and only the answer is missing
			return time.Time{}, &worker.Next{End: tasks.Failed, Reason: tasks.Interrupted, Detail: "Redis could not be reached; no call was made"}
		case err != nil:
			l.turnID = request.Turn
		case t.Verdict == ledger.Go:
			l.turn, l.turnID = t, request.Turn
			notAfter = time.Now().Add(turnUse)
			if latest := asked.Add(t.Lease - worker.DefaultHTTPTimeout); latest.Before(notAfter) {
				notAfter = latest
			}
			return notAfter, nil
		case t.Verdict != ledger.Wait:
			return time.Time{}, l.early(t)
		case t.Why == ledger.ByPause:
			return time.Time{}, stopped("the account was paused before its turn came")
		default:
			l.tell(t)
			rest(limited, min(max(t.Wait, 10*time.Millisecond), lookForTurn))
		}
		switch {
		case ctx.Err() != nil:
			return time.Time{}, stopped("given up before its turn came")
		case limited.Err() != nil:
			return time.Time{}, &worker.Next{End: tasks.Expired, Reason: tasks.ExpiredTime, Detail: fmt.Sprintf("no turn came within %s", short(wait))}
		}
	}
}

// rest waits for a while, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// tell says what is waited for, once.
func (l *liveTurn) tell(t ledger.Turn) {
	texts := map[ledger.Obstacle]string{
		ledger.ByPace: "for the pace of the number", ledger.ByLimit: "for a call that is under way", ledger.ByGroup: "for another update of the group",
		ledger.ByLine: "for another process that has waited longer", ledger.ByThrottle: "because the provider asked for a rest",
		ledger.ByHold: withMend(fmt.Sprintf("because the account is in trouble, %s: %s", t.Reason, t.Reason.Means()), statusMend(string(t.Reason))),
	}
	if l.narrator.last != string(t.Why) {
		l.narrator.last = string(t.Why)
		l.narrator.say(fmt.Sprintf("waiting up to %s for its turn, %s", short(t.Wait.Round(time.Second/10)), texts[t.Why]))
	}
}

// early is how the update ended before its call.
func (l *liveTurn) early(t ledger.Turn) *worker.Next {
	switch t.Verdict {
	case ledger.Settled:
		l.recorded, l.trial.outcome = true, t.Outcome
		return &worker.Next{End: t.Outcome.State, Reason: t.Outcome.Reason, Detail: t.Outcome.Detail}
	case ledger.IsStopped:
		return &worker.Next{End: tasks.Cancelled, Reason: tasks.Stopped, Detail: "cancelled by " + t.By}
	case ledger.IsOld:
		return &worker.Next{End: tasks.Superseded, Reason: tasks.NewerUpdate, Detail: "update " + t.By + " of the same group went out"}
	case ledger.IsExpired:
		return &worker.Next{End: tasks.Expired, Reason: tasks.ExpiredTime}
	default:
		return &worker.Next{End: tasks.Failed, Reason: tasks.Interrupted, Detail: "another run took the update up"}
	}
}

// settle records the end, trying again for a while. It tells whether it is recorded.
func (l *liveTurn) settle(ctx context.Context) (bool, error) {
	if l.recorded {
		return true, nil
	}
	t := l.trial
	o := tasks.Outcome{
		Attempts: l.turn.Calls, PreviousPhoto: l.turn.Previous, EnqueuedAt: l.claim.EnqueuedAt, StartedAt: l.claim.Started,
	}
	if t.only.Refund == ledger.Call { // it never went out
		o.Attempts--
	}
	t.outcome = t.ended(o)
	s := ledger.Settlement{Handle: l.Handle, Turn: l.turnID, Outcome: t.outcome, Answer: t.only.Says, Seq: l.claim.Seq, Process: l.Token}
	if said := s.Answer.Said; said == ledger.SaidAccount || said == ledger.SaidFailing {
		// Trouble with token, address or plan may be of this machine's settings alone:
		// what it means for the workers they find out themselves.
		s.Answer = ledger.Answer{}
	}
	if t.outcome.State == tasks.Updated {
		s.Accepted = t.ref.Wire()
	}
	return l.finish(ctx, s)
}

func (l *liveTurn) finish(ctx context.Context, s ledger.Settlement) (recorded bool, err error) {
	err = l.persist(ctx, func(ctx context.Context) error {
		r, err := l.ledger.Settle(ctx, s)
		if recorded = err == nil && r.Verdict != ledger.Lost; recorded {
			l.trial.outcome = r.Outcome
		}
		return err
	})
	if err == nil && !recorded {
		err = errors.New("recording the outcome: another run took the update up meanwhile")
	}
	return recorded, err
}

// persist repeats a write until Redis took it, for settlePatience.
func (l *liveTurn) persist(ctx context.Context, write func(context.Context) error) error {
	backoff := retry.WithMaxDuration(settlePatience, retry.WithCappedDuration(2*time.Second, retry.NewExponential(50*time.Millisecond)))
	err := retry.Do(ctx, backoff, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		return retry.RetryableError(write(ctx))
	})
	if err != nil {
		return fmt.Errorf("the outcome could not be recorded, so update %s has none: %w", l.ID, err)
	}
	return nil
}
