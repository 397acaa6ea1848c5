package enqueue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
)

// Lane is how an account stands: what it works at, and what holds it up.
type Lane struct {
	Account

	// Paused says that asynq takes no task of one of its queues at least. An operator
	// who paused the account did so at PausedSince; PausedBy and PausedFor say who,
	// and what for. A bulk queue that was paused alone has none of these.
	Paused              bool
	PausedSince         time.Time
	PausedBy, PausedFor string
	// Trouble is why the provider does not let the account work; "" when it does.
	// It has been so Since; no call is made before NextTry, and after Tries in a row
	// that went the same way.
	Trouble tasks.Reason
	Since   time.Time
	NextTry time.Time
	Tries   int
	// Calling is the calls under way, over all processes.
	Calling int
	// Waiting is the updates that could run now, Later those that have a time to
	// come or come again, and Archived those that asynq keeps as refused or failed.
	// All include campaign rows.
	Waiting, Later, Archived int
}

// Lanes tells how every account stands that Accounts lists.
func (c *Client) Lanes(ctx context.Context) ([]Lane, error) {
	accounts, err := c.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	// asynq's own error for a queue into which nothing was ever put says no more than its text.
	queues, err := inspector(ctx, c.rdb).Queues()
	if err != nil {
		return nil, fault(ctx, "listing the queues", err)
	}
	lanes := make([]Lane, 0, len(accounts))
	for _, a := range accounts {
		lane, err := c.lane(ctx, a, queues)
		if err != nil {
			return nil, fault(ctx, "looking at account "+a.Name, err)
		}
		lanes = append(lanes, lane)
	}
	return lanes, nil
}

// Pause stops an account until Resume: no call is begun, by any process, and asynq
// takes none of its tasks; calls under way end. by and why (at most 128 bytes each)
// are for people. It says false when the account was paused before; by and why are
// then the earlier ones. Errors: ErrInvalid, ErrUnknownAccount, ErrUnavailable.
func (c *Client) Pause(ctx context.Context, account, by, why string) (bool, error) {
	by, err := word("by", by, given[string]{}, c.by)
	if err == nil {
		why, err = word("why", why, given[string]{}, "")
	}
	if err == nil {
		err = c.knownAccount(ctx, account)
	}
	if err != nil {
		return false, fmt.Errorf("pausing account %s: %w", account, err)
	}
	changed, err := c.ledger.Pause(ctx, account, by, why)
	if err == nil {
		err = c.ledger.Mirror(ctx, account) // now, and not only when a worker sees it
	}
	return changed, fault(ctx, "pausing account "+account, err)
}

// Resume ends a Pause. It says false when there was none. Trouble that the account
// is in stays what it is. Errors as for Pause.
func (c *Client) Resume(ctx context.Context, account string) (bool, error) {
	if err := c.knownAccount(ctx, account); err != nil {
		return false, fmt.Errorf("resuming account %s: %w", account, err)
	}
	// What somebody changed in the web UI just now comes first.
	err := c.ledger.Mirror(ctx, account)
	changed := false
	if err == nil {
		changed, err = c.ledger.Resume(ctx, account)
	}
	if err == nil {
		err = c.ledger.Mirror(ctx, account)
	}
	return changed, fault(ctx, "resuming account "+account, err)
}

// knownAccount refuses the name of an account that Accounts does not list.
func (c *Client) knownAccount(ctx context.Context, name string) error {
	if err := tasks.CheckAccount(name); err != nil {
		return fmt.Errorf("%w: %w", err, ErrInvalid)
	}
	accounts, err := c.Accounts(ctx)
	if err != nil {
		return err
	}
	names := make([]string, len(accounts))
	for i, a := range accounts {
		names[i] = a.Name
	}
	if len(names) == 0 {
		return fmt.Errorf("account %q: %w; none has ever been served", name, ErrUnknownAccount)
	}
	return CheckKnown(name, names)
}

func (c *Client) lane(ctx context.Context, a Account, queues []string) (Lane, error) {
	state, err := c.ledger.Lane(ctx, a.Name)
	if err != nil {
		return Lane{}, err
	}
	lane := Lane{Account: a, Trouble: state.Why, Since: state.Since, NextTry: state.Until, Tries: state.Holds, Calling: state.Calling}
	lane.Paused, lane.PausedSince, lane.PausedBy, lane.PausedFor = !state.PausedSince.IsZero(), state.PausedSince, state.By, state.For
	for _, queue := range []string{tasks.Queue(a.Name), tasks.BulkQueue(a.Name)} {
		if !slices.Contains(queues, queue) {
			continue
		}
		info, err := inspector(ctx, c.rdb).GetQueueInfo(queue)
		if err != nil {
			return Lane{}, fmt.Errorf("asking asynq about queue %s: %w", queue, err)
		}
		lane.Paused = lane.Paused || info.Paused
		lane.Waiting += info.Pending + info.Active
		lane.Later += info.Scheduled + info.Retry
		lane.Archived += info.Archived
	}
	return lane, nil
}
