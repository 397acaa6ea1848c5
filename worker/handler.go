package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/sethvargo/go-retry"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/photo"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// errQuick marks a try that go-retry may repeat within seconds.
var errQuick = errors.New("the provider could not be reached")

// run is one run of one update through the handler: what the five steps hand on.
type run struct {
	ledger.Handle
	task   *asynq.Task
	update tasks.Update
	bad    error // why the payload cannot be used

	claim  ledger.Claim
	budget budget
	ready  ready
	turn   ledger.Turn
	turnID string // "" when no turn is held
	turns  int
	use    time.Time // the turn is void when it is not used by then
	bulk   bool      // a campaign's row

	calls    int // of the provider, over all runs
	previous string
	called   bool // this try reached the provider
	start    time.Time
	waited   time.Duration // for the turn
	granted  time.Time     // when it came
	late     time.Duration // until the request was written
	took     time.Duration // the call
}

// ProcessTask carries one update through the five steps. A step that returns a
// consequence ends the run; the last step writes it down. Waiting and resolving
// stop at once when the worker stops; calling and settling run on a context of
// their own, because asynq takes the handler's away when Redis is gone for 30 s
// and a call that went out must be recorded.
func (l *lane) ProcessTask(ctx context.Context, task *asynq.Task) (err error) {
	l.running.Add(1)
	defer l.running.Done()
	ctx, cancel := firstOf(ctx, l.stop)
	defer cancel()

	r := l.begin(ctx, task)
	defer l.occupy(r.bulk)()
	defer func() { //nolint:contextcheck // what is recorded must outlive ctx
		if p := recover(); p != nil {
			err = l.panicked(r, p)
		}
	}()
	c := l.claimStep(ctx, r)
	if c == nil {
		c = l.resolveStep(ctx, r)
	}
	if c == nil {
		c = l.turnAndCallSteps(ctx, r)
	}
	return l.settleStep(r, *c) //nolint:contextcheck // what is recorded must outlive ctx
}

// begin reads the task. A hand-written payload with the image in it is moved to
// the photo store first, so that the ledger never holds an image.
func (l *lane) begin(ctx context.Context, task *asynq.Task) *run {
	r := &run{task: task, start: time.Now()}
	r.Account, r.Token = l.account.Name, rand.Text()
	if queue, ok := asynq.GetQueueName(ctx); ok {
		r.bulk = queue == tasks.BulkQueue(r.Account)
	}
	if w := task.ResultWriter(); w != nil {
		r.ID = w.TaskID()
	}
	if row, ok := ledger.RowRefOf(r.Account, r.ID); ok {
		r.Row = &row
	}
	r.update, r.bad = tasks.ParseUpdate(task.Payload(), l.account.Name)
	if r.bad != nil {
		// What is wrong may be anywhere: nothing of it goes into the ledger.
		r.update = tasks.Update{Account: l.account.Name}
		return r
	}
	if r.update.Photo.Kind == tasks.PhotoInline {
		r.update.Photo, r.bad = l.storeInline(ctx, r.update)
	}
	r.Group = r.update.GroupID
	return r
}

func (l *lane) storeInline(ctx context.Context, u tasks.Update) (tasks.PhotoRef, error) {
	b, err := photo.DecodeInline(u.Photo.Wire(), maxInline)
	if err != nil {
		return tasks.PhotoRef{}, err
	}
	return l.ledger.StorePhoto(ctx, tasks.PhotoSource, b, time.Now().Add(l.ledger.Keep()))
}

// claimStep: is there anything left to do, and is this run the one to do it?
func (l *lane) claimStep(ctx context.Context, r *run) *consequence {
	claim, err := l.ledger.Claim(ctx, r.Handle, r.update)
	if errors.Is(err, ledger.ErrForeignSeq) {
		r.bad, r.update.Seq = err, 0
		claim, err = l.ledger.Claim(ctx, r.Handle, r.update)
	}
	if err != nil {
		return l.noLedger(ctx, err)
	}
	r.claim, r.budget = claim, readBudget(claim.Policy, claim.Spent)
	r.calls, r.previous = claim.Calls, claim.Previous
	if c := early(claim.Verdict, claim.Outcome, claim.By); c != nil {
		return c
	}
	switch {
	case claim.Verdict == ledger.Gone:
		return &consequence{gone: claim.Why}
	case claim.Verdict == ledger.Held:
		return &consequence{detached: true, again: claim.Wait + time.Second, reason: tasks.Interrupted,
			detail: "another run holds this update"}
	case r.bad != nil:
		return l.badTask(r)
	case claim.Guilty >= maxGuilty:
		c := l.policy.rejected(r.budget)
		return &c
	case claim.Spent >= l.policy.Attempts:
		c := l.policy.usedUp(r.budget)
		return &c
	}
	return nil
}

func (l *lane) badTask(r *run) *consequence {
	if e, ok := errors.AsType[*photo.Error](r.bad); ok {
		c := l.policy.afterPhoto(e, &r.budget)
		return &c
	}
	if !errors.Is(r.bad, tasks.ErrPayload) && !errors.Is(r.bad, ledger.ErrForeignSeq) {
		return &consequence{again: infraDelay, reason: tasks.Interrupted, detail: "the photo store could not be written"}
	}
	return &consequence{end: tasks.Failed, reason: tasks.BadTask, detail: r.bad.Error()}
}

// early are the ends that claim and turn find before a call.
func early(v ledger.Verdict, o tasks.Outcome, by string) *consequence {
	switch v {
	case ledger.Settled:
		return &consequence{recorded: &o}
	case ledger.IsExpired:
		return &consequence{end: tasks.Expired, reason: tasks.ExpiredTime}
	case ledger.IsStopped:
		return &consequence{end: tasks.Cancelled, reason: tasks.Stopped, detail: "cancelled by " + by}
	case ledger.IsOld:
		return &consequence{end: tasks.Superseded, reason: tasks.NewerUpdate, detail: "update " + by + " of the same group went out"}
	case ledger.IsThere:
		return &consequence{end: tasks.Unchanged}
	default:
		return nil
	}
}

// resolveStep gets the photo. A photo that cannot be had ends or postpones the
// update here, before it costs a turn.
func (l *lane) resolveStep(ctx context.Context, r *run) *consequence {
	var err error
	if r.ready, err = l.photos.resolve(ctx, r.update.Photo); err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return interrupted()
	}
	c := l.policy.afterPhoto(err, &r.budget)
	return &c
}

// turnAndCallSteps takes a turn and calls. When the provider could not be
// reached go-retry owns the seconds: it tries again in this run, each time with
// a turn of its own; the minutes are asynq's.
func (l *lane) turnAndCallSteps(ctx context.Context, r *run) *consequence {
	var c *consequence
	err := retry.Do(ctx, l.policy.quick(), func(ctx context.Context) error {
		if c = l.turnStep(ctx, r); c != nil {
			return nil
		}
		c = l.callStep(ctx, r)
		if !c.quick {
			return nil
		}
		if gone := l.betweenTries(r, *c); gone != nil { //nolint:contextcheck // as settling
			c = gone
			return nil
		}
		c.says = ledger.Answer{} // it is said
		return retry.RetryableError(errQuick)
	})
	if c == nil { // only when ctx had ended before the first try
		return interrupted()
	}
	if err != nil && ctx.Err() != nil {
		c.again = 0 // stopped between two tries: whoever takes it next need not wait
	}
	return c
}

// quick is a fresh backoff for one run: go-retry's backoffs are stateful.
func (p Policy) quick() retry.Backoff {
	return retry.WithMaxRetries(uint64(max(0, p.QuickTries)), //nolint:gosec // not negative
		retry.WithCappedDuration(5*time.Second, retry.WithFullJitter(retry.NewExponential(2*p.QuickBackoff))))
}

// callStep makes the call, at once.
func (l *lane) callStep(ctx context.Context, r *run) *consequence {
	// The call outlives the handler's context, not the process.
	ctx, cancel := firstOf(context.WithoutCancel(ctx), l.life)
	defer cancel()
	began := time.Now()
	r.called, r.late = true, 0
	value, err := l.account.Caller.UpdateGroupPhoto(ctx, plugchat.Call{
		GroupID: string(r.Group), Photo: r.ready.photo, NotAfter: r.use,
		Wrote: func(at time.Time) { l.wrote(ctx, r, at) },
	})
	r.took = time.Since(began)
	if err == nil && !value {
		err = l.explain(ctx, r)
	}
	if err == nil {
		c := l.policy.afterValue(value, &r.budget, time.Until(r.claim.ExpiresAt))
		return &c
	}
	if e, ok := errors.AsType[*plugchat.Error](err); ok {
		c := l.policy.afterError(e, &r.budget)
		if c.refund == ledger.Call {
			r.called = false
			r.calls--
		}
		return &c
	}
	if ctx.Err() == nil { // a caller that is not plugchat's: nothing is known of its answer
		err := &plugchat.Error{Class: plugchat.Unclear, Reason: plugchat.ReasonUnclearAnswer, Detail: "the call ended with an error of unknown kind"}
		c := l.policy.afterError(err, &r.budget)
		return &c
	}
	r.called = false
	r.calls--
	c := interrupted()
	c.refund = ledger.Call
	return c
}

// lateWrite is from when on a request counts as written late: a cold connection's
// handshake, and not the moments between two machines.
const lateWrite = 20 * time.Millisecond

// wrote notes when the request was written: the pace counts from there. Where others
// may call meanwhile the ledger must know before the call ends; the writing does not
// wait for it.
func (l *lane) wrote(ctx context.Context, r *run, at time.Time) {
	r.late = max(0, at.Sub(r.granted))
	if r.late < lateWrite || l.account.Concurrency == 1 || l.account.Pace == 0 {
		return
	}
	handle, turn, late := r.Handle, r.turnID, r.late
	l.running.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := l.ledger.Wrote(ctx, handle, turn, late); err != nil && ctx.Err() == nil {
			l.log.Warn("ledger.unreachable", "error", err)
		}
	})
}

func interrupted() *consequence {
	return &consequence{reason: tasks.Interrupted, detail: "the worker is stopping", waiting: true}
}

// noLedger answers Redis' absence: nothing is known of the update, so nothing
// is decided about it.
func (l *lane) noLedger(ctx context.Context, err error) *consequence {
	if ctx.Err() == nil {
		l.log.Warn("ledger.unreachable", "error", err)
	}
	return &consequence{detached: true, again: infraDelay, reason: tasks.Interrupted, detail: "Redis could not be reached"}
}

// panicked turns a bug of ours into a spent attempt: the update ends when its
// attempts do, instead of coming back for ever.
func (l *lane) panicked(r *run, p any) error {
	l.log.Error("update.panicked", "id", r.ID, "panic", fmt.Sprint(p), "stack", stack())
	c := l.policy.backOff(consequence{reason: tasks.Interrupted, detail: "an error in the worker itself; see its log"}, &r.budget, false)
	return l.settleStep(r, c)
}
