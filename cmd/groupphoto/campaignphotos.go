package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/photo"
)

// rowPhotos makes the photos of a sheet's rows, each different one once, some at
// a time.
type rowPhotos struct {
	workshop

	ctx    context.Context //nolint:containedctx // that of the one run this lives for
	stop   context.CancelFunc
	fetch  bool
	making errgroup.Group
	known  map[[16]byte]*verdict
	last   sheet.Photo
	latest *verdict
	// passed are the photos that nobody looks at, by a hash: a sheet may have a
	// million of them, and they are only counted.
	passed map[uint64]struct{}
	seed   maphash.Seed
	counts photoCounts
	// store keeps finished photos, for who sends them; nil: they are only looked at.
	store func(ctx context.Context, jpeg []byte) (tasks.PhotoRef, error)
	given tasks.PhotoRef // the photo for all rows, when it is stored or a link
	ready atomic.Int64   // how many have been made so far
	// sharing are the rows that show it, and linked those that show a link.
	sharing, linked int
}

// photoCounts counts the different photos.
type photoCounts struct {
	Different  int   `json:"different"`
	Made       int   `json:"made"`
	MadeBytes  int64 `json:"madeBytes"`
	NotFetched int   `json:"notFetched"`
	Stored     int   `json:"stored"`
	Bad        int   `json:"bad"`
}

// verdict is what became of one photo that was looked at; nil is one that was not.
type verdict struct {
	ready  chan struct{}
	bytes  int            // of the finished photo
	ref    tasks.PhotoRef // where it is stored, if it is
	failed error          // why it could not be stored
	name   string         // as people know it
	rows   int            // that show it
	reason sheet.Reason
	detail string
}

func (v *verdict) done() bool {
	if v == nil {
		return true
	}
	select {
	case <-v.ready:
		return true
	default:
		return false
	}
}

func (v *verdict) wait() *verdict {
	if v != nil {
		<-v.ready
	}
	return v
}

func newRowPhotos(ctx context.Context, a *app, c config, fetchURLs bool) (*rowPhotos, error) {
	maker, err := photo.New(c.photo.make)
	if err != nil {
		return nil, err
	}
	r := &rowPhotos{
		workshop: workshop{app: a, config: c, maker: maker, fetcher: fetch.New(c.photo.from)},
		fetch:    fetchURLs, known: map[[16]byte]*verdict{}, passed: map[uint64]struct{}{}, seed: maphash.MakeSeed(),
	}
	r.ctx, r.stop = context.WithCancel(ctx)
	r.making.SetLimit(runtime.GOMAXPROCS(0))
	return r, nil
}

// close waits for what is being made; nothing of it is needed any more.
func (r *rowPhotos) close() {
	r.stop()
	_ = r.making.Wait() // makers tell what failed in their verdict
	r.fetcher.CloseIdle()
}

// shared makes the photo that is given for all rows, if one is.
func (r *rowPhotos) shared(source string) error {
	if source == "" {
		return nil
	}
	// Whoever sends it makes the one photo of a link as well: it may not be there later.
	// Where links go to PlugChat as they are, it does not.
	if ref, err := tasks.ParsePhoto(source); err == nil && r.passes(ref) && (r.store == nil || r.config.photo.passURL || ref.Hash() != "") {
		r.pass(ref)
		r.given = ref
		return nil
	}
	s := r.show(r.ctx, source, "", false)
	if s.err != nil {
		return &exitError{s.code, fmt.Errorf("--photo: %w", s.err)}
	}
	r.counts.Different++
	r.counts.Made++
	r.counts.MadeBytes += int64(len(s.made.JPEG))
	if r.store == nil {
		return nil
	}
	var err error
	r.given, err = r.store(r.ctx, s.made.JPEG)
	return err
}

// passes reports whether a photo is not looked at: what is in the photo store
// needs Redis, and what is behind a URL is fetched only when asked for.
func (r *rowPhotos) passes(ref tasks.PhotoRef) bool {
	return ref.Kind == tasks.PhotoURL && !r.fetch || ref.Hash() != ""
}

func (r *rowPhotos) pass(ref tasks.PhotoRef) {
	key := maphash.String(r.seed, ref.Wire())
	if _, known := r.passed[key]; known {
		return
	}
	r.passed[key] = struct{}{}
	r.counts.Different++
	if ref.Kind == tasks.PhotoURL {
		r.counts.NotFetched++
	} else {
		r.counts.Stored++
	}
}

// of returns the verdict of a row's photo, which may still be in the making. Most
// rows show what the row before them shows.
func (r *rowPhotos) of(p sheet.Photo) *verdict {
	switch {
	case p.None():
		r.sharing++
		return nil
	case p.File == "" && r.passes(p.Ref):
		r.pass(p.Ref)
		r.linked++
		return nil
	case r.latest != nil && p == r.last:
		r.latest.rows++
		return r.latest
	}
	sum := sha256.Sum256([]byte(p.File + "\x00" + p.Ref.Wire()))
	key := [16]byte(sum[:16])
	v := r.known[key]
	if v == nil {
		v = r.begin(p)
		r.known[key] = v
	}
	v.rows++
	r.last, r.latest = p, v
	return v
}

func (r *rowPhotos) begin(p sheet.Photo) *verdict {
	v := &verdict{ready: make(chan struct{}), name: pictureName(p)}
	r.making.Go(func() error {
		defer close(v.ready)
		if r.judge(v, p); v.reason == "" {
			r.ready.Add(1)
		}
		return nil
	})
	return v
}

// shownPhotos is how many photos are named with how often they are sent.
const shownPhotos = 4

// often says which photos are sent how often, those that are sent most first; "" when
// each is sent once.
func (r *rowPhotos) often(lang language) string {
	var list []*verdict
	for _, v := range r.known {
		if v.wait().reason == "" {
			list = append(list, v)
		}
	}
	slices.SortFunc(list, func(a, b *verdict) int { return cmp.Or(b.rows-a.rows, strings.Compare(a.name, b.name)) })
	var parts []string
	if r.sharing < 2 && (len(list) == 0 || list[0].rows < 2) {
		return ""
	}
	if r.sharing > 0 {
		parts = append(parts, fmt.Sprintf("--photo %d×", r.sharing))
	}
	for i, v := range list {
		if i == shownPhotos {
			parts = append(parts, lang.say("… and %d more photos", len(list)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d×", v.name, v.rows))
	}
	if r.linked > 0 {
		parts = append(parts, lang.say("links %d×", r.linked))
	}
	return strings.Join(parts, ", ")
}

// pictureName is the file's name, or that it is image data.
func pictureName(p sheet.Photo) string {
	if p.File != "" {
		return clip(filepath.Base(p.File), 60)
	}
	return p.Ref.String()
}

// counted gives the counts, when all verdicts are there.
func (r *rowPhotos) counted() photoCounts {
	n := r.counts
	for _, v := range r.known {
		n.Different++
		if v.wait(); v.reason != "" {
			n.Bad++
			continue
		}
		n.Made++
		n.MadeBytes += int64(v.bytes)
	}
	return n
}

// judge looks at one picture.
func (r *rowPhotos) judge(v *verdict, p sheet.Photo) {
	b, err := r.bytes(p)
	if err == nil {
		var made photo.Photo
		made, err = r.maker.Make(r.ctx, b)
		v.bytes = len(made.JPEG)
		if err == nil && r.store != nil {
			v.ref, v.failed = r.store(r.ctx, made.JPEG)
		}
	}
	if err == nil {
		return
	}
	if e, ok := errors.AsType[*photo.Error](err); ok {
		v.reason, v.detail = sheet.Reason(tasks.PhotoReason+string(e.Reason)), e.Detail
		return
	}
	if e, ok := errors.AsType[*fetch.Error](err); ok {
		v.reason, v.detail = sheet.Reason(tasks.PhotoReason+string(e.Reason)), e.Detail
		return
	}
	for cause := errors.Unwrap(err); cause != nil; cause = errors.Unwrap(err) {
		err = cause // without the path, which is told anyway
	}
	v.reason, v.detail = sheet.PhotoUnreadable, err.Error()
}

func (r *rowPhotos) bytes(p sheet.Photo) ([]byte, error) {
	switch {
	case p.File == "" && p.Ref.Kind == tasks.PhotoURL:
		body, err := r.fetcher.Get(r.ctx, p.Ref.Wire(), fetch.Validators{})
		return body.Bytes, err
	case p.File == "":
		return photo.DecodeInline(p.Ref.Wire(), enqueue.MaxPhoto)
	}
	b, err := readInput(p.File, enqueue.MaxPhoto)
	if err == nil && len(b) > enqueue.MaxPhoto {
		err = &photo.Error{Reason: photo.TooLarge, Detail: fmt.Sprintf("the file is larger than %s; make it smaller", sized(enqueue.MaxPhoto))}
	}
	return b, err
}
