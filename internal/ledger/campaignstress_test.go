package ledger_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/ledger/rowtest"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestCampaign_ManyProcessesAtOnce(t *testing.T) {
	t.Parallel()
	// Given a campaign of two accounts, when many processes feed, settle, move, pause,
	// cancel and retry at the same time, then in the end the totals add up, every row
	// is there once, and none ended twice in a feed.
	each(t, func(t *testing.T, e *env) {
		const processes, steps = 6, 40
		input := sheet(2300, account, "sales")
		c := e.accepted(t, "spring", input)
		var (
			mu    sync.Mutex
			ended = map[string]int{}
			all   sync.WaitGroup
		)
		for p := range processes {
			all.Go(func() {
				dice := rand.New(rand.NewPCG(1, uint64(p))) //nolint:gosec // a test's dice
				for step := range steps {
					settled, err := c.anything(t, dice, fmt.Sprint(p, ".", step))
					if err != nil && !errors.Is(err, ledger.ErrCampaignBusy) && !errors.Is(err, ledger.ErrCampaignClosed) {
						t.Errorf("process %d, step %d: %v", p, step, err)
					}
					mu.Lock()
					for _, id := range settled {
						ended[id]++
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		for _, a := range modelAccounts {
			if _, err := e.CampaignsOf(t.Context(), a); err != nil {
				t.Fatalf("CampaignsOf %s: %v", a, err)
			}
		}
		c.counts(t)
		var lines []int64
		for _, r := range c.rows(t, ledger.RowFilter{}) {
			lines = append(lines, r.Given.Line)
		}
		if len(lines) != len(input) || !slices.IsSorted(lines) || len(slices.Compact(lines)) != len(input) {
			t.Errorf("%d rows are there of %d, sorted %t", len(lines), len(input), slices.IsSorted(lines))
		}
		for id, n := range ended {
			if n > 1 {
				t.Errorf("%s ended %d times", id, n)
			}
		}
	})
}

// anything does one thing and returns the ids of the rows whose ends were recorded.
func (c *campaign) anything(t *testing.T, dice *rand.Rand, question string) (settled []string, err error) {
	ctx := t.Context()
	a := modelAccounts[dice.IntN(3)]
	switch dice.IntN(12) {
	case 0:
		_, err = c.MoveCampaign(ctx, c.ID, a, modelAccounts[(slices.Index(modelAccounts, a)+1)%3], "")
	case 1:
		_, err = c.PauseCampaign(ctx, c.ID, "", "")
	case 2:
		_, err = c.CancelCampaign(ctx, c.ID, "", "")
	case 3, 4:
		_, err = c.PassCampaign(ctx, c.ID, ledger.PassRequest{States: []tasks.State{tasks.Cancelled, tasks.Failed}})
	case 5:
		_, err = c.CampaignsOf(ctx, a)
	case 6, 7:
		_, err = c.ResumeCampaign(ctx, c.ID, "")
	default:
		fed, err := c.Feed(ctx, ledger.FeedRequest{Account: a, Feeder: "f", Lease: time.Second, Question: question, Room: 20})
		if err != nil {
			return nil, err
		}
		for _, r := range fed.Rows {
			if _, err := rowtest.Call(ctx, c.Ledger, r); err != nil {
				return settled, err
			}
			v, _, err := rowtest.Settle(ctx, c.Ledger, r, ledger.RowEnd{State: tasks.Failed, Reason: tasks.NoAnswer, Attempts: 1 + dice.IntN(1000)})
			if err != nil {
				return settled, err
			}
			if v == ledger.RowOK {
				settled = append(settled, r.ID())
			}
		}
	}
	return settled, err
}
