package worker

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// How long what a URL gave is believed without asking its server again.
const (
	// leastFresh holds even where the server says no-store: a campaign's burst
	// must be one fetch. It is also how long a check of a passed URL holds.
	leastFresh = time.Minute
	// mostFresh is what the ledger believes at most: producers overwrite logo.png,
	// and some servers say a year.
	mostFresh = ledger.MaxFresh
	// silentFresh is for servers that say nothing.
	silentFresh = 5 * time.Minute
)

// freshFor bounds what the servers on the way say about an answer. A "not
// modified" that says nothing changes nothing: what the photo was believed for
// before, span, stays.
func freshFor(b fetch.Body, span time.Duration) time.Duration {
	fresh := b.Fresh
	switch {
	case b.HasFresh:
	case b.NotModified:
		fresh = min(fresh, span)
	default:
		fresh = min(fresh, silentFresh)
	}
	return min(max(fresh, leastFresh), mostFresh)
}

// fromURL makes the photo of what a URL gives now, or gave so recently that it
// is believed. Known bytes are asked for with their validators: an unchanged
// photo is neither sent nor decoded again. The validators are used only with the
// finished photo at hand, so "not modified" always has an answer. Only a body
// that turns out large takes a slot, and keeps it until it is made: many slow
// servers keep nobody else from his photo.
func (p *photos) fromURL(ctx context.Context, url tasks.PhotoRef) (ready, error) {
	before, err := p.ledger.PhotoAt(ctx, url)
	var r ready
	if err == nil {
		r, err = p.madeBefore(ctx, before.Source)
	}
	var known fetch.Validators
	switch {
	case errors.Is(err, ledger.ErrNoPhoto): // nothing known, or nothing left of it
	case err != nil:
		return ready{}, err
	case before.Fresh > 0:
		return p.believe(ctx, url, r, before.Fresh)
	default:
		known = fetch.Validators{ETag: before.ETag, LastModified: before.LastModified, Of: before.Of}
	}
	giveBack := func() {}
	defer func() { giveBack() }()
	body, err := p.fetcher.Get(ctx, url.Wire(), known, fetch.WhenLarge(func(ctx context.Context) error {
		place, err := p.slot(ctx)
		if err != nil {
			return fmt.Errorf("%w: %w", errBusy, err)
		}
		giveBack = place
		return nil
	}))
	if err != nil {
		return ready{}, err
	}
	now := ledger.Fetched{
		Source: before.Source, ETag: body.Validators.ETag, LastModified: body.Validators.LastModified, Of: body.Validators.Of,
		Fresh: freshFor(body, before.Span),
	}
	if !body.NotModified {
		now.Source = tasks.SourceRef(tasks.HashHex(sha256.Sum256(body.Bytes)))
		if r, err = p.fromBytes(ctx, now.Source, body.Bytes); err != nil {
			return ready{}, err
		}
	}
	p.memory.link(url, r, now.Fresh)
	// Without the note another process fetches it again: no reason to fail here.
	if err := p.ledger.NotePhotoAt(ctx, url, now); err != nil {
		p.log.Warn("photo.unnoted", "photo", r.ref, "error", err)
	}
	return r, nil
}

// believe uses what a URL gave not long ago, to this process or another, unless
// the rules of this one forbid to ask there: they may be stricter. When that
// can't be judged just now it is judged again soon.
func (p *photos) believe(ctx context.Context, url tasks.PhotoRef, r ready, fresh time.Duration) (ready, error) {
	err := p.fetcher.Check(ctx, url.Wire())
	switch {
	case permanent(err):
		return ready{}, err
	case err != nil:
		fresh = min(fresh, leastFresh)
	}
	p.memory.link(url, r, fresh)
	return r, nil
}

// fromBytes makes the photo of bytes just fetched, unless they are known.
func (p *photos) fromBytes(ctx context.Context, source tasks.PhotoRef, b []byte) (ready, error) {
	if r, known, err := p.memory.recall(source); known {
		return r, err
	}
	r, err := p.madeBefore(ctx, source)
	if !errors.Is(err, ledger.ErrNoPhoto) {
		return r, err
	}
	return p.makeOnce(ctx, source, b)
}

// pass lets a URL through to the provider if it may be fetched at all, as far as
// that can be judged from here.
func (p *photos) pass(ctx context.Context, url tasks.PhotoRef) (ready, error) {
	if err := p.fetcher.Check(ctx, url.Wire()); err != nil {
		return ready{}, err
	}
	r := ready{plugchat.URL(url.Wire()), url, 0}
	p.memory.link(url, r, leastFresh)
	return r, nil
}
