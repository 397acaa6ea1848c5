package worker_test

import (
	"fmt"
	"iter"
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// campaignGroup is the group of a row, from 1.
func campaignGroup(n int) tasks.GroupID {
	return tasks.GroupID(strconv.Itoa(120363000000000000+n) + "-group")
}

// rowsOf are n rows, of the accounts in turn.
func rowsOf(n int, photo tasks.PhotoRef, accounts ...string) iter.Seq2[ledger.CampaignRow, error] {
	return func(yield func(ledger.CampaignRow, error) bool) {
		for i := range n {
			row := ledger.CampaignRow{Line: int64(i + 1), Account: accounts[i%len(accounts)], Group: campaignGroup(i + 1), Photo: photo}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// campaign accepts a campaign of n rows of main.
func (b *bundle) campaign(name string, n int, change ...func(*ledger.CampaignRequest)) ledger.Campaign {
	b.t.Helper()
	r := ledger.CampaignRequest{Name: name, By: "tests", Expires: time.Now().Add(time.Hour)}
	for _, f := range change {
		f(&r)
	}
	got, err := b.ledger.AcceptCampaign(b.t.Context(), r, rowsOf(n, b.photo(120), "main"))
	if err != nil {
		b.t.Fatal(err)
	}
	return got.Campaign
}

// stands waits until a campaign's counts are these; what is 0 is left out.
func stands(t *testing.T, l *ledger.Ledger, id string, within time.Duration, want ledger.Counts) ledger.CampaignStatus {
	t.Helper()
	var s ledger.CampaignStatus
	var got ledger.Counts
	redistest.Eventually(t, within, func() bool {
		var err error
		s, err = l.CampaignStatus(t.Context(), id)
		if err != nil {
			return false
		}
		if s.Counts.Sum() != s.Total {
			t.Fatalf("the counts %v add up to %d of %d", s.Counts, s.Counts.Sum(), s.Total)
		}
		got = maps.Clone(s.Counts)
		maps.DeleteFunc(got, func(_ tasks.State, n int64) bool { return n == 0 })
		return cmp.Equal(want, got)
	}, "the campaign stands %v; want %v", later(func() string { return fmt.Sprint(got) }), want)
	checks, err := l.VerifyCampaign(t.Context(), s.Campaign, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range checks {
		if !check.Agrees {
			t.Errorf("the counters and the rows of account %s do not agree: %+v", check.Account, check)
		}
	}
	return s
}

// nothingLeft sees that neither asynq nor the ledger keeps anything of ended rows but
// their campaign.
func nothingLeft(t *testing.T, rdb redis.UniversalClient, account string) {
	t.Helper()
	var tasksLeft, records []string
	redistest.Eventually(t, 10*time.Second, func() bool {
		tasksLeft, records = rdb.Keys(t.Context(), "asynq:{"+tasks.BulkQueue(account)+"}:t:*").Val(), rdb.Keys(t.Context(), "groupphoto:{"+account+"}:u:*").Val()
		return len(tasksLeft)+len(records) == 0
	}, "asynq keeps %v, the ledger %v", later(func() string { return fmt.Sprint(tasksLeft) }), later(func() string { return fmt.Sprint(records) }))
}
