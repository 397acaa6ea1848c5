package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/photo"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// sourcesAtOnce bounds the large sources in memory, of at most 10 MiB each: 4 of
// them, 160 MiB for decoding and 32 MiB of finished photos leave room in 256 MiB.
// Small ones (up to 64 KiB) need no place. What decoding takes is the maker's to
// bound.
const sourcesAtOnce = 4

// ready is a photo that can be sent.
type ready struct {
	photo plugchat.Photo
	ref   tasks.PhotoRef // the finished photo, or the URL that is passed through
	bytes int
}

// photos turns references into photos that can be sent, for all lanes of the
// process. What is known is looked for in three places, the nearest first: the
// memory of this process, the index and the photo store in Redis, which all
// processes share, and the source itself. Only the last is fetched and decoded.
type photos struct {
	ledger  *ledger.Ledger
	fetcher *fetch.Client
	make    func(ctx context.Context, source []byte) (photo.Photo, error)
	version string // of what make gives
	passURL bool
	keep    time.Duration
	log     *slog.Logger

	life    context.Context // ends the flights that nobody waits for any more
	running sync.WaitGroup
	slots   chan struct{}      // one for each large source in memory
	flights singleflight.Group // by reference
	makings singleflight.Group // by source: two URLs may give the same bytes
	memory  *memory
}

func newPhotos(life context.Context, l *ledger.Ledger, c Config) *photos {
	return &photos{
		ledger: l, fetcher: c.Fetcher, make: c.Maker.Make, version: c.Maker.Version(), passURL: c.PassURL, keep: l.Keep(), log: c.Logger,
		life: life, slots: make(chan struct{}, sourcesAtOnce), memory: newMemory(c.PhotoCache),
	}
}

// resolve returns the photo that a reference stands for. Errors: *fetch.Error,
// *photo.Error, ledger.ErrNoPhoto, errBusy, Redis', and ctx's; the permanent ones
// of the first two are believed for a minute, and of the same bytes every
// *photo.Error. Callers that wait for the same source share the work and its
// failure; one that gives up does not end it for the others.
func (p *photos) resolve(ctx context.Context, ref tasks.PhotoRef) (ready, error) {
	if r, known, err := p.memory.recall(ref); known {
		return r, err
	}
	flight := p.flights.DoChan(ref.Wire(), func() (any, error) {
		p.running.Add(1)
		defer p.running.Done()
		return p.findOnce(ref)
	})
	select {
	case done := <-flight:
		r, _ := done.Val.(ready)
		return r, done.Err
	case <-ctx.Done():
		return ready{}, fmt.Errorf("waiting for the photo: %w", context.Cause(ctx))
	}
}

// findOnce does the work of a flight.
func (p *photos) findOnce(ref tasks.PhotoRef) (ready, error) {
	// The flight before this one may have ended just now.
	if r, known, err := p.memory.recall(ref); known {
		return r, err
	}
	r, err := p.findSafely(ref)
	if permanent(err) {
		p.memory.fail(ref, err)
	}
	return r, err
}

// findSafely keeps a bug in making one photo from ending the process.
func (p *photos) findSafely(ref tasks.PhotoRef) (r ready, err error) {
	defer func() {
		if bug := recover(); bug != nil {
			p.log.Error("photo.panicked", "photo", ref, "panic", fmt.Sprint(bug), "stack", stack())
			err = &photo.Error{Reason: photo.Corrupt, Detail: "it could not be made because of an error in the worker itself; see its log"}
		}
	}()
	return p.find(p.life, ref)
}

func (p *photos) find(ctx context.Context, ref tasks.PhotoRef) (ready, error) {
	switch {
	case ref.Kind == tasks.PhotoMade:
		return p.load(ctx, ref)
	case ref.Kind == tasks.PhotoSource:
		return p.fromStore(ctx, ref)
	case ref.Kind == tasks.PhotoURL && p.passURL:
		return p.pass(ctx, ref)
	case ref.Kind == tasks.PhotoURL:
		return p.fromURL(ctx, ref)
	}
	return ready{}, fmt.Errorf("%s: %w", ref, ledger.ErrNoPhoto)
}

// errBusy says that a large photo found no place in this process until the time
// of its fetch was up. It is our fault and passes.
var errBusy = errors.New("this worker is busy with other large photos; it tries again by itself")

// slot waits for a place to hold a large source in memory. Whoever has it must
// give it back.
func (p *photos) slot(ctx context.Context) (giveBack func(), err error) {
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to make the photo: %w", context.Cause(ctx))
	}
}

// permanent says whether asking again would give the same failure.
func permanent(err error) bool {
	if e, ok := errors.AsType[*fetch.Error](err); ok {
		return e.Permanent()
	}
	e, ok := errors.AsType[*photo.Error](err)
	return ok && e.Permanent()
}
