package main

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// overlap is how many rows of another campaign still wait to show their photo in a
// group of this one.
type overlap struct {
	Campaign string `json:"campaign"`
	Rows     int64  `json:"rows"`
}

// overlaps looks through the waiting rows of other campaigns. Those are older wishes:
// the ones that do not go before this campaign's rows end as superseded.
func (k *check) overlaps(ctx context.Context) (found []overlap) {
	if k.outlook.look == nil { // Redis did not answer before
		return nil
	}
	if !k.glance(ctx, k.config, k.language, func(rdb redis.UniversalClient) error {
		l := ledger.New(rdb, k.config.keep)
		campaigns, err := l.Campaigns(ctx)
		for _, c := range campaigns {
			n, failed := k.overlapWith(ctx, l, c)
			if err = errors.Join(err, failed); n > 0 {
				found = append(found, overlap{c.Name, n})
			}
		}
		return err
	}) {
		k.outlook.look = nil
	}
	return found
}

func (k *check) overlapWith(ctx context.Context, l *ledger.Ledger, c ledger.Campaign) (n int64, err error) {
	if c.Closed != "" {
		return 0, nil
	}
	filter := ledger.RowFilter{States: []tasks.State{tasks.Waiting, tasks.Retrying}, Accounts: k.tally.names()}
	for row, err := range l.CampaignRows(ctx, c, filter) {
		if errors.Is(err, ledger.ErrNoCampaign) {
			return n, nil // its time ran out just now
		}
		if err != nil {
			return n, err
		}
		if account, there := k.reader.AccountOf(row.Given.Group); there && account == row.Given.Account {
			n++
		}
	}
	return n, nil
}
