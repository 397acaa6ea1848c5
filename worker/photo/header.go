package photo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"
)

const (
	maxPixelsBaseline = 51_000_000 // phones of "50 megapixels" have 8192 x 6144; decoded in one pass at 1.5 bytes a pixel
	maxPixels         = 25_000_000
	maxScans          = 64 // real files have at most 18; a 44 kB file with 1,000 costs ten seconds
)

// header is what is known before a single pixel is decoded.
type header struct {
	format        string
	width, height int
	animated      bool
	grey          bool  // a PNG without colours, however its decoder gives it
	bytes         int64 // of the file
	maxPixels     int64
	cost          cost
	jpeg          jpegFacts // of JPEGs only
	webp          webpFacts // of WebPs only
}

// inspect reads the header of src and holds it against every limit that needs no decoding.
func inspect(src []byte) (header, *Error) {
	format, fail := sniff(src)
	if fail != nil {
		return header{}, fail
	}
	config, err := decodeConfig(format, src)
	if err != nil {
		return header{}, decoderError(format, err)
	}
	h := header{format: format, width: config.Width, height: config.Height, bytes: int64(len(src)), maxPixels: maxPixels}
	pixels := int64(h.width) * int64(h.height)
	switch format {
	case formatJPEG:
		h.jpeg = walkJPEG(src)
		if h.jpeg.width != h.width || h.jpeg.height != h.height {
			return header{}, refuse(Corrupt, "the JPEG contradicts itself about its size; export it again")
		}
		h.cost = h.jpeg.cost(pixels)
		if !h.jpeg.progressive {
			h.maxPixels = maxPixelsBaseline
		}
	case formatPNG:
		h.cost = pngCost(src, pixels)
		h.grey = len(src) > pngColourAt && (src[pngColourAt] == pngGrey || src[pngColourAt] == pngGreyAlpha)
	case formatGIF:
		h.cost = cost{kept: pixels, scratch: pixels}
		h.animated = gifAnimated(src)
	case formatWebP:
		if h.webp, fail = walkWebP(src); fail != nil {
			return header{}, fail
		}
		h.animated = h.webp.animated
	case formatBMP:
		h.cost = cost{kept: 4 * pixels}
	}
	return h, h.check()
}

func (h *header) check() *Error {
	switch {
	case h.width < 1 || h.height < 1:
		return refuse(Corrupt, "the %s says it has no pixels; export it again", h.format)
	case max(h.width, h.height) > LongestSide:
		return refuse(TooManyPixels, "it is %d x %d pixels and no side may be longer than %d; make it smaller", h.width, h.height, LongestSide)
	case int64(h.width)*int64(h.height) > h.maxPixels:
		return refuse(TooManyPixels, "it is %d x %d pixels and at most %d million are decoded of this kind; make it smaller", h.width, h.height, h.maxPixels/1_000_000)
	case h.format == formatJPEG && !h.jpeg.progressive && h.jpeg.scans > max(1, h.jpeg.components):
		// Each costs the decoder a pass over all pixels, and only the last one counts.
		return refuse(TooComplex, "the JPEG has %d scans of %d components and can have as many as components; export it again", h.jpeg.scans, h.jpeg.components)
	case h.jpeg.scans > maxScans:
		return refuse(TooComplex, "the JPEG has %d scans and real ones have at most a dozen; export it again as an ordinary JPEG", h.jpeg.scans)
	}
	return nil
}

// weigh completes the cost of what must be walked for it. Its error is stop's, or tells what is damaged.
func (h *header) weigh(stop func() error) error {
	if h.format != formatWebP {
		return nil
	}
	width, height := h.width, h.height
	if h.webp.animated {
		width, height = h.webp.frame.Dx(), h.webp.frame.Dy()
	}
	var err error
	h.cost, err = h.webp.cost(width, height, stop)
	return err
}

// memory estimates the bytes that source, decoding and what follows take at their peak.
func (h *header) memory(l layout, side int) int64 {
	const overhead = 1 << 20 // decoders' and encoder's buffers
	return h.bytes + overhead + h.cost.peak(l.memory(side))
}

// decodeConfig and decode call the decoder that is meant: image.Decode would use whatever any dependency registered.
func decodeConfig(format string, src []byte) (config image.Config, err error) {
	defer recovered(&err)
	r := bytes.NewReader(src)
	switch format {
	case formatJPEG:
		return jpeg.DecodeConfig(r)
	case formatPNG:
		return png.DecodeConfig(r)
	case formatGIF:
		return gif.DecodeConfig(r)
	case formatWebP:
		return webp.DecodeConfig(r)
	default:
		return bmp.DecodeConfig(r)
	}
}

// decode ends with ctx's error when ctx ends before the decoder does.
func decode(ctx context.Context, h *header, src []byte) (img image.Image, err error) {
	defer recovered(&err)
	r := &reader{ctx: ctx, src: bytes.NewReader(src)}
	switch h.format {
	case formatJPEG:
		return jpeg.Decode(r)
	case formatPNG:
		return png.Decode(r)
	case formatGIF:
		return gif.Decode(r)
	case formatWebP:
		r.src = h.webp.open(src)
		return webp.Decode(r)
	default:
		return bmp.Decode(r)
	}
}

// errPanicked stands for a decoder's panic; hostile input must not end the process.
var errPanicked = errors.New("the decoder gave up on it")

func recovered(err *error) {
	if recover() != nil {
		*err = errPanicked
	}
}

// decoderError tells what the decoder can't do from what is damaged.
func decoderError(format string, err error) *Error {
	name := strings.ToUpper(format)
	if format == formatWebP {
		name = "WebP"
	}
	_, oddJPEG := errors.AsType[jpeg.UnsupportedError](err)
	_, oddPNG := errors.AsType[png.UnsupportedError](err)
	what := plainly(err)
	if oddJPEG || oddPNG || errors.Is(err, bmp.ErrUnsupported) {
		return &Error{Reason: UnsupportedFormat, Detail: fmt.Sprintf("the %s is of a rare kind that is not supported (%s); export it again as an ordinary JPEG or PNG", name, what), Err: err}
	}
	return &Error{Reason: Corrupt, Detail: fmt.Sprintf("the %s is cut off or damaged (%s); export it again", name, what), Err: err}
}

// plainly is what a decoder said, without the name of its package.
func plainly(err error) string {
	text := err.Error()
	for _, start := range []string{"unsupported JPEG feature: ", "invalid JPEG format: ", "png: ", "gif: ", "webp: ", "bmp: ", "unsupported feature: ", "invalid format: "} {
		text = strings.TrimPrefix(text, start)
	}
	return text
}

// PNG's colour types, and where IHDR has what matters. The decoder has found IHDR in its place.
const (
	pngDepthAt, pngColourAt, pngInterlaceAt = 24, 25, 28

	pngGrey, pngPalette, pngGreyAlpha = 0, 3, 4
)

// pngCost tells what the decoder makes of the picture: one byte a pixel, four, or twice that.
func pngCost(src []byte, pixels int64) cost {
	if len(src) <= pngInterlaceAt {
		return cost{kept: 16 * pixels}
	}
	c := cost{kept: 4 * pixels}
	switch src[pngColourAt] {
	case pngPalette:
		c.kept = pixels
	case pngGrey:
		if pngChunk(src, "tRNS") == nil { // with it, it becomes colour with alpha
			c.kept = pixels
		}
	}
	if src[pngDepthAt] == 16 {
		c.kept *= 2
	}
	if src[pngInterlaceAt] != 0 {
		c.scratch = c.kept // every pass is a picture of its own
	}
	return c
}
