package enqueue_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

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
