package photo

import (
	"context"
	"runtime/debug"
	"sync"

	"golang.org/x/sync/semaphore"
)

// cost is an estimate of what one decoding allocates, in bytes.
type cost struct {
	kept    int64 // the decoded picture
	scratch int64 // what is garbage as soon as it is decoded
	tables  int64 // the part of scratch that grows with the file's complexity, not with its pixels
}

// sweepBytes of garbage are worth a collection, which costs a few milliseconds, before the next large allocation.
const sweepBytes = 32 << 20

// peak estimates the bytes in use at the worst moment, when so many more are needed after decoding.
func (c cost) peak(after int64) int64 {
	if c.scratch < sweepBytes {
		return c.kept + c.scratch + after
	}
	return c.kept + max(c.scratch, after)
}

// sweep collects the scratch of a picture just decoded, where peak counts on it.
func (c cost) sweep() {
	if c.scratch >= sweepBytes {
		debug.FreeOSMemory()
	}
}

// budget bounds the memory of all decodes. What a finished decode used is garbage until it is collected, so it counts
// against the limit until then: left to itself, the collector lets garbage grow as large as everything that is alive.
type budget struct {
	limit   int64
	waiting *semaphore.Weighted
	mu      sync.Mutex
	live    int64
	garbage int64
}

func newBudget(limit int64) *budget {
	return &budget{limit: limit, waiting: semaphore.NewWeighted(limit)}
}

// acquire waits until need bytes are free, and collects garbage where that is what they are taken by. Its error is ctx's.
func (b *budget) acquire(ctx context.Context, need int64) error {
	if err := b.waiting.Acquire(ctx, need); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live+b.garbage+need > b.limit {
		debug.FreeOSMemory()
		b.garbage = 0
	}
	b.live += need
	return nil
}

func (b *budget) release(need int64) {
	b.mu.Lock()
	b.live -= need
	b.garbage += need
	b.mu.Unlock()
	b.waiting.Release(need)
}
