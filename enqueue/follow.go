package enqueue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// followBlock is how long one look at the stream of outcomes lasts; Close
	// waits for it to end.
	followBlock = time.Second
	followCount = 512
	// followPause is how long the follower rests when Redis does not answer.
	followPause = 500 * time.Millisecond
	// lookAgain is how often a waiting call reads the record itself, in case the
	// stream was cut or Redis came back without it.
	lookAgain = 5 * time.Second
)

// Wait waits until an update has ended and returns its outcome. It goes on
// through outages of Redis until ctx ends; then the error wraps ctx's cause and
// the Outcome is the last that was seen. Any number of calls may wait at a time:
// they share one connection per account. Errors: ErrNotFound, ErrID, ErrClosed,
// and ctx's.
func (c *Client) Wait(ctx context.Context, id string, where ...Where) (Outcome, error) {
	last := Outcome{ID: id}
	for {
		account, d, err := c.find(ctx, id, where)
		switch {
		case err == nil && d.Outcome.State.Ended():
			return d.Outcome, nil
		case err == nil && isRow(id):
			last = d.Outcome // no stream tells of rows
		case err == nil:
			return c.waitIn(ctx, account, d.Outcome)
		case !errors.Is(err, ErrUnavailable) && ctx.Err() == nil:
			return last, fmt.Errorf("waiting for update %s: %w", id, err)
		}
		if !c.pause(ctx, followPause) {
			return last, c.gaveUp(ctx, last)
		}
	}
}

// waitIn waits for an update whose account is known and that was not at its end.
func (c *Client) waitIn(ctx context.Context, account string, last Outcome) (Outcome, error) {
	f, bell := c.follow(account, last.ID)
	if f == nil {
		return last, ErrClosed
	}
	defer f.leave(last.ID, bell)
	// Before the follower knows its place in the stream an end could be missed
	// by both; the periodic look covers a Redis that is away just now.
	ready := f.ready
	for {
		select {
		case <-ctx.Done():
			return last, c.gaveUp(ctx, last)
		case <-c.life.Done():
			return last, ErrClosed
		case <-ready:
			ready = nil
		case <-bell:
		case <-time.After(lookAgain):
		}
		r, err := c.ledger.Record(ctx, account, last.ID)
		switch {
		case err == nil:
			last = r.Outcome
			if last.State.Ended() {
				return last, nil
			}
		case errors.Is(err, ErrNotFound):
			return last, fmt.Errorf("waiting for update %s: %w", last.ID, err)
		}
	}
}

func (c *Client) gaveUp(ctx context.Context, last Outcome) error {
	if c.life.Err() != nil {
		return ErrClosed
	}
	seen := "not seen yet"
	if last.State != "" {
		seen = "last seen " + string(last.State)
	}
	return fmt.Errorf("waiting for update %s (%s): %w", last.ID, seen, context.Cause(ctx))
}

// pause waits; false says that ctx or the client has ended.
func (c *Client) pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-c.life.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// follower reads one account's stream of outcomes for all who wait, as long as
// anybody does.
type follower struct {
	client  *Client
	account string
	ready   chan struct{} // closed when the place in the stream is known

	mu    sync.Mutex
	gone  bool // it has ended; a new one is needed
	bells map[string]map[chan struct{}]bool
}

// follow joins the account's follower, starting one where there is none. The
// bell rings when the update's end passes by.
func (c *Client) follow(account, id string) (*follower, chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Err() != nil {
		return nil, nil
	}
	bell := make(chan struct{}, 1)
	f := c.followers[account]
	if f == nil || !f.join(id, bell) {
		f = &follower{client: c, account: account, ready: make(chan struct{}), bells: map[string]map[chan struct{}]bool{}}
		f.join(id, bell)
		c.followers[account] = f
		c.following.Go(f.run)
	}
	return f, bell
}

func (f *follower) join(id string, bell chan struct{}) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone {
		return false
	}
	if f.bells[id] == nil {
		f.bells[id] = map[chan struct{}]bool{}
	}
	f.bells[id][bell] = true
	return true
}

func (f *follower) leave(id string, bell chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.bells[id], bell)
	if len(f.bells[id]) == 0 {
		delete(f.bells, id)
	}
}

// idle ends the follower when nobody waits any more.
func (f *follower) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone = f.gone || len(f.bells) == 0
	return f.gone
}

func (f *follower) ring(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for bell := range f.bells[id] {
		select {
		case bell <- struct{}{}:
		default: // it rings already
		}
	}
}

func (f *follower) run() {
	var (
		c      = f.client
		place  string
		silent bool // trouble has been logged
	)
	for c.life.Err() == nil && !f.idle() {
		err := f.step(&place)
		switch {
		case err == nil:
			silent = false
		case c.life.Err() == nil:
			if !silent {
				c.log.WarnContext(c.life, "outcomes cannot be followed", "account", f.account, "error", err)
				silent = true
			}
			c.pause(c.life, followPause)
		}
	}
}

// step finds the place in the stream, or reads on from there.
func (f *follower) step(place *string) error {
	c := f.client
	if *place == "" {
		end, err := c.ledger.StreamEnd(c.life, f.account)
		if err != nil {
			return err
		}
		*place = end
		close(f.ready)
		return nil
	}
	ends, err := c.ledger.Follow(c.life, f.account, *place, followBlock, followCount)
	if err != nil {
		return err
	}
	for _, e := range ends {
		*place = e.Position
		f.ring(e.ID)
	}
	return nil
}
