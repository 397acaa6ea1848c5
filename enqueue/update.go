package enqueue

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plugchat-go/groupphoto/internal/engine"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// finishTime is how long a call goes on after its context has ended when the
// ledger has the update and only its task is missing: giving up there would
// leave an update that nobody runs.
const finishTime = 2 * time.Second

// UpdateGroupPhoto enqueues one update. It returns when the update is accepted:
// its record and its task are in Redis, and its photo is in the photo store.
//
// The same id with the same content (group, photo, account, ref, SkipUnchanged)
// is a duplicate, which the Receipt tells; if the update has not ended, its task
// is put back should it have been lost. Another content under the same id is
// ErrIDReused. When the input is bad, nothing is stored, and the error names
// every problem that was found. After ErrUnavailable or the end of ctx nothing
// is known; the Receipt then holds the id with which to call again.
func (c *Client) UpdateGroupPhoto(ctx context.Context, u Update, opts ...Option) (Receipt, error) {
	p, err := c.prepare(ctx, u, opts, nil)
	if err != nil {
		return Receipt{ID: p.ID}, fmt.Errorf("enqueuing the update: %w", err)
	}
	j := []job{{prepared: p}}
	c.register(ctx, j)
	c.dispatch(ctx, j)
	if err := j[0].err; err != nil {
		return Receipt{ID: p.ID}, fmt.Errorf("enqueuing the update: %w", err)
	}
	return j[0].receipt, nil
}

// prepare does all that comes before the ledger's entry.
func (c *Client) prepare(ctx context.Context, u Update, opts []Option, g *gallery) (Prepared, error) {
	if c.life.Err() != nil {
		return Prepared{}, ErrClosed
	}
	d, err := newDraft(u, opts, rules{expiry: c.expiry, by: c.by, now: time.Now()})
	if err != nil {
		return d.Prepared, err
	}
	if err := ctx.Err(); err != nil {
		return d.Prepared, context.Cause(ctx)
	}
	if !d.allowUnknown {
		if err := c.checkAccount(ctx, d.Update.Account); err != nil {
			return d.Prepared, err
		}
	}
	p, err := c.bringPhoto(ctx, d, g)
	if err != nil {
		return p, err
	}
	return p, c.ready(ctx)
}

// job is one update on its way through the ledger into asynq.
type job struct {
	prepared Prepared
	receipt  Receipt
	err      error
	pending  bool // the ledger has it, its task is to be handed over
	task     engine.Ticket
}

// register enters the jobs that have no error into the ledger, one script per
// account, and settles what that means for each.
func (c *Client) register(ctx context.Context, jobs []job) {
	groups := map[string][]int{}
	for i := range jobs {
		if jobs[i].err == nil {
			account := jobs[i].prepared.Update.Account
			groups[account] = append(groups[account], i)
		}
	}
	var trips errgroup.Group
	trips.SetLimit(8)
	for account, members := range groups {
		trips.Go(func() error {
			c.registerOf(ctx, account, members, jobs)
			return nil
		})
	}
	_ = trips.Wait() // each job has its own error
}

func (c *Client) registerOf(ctx context.Context, account string, members []int, jobs []job) {
	entries := make([]ledger.Entry, len(members))
	for n, i := range members {
		p := &jobs[i].prepared
		entries[n] = ledger.Entry{ID: p.ID, Update: p.Update, Due: p.Due}
	}
	answers, err := c.ledger.Register(ctx, account, entries)
	for n, i := range members {
		if err != nil {
			jobs[i].err = fault(ctx, "entering the update", err)
			continue
		}
		jobs[i].registered(answers[n])
	}
}

func (j *job) registered(r ledger.Registered) {
	id := j.prepared.ID
	j.receipt = Receipt{
		ID: id, Account: r.Update.Account, Duplicate: r.Registration != ledger.Entered,
		State: standing(r.Due), Due: r.Due, ExpiresAt: r.Update.ExpiresAt,
	}
	switch r.Registration {
	case ledger.Reused:
		j.receipt = Receipt{}
		j.err = fmt.Errorf("update %s of account %s: %w", id, r.Update.Account, ErrIDReused)
	case ledger.Ended:
		o := r.Outcome
		j.receipt.Outcome, j.receipt.State = &o, o.State
		j.receipt.Due, j.receipt.ExpiresAt = time.Time{}, time.Time{}
	case ledger.Entered, ledger.Again:
		j.pending = true
		j.task = engine.Ticket{ID: id, Update: r.Update, Due: r.Due}
	}
}

func standing(due time.Time) tasks.State {
	if due.After(time.Now()) {
		return tasks.Scheduled
	}
	return tasks.Waiting
}

// dispatch hands the registered jobs to asynq.
func (c *Client) dispatch(ctx context.Context, jobs []job) {
	tickets := make([]engine.Ticket, 0, len(jobs))
	for i := range jobs {
		if jobs[i].pending {
			tickets = append(tickets, jobs[i].task)
		}
	}
	if len(tickets) == 0 {
		return
	}
	longer, cancel := finishing(ctx)
	defer cancel()
	errs := engine.Hand(longer, c.rdb, tickets)
	n := 0
	for i := range jobs {
		if !jobs[i].pending {
			continue
		}
		if errs[n] != nil {
			jobs[i].err = fault(ctx, "handing the task to the queue", errs[n])
		}
		n++
	}
}

// finishing returns a context that outlives ctx by finishTime.
func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(finishTime, func() { cancel(context.Cause(ctx)) })
		context.AfterFunc(longer, func() { timer.Stop() })
	})
	return longer, func() { stop(); cancel(context.Canceled) }
}
