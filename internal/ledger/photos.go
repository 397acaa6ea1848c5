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

//go:embed photo_keep.lua
var photoKeepLua string

//go:embed photo_take.lua
var photoTakeLua string

var (
	photoKeepScript = newScript(photoKeepLua)
	photoTakeScript = newScript(photoTakeLua)
)

// ErrNoPhoto says that the photo store does not have the photo, or no longer.
var ErrNoPhoto = errors.New("the photo is not in the photo store")

// keyPhoto gives sources and finished photos names of their own: the same
// bytes may be stored as both.
func keyPhoto(ref tasks.PhotoRef) string {
	kind := "made"
	if ref.Kind == tasks.PhotoSource {
		kind = "src"
	}
	return keyPhotos + "{" + ref.Hash() + "}:" + kind
}

// StorePhoto puts bytes into the photo store as a source (as they were given)
// or as a finished JPEG, and keeps them at least until a moment. Bytes that are
// there already are not sent again.
func (l *Ledger) StorePhoto(ctx context.Context, kind tasks.PhotoKind, b []byte, until time.Time) (tasks.PhotoRef, error) {
	hash := tasks.HashHex(sha256.Sum256(b))
	ref := tasks.MadeRef(hash)
	if kind == tasks.PhotoSource {
		ref = tasks.SourceRef(hash)
	}
	there, err := l.KeepPhoto(ctx, ref, until)
	if err != nil || there {
		return ref, err
	}
	if err := photoKeepScript.Run(ctx, l.rdb, []string{keyPhoto(ref)}, unixMillis(until), b).Err(); err != nil {
		return ref, fmt.Errorf("storing the photo: %w", err)
	}
	return ref, nil
}

// KeepPhoto prolongs a stored photo's life to at least until a moment and says
// whether the store has it.
func (l *Ledger) KeepPhoto(ctx context.Context, ref tasks.PhotoRef, until time.Time) (bool, error) {
	n, err := photoKeepScript.Run(ctx, l.rdb, []string{keyPhoto(ref)}, unixMillis(until)).Int()
	if err != nil {
		return false, fmt.Errorf("looking for the photo in the store: %w", err)
	}
	return n == 1, nil
}

// Photo reads a stored photo. Errors: ErrNoPhoto, and Redis'.
func (l *Ledger) Photo(ctx context.Context, ref tasks.PhotoRef) ([]byte, error) {
	b, err := l.rdb.Get(ctx, keyPhoto(ref)).Bytes()
	return l.verified(ctx, ref, b, err)
}

// TakePhoto reads a stored photo and prolongs its life to at least until a
// moment. Errors: ErrNoPhoto, and Redis'.
func (l *Ledger) TakePhoto(ctx context.Context, ref tasks.PhotoRef, until time.Time) ([]byte, error) {
	text, err := l.take(ctx, keyPhoto(ref), until)
	return l.verified(ctx, ref, []byte(text), err)
}

// take reads a text key and prolongs its life; redis.Nil when there is none.
func (l *Ledger) take(ctx context.Context, key string, until time.Time) (string, error) {
	return photoTakeScript.Run(ctx, l.rdb, []string{key}, unixMillis(until)).Text()
}

// verified judges what was read of a photo. What does not hold the bytes that
// its name says is removed, so that the right ones can be stored again.
func (l *Ledger) verified(ctx context.Context, ref tasks.PhotoRef, b []byte, err error) ([]byte, error) {
	switch {
	case errors.Is(err, redis.Nil):
		return nil, fmt.Errorf("%s: %w", ref, ErrNoPhoto)
	case err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE"):
		return nil, fmt.Errorf("reading the photo: %w", err)
	case err == nil && tasks.HashHex(sha256.Sum256(b)) == ref.Hash():
		return b, nil
	}
	if err := l.rdb.Unlink(ctx, keyPhoto(ref)).Err(); err != nil {
		return nil, fmt.Errorf("removing a spoiled photo: %w", err)
	}
	return nil, fmt.Errorf("%s holds other bytes than its name says: %w", ref, ErrNoPhoto)
}
