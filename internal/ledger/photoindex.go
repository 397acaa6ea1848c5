package ledger

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed photo_at.lua
var photoAtLua string

//go:embed photo_note.lua
var photoNoteLua string

var (
	photoAtScript   = newScript(photoAtLua)
	photoNoteScript = newScript(photoNoteLua)
)

const (
	// MaxFresh is the longest that what a URL gave is believed without asking its
	// server again, whatever stands in Redis.
	MaxFresh = 24 * time.Hour
	// maxValidator is the longest validator that is kept or believed, in bytes,
	// and the longest name of the resource that gave it.
	maxValidator = 1 << 10
)

// Fetched is what a URL gave when it was last asked.
type Fetched struct {
	Source tasks.PhotoRef // the bytes it gave; they need not be in the photo store
	// ETag and LastModified are the server's names for that version, or empty.
	ETag, LastModified string
	// Of names the resource that gave them, as the fetcher does; empty in what
	// older versions noted: they hold for no resource then.
	Of string
	// Fresh is for how long this may be believed without asking again: 0 when it
	// must be asked, never more than MaxFresh.
	Fresh time.Duration
	// Span is what Fresh was when this was noted; 0 in what older versions noted.
	// NotePhotoAt does not read it.
	Span time.Duration
}

// keyMadeAs is where the finished photo of a source is named, one for every
// version of the maker's parameters.
func keyMadeAs(source tasks.PhotoRef, version string) string {
	return keyPhotos + "{" + source.Hash() + "}:as:" + version
}

// keyURL names a URL by its SHA-256: it may be signed and is written nowhere.
func keyURL(url tasks.PhotoRef) string {
	return keyPhotos + "{" + tasks.HashHex(sha256.Sum256([]byte(url.Wire()))) + "}:url"
}

// MadeAs returns the finished photo that was made of a source by a maker of this
// version, and prolongs the life of that knowledge to at least until a moment.
// The photo itself may be gone. Errors: ErrNoPhoto, and Redis'.
func (l *Ledger) MadeAs(ctx context.Context, source tasks.PhotoRef, version string, until time.Time) (tasks.PhotoRef, error) {
	hash, err := l.take(ctx, keyMadeAs(source, version), until)
	switch {
	case errors.Is(err, redis.Nil):
		return tasks.PhotoRef{}, fmt.Errorf("made of %s: %w", source, ErrNoPhoto)
	case err != nil:
		return tasks.PhotoRef{}, fmt.Errorf("looking for what was made of the photo: %w", err)
	}
	made, err := tasks.ParsePhoto(tasks.MadeRef(hash).Wire())
	if err != nil { // not ours
		return tasks.PhotoRef{}, fmt.Errorf("made of %s: %w", source, ErrNoPhoto)
	}
	return made, nil
}

// NoteMade writes down which finished photo a maker of this version makes of a
// source, in the place of what was known, and keeps it for a time.
func (l *Ledger) NoteMade(ctx context.Context, source tasks.PhotoRef, version string, made tasks.PhotoRef, keep time.Duration) error {
	if err := l.rdb.Set(ctx, keyMadeAs(source, version), made.Hash(), keep).Err(); err != nil {
		return fmt.Errorf("noting what was made of the photo: %w", err)
	}
	return nil
}

// PhotoAt returns what a URL gave when it was last asked, by any process. How
// long that is fresh is counted on Redis' clock. An entry that cannot be ours is
// as good as none. Errors: ErrNoPhoto when nothing is known, and Redis'.
func (l *Ledger) PhotoAt(ctx context.Context, url tasks.PhotoRef) (Fetched, error) {
	answer, err := photoAtScript.Run(ctx, l.rdb, []string{keyURL(url)}, millis(MaxFresh)).Slice()
	if err != nil && !errors.Is(err, redis.Nil) {
		return Fetched{}, fmt.Errorf("looking for what the photo's address gave: %w", err)
	}
	e := reply(answer)
	source, bad := tasks.ParsePhoto(tasks.SourceRef(e.text(0)).Wire())
	f := Fetched{
		Source: source, ETag: e.text(1), LastModified: e.text(2), Of: e.text(4),
		Fresh: min(max(0, e.duration(3)), MaxFresh), Span: min(max(0, e.duration(5)), MaxFresh),
	}
	if err != nil || bad != nil || max(len(f.ETag), len(f.LastModified), len(f.Of)) > maxValidator {
		return Fetched{}, fmt.Errorf("at this address: %w", ErrNoPhoto)
	}
	return f, nil
}

// NotePhotoAt writes down what a URL gave, in the place of what was known, and
// keeps it for as long as outcomes are kept. The URL itself is not written: it
// may be signed. Fresh counts from now and is cut to MaxFresh; validators and
// names of resources longer than 1 KiB are dropped.
func (l *Ledger) NotePhotoAt(ctx context.Context, url tasks.PhotoRef, f Fetched) error {
	for _, v := range []*string{&f.ETag, &f.LastModified, &f.Of} {
		if len(*v) > maxValidator {
			*v = ""
		}
	}
	fresh := min(max(0, f.Fresh), MaxFresh)
	err := photoNoteScript.Run(ctx, l.rdb, []string{keyURL(url)},
		f.Source.Hash(), f.ETag, f.LastModified, millis(fresh), millis(max(l.keep, fresh)), f.Of).Err()
	if err != nil {
		return fmt.Errorf("noting what the photo's address gave: %w", err)
	}
	return nil
}
