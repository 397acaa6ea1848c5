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

	// Paused says that an operator stopped the account: at PausedSince, by PausedBy,
	// for PausedFor. All three are empty for a queue that was paused in asynq's web UI
	// and that no worker has seen yet. BulkPaused says that somebody paused the bulk
	// queue alone there: campaigns stop, and nothing else.
	Paused, BulkPaused  bool
	PausedSince         time.Time
	PausedBy, PausedFor string
	// Trouble is why the provider does not let the account work; "" when it does.
	// TroubleOf is "account" when the provider said so, "breaker" when it gave no
	// usable answer several times in a row; Detail is what it said. It has been so
	// Since, and was found Tries times in a row. While Held nobody calls, and NextTry
	// is when the provider is asked again; after that one call at a time feels its
	// way. Suspected says that so far it may be about one update alone: as soon as
	// /status confirms that, others go on.
	Trouble   tasks.Reason
	TroubleOf string
	Detail    string
	Since     time.Time
	NextTry   time.Time
	Held      bool
	Tries     int
	Suspected bool
	// Slowed is what the gap between two calls is multiplied with; up to 1 it is the
	// configured one. It is so since SlowedSince, because of SlowedFor. Rest is when
	// the provider wants to see the next call at the soonest; zero: at once.
	Slowed      float64
	SlowedSince time.Time
	SlowedFor   tasks.Reason
	Rest        time.Time
	// Unanswered is how many calls may have landed although no answer came, ever.
	Unanswered int64
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
		_, err = c.ledger.Mirror(ctx, account) // now, and not only when a worker sees it
	}
	return changed, fault(ctx, "pausing account "+account, err)
}

// Resume ends a Pause; by (at most 128 bytes) is for people. It says false when
// there was none. Trouble that the account is in stays what it is. Errors as for
// Pause.
func (c *Client) Resume(ctx context.Context, account, by string) (bool, error) {
	by, err := word("by", by, given[string]{}, c.by)
	if err == nil {
		err = c.knownAccount(ctx, account)
	}
	if err != nil {
		return false, fmt.Errorf("resuming account %s: %w", account, err)
	}
	// What somebody changed in the web UI just now comes first.
	_, err = c.ledger.Mirror(ctx, account)
	changed := false
	if err == nil {
		changed, err = c.ledger.Resume(ctx, account, by)
	}
	if err == nil {
		_, err = c.ledger.Mirror(ctx, account)
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
	lane := Lane{
		Account: a, Calling: state.Calling,
		Paused: !state.PausedSince.IsZero() || state.QueuePaused, BulkPaused: state.BulkPaused,
		PausedSince: state.PausedSince, PausedBy: state.By, PausedFor: state.For,
		Trouble: state.Why, TroubleOf: string(state.Trouble), Detail: state.Detail, Since: state.Since, NextTry: state.Until, Tries: state.Holds,
		Held: state.Until.After(state.Now), Suspected: state.Trouble != "" && !state.Told,
		Slowed: state.Widen, SlowedSince: state.WidenedAt, SlowedFor: state.WidenedWhy, Rest: state.Rest, Unanswered: state.Unanswered,
	}
	for _, queue := range []string{tasks.Queue(a.Name), tasks.BulkQueue(a.Name)} {
		if !slices.Contains(queues, queue) {
			continue
		}
		info, err := inspector(ctx, c.rdb).GetQueueInfo(queue)
		if err != nil {
			return Lane{}, fmt.Errorf("asking asynq about queue %s: %w", queue, err)
		}
		lane.Waiting += info.Pending + info.Active
		lane.Later += info.Scheduled + info.Retry
		lane.Archived += info.Archived
	}
	return lane, nil
}
