package ledger_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/ledger/rowtest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// finish crashes everybody and brings all rows to their ends: none is stuck.
func (m *rowsModel) finish() {
	m.otherFeederTakesOver()
	for _, c := range m.campaigns {
		if c.moving != [2]string{} {
			_, err := m.e.MoveCampaign(m.t.Context(), c.id, c.moving[0], c.moving[1], "x")
			m.ok("MoveCampaign", err)
			m.learn(c)
		}
		if _, err := m.e.ResumeCampaign(m.t.Context(), c.id, "x"); err != nil && !errors.Is(err, ledger.ErrCampaignClosed) {
			m.fail("ResumeCampaign: %v", err)
		}
		m.catchUp(c)
	}
	m.look(func() bool { return false })
	m.ripen()
	for _, c := range m.campaigns {
		m.catchUp(c)
	}
	m.check()
	for _, account := range modelAccounts {
		for {
			m.question++
			rows := m.fed(ledger.FeedRequest{Account: account, Feeder: m.feeder, Lease: time.Second, Question: fmt.Sprint(m.question), Room: 200})
			if len(rows) == 0 {
				break
			}
			for _, f := range rows {
				row := m.of(f.Campaign).rowAt(f.Account, f.Row)
				v, _, err := rowtest.Settle(m.t.Context(), m.e.Ledger, f, ledger.RowEnd{State: tasks.Updated})
				if err != nil || v != ledger.RowOK {
					m.fail("the end of %s = %q, %v", f.ID(), v, err)
				}
				row.state, row.end, row.fed = tasks.Updated, ledger.RowEnd{State: tasks.Updated}, false
				row.forget()
			}
		}
	}
	m.check()
	for _, c := range m.campaigns {
		for _, r := range c.rows {
			if !c.shown(r).Ended() {
				m.fail("line %d of %s is stuck: %+v", r.line, c.id, *r)
			}
		}
	}
	for _, account := range modelAccounts {
		if left, err := m.e.CampaignsOf(m.t.Context(), account); err != nil || len(left) > 0 {
			m.fail("account %s goes on looking at %d finished campaigns (%v)", account, len(left), err)
		}
	}
}
