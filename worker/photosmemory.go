package worker

import (
	"encoding/base64"
	"sync"
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

const (
	// What is remembered of references and of failures, in bytes.
	maxLinks    = 4 << 20
	maxFailures = 1 << 20
	// entryCost is what one entry takes beside its bytes and its key, roughly; of
	// a failure, its texts.
	entryCost   = 512
	failureCost = 2 << 10
	// badFor is how long a failure is believed: a dead URL in a burst is asked once
	// a minute, bytes that take too long are tried once a minute, and what was
	// mended works a minute later.
	badFor = time.Minute
	// forGood is the time of links whose key names the content.
	forGood = time.Duration(0)
)

// finished is a photo that can be sent, with the bytes it was encoded from.
type finished struct {
	ready ready
	jpeg  []byte
	renew time.Time // the store must be told by then that it is still needed
}

// link is what a reference leads to.
type link struct {
	ready ready // without its photo when that is among the finished ones
	until time.Time
}

// failure is why a reference leads nowhere.
type failure struct {
	err   error
	until time.Time
}

// memory is what this process knows about photos, bounded in bytes. A finished
// photo is held once, however many references lead to it. It is safe for
// concurrent use.
type memory struct {
	now      func() time.Time
	mu       sync.Mutex
	photos   *lru[finished] // by the reference of the finished photo
	links    *lru[link]     // by other references
	failures *lru[failure]  // by any reference
}

func newMemory(most int64) *memory {
	return &memory{now: time.Now, photos: newLRU[finished](most), links: newLRU[link](maxLinks), failures: newLRU[failure](maxFailures)}
}

// recall returns what a reference is known to lead to, a photo or a failure.
func (m *memory) recall(ref tasks.PhotoRef) (r ready, known bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if f, ok := m.failures.get(ref.Wire()); ok && now.Before(f.until) {
		return ready{}, true, f.err
	}
	made := ref
	if ref.Kind != tasks.PhotoMade {
		l, ok := m.links.get(ref.Wire())
		if !ok || !l.until.IsZero() && !now.Before(l.until) {
			return ready{}, false, nil
		}
		if made = l.ready.ref; made.Kind != tasks.PhotoMade {
			return l.ready, true, nil
		}
	}
	f, ok := m.photos.get(made.Wire())
	if !ok || !now.Before(f.renew) {
		return ready{}, false, nil
	}
	return f.ready, true, nil
}

// photo returns a finished photo, one that should be renewed included.
func (m *memory) photo(made tasks.PhotoRef) (finished, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.photos.get(made.Wire())
}

// madeOf returns which finished photo a source leads to.
func (m *memory) madeOf(source tasks.PhotoRef) (tasks.PhotoRef, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.links.get(source.Wire())
	return l.ready.ref, ok
}

// keep holds a finished photo that the store has and returns it, ready.
func (m *memory) keep(made tasks.PhotoRef, jpeg []byte) ready {
	m.mu.Lock()
	f, ok := m.photos.get(made.Wire())
	m.mu.Unlock()
	if !ok {
		f = finished{ready: ready{plugchat.JPEG(jpeg), made, len(jpeg)}, jpeg: jpeg}
	}
	f.renew = m.now().Add(renewAfter)
	weight := int64(len(jpeg) + base64.StdEncoding.EncodedLen(len(jpeg)))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.photos.put(made.Wire(), f, weight+entryCost)
	return f.ready
}

// link notes that a reference leads to r, for a time or for good.
func (m *memory) link(ref tasks.PhotoRef, r ready, fresh time.Duration) {
	weight := int64(entryCost)
	l := link{ready: r}
	if r.ref.Kind == tasks.PhotoMade {
		l.ready.photo = plugchat.Photo{}
	} else {
		weight += int64(2 * len(r.ref.Wire())) // as it is sent it may be a little longer
	}
	if fresh != forGood {
		l.until = m.now().Add(fresh)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.links.put(ref.Wire(), l, weight)
}

// fail notes a failure.
func (m *memory) fail(ref tasks.PhotoRef, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failures.put(ref.Wire(), failure{err, m.now().Add(badFor)}, failureCost)
}
