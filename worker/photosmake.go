package worker

import (
	"context"
	"errors"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/photo"
)

// renewAfter is how long a photo in this process's memory is used before the
// photo store is told that it is still needed there, for undoing.
const renewAfter = time.Hour

// stored is until when the photo store must keep a photo that is used now.
func (p *photos) stored() time.Duration { return p.keep + renewAfter }

func (p *photos) storedUntil() time.Time { return p.memory.now().Add(p.stored()) }

// fromStore makes the photo of bytes that a producer put into the photo store.
func (p *photos) fromStore(ctx context.Context, source tasks.PhotoRef) (ready, error) {
	r, err := p.madeBefore(ctx, source)
	if !errors.Is(err, ledger.ErrNoPhoto) {
		return r, err
	}
	giveBack, err := p.slot(ctx)
	if err != nil {
		return ready{}, err
	}
	defer giveBack()
	b, err := p.ledger.Photo(ctx, source)
	if err != nil {
		return ready{}, err
	}
	return p.makeOnce(ctx, source, b)
}

// madeBefore returns the finished photo of a source that this or another
// process made with the same parameters. ledger.ErrNoPhoto: it must be made, or
// made again because the store let go of it.
func (p *photos) madeBefore(ctx context.Context, source tasks.PhotoRef) (ready, error) {
	made, ok := p.memory.madeOf(source)
	if !ok {
		var err error
		if made, err = p.ledger.MadeAs(ctx, source, p.version, p.storedUntil()); err != nil {
			return ready{}, err
		}
	}
	r, err := p.load(ctx, made)
	if err == nil {
		p.memory.link(source, r, forGood)
	}
	return r, err
}

// load returns a finished photo and sees to it that the store keeps it.
func (p *photos) load(ctx context.Context, made tasks.PhotoRef) (ready, error) {
	f, ok := p.memory.photo(made)
	switch {
	case ok && p.memory.now().Before(f.renew):
		return f.ready, nil
	case ok: // stored again when Redis has lost it
		if _, err := p.ledger.StorePhoto(ctx, tasks.PhotoMade, f.jpeg, p.storedUntil()); err != nil {
			return ready{}, err
		}
		return p.memory.keep(made, f.jpeg), nil
	}
	jpeg, err := p.ledger.TakePhoto(ctx, made, p.storedUntil())
	if err != nil {
		return ready{}, err
	}
	return p.memory.keep(made, jpeg), nil
}

// makeOnce makes the photo of a source's bytes, once at a time whatever gave
// them, and stores it. It runs on the life of the photos, not on a caller's.
func (p *photos) makeOnce(ctx context.Context, source tasks.PhotoRef, b []byte) (ready, error) {
	made, err, _ := p.makings.Do(source.Wire(), func() (any, error) {
		if r, known, err := p.memory.recall(source); known {
			return r, err
		}
		finished, err := p.make(ctx, b)
		// Also what may pass: the same bytes cost the same time again, under
		// whatever URL.
		if _, bad := errors.AsType[*photo.Error](err); bad {
			p.memory.fail(source, err)
		}
		if err != nil {
			return ready{}, err
		}
		ref, err := p.ledger.StorePhoto(ctx, tasks.PhotoMade, finished.JPEG, p.storedUntil())
		if err != nil {
			return ready{}, err
		}
		r := p.memory.keep(ref, finished.JPEG)
		p.memory.link(source, r, forGood)
		// Without the note another process makes it again: no reason to fail here.
		if err := p.ledger.NoteMade(ctx, source, p.version, ref, p.stored()); err != nil {
			p.log.Warn("photo.unnoted", "photo", ref, "error", err)
		}
		return r, nil
	})
	r, _ := made.(ready)
	return r, err
}
