package worker

import (
	"context"
	"sync"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// host is the breaker of one provider's host, over all accounts of this process.
// An account's own breaker is the ledger's, over all processes; with many accounts
// each would have to find out for itself. It counts, so that it works at six calls
// a minute as well as at a hundred a second.
type host struct {
	name  string
	lanes []*lane

	mu       sync.Mutex
	failures int            // usable answers set it to 0
	failed   map[*lane]bool // whose calls they were
	last     ledger.Answer  // the last of them
	open     bool           // all accounts are held, or were and had no answer since
	away     time.Time      // when /status gave no usable answer
	why      tasks.Reason   // then
	detail   string         // then
	asking   chan struct{}  // held by the one account that asks while the host is open
}

// hostOf returns the host of an account; one without a name has a host of its own.
func (w *Worker) hostOf(a Account) *host {
	h := w.hosts[a.Host]
	if h == nil {
		h = &host{name: a.Host, failed: map[*lane]bool{}, asking: make(chan struct{}, 1)}
		if a.Host != "" {
			w.hosts[a.Host] = h
		}
	}
	return h
}

// heard takes an answer into account. Twice as many failures in a row as hold one
// account, of two accounts at least, hold all.
func (h *host) heard(l *lane, a ledger.Answer) {
	if a.Said == ledger.SaidNothing {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.Said != ledger.SaidFailing {
		h.failures, h.open, h.away = 0, false, time.Time{}
		clear(h.failed)
		return
	}
	h.failures++
	h.failed[l], h.last = true, a
	if h.open || h.failures < 2*l.policy.BreakAfter || len(h.failed) < 2 {
		return
	}
	h.open = true
	l.log.Warn("host.held", "host", h.name, "reason", a.Why, "detail", a.Detail, "accounts", len(h.lanes))
	for _, other := range h.lanes {
		other.tripped.Store(true)
		other.nudge()
	}
}

// trip holds an account because its host gives no usable answers, unless it is in
// trouble already.
func (l *lane) trip() {
	l.host.mu.Lock()
	last := l.host.last
	l.host.mu.Unlock()
	ctx, cancel := context.WithTimeout(l.stop, 5*time.Second)
	defer cancel()
	s, err := l.ledger.Lane(ctx, l.account.Name)
	if err == nil && s.Trouble == "" {
		_, err = l.ledger.Probed(ctx, l.account.Name, "", ledger.StatusAway, last.Why, last.Detail, l.policy.Hold, l.policy.MaxHold)
	}
	if err != nil && l.stop.Err() == nil {
		l.log.Warn("account.untripped", "error", err)
	}
}

// askAlone lets one account after the other ask for its status while the host is
// held; the returned function ends it. Else all ask when they like.
func (h *host) askAlone() func() {
	h.mu.Lock()
	open := h.open
	h.mu.Unlock()
	if !open {
		return func() {}
	}
	h.asking <- struct{}{}
	return func() { <-h.asking }
}

// asked returns what another account was just told while the host is held, if that
// was no usable answer.
func (h *host) asked(within time.Duration) (ledger.Status, tasks.Reason, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open && time.Since(h.away) < within/2 {
		return ledger.StatusAway, h.why, h.detail
	}
	return "", "", ""
}

// answered notes what /status came to.
func (h *host) answered(s ledger.Status, why tasks.Reason, detail string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s == ledger.StatusAway {
		h.away, h.why, h.detail = time.Now(), why, detail
		return
	}
	h.away = time.Time{}
}
