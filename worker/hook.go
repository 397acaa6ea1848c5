package worker

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/webhook"
)

const (
	// hookKeeps is how old an event is told at most: nobody is helped by yesterday's pause.
	hookKeeps = 24 * time.Hour
	// hookAlone is how long one process tells an account's events by itself; longer
	// than one event takes.
	hookAlone = 30 * time.Second
)

// outbox is when the receiver is to be tried again after it failed.
type outbox struct {
	mu       sync.Mutex
	failures int
	next     time.Time
}

func (o *outbox) due() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !time.Now().Before(o.next)
}

// failed postpones the next try, and says by how much.
func (o *outbox) failed(atLeast time.Duration) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failures++
	pause := max(webhook.Backoff(o.failures), atLeast)
	o.next = time.Now().Add(pause)
	return pause
}

func (o *outbox) succeeded() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failures, o.next = 0, time.Time{}
}

// hookData is what an event says.
type hookData struct {
	Account string    `json:"account"`
	Owner   string    `json:"owner"`
	Reason  string    `json:"reason"`
	Detail  string    `json:"detail"`
	By      string    `json:"by"`
	Since   time.Time `json:"since"`
}

// tellHook tells the account's events one after the other, the oldest first. An
// event that the receiver did not take is told again, until it is a day old: at
// least once, and in order.
func (l *lane) tellHook(hook Notifier) {
	ctx, cancel := context.WithTimeout(l.stop, hookAlone-5*time.Second) // its end must not end another's
	defer cancel()
	if mine, err := l.ledger.Chore(ctx, l.account.Name, "hook", hookAlone); err != nil || !mine {
		return
	}
	defer func() { //nolint:contextcheck // it is given back when the worker stops, too
		ctx, cancel := context.WithTimeout(l.life, 2*time.Second)
		defer cancel()
		_ = l.ledger.EndChore(ctx, l.account.Name, "hook") // it ends by itself
	}()
	// Only now: what the watch saw may have been told since.
	s, err := l.ledger.Lane(ctx, l.account.Name)
	if err != nil {
		return
	}
	after := s.Hooked
	for ctx.Err() == nil {
		e, ok, err := l.ledger.NextEvent(ctx, l.account.Name, after)
		if err != nil || !ok {
			return
		}
		if !l.tellOne(ctx, hook, e) {
			return
		}
		after = e.Position
		if err := l.ledger.Hooked(ctx, l.account.Name, after); err != nil {
			return // told once more, with the same id
		}
	}
}

// tellOne says whether an event is dealt with.
func (l *lane) tellOne(ctx context.Context, hook Notifier, e ledger.Event) bool {
	if time.Since(e.At) > hookKeeps {
		l.log.Warn("webhook.dropped", "event", e.Type, "owner", e.Owner, "at", e.At, "note", "it is too old to be told")
		return true
	}
	event := webhook.Event{ID: l.account.Name + "-" + e.Position, Time: e.At}
	if e.Data != "" { // of a campaign
		event.Type, event.Data = e.Type, json.RawMessage(e.Data)
	} else {
		event.Type = "account." + e.Type
		event.Data = hookData{Account: l.account.Name, Owner: string(e.Owner), Reason: string(e.Reason), Detail: e.Detail, By: e.By, Since: e.Since}
	}
	err := hook.Send(ctx, event)
	switch {
	case err == nil:
		l.watched.outbox.succeeded()
		l.log.Info("webhook.sent", "event", e.Type, "owner", e.Owner)
		return true
	case ctx.Err() != nil:
		return false
	}
	var atLeast time.Duration
	if problem, ok := errors.AsType[*webhook.Error](err); ok {
		atLeast = problem.RetryAfter
	}
	l.log.Warn("webhook.failed", "event", e.Type, "error", err, "again_ms", l.watched.outbox.failed(atLeast).Milliseconds())
	return false
}
