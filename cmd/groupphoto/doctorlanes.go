package main

import (
	"context"
	"fmt"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// lanes tells of each account in Redis whether a worker serves it, and what holds it
// up. It reads only: to look at a database must not make it one of ours.
func (d *doctor) lanes(ctx context.Context, c config, rdb redis.UniversalClient, configured []account) {
	const section = "accounts"
	l := ledger.New(rdb, c.keep)
	known, err := lanes(ctx, l, asynq.NewInspectorFromRedisClient(rdb))
	if err != nil {
		d.note(section, levelError, err.Error(), "")
		return
	}
	here := map[string]bool{}
	for _, account := range known {
		d.served(c, account)
		d.held(ctx, c, l, account)
		here[account.Name] = true
	}
	for _, account := range configured {
		if !here[account.name] {
			d.note(section, levelWarning, "account "+account.name+": no worker has ever served it", "start one with: groupphoto worker")
		}
	}
}

// lanes lists the accounts that workers served or that have a queue.
func lanes(ctx context.Context, l *ledger.Ledger, inspector *asynq.Inspector) ([]enqueue.Account, error) {
	known, err := l.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]enqueue.Account, 0, len(known))
	names := map[string]bool{}
	for _, a := range known {
		list = append(list, enqueue.Account{Name: a.Name, LastSeen: a.LastSeen, Served: a.Served})
		names[a.Name] = true
	}
	queues, err := inspector.Queues()
	if err != nil {
		return nil, fmt.Errorf("listing the queues: %w", err)
	}
	for _, queue := range queues {
		if name, ours := tasks.QueueAccount(queue); ours && !names[name] {
			list = append(list, enqueue.Account{Name: name})
			names[name] = true
		}
	}
	return list, nil
}

func (d *doctor) served(c config, account enqueue.Account) {
	switch {
	case account.Served:
		d.note("accounts", levelOK, "account "+account.Name+": a worker serves it", "")
	case account.LastSeen.IsZero():
		d.note("accounts", levelWarning, "account "+account.Name+": has updates, and no worker has ever served it", "start one with: groupphoto worker")
	default:
		d.note("accounts", levelWarning, "account "+account.Name+": no worker serves it since "+c.stamp(account.LastSeen), "start one with: groupphoto worker")
	}
}

// held warns of what keeps an account from working as fast as it may. None of it is
// an error of what is set here.
func (d *doctor) held(ctx context.Context, c config, l *ledger.Ledger, account enqueue.Account) {
	warn := func(what, mend string) { d.note("accounts", levelWarning, "account "+account.Name+": "+what, mend) }
	lane, err := laneOf(ctx, l, account)
	if err != nil {
		d.note("accounts", levelError, "account "+account.Name+": "+err.Error(), "")
		return
	}
	if lane.Paused {
		warn(pausedText(c, lane), "groupphoto account resume "+account.Name)
	}
	if lane.BulkPaused {
		warn("its bulk queue is paused in the asynq web UI, which stops campaigns only", "resume it there")
	}
	switch {
	case lane.Suspected:
		warn("suspicious: "+suspicionText(c, lane)+"; "+sinceSuspected(lane), "")
	case lane.Trouble != "":
		warn(fmt.Sprintf("in trouble, %s; %s", troubleText(c, lane), nextTryText(c, lane)), withoutCommand(troubleMend(lane)))
	}
	if text := slowedText(c, lane); text != "" {
		warn(text, statusMend(string(lane.SlowedFor)))
	}
}
