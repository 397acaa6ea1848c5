package photo

import (
	"context"
	"time"
)

// Orientation reads the EXIF orientation as Make would, whatever the header says beyond the format.
func Orientation(format string, src []byte) int {
	return orientationOf(header{format: format, jpeg: walkJPEG(src)}, src)
}

// LimitDecoding shortens the time a decoder may take.
func (m *Maker) LimitDecoding(d time.Duration) { m.decodeTime = d }

// Idle reports whether the whole memory budget is free.
func (m *Maker) Idle() bool {
	if !m.memory.TryAcquire(m.options.MemoryBudget) {
		return false
	}
	m.memory.Release(m.options.MemoryBudget)
	return true
}

// Decode runs a decoder as Make does and returns its error.
func Decode(ctx context.Context, format string, src []byte) error {
	_, err := decode(ctx, format, src)
	return err
}
