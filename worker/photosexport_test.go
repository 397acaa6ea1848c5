package worker

import (
	"context"
	"sync/atomic"

	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/photo"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// CountMakings counts the photos that the worker makes from now on. It must be
// called before Start.
func (w *Worker) CountMakings() *atomic.Int64 {
	var n atomic.Int64
	whole := w.photos.make
	w.photos.make = func(ctx context.Context, source []byte) (photo.Photo, error) {
		n.Add(1)
		return whole(ctx, source)
	}
	return &n
}

// Resolve returns the photo of a reference as the second step has it.
func (w *Worker) Resolve(ctx context.Context, ref tasks.PhotoRef) (plugchat.Photo, error) {
	r, err := w.photos.resolve(ctx, ref)
	return r.photo, err
}

// Made returns the JPEG that a reference stands for.
func (w *Worker) Made(ctx context.Context, ref tasks.PhotoRef) ([]byte, error) {
	r, err := w.photos.resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	return w.ledger.Photo(ctx, r.ref)
}
