package ledger_test

import (
	"fmt"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestMoveCampaign_BrokenOffAnywhere(t *testing.T) {
	t.Parallel()
	// Given a move that breaks off after any number of commands, when a row that was
	// being called waits meanwhile, and the move is made again, and once more, then
	// every row is there once and all but the ended one are with the new account.
	each(t, func(t *testing.T, e *env) {
		cut := &fault{}
		e.rdb.AddHook(cut)
		input := sheet(1010, account)
		move := func(c *campaign) error {
			_, err := e.MoveCampaign(t.Context(), c.ID, account, "backup", "")
			return err
		}
		for n, broke := 0, true; broke; n++ {
			for _, answerOnly := range []bool{false, true} {
				c := e.accepted(t, fmt.Sprint("spring ", n, answerOnly), input)
				fed := c.feed(t, account, 2)
				c.call(t, fed[0], ledger.RowOK)
				c.settle(t, fed[1], tasks.Updated, ledger.RowOK)
				cut.set(true, n+1, answerOnly)
				broke = move(c) != nil
				cut.set(false, 0, false)
				c.counts(t)
				c.snooze(t, fed[0], 0, ledger.RowOK)
				for range 2 {
					if err := move(c); err != nil {
						t.Fatalf("broken off after %d commands, then %v", n, err)
					}
				}
				c.want(t, ledger.Counts{tasks.Waiting: 1009, tasks.Updated: 1})
				for i, r := range c.rows(t, ledger.RowFilter{}) {
					if r.Given.Line != input[i].Line || (r.Given.Account == account) != (r.State == tasks.Updated) {
						t.Fatalf("broken off after %d commands: row %d is %+v", n, i, r)
					}
				}
				if _, err := e.CancelCampaign(t.Context(), c.ID, "", ""); err != nil { // the next one is fed alone
					t.Fatal(err)
				}
			}
		}
	})
}

func TestApplyCampaign_WhatWasSaidEarlierIsNotSaidAgain(t *testing.T) {
	t.Parallel()
	// Given a campaign that was paused, when a process brings what it had read before
	// that, then the campaign stays paused.
	each(t, func(t *testing.T, e *env) {
		c := e.accepted(t, "spring", sheet(5, account))
		if _, err := e.PauseCampaign(t.Context(), c.ID, "ana", ""); err != nil {
			t.Fatal(err)
		}
		if err := e.ApplyCampaign(t.Context(), c.Campaign); err != nil {
			t.Fatal(err)
		}
		if rows := c.feed(t, account, 5); len(rows) > 0 {
			t.Errorf("%d rows were fed of a paused campaign", len(rows))
		}
	})
}
