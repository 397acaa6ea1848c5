package enqueue_test

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/redistest"
)

func TestStartCampaign_BreaksOff(t *testing.T) {
	t.Parallel()
	// Given rows that end in the middle, because one is bad, the caller's source fails
	// or the caller gives up, when the campaign is started, then the error is that one,
	// no campaign is there, and no row of it ever goes.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := openCampaigns(t, rdb)
		const enough = 40_000 // so that rows are in Redis by then
		broken := errors.New("the sheet broke off")
		tired := errors.New("tea time")
		for name, end := range map[string]struct {
			row   enqueue.CampaignRow
			err   error
			tired bool
			is    error
		}{
			"bad-row": {row: enqueue.CampaignRow{GroupID: "x"}, is: enqueue.ErrGroupID},
			"source":  {err: broken, is: broken},
			"gave-up": {row: enqueue.CampaignRow{GroupID: group}, tired: true, is: tired},
		} {
			ctx, cancel := context.WithCancelCause(t.Context())
			_, err := gp.StartCampaign(ctx, enqueue.Campaign{Name: name, Photo: link}, func(yield func(enqueue.CampaignRow, error) bool) {
				for i := range enough {
					if !yield(enqueue.CampaignRow{GroupID: groupAt(i)}, nil) {
						return
					}
				}
				if end.tired {
					cancel(tired)
				}
				if yield(end.row, end.err) {
					t.Errorf("%s: a row was read after the end", name)
				}
			})
			cancel(nil)
			if !errors.Is(err, end.is) || errors.Is(err, enqueue.ErrUnavailable) {
				t.Errorf("%s: %v; want %v", name, err, end.is)
			}
			if _, err := gp.CampaignInfo(t.Context(), name); !errors.Is(err, enqueue.ErrNoCampaign) {
				t.Errorf("%s: the campaign is there: %v", name, err)
			}
		}
		if fed := gp.feed(t, "main", 10); len(fed) > 0 {
			t.Errorf("%d rows went out", len(fed))
		}
	})
}

func TestStartCampaign_OneAtATime(t *testing.T) {
	t.Parallel()
	// Given a campaign that is being taken in, when another process starts the same,
	// then it is told to wait, and the first is accepted all the same.
	rdb := redistest.Mini(t).Client(t)
	one, other := openCampaigns(t, rdb), openCampaigns(t, rdb)
	rows := sheetRows(20_000)
	var second error
	receipt, err := one.StartCampaign(t.Context(), enqueue.Campaign{Name: "c", Photo: link}, func(yield func(enqueue.CampaignRow, error) bool) {
		for i, row := range rows {
			if i == 19_000 {
				_, second = other.StartCampaign(t.Context(), enqueue.Campaign{Name: "c", Photo: link}, giving(rows))
			}
			if !yield(row, nil) {
				return
			}
		}
	})
	if err != nil || receipt.Total != 20_000 {
		t.Errorf("the first: %+v, %v", receipt, err)
	}
	if !errors.Is(second, enqueue.ErrCampaignBusy) {
		t.Errorf("the second: %v", second)
	}
}

func TestCampaigns_WithoutRedis(t *testing.T) {
	t.Parallel()
	// Given a Redis that cannot serve, when campaigns are asked about, then each call
	// says so.
	server := redistest.Mini(t)
	gp := openCampaigns(t, server.Client(t))
	gp.mustStart(t, enqueue.Campaign{Name: "c"}, sheetRows(3))
	server.SetError("LOADING Redis is loading the dataset in memory")
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"start": func() error {
			_, err := gp.StartCampaign(ctx, enqueue.Campaign{Name: "d", Photo: link}, giving(sheetRows(3)))
			return err
		},
		"info":  func() error { _, err := gp.CampaignInfo(ctx, "c"); return err },
		"list":  func() error { _, err := gp.Campaigns(ctx); return err },
		"pause": func() error { _, err := gp.PauseCampaign(ctx, "c", "", ""); return err },
		"undo":  func() error { _, err := gp.UndoCampaign(ctx, "c", enqueue.Undo{}); return err },
		"records": func() error {
			for _, err := range gp.CampaignRecords(ctx, "c", enqueue.CampaignFilter{}) {
				return err
			}
			return nil
		},
	} {
		if err := call(); !errors.Is(err, enqueue.ErrUnavailable) || errors.Is(err, enqueue.ErrNoCampaign) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
