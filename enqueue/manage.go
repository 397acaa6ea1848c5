package enqueue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hibiken/asynq"

	"github.com/plugchat-go/groupphoto/internal/engine"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// Outcome tells how an update ended, or where it stands. A row of a campaign is
// looked up by <campaign>.<row>.<feed>. Errors: ErrNotFound, ErrID, ErrUnavailable.
func (c *Client) Outcome(ctx context.Context, id string, where ...Where) (Outcome, error) {
	d, err := c.Details(ctx, id, where...)
	return d.Outcome, err
}

// Details tells all there is to know of an update. Errors as for Outcome.
func (c *Client) Details(ctx context.Context, id string, where ...Where) (Details, error) {
	_, d, err := c.find(ctx, id, where)
	if err != nil {
		return Details{}, fmt.Errorf("looking for the update: %w", err)
	}
	return d, nil
}

// Cancel stops an update; by says who did it (at most 128 bytes, "" is the
// client's WithBy). The Details are what stands after it: the state Cancelled; or
// Cancelling while a call is under way, after which the update is not called
// again; or the outcome of an update that had ended before. Errors as for
// Outcome, and ErrInvalid, as for a campaign's row: see CancelCampaign.
func (c *Client) Cancel(ctx context.Context, id, by string, where ...Where) (Details, error) {
	by, err := word("by", by, given[string]{}, c.by)
	if err != nil {
		return Details{}, fmt.Errorf("cancelling update %s: %w", id, err)
	}
	if err := rowOnly(id, "cancel"); err != nil {
		return Details{}, fmt.Errorf("cancelling the update: %w", err)
	}
	if by == "" {
		by = "a producer" // the ledger tells a cancelled update by this being there
	}
	account, _, err := c.find(ctx, id, where)
	if err != nil {
		return Details{}, fmt.Errorf("cancelling the update: %w", err)
	}
	_, r, err := c.ledger.Cancel(ctx, account, id, by)
	if err != nil {
		return Details{}, fault(ctx, "cancelling update "+id, err)
	}
	return details(r), nil
}

// Retry sends an ended update once more, as the newest wish for its group, with
// the client's expiry from now on. An update that has not ended stays as it is;
// its task is put back should it have been lost, and the Receipt says Duplicate.
// Errors as for Outcome; ErrPhoto when its photo is no longer in the store; and
// ErrInvalid for a campaign's row: see RetryCampaign.
func (c *Client) Retry(ctx context.Context, id string, where ...Where) (Receipt, error) {
	receipt, err := c.retry(ctx, id, where)
	if err != nil {
		return Receipt{ID: id}, fmt.Errorf("sending update %s again: %w", id, err)
	}
	return receipt, nil
}

func (c *Client) retry(ctx context.Context, id string, where []Where) (Receipt, error) {
	if err := rowOnly(id, "retry"); err != nil {
		return Receipt{}, err
	}
	account, _, err := c.find(ctx, id, where)
	if err != nil {
		return Receipt{}, err
	}
	r, err := c.ledger.Record(ctx, account, id)
	if err != nil {
		return Receipt{}, fault(ctx, "reading the update", err)
	}
	if r.Update.GroupID == "" { // the record of a task that was never well formed
		return Receipt{}, fmt.Errorf("the task was not a well-formed update; enqueue it anew: %w", ErrInvalid)
	}
	if ref := r.Update.Photo; ref.Hash() != "" && r.Outcome.State.Ended() {
		// Before the update is opened again: without its photo it could only fail.
		if err := c.keepPhoto(ctx, ref, time.Now().Add(c.expiry+photoMargin)); err != nil {
			return Receipt{}, err
		}
	}
	r, opened, err := c.ledger.Reopen(ctx, account, id, c.expiry)
	if err != nil {
		return Receipt{}, fault(ctx, "reopening the update", err)
	}
	u := r.Update
	u.Account = account
	j := []job{{
		prepared: Prepared{ID: id, Update: u, Due: r.Due},
		pending:  true, task: engine.Ticket{ID: id, Update: u, Due: r.Due},
		receipt: Receipt{
			ID: id, Account: account, Duplicate: !opened, State: standing(r.Due), Due: r.Due, ExpiresAt: u.ExpiresAt,
		},
	}}
	stale := opened
	if !opened { // an earlier Retry may have stopped between the ledger and the task
		ended := []asynq.TaskState{asynq.TaskStateCompleted, asynq.TaskStateArchived}
		if !r.Claimed { // an active task is then the old one, whose completion is on its way
			ended = append(ended, asynq.TaskStateActive)
		}
		stale, err = c.taskIs(ctx, account, id, ended...)
	}
	if err == nil && stale {
		err = c.dropTask(ctx, account, id)
	}
	if err == nil {
		c.dispatch(ctx, j)
		err = j[0].err
	}
	return j[0].receipt, err
}

const (
	dropTries = 30
	dropPause = 100 * time.Millisecond
)

// dropTask removes the ended update's old task, whose id the new one needs:
// asynq keeps ended tasks for a day and archived ones for months. A task that is
// active belongs to a run that has just recorded the end and is about to return,
// so it is waited for. When it stays, and no run has taken the reopened update up,
// the error matches ErrTaskBusy and calling Retry again goes on from there.
func (c *Client) dropTask(ctx context.Context, account, id string) error {
	longer, cancel := finishing(ctx)
	defer cancel()
	for range dropTries {
		err := inspector(longer, c.rdb).DeleteTask(tasks.Queue(account), id)
		if err == nil || errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound) {
			return nil
		}
		active, err := c.taskIs(longer, account, id, asynq.TaskStateActive)
		if err != nil {
			return err
		}
		if active && !c.pause(longer, dropPause) {
			return fault(ctx, "removing the old task", context.Cause(longer))
		}
	}
	r, err := c.ledger.Record(longer, account, id)
	if err != nil {
		return fault(ctx, "reading the update", err)
	}
	if r.Claimed || r.Outcome.State.Ended() { // the old task's run has taken the reopened update up
		return nil
	}
	// Handing a task over now would find the old one's id taken and look like
	// success; once that one is completed nothing would run the update.
	return fmt.Errorf("its old task has not left the queue yet; call again in a moment: %w", ErrTaskBusy)
}

// taskIs asks whether the update's task is in one of these states of asynq's.
func (c *Client) taskIs(ctx context.Context, account, id string, states ...asynq.TaskState) (bool, error) {
	info, err := inspector(ctx, c.rdb).GetTaskInfo(tasks.Queue(account), id)
	switch {
	case errors.Is(err, asynq.ErrTaskNotFound), errors.Is(err, asynq.ErrQueueNotFound):
		return false, nil
	case err != nil:
		return false, fault(ctx, "looking at the old task", err)
	}
	return slices.Contains(states, info.State), nil
}

// Lookup checks an id and where it is to be looked for, and returns the account
// that was named, "" for none. It is what every lookup begins with.
func Lookup(id string, where ...Where) (account string, err error) {
	if err := tasks.CheckKnownID(id); err != nil {
		return "", fmt.Errorf("%w: %w", err, ErrID)
	}
	for _, w := range where {
		if account != "" && w.account != "" && account != w.account {
			return "", fmt.Errorf("two accounts are named to look in: %w", ErrInvalid)
		}
		account = cmp.Or(w.account, account)
	}
	if account == "" {
		return "", nil
	}
	return account, invalid(tasks.CheckAccount(account))
}

// find looks an update up.
func (c *Client) find(ctx context.Context, id string, where []Where) (account string, d Details, err error) {
	if account, err = Lookup(id, where...); err != nil {
		return "", Details{}, err
	}
	if row, ok := tasks.ParseRowID(id); ok {
		return c.rowDetails(ctx, id, row, account)
	}
	if account != "" {
		d, err = c.look(ctx, account, id)
		return account, d, err
	}
	d, err = c.look(ctx, tasks.DefaultAccount, id)
	if !errors.Is(err, ErrNotFound) {
		return tasks.DefaultAccount, d, err
	}
	known, err := c.Accounts(ctx)
	if err != nil {
		return "", Details{}, err
	}
	for _, a := range known {
		if a.Name == tasks.DefaultAccount {
			continue
		}
		if d, err = c.look(ctx, a.Name, id); !errors.Is(err, ErrNotFound) {
			return a.Name, d, err
		}
	}
	return "", Details{}, fmt.Errorf("update %s: %w in any known account", id, ledger.ErrUnknown)
}

func (c *Client) look(ctx context.Context, account, id string) (Details, error) {
	if err := c.ready(ctx); err != nil {
		return Details{}, err
	}
	r, err := c.ledger.Record(ctx, account, id)
	if err != nil {
		return Details{}, fault(ctx, "reading the update", err)
	}
	return details(r), nil
}
