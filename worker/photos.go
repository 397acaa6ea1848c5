package worker

import (
	"container/list"
	"context"
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

const (
	cachedPhotos = 256 // at most 100 KiB each, a third more as Base64: 34 MiB
	// sourcesAtOnce bounds the sources in memory, of at most 10 MiB each; what
	// decoding them takes is the maker's to bound.
	sourcesAtOnce = 8
	// urlFresh is how long what a URL gave is believed: producers overwrite
	// logo.png.
	urlFresh = time.Minute
)

// ready is a photo that can be sent.
type ready struct {
	photo plugchat.Photo
	ref   tasks.PhotoRef // the finished photo, or the URL that is passed through
	bytes int
}

// photos turns references into photos that can be sent: once per distinct
// source at a time, for all lanes of the process.
type photos struct {
	ledger  *ledger.Ledger
	maker   *photo.Maker
	fetcher *fetch.Client
	passURL bool
	keep    time.Duration
	log     *slog.Logger

	life    context.Context // ends the flights that nobody waits for any more
	running sync.WaitGroup
	slots   chan struct{} // one for each source in memory
	flights singleflight.Group
	mu      sync.Mutex
	order   *list.List // of *cached, the least recently used last
	byRef   map[string]*list.Element
}

type cached struct {
	key   string
	ready ready
	until time.Time // zero: for good, the key names the content
}

func newPhotos(life context.Context, l *ledger.Ledger, c Config) *photos {
	return &photos{
		life: life, slots: make(chan struct{}, sourcesAtOnce),
		ledger: l, maker: c.Maker, fetcher: c.Fetcher, passURL: c.PassURL, keep: l.Keep(), log: c.Logger,
		order: list.New(), byRef: map[string]*list.Element{},
	}
}

// resolve returns the photo that a reference stands for. Errors: *fetch.Error,
// *photo.Error, ledger.ErrNoPhoto, Redis', and ctx's. Callers that wait for the
// same source share the work; one that gives up does not end it for the others.
func (p *photos) resolve(ctx context.Context, ref tasks.PhotoRef) (ready, error) {
	key := ref.Wire()
	if r, ok := p.cached(key); ok {
		return r, nil
	}
	flight := p.flights.DoChan(key, func() (any, error) {
		p.running.Add(1)
		defer p.running.Done()
		r, err := p.makeSafely(ref)
		if err == nil {
			p.remember(key, ref, r)
		}
		return r, err
	})
	select {
	case done := <-flight:
		r, _ := done.Val.(ready)
		return r, done.Err
	case <-ctx.Done():
		return ready{}, fmt.Errorf("waiting for the photo: %w", context.Cause(ctx))
	}
}

// makeSafely keeps a bug in making one photo from ending the process.
func (p *photos) makeSafely(ref tasks.PhotoRef) (r ready, err error) {
	defer func() {
		if bug := recover(); bug != nil {
			p.log.Error("photo.panicked", "photo", ref, "panic", fmt.Sprint(bug), "stack", stack())
			err = &photo.Error{Reason: photo.Corrupt, Detail: "it could not be made because of an error in the worker itself; see its log"}
		}
	}()
	return p.make(p.life, ref)
}

func (p *photos) make(ctx context.Context, ref tasks.PhotoRef) (ready, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return ready{}, fmt.Errorf("waiting to make the photo: %w", context.Cause(ctx))
	}
	var source []byte
	var err error
	switch ref.Kind {
	case tasks.PhotoMade:
		jpeg, err := p.ledger.Photo(ctx, ref)
		if err != nil {
			return ready{}, err
		}
		return ready{plugchat.JPEG(jpeg), ref, len(jpeg)}, nil
	case tasks.PhotoURL:
		if p.passURL {
			return ready{plugchat.URL(ref.Wire()), ref, 0}, nil
		}
		var body fetch.Body
		body, err = p.fetcher.Get(ctx, ref.Wire())
		source = body.Bytes
	case tasks.PhotoSource:
		source, err = p.ledger.Photo(ctx, ref)
	default:
		err = fmt.Errorf("%s: %w", ref, ledger.ErrNoPhoto)
	}
	if err != nil {
		return ready{}, err
	}
	made, err := p.maker.Make(ctx, source)
	if err != nil {
		return ready{}, err
	}
	stored, err := p.ledger.StorePhoto(ctx, tasks.PhotoMade, made.JPEG, time.Now().Add(p.keep))
	if err != nil {
		return ready{}, err
	}
	return ready{plugchat.JPEG(made.JPEG), stored, len(made.JPEG)}, nil
}

func (p *photos) cached(key string) (ready, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.byRef[key]
	if !ok {
		return ready{}, false
	}
	c := e.Value.(*cached) //nolint:errcheck,forcetypeassert // the list holds nothing else
	if !c.until.IsZero() && time.Now().After(c.until) {
		p.order.Remove(e)
		delete(p.byRef, key)
		return ready{}, false
	}
	p.order.MoveToFront(e)
	return c.ready, true
}

func (p *photos) remember(key string, ref tasks.PhotoRef, r ready) {
	c := &cached{key: key, ready: r}
	if ref.Kind == tasks.PhotoURL {
		c.until = time.Now().Add(urlFresh)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if old, ok := p.byRef[key]; ok {
		p.order.Remove(old)
	}
	p.byRef[key] = p.order.PushFront(c)
	for p.order.Len() > cachedPhotos {
		last := p.order.Back()
		delete(p.byRef, last.Value.(*cached).key) //nolint:errcheck,forcetypeassert // the list holds nothing else
		p.order.Remove(last)
	}
}
