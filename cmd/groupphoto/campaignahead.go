package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/tasks"
)

// ahead counts what stands before a campaign that comes now, for each of some
// accounts: the updates in its queues, and the rows of other campaigns that are in
// none yet. It reads only.
func (c config) ahead(ctx context.Context, rdb redis.UniversalClient, names []string) (map[string]int64, error) {
	count := make(map[string]int64, len(names))
	for _, name := range names {
		lane, err := findLane(ctx, rdb, c.keep, name)
		if err != nil {
			return nil, err
		}
		count[name] = int64(lane.Waiting + lane.Later)
	}
	l := ledger.New(rdb, c.keep)
	campaigns, err := l.Campaigns(ctx)
	if err != nil {
		return nil, err
	}
	for _, campaign := range campaigns {
		if campaign.Closed != "" {
			continue
		}
		status, err := l.CampaignStatus(ctx, campaign.ID)
		if errors.Is(err, ledger.ErrNoCampaign) {
			continue // its time ran out just now
		}
		if err != nil {
			return nil, err
		}
		for _, part := range status.Parts {
			count[part.Account] += part.Counts[tasks.Waiting] + part.Counts[tasks.Retrying]
		}
	}
	return count, nil
}

// lookAhead is ahead for who has no effect.
func (a *app) lookAhead(ctx context.Context, c config, lang language, names []string) map[string]int64 {
	var count map[string]int64
	a.glance(ctx, c, lang, func(rdb redis.UniversalClient) (err error) {
		count, err = c.ahead(ctx, rdb, names)
		return err
	})
	return count
}

// glance looks into Redis without an effect: one that nobody named is not looked
// into, and one that does not answer is told of, since the queues are then taken for
// empty. It says whether it could.
func (a *app) glance(ctx context.Context, c config, lang language, look func(redis.UniversalClient) error) bool {
	if a.redis == "" && a.env["REDIS_URL"] == "" && a.env["REDIS_URL_FILE"] == "" || c.redis.Embedded() {
		return false
	}
	redisconn.SetLibraryLogger(slog.New(slog.DiscardHandler)) // what it wants to say is in the error
	rdb, err := redisconn.Open(ctx, c.redis, redisconn.Options{Name: "groupphoto-check"})
	if err == nil {
		defer rdb.Close() //nolint:errcheck // nothing was written
		if _, err = redisconn.Check(ctx, rdb); err == nil {
			err = look(rdb)
		}
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(a.err, lang.say("the numbers' queues are taken for empty: %s", err))
	}
	return err == nil
}

// keptSenders are those with which a campaign's rows were given to accounts, out of
// what it keeps of its sheet; none when it keeps none, or they were others than names.
func keptSenders(kept json.RawMessage, names []string) []sender {
	var sheet struct {
		Senders []sender `json:"senders"`
	}
	if json.Unmarshal(kept, &sheet) != nil {
		return nil
	}
	if !slices.EqualFunc(sheet.Senders, names, func(s sender, name string) bool { return s.Account == name }) {
		return nil
	}
	return sheet.Senders
}
