package ledger_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/ledger/rowtest"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

const manyRows = 1_000_000

// million streams rows of one account with a shared photo.
func million(yield func(ledger.CampaignRow, error) bool) {
	photo := tasks.MadeRef(strings.Repeat("1", 64))
	for i := range manyRows {
		row := ledger.CampaignRow{
			Line: int64(i + 2), Account: account, Group: tasks.GroupID(strconv.Itoa(120363000000000000+i) + "-group"), Photo: photo,
		}
		if !yield(row, nil) {
			return
		}
	}
}

// BenchmarkCampaignMillion takes a campaign of a million rows through its life once
// (-benchtime 1x) and reports what people wait for and what Redis keeps.
func BenchmarkCampaignMillion(b *testing.B) {
	rdb := redistest.Real(b, "--appendonly", "no").Client(b) // figures of the structure, not of disks
	l := ledger.New(rdb, keep)
	for b.Loop() {
		b.StopTimer()
		if err := rdb.FlushAll(b.Context()).Err(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		millionOnce(b, l, rdb)
	}
}

func millionOnce(b *testing.B, l *ledger.Ledger, rdb redis.UniversalClient) {
	b.Helper()
	ctx := b.Context()
	ok := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	took := func(what string, do func() error) {
		b.Helper()
		began := time.Now()
		ok(do())
		b.ReportMetric(float64(time.Since(began).Microseconds())/1000, what)
	}
	before := usedMemory(b, rdb)
	began := time.Now()
	got, err := l.AcceptCampaign(ctx, ledger.CampaignRequest{Name: "million", By: "bench", Expires: time.Now().Add(30 * 24 * time.Hour)}, million)
	ok(err)
	b.ReportMetric(manyRows/time.Since(began).Seconds(), "accepted-rows/s")
	b.ReportMetric(float64(usedMemory(b, rdb)-before)/manyRows, "waiting-B/row")

	took("status-ms", func() error { _, err := l.CampaignStatus(ctx, got.ID); return err })
	took("pause-ms", func() error { _, err := l.PauseCampaign(ctx, got.ID, "bench", ""); return err })
	took("resume-ms", func() error { _, err := l.ResumeCampaign(ctx, got.ID, "bench"); return err })
	took("cancel-all-ms", func() error { _, err := l.CancelCampaign(ctx, got.ID, "bench", ""); return err })
	took("pass-all-ms", func() error {
		n, err := l.PassCampaign(ctx, got.ID, ledger.PassRequest{States: []tasks.State{tasks.Cancelled}})
		if n != manyRows {
			b.Fatalf("%d rows wait again", n)
		}
		return err
	})
	again := usedMemory(b, rdb)
	began = time.Now()
	const sample = manyRows / 10
	settleAll(b, l, sample, true)
	b.ReportMetric(sample/time.Since(began).Seconds(), "fed-called-settled-rows/s")
	settled := usedMemory(b, rdb)
	dropGroups(b, rdb)
	bare := usedMemory(b, rdb)
	b.ReportMetric(float64(bare-again)/sample, "settled-more-B/row")
	b.ReportMetric(float64(settled-bare)/sample, "group-B/group")
	settleAll(b, l, manyRows/10*9-sample, false)
	dropGroups(b, rdb)
	took("status-settled-ms", func() error { _, err := l.CampaignStatus(ctx, got.ID); return err })

	began = time.Now()
	n := 0
	for _, err := range l.CampaignRows(ctx, got.Campaign, ledger.RowFilter{}) {
		ok(err)
		n++
	}
	if n != manyRows {
		b.Fatalf("read %d rows", n)
	}
	b.ReportMetric(manyRows/time.Since(began).Seconds(), "read-rows/s")
	took("verify-ms", func() error { _, err := l.VerifyCampaign(ctx, got.Campaign, false); return err })
	took("page-ms", func() error {
		n := 0
		for _, err := range l.CampaignRows(ctx, got.Campaign, ledger.RowFilter{After: manyRows / 2}) {
			if n++; n == 100 {
				return err
			}
		}
		return nil
	})
	took("pass-some-ms", func() error { _, err := l.PassCampaign(ctx, got.ID, ledger.PassRequest{}); return err })
}

// dropGroups forgets what the groups show and in which order they were called, so that
// what is left is the campaign's.
func dropGroups(b *testing.B, rdb redis.UniversalClient) {
	b.Helper()
	for at := uint64(0); ; {
		keys, next, err := rdb.Scan(b.Context(), at, key("g:*"), 10_000).Result()
		if err == nil && len(keys) > 0 {
			err = rdb.Del(b.Context(), keys...).Err()
		}
		if err != nil {
			b.Fatal(err)
		}
		if at = next; at == 0 {
			return
		}
	}
}

// settleAll feeds n rows, calls them if that is measured, and settles them: nine of ten as updated, the rest as
// refused.
func settleAll(b *testing.B, l *ledger.Ledger, n int, call bool) {
	b.Helper()
	yes, no := true, false
	for fed := 0; fed < n; {
		got, err := l.Feed(b.Context(), ledger.FeedRequest{
			Account: account, Feeder: "bench", Lease: time.Minute, Question: strconv.Itoa(fed), Room: ledger.MaxFeed,
		})
		rows := got.Rows
		if err != nil || len(rows) == 0 {
			b.Fatalf("fed %d rows after %d: %v", len(rows), fed, err)
		}
		settleSome(b, l, rows, call, func(i int) ledger.RowEnd {
			e := ledger.RowEnd{State: tasks.Updated, Value: &yes, Attempts: 1, HTTPStatus: 200, FinishedAt: time.Now(), Took: time.Second, Photo: photo1, PreviousPhoto: photo2}
			if i%10 == 0 {
				e.State, e.Value, e.Reason = tasks.Refused, &no, tasks.NoReasonGiven
			}
			return e
		})
		fed += len(rows)
	}
}

func settleSome(b *testing.B, l *ledger.Ledger, rows []ledger.FedRow, call bool, end func(int) ledger.RowEnd) {
	b.Helper()
	const workers = 16
	errs := make(chan error, workers)
	for w := range workers {
		go func(ctx context.Context) {
			for i := w; i < len(rows); i += workers {
				v, err := ledger.RowOK, error(nil)
				if call {
					v, err = rowtest.Call(ctx, l, rows[i])
				}
				if err == nil && v != ledger.RowOK {
					err = fmt.Errorf("row %s: %s", rows[i].ID(), v)
				}
				if err == nil {
					_, _, err = rowtest.Settle(ctx, l, rows[i], end(i))
				}
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}(b.Context())
	}
	for range workers {
		if err := <-errs; err != nil {
			b.Fatal(err)
		}
	}
}

// usedMemory is what Redis says of the memory that its data takes, its own
// overhead included.
func usedMemory(b *testing.B, rdb redis.UniversalClient) int64 {
	b.Helper()
	text, err := rdb.Info(b.Context(), "memory").Result()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); found {
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatal("Redis does not say how much memory it uses")
	return 0
}
