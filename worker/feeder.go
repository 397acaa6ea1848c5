package worker

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/hibiken/asynq"

	"github.com/plugchat-go/groupphoto/internal/engine"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	// feedLease is how long a feeder keeps its account after it was heard of last.
	feedLease = 5 * time.Second
	// tendEvery is how often the account's campaigns are looked after; it is also the
	// longest that a feeder sleeps.
	tendEvery = time.Second
	// feedAhead is how much of the account's pace is queued.
	feedAhead = 5 * time.Second
	// feedSoon is when a feeder without a pace to go by looks again that had rows to
	// feed, and feedLater when it had none.
	feedSoon, feedLater = 25 * time.Millisecond, 250 * time.Millisecond
	// searchEvery is how often rows are looked for whose tasks are lost.
	searchEvery = 10 * time.Second
)

// feeder moves rows of an account's campaigns into its bulk queue, a few seconds of
// work at a time, and looks after those campaigns. Of all processes that serve the
// account one feeds, by a lease; the others ask now and then whether they may. It
// runs in one goroutine, as long as the account has campaigns with rows left.
type feeder struct {
	lane      *lane
	inspector *asynq.Inspector
	asked     int
	// question is what Redis was asked and gave no answer to: the answer may be rows.
	question *ledger.FeedRequest
	unsent   []engine.Ticket

	campaigns map[string]tended
	tendedAt  time.Time
	searched  time.Time
	// complained is what went wrong at the last look.
	complained string
}

// feed serves as the account's feeder until it has no more campaigns, or the worker
// stops.
func (l *lane) feed() {
	f := &feeder{lane: l, inspector: asynq.NewInspectorFromRedisClient(l.redis), campaigns: map[string]tended{}}
	defer f.leave()
	warned := false
	for {
		ctx, cancel := context.WithTimeout(l.stop, 30*time.Second)
		pause, err := f.round(ctx)
		cancel()
		switch {
		case l.stop.Err() != nil || errors.Is(err, errNoCampaigns):
			return
		case err != nil && !warned:
			l.log.Warn("campaigns.unfed", "error", err)
		}
		if warned = err != nil; warned {
			pause = tendEvery
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-l.stir:
			f.tendedAt = time.Time{}
		case <-l.stop.Done():
		}
		timer.Stop()
	}
}

// errNoCampaigns says that there is nothing to feed from.
var errNoCampaigns = errors.New("the account has no campaigns with rows left")

// leave lets another process feed at once.
func (f *feeder) leave() {
	ctx, cancel := context.WithTimeout(f.lane.life, 2*time.Second)
	defer cancel()
	r := f.request(0)
	r.Lease = time.Millisecond
	_, _ = f.lane.ledger.Feed(ctx, r) // its lease ends by itself
}

// round is one look: it feeds what there is room for, and says how long to wait for
// the next one.
func (f *feeder) round(ctx context.Context) (time.Duration, error) {
	if err := f.hand(ctx); err != nil {
		return 0, err
	}
	if f.question == nil && time.Since(f.tendedAt) >= tendEvery {
		held, err := f.tendAll(ctx)
		if err != nil || held > 0 {
			return min(held, tendEvery), err
		}
	}
	lane := f.lane.seen.Load()
	if lane == nil || lane.Closed && f.question == nil {
		return tendEvery, nil
	}
	fed, err := f.ask(ctx)
	if err != nil || fed.Held > 0 {
		return min(fed.Held, tendEvery), err
	}
	f.tickets(fed.Rows)
	if err := f.hand(ctx); err != nil {
		return 0, err
	}
	switch gap := f.lane.gap(); {
	case gap > 0:
		return min(max(time.Duration(f.lane.room())*gap/4, feedSoon), tendEvery), nil
	case len(fed.Rows) > 0:
		return feedSoon, nil
	}
	return feedLater, nil
}

// gap is the mean time between two calls of the account as things stand.
func (l *lane) gap() time.Duration {
	gap := l.account.Pace
	if s := l.seen.Load(); s != nil {
		gap = time.Duration(float64(gap) * s.Widen)
	}
	return gap
}

// room is how many rows may be queued: enough for all handlers, and for a while of
// the account's pace, so that pausing and cancelling have little to call back.
func (l *lane) room() int {
	gap := l.gap()
	if gap == 0 {
		return ledger.MaxFeed
	}
	return min(max(2*l.handlers()*len(l.servers), int(feedAhead/gap)), ledger.MaxFeed)
}

func (f *feeder) request(rows int) ledger.FeedRequest {
	f.asked++
	r := ledger.FeedRequest{
		Account: f.lane.account.Name, Feeder: f.lane.process, Lease: feedLease, Question: strconv.Itoa(f.asked),
		Room: rows, Queue: f.lane.room(), Campaigns: map[string]ledger.Window{},
	}
	for id, c := range f.campaigns {
		r.Campaigns[id] = c.window
	}
	return r
}

// ask asks for rows. A question without an answer is asked again until there is one:
// its rows are on their way already.
func (f *feeder) ask(ctx context.Context) (ledger.Fed, error) {
	if f.question == nil {
		r := f.request(ledger.MaxFeed)
		f.question = &r
	}
	fed, err := f.lane.ledger.Feed(ctx, *f.question)
	if err == nil {
		f.question = nil
	}
	return fed, err
}

// tickets makes tasks of rows.
func (f *feeder) tickets(rows []ledger.FedRow) {
	now := time.Now()
	for _, row := range rows {
		c := f.campaigns[row.Campaign].Campaign
		f.unsent = append(f.unsent, engine.Ticket{ID: row.ID(), Update: row.Update(c, c.By, now), Row: true})
	}
}

// hand gives tasks to asynq; those that it did not take are kept for the next time.
func (f *feeder) hand(ctx context.Context) error {
	if len(f.unsent) == 0 {
		return nil
	}
	var problem error
	var left []engine.Ticket
	for i, err := range engine.Hand(ctx, f.lane.redis, f.unsent) {
		if err != nil {
			problem, left = err, append(left, f.unsent[i])
		}
	}
	f.unsent = left
	return problem
}

// search looks for the tasks of rows that there was no news of for some time. Rows
// that have none are fed again.
func (f *feeder) search(ctx context.Context, since time.Duration) error {
	l := f.lane
	rows, err := l.ledger.Quiet(ctx, l.account.Name, "", since, ledger.MaxFeed)
	if err != nil || len(rows) == 0 {
		return err
	}
	return f.sort(ctx, rows, func(id string) (bool, error) {
		info, err := f.inspector.GetTaskInfo(tasks.BulkQueue(l.account.Name), id)
		if gone(err) {
			return false, nil
		}
		// One that somebody has archived by hand does not run again.
		return err == nil && info.State != asynq.TaskStateArchived && info.State != asynq.TaskStateCompleted, err
	})
}

// recall takes the tasks of a campaign's rows back that nobody works at.
func (f *feeder) recall(ctx context.Context, campaign string) error {
	l := f.lane
	rows, err := l.ledger.Quiet(ctx, l.account.Name, campaign, 0, ledger.MaxFeed)
	if err != nil || len(rows) == 0 {
		return err
	}
	return f.sort(ctx, rows, func(id string) (bool, error) {
		err := f.inspector.DeleteTask(tasks.BulkQueue(l.account.Name), id)
		return err != nil && !gone(err), nil // one that is being worked at stays
	})
}

func gone(err error) bool {
	return errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound)
}

// sort tells the ledger which rows have tasks and which have none.
func (f *feeder) sort(ctx context.Context, rows []ledger.RowRef, has func(id string) (bool, error)) error {
	missing, there := map[string][]ledger.RowRef{}, map[string][]ledger.RowRef{}
	for _, row := range rows {
		found, err := has(row.ID())
		if err != nil {
			return err
		}
		if found {
			there[row.Campaign] = append(there[row.Campaign], row)
		} else {
			missing[row.Campaign] = append(missing[row.Campaign], row)
		}
	}
	for id := range f.campaigns {
		if len(missing[id])+len(there[id]) == 0 {
			continue
		}
		n, err := f.lane.ledger.BackRows(ctx, f.lane.account.Name, id, missing[id], there[id])
		if err != nil {
			return err
		}
		if n > 0 {
			f.lane.log.Debug("rows.back", "campaign", id, "rows", n)
		}
	}
	return nil
}
