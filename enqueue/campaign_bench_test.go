package enqueue_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// BenchmarkCampaignAccept is to be read beside BenchmarkAsynqLoop: both take
// 100,000 rows with one photo URL into an empty Redis. Reading the group ids as
// they are given is part of it.
func BenchmarkCampaignAccept(b *testing.B) {
	c := benchRedis(b)
	benchEach(b, c, acceptRows(b, c))
}

// BenchmarkCampaignAcceptFar is to be read beside BenchmarkAsynqLoopFar.
func BenchmarkCampaignAcceptFar(b *testing.B) {
	c := farRedis(b)
	farEach(b, c, benchRows, acceptRows(b, c))
}

// BenchmarkCampaignStart is BenchmarkCampaignAccept as a producer does it: every row
// is checked.
func BenchmarkCampaignStart(b *testing.B) {
	c := benchRedis(b)
	benchEach(b, c, startRows(b, c))
}

// startRows returns what starts a campaign of 100,000 rows.
func startRows(b *testing.B, c redis.UniversalClient) func(context.Context) {
	b.Helper()
	gp, err := enqueue.New(c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = gp.Close() })
	n := 0
	return func(ctx context.Context) {
		n++
		campaign := enqueue.Campaign{Name: "bench-" + strconv.Itoa(n), Photo: enqueue.URL("https://cdn.example.com/campaigns/spring/logo.jpg")}
		got, err := gp.StartCampaign(ctx, campaign, func(yield func(enqueue.CampaignRow, error) bool) {
			for i := range benchRows {
				if !yield(enqueue.CampaignRow{GroupID: benchGroup(i)}, nil) {
					return
				}
			}
		})
		if err != nil || got.Total != benchRows {
			b.Fatalf("accepted %d rows: %v", got.Total, err)
		}
	}
}

// acceptRows returns what accepts 100,000 rows as a campaign.
func acceptRows(b *testing.B, c redis.UniversalClient) func(context.Context) {
	b.Helper()
	l := ledger.New(c, 0)
	photo, err := tasks.ParsePhoto("https://cdn.example.com/campaigns/spring/logo.jpg")
	if err != nil {
		b.Fatal(err)
	}
	rows := func(yield func(ledger.CampaignRow, error) bool) {
		for i := range benchRows {
			group, err := tasks.ParseGroupID(benchGroup(i))
			if !yield(ledger.CampaignRow{Line: int64(i + 1), Account: tasks.DefaultAccount, Group: group, Photo: photo}, err) {
				return
			}
		}
	}
	n := 0
	return func(ctx context.Context) {
		n++
		request := ledger.CampaignRequest{Name: "bench " + strconv.Itoa(n), Expires: time.Now().Add(time.Hour)}
		if got, err := l.AcceptCampaign(ctx, request, rows); err != nil || got.Total != benchRows {
			b.Fatalf("accepted %d rows: %v", got.Total, err)
		}
	}
}
