package plugchat

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

var (
	errSealed = errors.New("the call has already ended")
	errResend = errors.New("the request was already written and is not sent a second time")
)

// The states of a sending. Every way leads from fresh to exactly one other, so the answer to "was it written?" can't change after it was given.
// Only a connection that took nothing of the first write leads back: then nothing was begun.
const (
	fresh int32 = iota
	begun
	late
	sealed
)

// sending is the one writing of one request's body, however often net/http opens that body.
// net/http flushes the head of a request before it reads the body. So the last moment is checked twice: by the gate of our own transport
// before the head, which keeps the wire silent, and at the body's first Read, which holds for every transport: a head alone changes nothing.
type sending struct {
	ctx      context.Context //nolint:containedctx // lives as long as the request that carries the same context
	notAfter time.Time
	parts    [3][]byte
	state    atomic.Int32
	// wrote is told once, at is what it is told: nil while nothing was begun.
	wrote func(time.Time)
	told  sync.Once
	at    atomic.Pointer[time.Time]
	// gated says that a gate watches the writing. Without one the body's first Read is the nearest that is known of it.
	gated atomic.Bool
}

func newSending(ctx context.Context, call Call) *sending {
	return &sending{
		ctx:      ctx,
		notAfter: call.NotAfter,
		wrote:    call.Wrote,
		// The group id has a harmless alphabet and the photo is quoted already: see Call.check and Photo.
		parts: [3][]byte{[]byte(`{"groupId":"` + call.GroupID + `","groupPhoto":"`), call.Photo.p.text(), []byte(`"}`)},
	}
}

func (s *sending) length() int64 {
	n := 0
	for _, part := range s.parts {
		n += len(part)
	}
	return int64(n)
}

func (s *sending) open() io.ReadCloser { return &bodyReader{sending: s} }

// reopen is the request's GetBody. net/http calls it to repeat a request that it could not write on a stale connection:
// it gets a second body only while the first was never read, so that no two requests can reach the wire.
func (s *sending) reopen() (io.ReadCloser, error) {
	switch s.state.Load() {
	case fresh:
		return s.open(), nil
	case late:
		return nil, ErrTooLate
	default:
		return nil, errResend
	}
}

// may says whether writing may begin now; a no is for good.
func (s *sending) may() error {
	if s.ctx.Err() != nil {
		s.state.CompareAndSwap(fresh, sealed)
		return context.Cause(s.ctx)
	}
	if !s.notAfter.IsZero() && time.Now().After(s.notAfter) {
		s.state.CompareAndSwap(fresh, late)
		return ErrTooLate
	}
	return nil
}

// untouched says whether the body was never read: what is written before that is the head alone.
func (s *sending) untouched() bool { return s.state.Load() == fresh }

// hasBegun says whether the body was read, and so may be written.
func (s *sending) hasBegun() bool { return s.state.Load() == begun }

// unwritten takes begin back: the connection took neither the head nor anything of the body.
func (s *sending) unwritten() {
	s.at.Store(nil)
	s.state.CompareAndSwap(begun, fresh)
}

// tell passes on when the writing began. The first caller is heard, and the others wait for it.
func (s *sending) tell() {
	if at := s.at.Load(); at != nil && s.wrote != nil {
		s.told.Do(func() { s.wrote(*at) })
	}
}

// begin decides, once, whether the body may be written.
func (s *sending) begin() error {
	if err := s.may(); err != nil {
		return err
	}
	now := time.Now()
	s.at.CompareAndSwap(nil, &now)
	if !s.state.CompareAndSwap(fresh, begun) {
		return errSealed
	}
	if !s.gated.Load() {
		s.tell()
	}
	return nil
}

// end stops a body that was not begun from ever being written, and tells the final state.
func (s *sending) end() int32 {
	s.state.CompareAndSwap(fresh, sealed)
	state := s.state.Load()
	if state == begun {
		s.tell() // an answer, or the end of the time, may overtake a write that is still under way
	}
	return state
}

// bodyReader reads the parts one after the other without joining them, so that the photo is never copied for a call.
type bodyReader struct {
	*sending
	started bool
	part    int
	offset  int
}

// Read gives the next bytes; the first Read decides whether there are any.
func (b *bodyReader) Read(p []byte) (int, error) {
	if !b.started {
		if err := b.begin(); err != nil {
			return 0, err
		}
		b.started = true
	}
	n := 0
	for b.part < len(b.parts) && n < len(p) {
		copied := copy(p[n:], b.parts[b.part][b.offset:])
		n += copied
		b.offset += copied
		if b.offset == len(b.parts[b.part]) {
			b.part, b.offset = b.part+1, 0
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Close has nothing to release.
func (b *bodyReader) Close() error { return nil }
