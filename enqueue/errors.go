package enqueue

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// What is wrong with a call. Match with errors.Is; several may be joined in one
// error, so that all problems of an update are told at once.
var (
	// ErrGroupID says that the group id cannot be one.
	ErrGroupID = tasks.ErrGroupID
	// ErrPhoto says that the photo cannot be read or is not an image.
	ErrPhoto = tasks.ErrPhoto
	// ErrPhotoTooLarge says that the photo has more than MaxPhoto bytes.
	ErrPhotoTooLarge = errors.New("the photo is too large")
	// ErrPhotoUnavailable says that FetchNow could not get the photo at the
	// moment; later it may work.
	ErrPhotoUnavailable = errors.New("the photo's server could not deliver it")
	// ErrID says that the id has a wrong form.
	ErrID = errors.New("not an update id")
	// ErrIDReused says that the id stands for an update with another content.
	ErrIDReused = errors.New("the id is taken by an update with another content")
	// ErrExpired says that the update would be expired on arrival.
	ErrExpired = errors.New("the update has expired already")
	// ErrUnknownAccount says that workers serve accounts, but never served this one.
	ErrUnknownAccount = errors.New("no worker has ever served the account")
	// ErrInvalid says that an option, a name, ref, by or what is asked of a campaign
	// cannot be, or that two options contradict each other.
	ErrInvalid = errors.New("not a valid request")
)

// What went wrong with Redis or the update.
var (
	// ErrNotFound says that there is no such update, or no longer.
	ErrNotFound = ledger.ErrUnknown
	// ErrUnavailable says that Redis could not be reached or cannot serve now.
	// After it nothing is known of the update: make the same call with the same
	// id again.
	ErrUnavailable = errors.New("redis is not available")
	// ErrTaskBusy says that an update's old task is still with a worker, so that
	// its new one cannot be handed over yet. Calling again in a moment goes on.
	ErrTaskBusy = errors.New("the update's old task is still with a worker")
	// ErrClosed says that the client has been closed.
	ErrClosed = errors.New("the client is closed")
)

// busyReplies are the answers of a Redis that is there but cannot serve now.
var busyReplies = []string{
	"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MISCONF", "OOM", "BUSY", "NOREPLICAS",
	"ERR max number of clients",
}

// fault gives an error of Redis the sentinel it deserves. An answer that Redis
// gave is an error of its own kind (NOPERM, WRONGTYPE); silence is
// ErrUnavailable. When the caller's own context was cancelled, its cause is the
// error: a caller who gave up has learnt nothing about Redis. A deadline is
// both, because waiting for a dead Redis ends in one.
func fault(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ledger.ErrUnknown), errors.Is(err, ledger.ErrNoPhoto):
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	if _, answered := errors.AsType[redis.Error](err); !answered || busy(err) {
		return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func busy(err error) bool {
	for _, prefix := range busyReplies {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}
