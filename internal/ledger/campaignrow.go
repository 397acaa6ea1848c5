package ledger

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"

	"github.com/plugchat-go/groupphoto/tasks"
)

// RowVerdict says what became of a row while its task was on the way.
type RowVerdict string

// The verdicts.
const (
	RowOK      RowVerdict = "ok"
	RowStale   RowVerdict = "stale"   // it was fed again or moved since: this run has no row
	RowEnded   RowVerdict = "ended"   // it has an end
	RowPaused  RowVerdict = "paused"  // its campaign is paused, or its hours are over: it waits to be fed again
	RowClosed  RowVerdict = "closed"  // its campaign was cancelled, or has expired
	RowUnknown RowVerdict = "unknown" // there is no such row
)

// args are what row_settle in rows.lua wants, the letter first.
func (e RowEnd) args() []any {
	return []any{letterOf(e.State), e.pack(), string(e.Reason), e.Detail, packPhoto(e.Photo), packPhoto(e.PreviousPhoto)}
}

// packPhoto writes a reference into the photo store in half its length; every other
// text stays. unpackPhoto reads both. A hash of Redis with a text of more than 64 bytes
// in it takes twice the memory, and every group has one.
func packPhoto(text string) string {
	ref, err := tasks.ParsePhoto(text)
	if err != nil || ref.Wire() != text {
		return text
	}
	raw, err := hex.DecodeString(ref.Hash())
	switch {
	case err != nil || len(raw) == 0:
		return text
	case ref.Kind == tasks.PhotoSource:
		return "\x02" + string(raw)
	}
	return "\x01" + string(raw)
}

func unpackPhoto(word string) string {
	switch {
	case strings.HasPrefix(word, "\x01"):
		return tasks.MadeRef(hex.EncodeToString([]byte(word[1:]))).Wire()
	case strings.HasPrefix(word, "\x02"):
		return tasks.SourceRef(hex.EncodeToString([]byte(word[1:]))).Wire()
	}
	return word
}

// pack writes the first 16 bytes of an end, numbers with the lowest byte first. What
// is more than they hold is cut to the most.
func (e RowEnd) pack() []byte {
	value := uint16(0)
	if e.Value != nil {
		value = 1
		if *e.Value {
			value = 2
		}
	}
	most := func(n, limit int64) uint64 { return uint64(min(max(0, n), limit)) } //nolint:gosec // not negative
	finished := int64(0)
	if !e.FinishedAt.IsZero() {
		finished = e.FinishedAt.UnixMilli()
	}
	b := binary.LittleEndian.AppendUint16(make([]byte, 0, 16), value)
	b = binary.LittleEndian.AppendUint16(b, uint16(most(int64(e.Attempts), math.MaxUint16)))   //nolint:gosec // cut
	b = binary.LittleEndian.AppendUint16(b, uint16(most(int64(e.HTTPStatus), math.MaxUint16))) //nolint:gosec // cut
	at := binary.LittleEndian.AppendUint64(nil, most(finished, 1<<48-1))
	b = append(b, at[:6]...)
	return binary.LittleEndian.AppendUint32(b, uint32(most(e.Took.Milliseconds(), math.MaxUint32))) //nolint:gosec // cut
}
