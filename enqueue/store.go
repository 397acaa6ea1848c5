package enqueue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	// photoMargin is how long a photo stays in the store after its update has
	// expired: an update that expired over night can be sent again.
	photoMargin = 24 * time.Hour
	// photoSlack is added once more by UpdateMany, so that rows whose expiry
	// moves along with the clock do not prolong their photo one by one.
	photoSlack = time.Hour
	// most photos, and bytes of pictures in memory, that one UpdateMany
	// remembers; with more it forgets all and stores again, which is slower and
	// as right.
	rememberedPhotos = 4096
	rememberedBytes  = 64 << 20
)

// gallery remembers which photos one UpdateMany has brought into the store. It
// serves one goroutine.
type gallery struct {
	shown map[photoKey]exhibit
	bytes int
}

// photoKey tells photos apart without reading them: files by path and URLs by
// address, pictures in memory by the Photo they came in.
type photoKey struct {
	kind   photoKind
	text   string
	source *photoSource
	fetch  bool
}

type exhibit struct {
	ref   tasks.PhotoRef
	until time.Time
	err   error // a photo that cannot work: not tried again for every row
}

func newGallery() *gallery { return &gallery{shown: map[photoKey]exhibit{}} }

func (d draft) key() photoKey {
	s := d.photo.source
	k := photoKey{kind: s.kind, fetch: d.fetchNow}
	switch s.kind {
	case fromBytes, fromBase64:
		k.source = s
	default:
		k.text = s.text
	}
	return k
}

func (g *gallery) remember(k photoKey, e exhibit) {
	held := 0
	if k.source != nil {
		held = len(k.source.bytes) + len(k.source.text)
	}
	if len(g.shown) >= rememberedPhotos || g.bytes+held > rememberedBytes {
		clear(g.shown)
		g.bytes = 0
	}
	g.shown[k] = e
	g.bytes += held
}

// bringPhoto sees to it that the draft's photo is where its worker will look for
// it, and long enough. g is nil outside UpdateMany.
func (c *Client) bringPhoto(ctx context.Context, d draft, g *gallery) (Prepared, error) {
	if d.Update.Photo.Kind == tasks.PhotoURL && !d.fetchNow {
		return d.Prepared, nil
	}
	until := d.Update.ExpiresAt.Add(photoMargin)
	if g == nil {
		ref, err := c.storePhoto(ctx, d, until)
		return d.with(ref, nil), err
	}
	key := d.key()
	e, ok := g.shown[key]
	if !ok || e.err == nil && e.until.Before(until) {
		e = exhibit{until: until.Add(photoSlack)}
		e.ref, e.err = c.storePhoto(ctx, d, e.until)
		if e.err == nil || errors.Is(e.err, ErrPhoto) || errors.Is(e.err, ErrPhotoTooLarge) {
			g.remember(key, e)
		}
	}
	return d.with(e.ref, nil), e.err
}

func (c *Client) storePhoto(ctx context.Context, d draft, until time.Time) (tasks.PhotoRef, error) {
	var (
		picture []byte
		err     error
	)
	switch d.Update.Photo.Kind {
	case tasks.PhotoURL:
		picture, err = c.fetchPhoto(ctx, d.Update.Photo)
	case tasks.PhotoNone:
		picture, err = d.photo.load()
	default:
		return d.Update.Photo, c.keepPhoto(ctx, d.Update.Photo, until)
	}
	if err != nil {
		return tasks.PhotoRef{}, err
	}
	if err := c.ready(ctx); err != nil { // only now: nothing is written for a bad photo
		return tasks.PhotoRef{}, err
	}
	ref, err := c.ledger.StorePhoto(ctx, tasks.PhotoSource, picture, until)
	return ref, fault(ctx, "putting the photo into the store", err)
}

// keepPhoto prolongs a stored photo's life; a photo that is not there is an
// ErrPhoto.
func (c *Client) keepPhoto(ctx context.Context, ref tasks.PhotoRef, until time.Time) error {
	there, err := c.ledger.KeepPhoto(ctx, ref, until)
	if err != nil {
		return fault(ctx, "looking for the photo in the store", err)
	}
	if !there {
		return fmt.Errorf("photo %s: %w; enqueue the update with the picture itself: %w", ref, ledger.ErrNoPhoto, ErrPhoto)
	}
	return nil
}

func (c *Client) fetchPhoto(ctx context.Context, ref tasks.PhotoRef) ([]byte, error) {
	body, err := c.fetch.Get(ctx, ref.Wire(), fetch.Validators{})
	if err != nil {
		problem, ok := errors.AsType[*fetch.Error](err)
		switch {
		case !ok:
			return nil, err // the caller's context ended
		case problem.Reason == fetch.TooLarge:
			return nil, fmt.Errorf("%w: %w", err, ErrPhotoTooLarge)
		case problem.Permanent():
			return nil, fmt.Errorf("%w: %w", err, ErrPhoto)
		}
		return nil, fmt.Errorf("%w: %w", err, ErrPhotoUnavailable)
	}
	return body.Bytes, checkImage(fmt.Sprintf("what %s gave", ref), body.Bytes)
}
