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

	// Paused says that asynq takes no task of its queues, because somebody paused
	// one of them in its web UI.
	Paused bool
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

func (c *Client) lane(ctx context.Context, a Account, queues []string) (Lane, error) {
	state, err := c.ledger.Lane(ctx, a.Name)
	if err != nil {
		return Lane{}, err
	}
	lane := Lane{Account: a, Trouble: state.Why, Since: state.Since, NextTry: state.Until, Tries: state.Holds, Calling: state.Calling}
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
