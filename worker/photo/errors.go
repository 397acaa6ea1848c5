package photo

import (
	"fmt"
)

// Reason is the one word for why no photo could be made. The words are stable: they may be stored and shown.
type Reason string

// The reasons. All but TooSlow are permanent: the same bytes fail again.
const (
	// NotAnImage means that the bytes are something else: a web page, a document, a film.
	NotAnImage Reason = "not_an_image"
	// UnsupportedFormat means an image of a kind that is not decoded here.
	UnsupportedFormat Reason = "unsupported_format"
	// TooSmall means that the short side has too few pixels.
	TooSmall Reason = "too_small"
	// ExtremeRatio means that the picture is too long for its width, and that Options say to refuse such.
	ExtremeRatio Reason = "extreme_ratio"
	// TooManyPixels means that the sides, the area or the memory for decoding pass the limit.
	TooManyPixels Reason = "too_many_pixels"
	// TooComplex means too many scans or code tables, or a result that doesn't fit the byte limit.
	TooComplex Reason = "too_complex"
	// TooSlow means that decoding took too long, which may be the fault of a busy machine.
	TooSlow Reason = "too_slow"
	// TooLarge means that inline data is longer than its limit.
	TooLarge Reason = "too_large"
	// Corrupt means that the image is cut off or damaged.
	Corrupt Reason = "corrupt"
	// BadBase64 means that inline data is no Base64.
	BadBase64 Reason = "bad_base64"
	// Empty means that there are no bytes.
	Empty Reason = "empty"
)

// Error is every failure to make a photo but the caller's own cancellation. Its text never contains image bytes.
type Error struct {
	Reason Reason
	Detail string // for people: what was wrong and what to do
	Err    error  // the decoder's error, or nil; Detail has what it says
}

// Error tells what was wrong and what to do.
func (e *Error) Error() string {
	return "making the photo: " + string(e.Reason) + ": " + e.Detail
}

// Permanent reports whether the same bytes will fail again. It is false for TooSlow only.
func (e *Error) Permanent() bool { return e.Reason != TooSlow }

// Unwrap returns the decoder's error, or nil.
func (e *Error) Unwrap() error { return e.Err }

func refuse(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
