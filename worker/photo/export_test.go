package photo

import (
	"context"
	"runtime"
	"time"
)

// Orientation reads the EXIF orientation as Make would, whatever the header says beyond the format.
func Orientation(format string, src []byte) int {
	return orientationOf(&header{format: format, jpeg: walkJPEG(src)}, src)
}

// LimitDecoding shortens the time a decoder may take.
func (m *Maker) LimitDecoding(d time.Duration) { m.decodeTime = d }

// Memory returns the estimate that Make holds against the budget.
func (m *Maker) Memory(src []byte) (int64, error) {
	h, fail := inspect(src)
	if fail != nil {
		return 0, fail
	}
	l, fail := m.options.place(h.width, h.height)
	if fail != nil {
		return 0, fail
	}
	err := m.weigh(context.Background(), &h)
	return h.memory(l, m.options.Side), err
}

// DecodingCost returns what the estimate charges for a WebP's decoding alone.
func (m *Maker) DecodingCost(src []byte) (int64, error) {
	h, fail := inspect(src)
	if fail != nil {
		return 0, fail
	}
	err := m.weigh(context.Background(), &h)
	return h.cost.kept + h.cost.scratch, err
}

// Occupy takes every place for decoding and returns what gives them back.
func (m *Maker) Occupy() func() {
	places := int64(runtime.GOMAXPROCS(0))
	if !m.slots.TryAcquire(places) {
		panic("a place is taken")
	}
	return func() { m.slots.Release(places) }
}

// Idle reports whether the whole memory budget is free.
func (m *Maker) Idle() bool {
	if !m.memory.waiting.TryAcquire(m.options.MemoryBudget) {
		return false
	}
	m.memory.waiting.Release(m.options.MemoryBudget)
	return m.memory.live == 0
}

// Decode runs a decoder as Make does and returns its error.
func Decode(ctx context.Context, format string, src []byte) error {
	_, err := decode(ctx, &header{format: format}, src)
	return err
}

// Resample scales a window of a plane.
func Resample(pix []byte, wide, high int, x, y, w, h float64, toWide, toHigh int) []byte {
	return resample(plane{pix, wide, high}, window{x, y, w, h}, toWide, toHigh).pix
}

// Average shrinks a whole plane by boxes and returns them, how many stand in a row, and their sides.
func Average(pix []byte, wide, high, toWide, toHigh int) (averages []byte, across, fx, fy int) {
	b := boxesOf(window{0, 0, float64(wide), float64(high)}, wide, high, toWide, toHigh)
	out, err := average(context.Background(), plane{pix, wide, high}, b)
	if err != nil {
		panic(err)
	}
	return out.pix, b.across, b.fx, b.fy
}

// Inspect reads the header alone, and completes what it costs.
func Inspect(src []byte) (width, height int, err error) {
	h, fail := inspect(src)
	if fail != nil {
		return 0, 0, fail
	}
	return h.width, h.height, h.weigh(context.Background().Err)
}
