package photo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"
)

// decodeTime bounds the decoding of one image: a 50-megapixel JPEG takes half a second on an idle machine.
const decodeTime = 10 * time.Second

// Maker makes photos. It is safe for concurrent use; all calls together stay within its memory budget and decode at most
// as many images at a time as there were processors for the program when New was called. Others wait.
type Maker struct {
	options    Options
	slots      *semaphore.Weighted
	walks      *semaphore.Weighted // one at a time: what a walk over a file takes is not in the budget
	memory     *budget
	decodeTime time.Duration
}

// New returns a Maker, or all problems of the options joined.
func New(options Options) (*Maker, error) {
	options = options.withDefaults()
	if err := options.validate(); err != nil {
		return nil, err
	}
	return &Maker{
		options: options, decodeTime: decodeTime,
		slots:  semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))),
		walks:  semaphore.NewWeighted(1),
		memory: newBudget(options.MemoryBudget),
	}, nil
}

// Version returns a short text that differs whenever the same source may give other bytes or another verdict: it names
// side, quality, byte limit, smallest side (0 when small sources are allowed), fit, and background.
func (m *Maker) Version() string {
	o := m.options
	return fmt.Sprintf("%s-%d-%d-%d-%d-%s-%s-%02x%02x%02x",
		parameterVersion, o.Side, o.Quality, o.MaxBytes, o.MinSide, o.Fit, o.Extreme, o.Background.R, o.Background.G, o.Background.B)
}

// Make returns the finished photo of src, which it neither changes nor keeps. Every failure is an *Error, except that a
// cancelled or expired ctx gives its cause, wrapped; ctx also ends the wait for a turn and for memory. Make logs nothing.
func (m *Maker) Make(ctx context.Context, src []byte) (Photo, error) {
	h, fail := inspect(src)
	if fail != nil {
		return Photo{}, fail
	}
	if short := min(h.width, h.height); short < m.options.MinSide {
		return Photo{}, refuse(TooSmall, "it is %d x %d pixels and the short side must have at least %d; give a larger one", h.width, h.height, m.options.MinSide)
	}
	l, fail := m.options.place(h.width, h.height)
	if fail != nil {
		return Photo{}, fail
	}
	began := time.Now()
	if err := m.slots.Acquire(ctx, 1); err != nil {
		return Photo{}, cancelled(ctx)
	}
	defer m.slots.Release(1)
	if err := m.weigh(ctx, &h); err != nil {
		return Photo{}, err
	}
	need := h.memory(l, m.options.Side)
	if fail := m.admit(&h, need); fail != nil {
		return Photo{}, fail
	}
	if err := m.memory.acquire(ctx, need); err != nil {
		return Photo{}, cancelled(ctx)
	}
	defer m.memory.release(need)

	made := making{Maker: m, header: &h, layout: l, src: src}
	made.work = Work{Region: l.region, Shrunk: l.factor, Padded: l.padded, Memory: need, Waited: time.Since(began)}
	return made.photo(ctx)
}

// weigh completes the header's cost.
func (m *Maker) weigh(ctx context.Context, h *header) error {
	if err := m.walks.Acquire(ctx, 1); err != nil {
		return cancelled(ctx)
	}
	defer m.walks.Release(1)
	limited, cancel := context.WithTimeout(ctx, m.decodeTime)
	defer cancel()
	return m.failed(ctx, limited, h.format, h.weigh(limited.Err))
}

// failed tells the caller's end from the time limit's and both from damage. A nil error stays nil.
func (m *Maker) failed(ctx, limited context.Context, format string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return cancelled(ctx)
	case limited.Err() != nil:
		return refuse(TooSlow, "decoding it takes longer than %s; try again when the machine is less busy, or give a smaller image", m.decodeTime)
	}
	return decoderError(format, err)
}

// admit holds the memory needed against the budget.
func (m *Maker) admit(h *header, need int64) *Error {
	if need > m.options.MemoryBudget {
		if h.cost.tables > need/2 {
			return refuse(TooComplex, "its lossless code tables would take %d MiB, which real images never do; export it again", h.cost.tables>>20)
		}
		return refuse(TooManyPixels, "decoding its %d x %d pixels would take %d MiB and %d are allowed; make it smaller", h.width, h.height, need>>20, m.options.MemoryBudget>>20)
	}
	return nil
}

// reader lets a decoder see the end of its time: decoders know no context, but all of them read. Small pieces keep the
// stretches between two looks short.
type reader struct {
	ctx context.Context
	src io.Reader
}

const pieceBytes = 512

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.src.Read(p[:min(len(p), pieceBytes)])
}

func cancelled(ctx context.Context) error {
	return fmt.Errorf("making the photo: %w", context.Cause(ctx))
}

func hashHex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
