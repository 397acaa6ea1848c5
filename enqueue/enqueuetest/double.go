// Package enqueuetest is an in-memory double of enqueue.Client for the tests of
// programs that enqueue. It owns the records of one test and the script of
// outcomes; validation and errors are enqueue's own. It refuses to know Redis,
// workers and the network: nothing is fetched (FetchNow keeps the URL), and no
// update ends unless the test says so.
//
// The program under test should take a small interface of its own, with the
// methods it calls; both *enqueue.Client and *Client have them.
package enqueuetest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/tasks"
)

// Call is one update as it was accepted.
type Call struct {
	enqueue.Prepared

	// Outcome is where the update stands at the time of asking.
	Outcome enqueue.Outcome
}

// Client stands in for enqueue.Client. Make it with New; it is safe for
// concurrent use.
type Client struct {
	mu       sync.Mutex
	order    []key
	records  map[key]*record
	scripts  map[string][]enqueue.State
	pictures map[string]bool // hashes that Stored finds
	accounts []string
	failure  error
	closed   bool
	seq      int64
	changed  chan struct{} // closed and replaced at every change

	campaigns []Campaign
}

type key struct{ account, id string }

// New returns an empty double.
func New() *Client {
	return &Client{
		records: map[key]*record{}, scripts: map[string][]enqueue.State{}, pictures: map[string]bool{},
		changed: make(chan struct{}),
	}
}

// Updates lists the accepted updates, each once, in the order in which they were
// accepted first.
func (c *Client) Updates() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := make([]Call, len(c.order))
	for i, k := range c.order {
		calls[i] = c.records[k].call
	}
	return calls
}

// Settle scripts what becomes of the updates with this id, enqueued already or
// later. States before the end show as they are; the first terminal one ends the
// update, and those behind it wait for a Retry. Value, Reason and FinishedAt are
// filled in as a worker would at its plainest.
func (c *Client) Settle(id string, states ...enqueue.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scripts[id] = append(c.scripts[id], states...)
	for _, k := range c.order {
		if k.id == id {
			c.play(c.records[k])
		}
	}
	c.announce()
}

// Fail lets every call from now on return this error, for instance
// enqueue.ErrUnavailable; nil ends it.
func (c *Client) Fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failure = err
	c.announce()
}

// Serve names accounts that workers serve. Before the first one every account
// is accepted, as on a fresh Redis.
func (c *Client) Serve(accounts ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accounts = append(c.accounts, accounts...)
	slices.Sort(c.accounts)
	c.accounts = slices.Compact(c.accounts)
}

// UpdateGroupPhoto accepts an update as enqueue.Client does.
func (c *Client) UpdateGroupPhoto(ctx context.Context, u enqueue.Update, opts ...enqueue.Option) (enqueue.Receipt, error) {
	p, err := enqueue.Prepare(u, opts...)
	if err == nil {
		err = ctx.Err()
	}
	var receipt enqueue.Receipt
	if err == nil {
		receipt, err = c.accept(p, enqueue.AllowsUnknownAccount(opts...))
	}
	if err != nil {
		return enqueue.Receipt{ID: p.ID}, fmt.Errorf("enqueuing the update: %w", err)
	}
	return receipt, nil
}

// UpdateMany accepts many updates, one Result per row.
func (c *Client) UpdateMany(ctx context.Context, rows iter.Seq[enqueue.Row]) iter.Seq[enqueue.Result] {
	return func(yield func(enqueue.Result) bool) {
		if rows == nil || ctx.Err() != nil {
			return
		}
		index := 0
		for row := range rows {
			receipt, err := c.UpdateGroupPhoto(ctx, row.Update, row.Options...)
			if err != nil {
				err = fmt.Errorf("row %d: %w", index, err)
			}
			if !yield(enqueue.Result{Index: index, Receipt: receipt, Err: err}) || ctx.Err() != nil {
				return
			}
			index++
		}
	}
}

func (c *Client) accept(p enqueue.Prepared, allowUnknown bool) (enqueue.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.unable(); err != nil {
		return enqueue.Receipt{}, err
	}
	account := p.Update.Account
	if !allowUnknown {
		if err := enqueue.CheckKnown(account, c.accounts); err != nil {
			return enqueue.Receipt{}, err
		}
	}
	if hash := p.Update.Photo.Hash(); hash != "" && p.Picture == nil && !c.pictures[hash] {
		return enqueue.Receipt{}, fmt.Errorf("photo %s is not in the photo store: %w", p.Update.Photo, enqueue.ErrPhoto)
	}
	k := key{account, p.ID}
	r, found := c.records[k]
	switch {
	case found && r.print != p.Update.Fingerprint():
		return enqueue.Receipt{}, fmt.Errorf("update %s of account %s: %w", p.ID, account, enqueue.ErrIDReused)
	case found:
		return r.receipt(true), nil
	}
	if p.Picture != nil {
		c.pictures[p.Update.Photo.Hash()] = true
	}
	if p.Due.IsZero() {
		c.seq++
		p.Update.Seq = c.seq
	}
	r = &record{print: p.Update.Fingerprint(), call: Call{Prepared: p}}
	r.begin()
	c.records[k] = r
	c.order = append(c.order, k)
	c.play(r)
	c.announce()
	return r.receipt(false), nil
}

// Wait waits until the test settles the update or ctx ends.
func (c *Client) Wait(ctx context.Context, id string, where ...enqueue.Where) (enqueue.Outcome, error) {
	for {
		o, err := c.Outcome(ctx, id, where...)
		switch {
		case err != nil && !c.outage():
			return enqueue.Outcome{ID: id}, fmt.Errorf("waiting for update %s: %w", id, err)
		case err == nil && o.State.Ended():
			return o, nil
		}
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		if again, err := c.Outcome(ctx, id, where...); err == nil && again.State.Ended() {
			return again, nil // it ended before we began to listen
		}
		select {
		case <-ctx.Done():
			return o, fmt.Errorf("waiting for update %s (last seen %s): %w", id, o.State, context.Cause(ctx))
		case <-changed:
		}
	}
}

// outage reports whether the test has scripted one, which Wait sits out.
func (c *Client) outage() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure != nil && !c.closed
}

// Outcome tells where an update stands.
func (c *Client) Outcome(ctx context.Context, id string, where ...enqueue.Where) (enqueue.Outcome, error) {
	d, err := c.Details(ctx, id, where...)
	return d.Outcome, err
}

// Details tells all there is to know of an update.
func (c *Client) Details(_ context.Context, id string, where ...enqueue.Where) (enqueue.Details, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, err := c.find(id, where)
	if err != nil {
		return enqueue.Details{}, fmt.Errorf("looking for the update: %w", err)
	}
	return r.details(), nil
}

// Cancel ends an update as cancelled; one that shows as Calling is marked and
// ends when the test settles it.
func (c *Client) Cancel(_ context.Context, id, by string, where ...enqueue.Where) (enqueue.Details, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, err := c.find(id, where)
	if err != nil {
		return enqueue.Details{}, fmt.Errorf("cancelling the update: %w", err)
	}
	switch {
	case r.call.Outcome.State.Ended():
	case r.call.Outcome.State == enqueue.Calling:
		r.cancelling = true
	default:
		r.turn(enqueue.Cancelled)
		r.call.Outcome.Detail = "cancelled by " + by
	}
	c.announce()
	return r.details(), nil
}

// Retry opens an ended update again; the script goes on with it.
func (c *Client) Retry(_ context.Context, id string, where ...enqueue.Where) (enqueue.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, err := c.find(id, where)
	if err != nil {
		return enqueue.Receipt{ID: id}, fmt.Errorf("sending update %s again: %w", id, err)
	}
	if !r.call.Outcome.State.Ended() {
		return r.receipt(true), nil
	}
	c.seq++
	u := &r.call.Update
	u.Seq, u.EnqueuedAt = c.seq, time.Now().UTC().Truncate(time.Millisecond)
	u.ExpiresAt = u.EnqueuedAt.Add(enqueue.DefaultExpiry)
	r.call.Due = time.Time{}
	r.begin()
	receipt := r.receipt(false)
	c.play(r)
	c.announce()
	return receipt, nil
}

// Accounts lists the accounts that were given to Serve.
func (c *Client) Accounts(context.Context) ([]enqueue.Account, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.unable(); err != nil {
		return nil, err
	}
	list := make([]enqueue.Account, len(c.accounts))
	for i, name := range c.accounts {
		list[i] = enqueue.Account{Name: name, LastSeen: time.Now(), Served: true}
	}
	return list, nil
}

// Close ends all waiting with enqueue.ErrClosed.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.announce()
	return nil
}

func (c *Client) unable() error {
	if c.closed {
		return enqueue.ErrClosed
	}
	return c.failure
}

func (c *Client) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Client) find(id string, where []enqueue.Where) (*record, error) {
	if err := c.unable(); err != nil {
		return nil, err
	}
	account, err := enqueue.Lookup(id, where...)
	if err != nil {
		return nil, err
	}
	if account == "" {
		account = tasks.DefaultAccount
		if r, ok := c.records[key{account, id}]; ok {
			return r, nil
		}
		others := slices.Clone(c.order)
		slices.SortStableFunc(others, func(a, b key) int { return strings.Compare(a.account, b.account) })
		for _, k := range others {
			if k.id == id {
				return c.records[k], nil
			}
		}
	}
	if r, ok := c.records[key{account, id}]; ok {
		return r, nil
	}
	return nil, fmt.Errorf("update %s: %w", id, enqueue.ErrNotFound)
}
