package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	// MaxArchived is how many tasks of a queue stay in asynq's archive. asynq's
	// own bound is 10,000, which it keeps without a word.
	MaxArchived = 5000
	// tidyPage is how many archived tasks are looked at in one go, and tidyMost
	// how many are removed in one sweep.
	tidyPage = 500
	tidyMost = 1000
)

// janitor sees to what asynq's archive must not be: the end of an update that
// has no outcome. asynq archives by its own count of retries, and people archive
// by hand; either way the ledger says that the update is still to be sent.
type janitor struct {
	rdb       redis.UniversalClient
	ledger    *ledger.Ledger
	inspector *asynq.Inspector
	log       *slog.Logger
	every     time.Duration
	// ended looks whether a campaign has ended, for the account that tells of it.
	ended func(ctx context.Context, account, campaign string)
	// seen is, for each queue, the moment in asynq's archive (seconds since 1970)
	// up to which this process has looked.
	seen map[string]int64
}

func newJanitor(l *ledger.Ledger, c Config, ended func(ctx context.Context, account, campaign string)) *janitor {
	return &janitor{
		ended: ended,
		rdb:   c.Redis, ledger: l, inspector: asynq.NewInspectorFromRedisClient(c.Redis), log: c.Logger,
		every: c.TidyInterval, seen: map[string]int64{},
	}
}

// work tidies the accounts again and again until ctx ends.
func (j *janitor) work(ctx context.Context, accounts []string) {
	tick := time.NewTicker(j.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, account := range accounts {
			if err := j.tidy(ctx, account); err != nil && ctx.Err() == nil {
				j.log.Warn("archive.untidied", "account", account, "error", err)
			}
		}
	}
}

// tidy looks through an account's archives, unless another process did so
// lately.
func (j *janitor) tidy(ctx context.Context, account string) error {
	// A little less than the interval, or the same process would miss its turn.
	mine, err := j.ledger.Chore(ctx, account, "tidy", j.every*9/10)
	if err != nil || !mine {
		return err
	}
	if err := j.campaigns(ctx, account); err != nil {
		return err
	}
	for _, queue := range []string{tasks.Queue(account), tasks.BulkQueue(account)} {
		if err := j.revive(ctx, account, queue); err != nil {
			return err
		}
		if err := j.prune(ctx, account, queue); err != nil {
			return err
		}
	}
	return nil
}

// campaigns lets people know of campaigns that ended when the process that saw it
// died, or when none was there.
func (j *janitor) campaigns(ctx context.Context, account string) error {
	untold, err := j.ledger.Untold(ctx, account)
	if err != nil {
		return err
	}
	for _, c := range untold {
		j.ended(ctx, account, c.ID)
	}
	return nil
}

// archive is asynq's own sorted set: ids by the second of their archiving.
func archive(queue string) string { return "asynq:{" + queue + "}:archived" }

// revive runs again what was archived without an outcome since the last look.
func (j *janitor) revive(ctx context.Context, account, queue string) error {
	for offset := int64(0); ; {
		page, err := j.rdb.ZRangeByScoreWithScores(ctx, archive(queue), &redis.ZRangeBy{
			Min: strconv.FormatInt(j.seen[queue], 10), Max: "+inf", Offset: offset, Count: tidyPage,
		}).Result()
		if err != nil {
			return fmt.Errorf("reading asynq's archive: %w", err)
		}
		ids := make([]string, len(page))
		for i, z := range page {
			ids[i], _ = z.Member.(string)
		}
		open, err := j.ledger.Open(ctx, account, ids)
		if err != nil {
			return err
		}
		for _, id := range open {
			switch err := j.inspector.RunTask(queue, id); {
			case err == nil:
				j.log.Info("update.revived", "account", account, "id", id, "note", "asynq had archived it without an outcome")
			case !errors.Is(err, asynq.ErrTaskNotFound) && !errors.Is(err, asynq.ErrQueueNotFound):
				return fmt.Errorf("running update %s again: %w", id, err)
			}
		}
		if len(page) < tidyPage {
			if len(page) > 0 { // that second may not be over: it is looked at once more
				j.seen[queue] = int64(page[len(page)-1].Score)
			}
			return nil
		}
		offset += int64(len(page) - len(open)) // those that run again have left
	}
}

// prune removes the oldest tasks of an archive that has grown too long. Their
// outcomes stay in the ledger.
func (j *janitor) prune(ctx context.Context, account, queue string) error {
	count, err := j.rdb.ZCard(ctx, archive(queue)).Result()
	if err != nil {
		return fmt.Errorf("counting asynq's archive: %w", err)
	}
	if count <= MaxArchived {
		return nil
	}
	most := min(count-MaxArchived, tidyMost)
	ids, err := j.rdb.ZRange(ctx, archive(queue), 0, most-1).Result()
	if err != nil {
		return fmt.Errorf("reading asynq's archive: %w", err)
	}
	for _, id := range ids {
		if err := j.inspector.DeleteTask(queue, id); err != nil && !errors.Is(err, asynq.ErrTaskNotFound) {
			return fmt.Errorf("removing update %s from asynq's archive: %w", id, err)
		}
	}
	j.log.Info("archive.pruned", "account", account, "queue", queue, "removed", len(ids), "left", count-int64(len(ids)))
	return nil
}
