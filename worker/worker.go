package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
)

// ErrStopping is the cause of every context that ends because the worker stops.
var ErrStopping = errors.New("the worker is stopping")

// Worker serves accounts. Make one with New; it runs once.
type Worker struct {
	config Config
	ledger *ledger.Ledger
	photos *photos
	lanes  []*lane
	// process tells this worker from others that serve the same accounts.
	process string

	nudges chan *lane // lanes that the watch is to look at now
	hosts  map[string]*host

	stop, life       context.Context
	cancelStop       context.CancelCauseFunc
	cancelLife       context.CancelCauseFunc
	background       sync.WaitGroup
	mu               sync.Mutex
	started, stopped bool
	shutdown         func() error
}

// New checks the configuration and reports every problem at once.
func New(config Config) (*Worker, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	w := &Worker{config: config, ledger: ledger.New(config.Redis, config.Keep), process: rand.Text(), nudges: make(chan *lane, 64), hosts: map[string]*host{}}
	// These two outlive every request: they are the worker's own life, which
	// only Shutdown ends.
	w.stop, w.cancelStop = context.WithCancelCause(context.Background())
	w.life, w.cancelLife = context.WithCancelCause(context.Background())
	w.shutdown = sync.OnceValue(w.end)
	w.photos = newPhotos(w.life, w.ledger, config)
	for _, account := range config.Accounts {
		l := newLane(w, account)
		l.host.lanes = append(l.host.lanes, l)
		w.lanes = append(w.lanes, l)
	}
	return w, nil
}

// Start checks Redis and its schema, publishes the accounts and begins to work.
// ctx bounds only the start. After an error nothing runs.
func (w *Worker) Start(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started || w.stopped {
		return errors.New("worker: started twice; make a new one")
	}
	if err := redisconn.EnsureSchema(ctx, w.config.Redis); err != nil {
		return err
	}
	if err := w.ledger.Serve(ctx, w.process, w.names()...); err != nil {
		return err
	}
	for i, l := range w.lanes {
		if err := l.start(); err != nil {
			for _, running := range w.lanes[:i] {
				running.drain()
			}
			return fmt.Errorf("starting the lane of account %s: %w", l.account.Name, err)
		}
	}
	w.background.Go(w.publish)
	w.background.Go(w.watch)
	w.background.Go(w.listen)
	w.background.Go(func() { newJanitor(w.ledger, w.config, w.ended).work(w.stop, w.names()) })
	w.started = true
	return nil
}

// publish says again and again which accounts are served here.
func (w *Worker) publish() {
	tick := time.NewTicker(ledger.ServedFor / 3)
	defer tick.Stop()
	for {
		select {
		case <-w.stop.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(w.stop, 5*time.Second)
		if err := w.ledger.Serve(ctx, w.process, w.names()...); err != nil && w.stop.Err() == nil {
			w.config.Logger.Warn("accounts.unpublished", "error", err)
		}
		cancel()
	}
}

// ended is for the janitor.
func (w *Worker) ended(ctx context.Context, account, campaign string) {
	for _, l := range w.lanes {
		if l.account.Name == account {
			l.ended(ctx, campaign)
		}
	}
}

func (w *Worker) names() []string {
	names := make([]string, len(w.lanes))
	for i, l := range w.lanes {
		names[i] = l.account.Name
	}
	return names
}

// withdraw says that the accounts are no longer served here. Where Redis does
// not answer it leaves that to time.
func (w *Worker) withdraw() {
	ctx, cancel := context.WithTimeout(w.life, 2*time.Second)
	defer cancel()
	if err := w.ledger.Withdraw(ctx, w.process, w.names()...); err != nil {
		w.config.Logger.Warn("accounts.unpublished", "error", err)
	}
}

// Ready returns nil while the worker takes work and Redis answers.
func (w *Worker) Ready(ctx context.Context) error {
	w.mu.Lock()
	working := w.started && !w.stopped
	w.mu.Unlock()
	if !working {
		return ErrStopping
	}
	if err := w.config.Redis.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("redis does not answer: %w", err)
	}
	return nil
}

// Quiet takes no new work and lets what runs go on, waiting for turns included.
func (w *Worker) Quiet() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started && !w.stopped {
		w.quiet()
	}
}

// quiet is for all lanes at once: asynq lets go of a server only when its pause
// between two looks into an empty queue is over, and of 200 one after the other only
// after half a minute.
func (w *Worker) quiet() {
	var all sync.WaitGroup
	for _, l := range w.lanes {
		all.Go(l.quiet)
	}
	all.Wait()
}

// Shutdown takes no new work, lets runs without a turn go back to the queue at
// once, waits up to the shutdown time-out for calls to end and be recorded, and
// then ends by force. It returns an error when it came to that. Every call
// returns the same, when the shutdown is over.
func (w *Worker) Shutdown() error { return w.shutdown() }

func (w *Worker) end() error {
	w.mu.Lock()
	started := w.started
	w.stopped = true
	w.mu.Unlock()
	defer w.photos.running.Wait() // after cancelLife: nobody waits for those any more
	defer w.cancelLife(ErrStopping)
	if !started {
		w.cancelStop(ErrStopping)
		return nil
	}
	w.quiet()
	w.cancelStop(ErrStopping)
	force := time.AfterFunc(w.config.ShutdownTimeout, func() { w.cancelLife(ErrStopping) })
	var drains sync.WaitGroup
	for _, l := range w.lanes {
		drains.Go(l.drain)
	}
	drains.Wait()
	w.background.Wait()
	w.withdraw()
	if !force.Stop() {
		return errors.New("some calls were still under way after the shutdown time-out; their updates run again")
	}
	return nil
}
