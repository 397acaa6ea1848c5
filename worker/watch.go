package worker

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// watchEvery is how soon a change made elsewhere is seen: a pause shows in asynq's
// web UI and one made there holds, trouble is looked after, people are told.
const watchEvery = time.Second

// mendEvery is how often groups are looked for whose repair was left behind by a
// process that died.
const mendEvery = time.Minute

// watched is what the watch knows of one lane. Only the watch's own goroutine
// reads and writes it, but for the flags of what is under way.
type watched struct {
	last    ledger.LaneState
	probing atomic.Bool
	telling atomic.Bool
	mending atomic.Bool

	tripping atomic.Bool
	feeding  atomic.Bool
	outbox   outbox
}

// watch looks at all lanes again and again until the worker stops, and at once at
// those it is nudged about.
func (w *Worker) watch() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	mend := time.NewTicker(mendEvery)
	defer mend.Stop()
	for {
		lanes := w.lanes
		select {
		case <-w.stop.Done():
			return
		case <-tick.C:
		case <-mend.C:
			for _, l := range lanes {
				l.repairs.Store(true)
			}
			continue
		case l := <-w.nudges:
			lanes = []*lane{l}
		}
		w.look(lanes)
	}
}

// look brings asynq's flags in line with how the accounts stand, and does what
// follows from it.
func (w *Worker) look(lanes []*lane) {
	names := make([]string, len(lanes))
	for i, l := range lanes {
		names[i] = l.account.Name
	}
	ctx, cancel := context.WithTimeout(w.stop, 5*time.Second)
	defer cancel()
	states, err := w.ledger.Mirror(ctx, names...)
	if err != nil && w.stop.Err() == nil {
		w.config.Logger.Warn("accounts.unmirrored", "error", err)
	}
	for i, s := range states {
		lanes[i].look(ctx, w, s)
	}
}

func (l *lane) look(ctx context.Context, w *Worker, s ledger.LaneState) {
	l.tellLog(s)
	if l.watched.last.Closed && !s.Closed {
		l.ring()
	}
	l.watched.last = s
	l.seen.Store(&s)
	if s.Campaigns > 0 {
		w.aside(&l.watched.feeding, l.feed)
	}
	l.busyWithRows(ctx)
	if !s.Probe.IsZero() && !s.Probe.After(s.Now) {
		w.aside(&l.watched.probing, l.probe)
	}
	if l.tripped.CompareAndSwap(true, false) {
		w.aside(&l.watched.tripping, l.trip)
	}
	if l.repairs.Load() {
		w.aside(&l.watched.mending, l.repair)
	}
	if w.config.Hook != nil && s.Event != s.Hooked && l.watched.outbox.due() {
		w.aside(&l.watched.telling, func() { l.tellHook(w.config.Hook) }) //nolint:contextcheck // it outlives this look
	}
}

// aside does something in the background, unless it is being done already.
func (w *Worker) aside(busy *atomic.Bool, do func()) {
	if busy.CompareAndSwap(false, true) {
		w.background.Go(func() {
			defer busy.Store(false)
			do()
		})
	}
}

// busyWithRows makes room for a single update when campaign rows that wait for
// their turns hold all handlers: asynq could not even take it out of its queue.
func (l *lane) busyWithRows(ctx context.Context) {
	rows := int(l.busy[class(true)].Load())
	if rows == 0 || rows+int(l.busy[class(false)].Load()) < l.handlers()*len(l.servers) {
		return
	}
	if n, err := l.ledger.SinglesWaiting(ctx, l.account.Name); err == nil && n > 0 {
		select {
		case l.aside <- struct{}{}:
		default: // one has been asked already
		}
	}
}

// tellLog writes down how the account's standing has changed since the last look.
func (l *lane) tellLog(s ledger.LaneState) {
	last := l.watched.last
	switch {
	case s.PausedSince.IsZero() && !last.PausedSince.IsZero():
		l.log.Info("account.resumed", "owner", ledger.Operator)
	case !s.PausedSince.IsZero() && last.PausedSince.IsZero():
		l.log.Warn("account.paused", "owner", ledger.Operator, "by", s.By, "why", s.For)
	}
	switch {
	case s.Trouble == "" && last.Told:
		l.log.Info("account.resumed", "owner", last.Trouble, "reason", last.Why)
	case s.Told && (!last.Told || s.Why != last.Why):
		l.log.Warn("account.paused", "owner", s.Trouble, "reason", s.Why, "detail", s.Detail, "mend", mendAccount(s))
	case s.Told && s.Holds > last.Holds:
		l.log.Info("account.held", "owner", s.Trouble, "reason", s.Why, "hold_ms", s.Until.Sub(s.Now).Milliseconds(), "in_a_row", s.Holds)
	}
	switch {
	case s.Widen > last.Widen && s.Widen > 1:
		l.log.Warn("account.slowed", "reason", s.WidenedWhy, "factor", s.Widen)
	case s.Widen == 1 && last.Widen > 1:
		l.log.Info("account.pace_restored")
	}
}

// mendAccount says what to do about an account. What a reason says of one update,
// such as to send it again, is none of that.
func mendAccount(s ledger.LaneState) string {
	why := s.Why
	if s.Trouble == ledger.Breaker {
		why = tasks.Reason(plugchat.ReasonUnavailable)
	}
	text, _, _ := strings.Cut(why.Mend(), ", then")
	return text
}

// listen rings for those who wait when Redis tells that something has changed. A
// connection that breaks is opened again by the library; what was missed meanwhile
// is found by asking again.
func (w *Worker) listen() {
	channels, lanes := make([]string, len(w.lanes)), map[string]*lane{}
	for i, l := range w.lanes {
		channels[i] = ledger.Bell(l.account.Name)
		lanes[channels[i]] = l
	}
	bell := w.config.Redis.Subscribe(w.stop, channels...)
	defer bell.Close() //nolint:errcheck // nothing is lost by it
	rings := bell.Channel()
	for {
		select {
		case <-w.stop.Done():
			return
		case m, ok := <-rings:
			if !ok {
				return
			}
			l := lanes[m.Channel]
			if l == nil {
				continue
			}
			if m.Payload == "state" {
				l.nudge()
				l.stirFeeder()
			}
			l.ring()
		}
	}
}
