package enqueue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

const (
	// batchRows is how many updates go into one script and one pipeline: enough
	// to make the round trip cheap, few enough not to hold Redis up.
	batchRows = 250
	// batchAge is how long a row of a slow source waits for company.
	batchAge = 50 * time.Millisecond
	// batchesUnderWay bounds memory, and lets one batch be entered while
	// another is handed over and a third is gathered.
	batchesUnderWay = 3
	// outageRest is how long rows are not tried after Redis was found away.
	outageRest = time.Second
)

// Row is one update of UpdateMany with its own options.
type Row struct {
	Update  Update
	Options []Option
}

// Result is what became of one Row: a Receipt, or an error as of
// UpdateGroupPhoto, in which case the Receipt holds at most the ID.
type Result struct {
	Index   int // of the row, from 0
	Receipt Receipt
	Err     error
}

// UpdateMany enqueues many updates, a few hundred per round trip, and gives one
// Result per row in the rows' order. It streams: however many rows there are,
// under a thousand are in memory. A bad row does not keep others from being
// enqueued. A photo that many rows share is read and stored once.
//
// rows is read, and results are given, on the caller's goroutine. A batch goes
// out when it is full, when the rows end, or with the first row that comes 50 ms
// after its oldest. When ctx ends no further row is read, and every row that was
// read has its Result. Breaking out of the iteration stops it: of the rows read
// by then, those without a Result may or may not be accepted. The sequence can be
// ranged over again, which enqueues again.
func (c *Client) UpdateMany(ctx context.Context, rows iter.Seq[Row]) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		m := c.startMany(ctx)
		defer m.stop()
		for row := range until(ctx, rows) {
			if !m.add(row, yield) {
				return
			}
		}
		m.finish(yield)
	}
}

// until ends a sequence with the context, asking before a further row is read.
func until(ctx context.Context, rows iter.Seq[Row]) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		if rows == nil || ctx.Err() != nil {
			return
		}
		for row := range rows {
			if !yield(row) || ctx.Err() != nil {
				return
			}
		}
	}
}

// batch is a number of rows that go together.
type batch struct {
	first int
	born  time.Time
	jobs  []job
	done  chan struct{} // closed when every job has its answer
}

// many is one run of UpdateMany: the caller's goroutine gathers batches and
// gives results, one goroutine enters batches into the ledger, one hands them
// to asynq.
type many struct {
	client  *Client
	ctx     context.Context // the caller's, for the length of the call
	gallery *gallery
	rows    int

	outage   error // Redis was away when it was asked last, at outageAt
	outageAt time.Time

	current *batch
	waiting []*batch // under way, oldest first
	enter   chan *batch
	quit    chan struct{} // closed when nobody wants further results
	ended   chan struct{} // closed when both goroutines are gone
}

func (c *Client) startMany(ctx context.Context) *many {
	m := &many{
		client: c, ctx: ctx, gallery: newGallery(),
		enter: make(chan *batch, batchesUnderWay), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	entered := make(chan *batch, batchesUnderWay)
	go func() {
		defer close(entered)
		for b := range m.enter {
			select {
			case <-m.quit:
				continue // not begun: leave it
			default:
			}
			c.register(ctx, b.jobs)
			entered <- b
		}
	}()
	go func() {
		defer close(m.ended)
		for b := range entered { // what the ledger has is always handed over
			c.dispatch(ctx, b.jobs)
			close(b.done)
		}
	}()
	return m
}

// stop ends the goroutines and waits for them; on a break the rows that are in
// the ledger already are handed over first.
func (m *many) stop() {
	close(m.quit)
	close(m.enter)
	<-m.ended
}

// add puts a row into the current batch and sends the batch off when it is time.
// It returns false when the caller has broken out.
func (m *many) add(row Row, yield func(Result) bool) bool {
	if m.current == nil {
		m.current = &batch{first: m.rows, born: time.Now(), jobs: make([]job, 0, batchRows), done: make(chan struct{})}
	}
	m.rows++
	p, err := m.prepare(row)
	m.current.jobs = append(m.current.jobs, job{prepared: p, err: err})
	if len(m.current.jobs) < batchRows && time.Since(m.current.born) < batchAge {
		return true
	}
	return m.send(yield)
}

// prepare lets rows fail at once while Redis has just been found away: each would
// spend the library's whole patience before it learnt the same.
func (m *many) prepare(row Row) (Prepared, error) {
	if m.outage != nil && time.Since(m.outageAt) < outageRest {
		return Prepared{}, m.outage
	}
	p, err := m.client.prepare(m.ctx, row.Update, row.Options, m.gallery)
	m.outage = nil
	if errors.Is(err, ErrUnavailable) {
		m.outage, m.outageAt = err, time.Now()
	}
	return p, err
}

func (m *many) send(yield func(Result) bool) bool {
	m.enter <- m.current
	m.waiting = append(m.waiting, m.current)
	m.current = nil
	for len(m.waiting) > 0 {
		if len(m.waiting) < batchesUnderWay {
			select {
			case <-m.waiting[0].done:
			default:
				return true
			}
		}
		if !m.give(yield) {
			return false
		}
	}
	return true
}

// give waits for the oldest batch and gives its results.
func (m *many) give(yield func(Result) bool) bool {
	b := m.waiting[0]
	m.waiting = m.waiting[1:]
	<-b.done
	for i := range b.jobs {
		r := Result{Index: b.first + i, Receipt: b.jobs[i].receipt}
		if err := b.jobs[i].err; err != nil {
			r.Receipt = Receipt{ID: b.jobs[i].prepared.ID}
			r.Err = fmt.Errorf("enqueuing row %d: %w", r.Index, err)
		}
		if !yield(r) {
			return false
		}
	}
	return true
}

func (m *many) finish(yield func(Result) bool) {
	if m.current != nil && !m.send(yield) {
		return
	}
	for len(m.waiting) > 0 {
		if !m.give(yield) {
			return
		}
	}
}
