// Package photo turns the bytes of any image people really have into the one JPEG that is sent: a centred square, upright,
// on white, small, without metadata. It owns the limits that make hostile images harmless (pixels, scans, memory, time)
// and the names of what it refuses. It refuses to know where bytes come from and where they go: tasks, Redis and HTTP
// are not its business.
package photo

import (
	"encoding/base64"
	"fmt"
	"image"
	"log/slog"
	"time"
)

const dataURIPrefix = "data:image/jpeg;base64,"

// Photo is a finished photo. It must be treated as read-only: it may be shared by many updates.
type Photo struct {
	JPEG    []byte
	Hash    string // lower-case hex SHA-256 of JPEG
	Side    int    // width and height in pixels
	Quality int    // of the JPEG, 1 to 100
	Source  Source // what it was made from
	Work    Work   // how it was made
	// Warnings name what somebody who looks at the photo may wonder about. None of them stops it.
	Warnings []Warning
}

// Source is what is known about the image a Photo was made from.
type Source struct {
	Format      string // jpeg, png, gif, webp or bmp
	Width       int    // in pixels, as stored: before the orientation is applied
	Height      int
	Orientation int    // EXIF, 1 to 8; 1 when there is none or it can't be read
	Colour      string // how colours are stored: "grey", "YCbCr 4:2:0", "RGB", "RGB with alpha", "CMYK", "palette" …
	Progressive bool   // a JPEG whose picture comes in several scans
	Profile     string // name of its colour profile; "" when there is none, "unnamed" when it has no name
	Bytes       int
	Hash        string // lower-case hex SHA-256 of the source bytes
}

// Work is how a photo was made. Times are of the clock on the wall.
type Work struct {
	Region    image.Rectangle // the part of the source that is shown, in pixels as stored
	Shrunk    int             // so many source pixels, across and down, were averaged to one before the final scaling
	Padded    bool            // the whole picture is shown, with background beside it
	Converted bool            // its colours were brought to sRGB
	Tries     []Try           // every encoding; the last one fitted
	Memory    int64           // bytes held against the memory budget
	Waited    time.Duration   // for a place and for memory
	Decoded   time.Duration
	Drawn     time.Duration // shrinking, scaling, colours, turning
	Encoded   time.Duration
}

// Try is one encoding.
type Try struct{ Quality, Bytes int }

// Warning is one thing worth knowing about a finished photo.
type Warning struct {
	Code string // one stable word: enlarged, first_frame, transparent, cmyk_without_profile …
	Text string // for people
}

// DataURI returns the JPEG as a data URI, the form the provider takes. Every call encodes anew.
func (p Photo) DataURI() string {
	uri := make([]byte, 0, len(dataURIPrefix)+base64.StdEncoding.EncodedLen(len(p.JPEG)))
	return string(base64.StdEncoding.AppendEncode(append(uri, dataURIPrefix...), p.JPEG))
}

// String gives the facts, never the bytes.
func (p Photo) String() string {
	return fmt.Sprintf("photo %.12s: %d px, quality %d, %d bytes, from %s %dx%d orientation %d",
		p.Hash, p.Side, p.Quality, len(p.JPEG), p.Source.Format, p.Source.Width, p.Source.Height, p.Source.Orientation)
}

// GoString is String, so that %#v can't print the bytes either.
func (p Photo) GoString() string { return p.String() }

// LogValue gives the facts, never the bytes.
func (p Photo) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("hash", p.Hash),
		slog.Int("side", p.Side),
		slog.Int("quality", p.Quality),
		slog.Int("bytes", len(p.JPEG)),
		slog.String("source_format", p.Source.Format),
		slog.Int("source_width", p.Source.Width),
		slog.Int("source_height", p.Source.Height),
		slog.Int("source_orientation", p.Source.Orientation),
		slog.String("source_hash", p.Source.Hash),
	)
}
