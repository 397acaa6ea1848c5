package worker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// repairedBy is who asks for a repair, in its outcome.
const repairedBy = "groupphoto: an older call was answered late"

// repair shows the newest photo once more on groups where an older call ended
// after a newer one had begun: nobody knows which of the two landed last.
func (l *lane) repair() {
	ctx, cancel := context.WithTimeout(l.stop, 30*time.Second)
	defer cancel()
	l.repairs.Store(false)
	list, err := l.ledger.Repairs(ctx, l.account.Name)
	for _, r := range list {
		if err = errors.Join(err, l.repairOne(ctx, r)); err != nil {
			break
		}
	}
	if err != nil && l.stop.Err() == nil {
		l.repairs.Store(true)
		l.log.Warn("groups.unrepaired", "error", err)
	}
}

// repairOne enqueues an update with the newest photo in the newest one's place in
// the order: a still newer wish, waiting or under way, goes before it and makes it
// superseded.
func (l *lane) repairOne(ctx context.Context, r ledger.Repair) error {
	u, err := l.newest(ctx, r.ID)
	if err == nil && u.GroupID == "" {
		return l.ledger.Repaired(ctx, l.account.Name, r)
	}
	if err != nil {
		return err
	}
	u.Seq, u.Account, u.By, u.Campaign, u.SkipUnchanged = r.Seq, l.account.Name, repairedBy, "", false
	u.EnqueuedAt = time.Now()
	u.ExpiresAt = u.EnqueuedAt.Add(ledger.DefaultLife)
	id, err := l.repairID(ctx, r)
	if err != nil {
		return err
	}
	task := asynq.NewTask(tasks.TypeUpdate, u.Marshal())
	_, err = asynq.NewClientFromRedisClient(l.redis).EnqueueContext(ctx, task, asynq.TaskID(id), asynq.Queue(tasks.Queue(l.account.Name)),
		asynq.MaxRetry(tasks.EngineRetries), asynq.Timeout(tasks.EngineTimeout), asynq.Retention(tasks.EngineRetention))
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueuing the repair of group %s: %w", u.GroupID, err)
	}
	l.log.Info("group.repaired", "id", id, "group_id", u.GroupID, "after", r.ID)
	return l.ledger.Repaired(ctx, l.account.Name, r)
}

// newest is what is to be shown again: an update, or a campaign's row; without a group
// when nobody knows it any more.
func (l *lane) newest(ctx context.Context, id string) (tasks.Update, error) {
	if row, ok := ledger.RowOfName(id); ok {
		view, err := l.ledger.Row(ctx, row)
		if errors.Is(err, ledger.ErrNoRow) || errors.Is(err, ledger.ErrNoCampaign) || err == nil && view.Given.Account != l.account.Name {
			return tasks.Update{}, nil
		}
		return tasks.Update{GroupID: view.Given.Group, Photo: view.Given.Photo, Ref: view.Given.Ref}, err
	}
	r, err := l.ledger.Record(ctx, l.account.Name, id)
	if errors.Is(err, ledger.ErrUnknown) {
		return tasks.Update{}, nil
	}
	return r.Update, err
}

// repairID names a repair: one that has ended is no help against what was answered
// after it. One that has not shows the photo once more, and is the same.
func (l *lane) repairID(ctx context.Context, r ledger.Repair) (string, error) {
	first := "repair-" + strconv.FormatInt(r.Seq, 10)
	for id, n := first, 2; ; n++ {
		before, err := l.ledger.Record(ctx, l.account.Name, id)
		switch {
		case errors.Is(err, ledger.ErrUnknown), err == nil && !before.Outcome.State.Ended():
			return id, nil
		case err != nil:
			return "", err
		}
		id = first + "-" + strconv.Itoa(n)
	}
}
