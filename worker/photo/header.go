package photo

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"
)

const (
	maxPixelsBaseline = 50_000_000 // a baseline JPEG decodes in one pass and 1.5 bytes a pixel
	maxPixels         = 25_000_000
	maxSidePixels     = 16_384
	maxScans          = 64 // real files have at most 18; a 44 kB file with 1,000 costs ten seconds
)

// header is what is known before a single pixel is decoded.
type header struct {
	format        string
	width, height int
	bytesPerPixel float64 // of memory while decoding
	maxPixels     int64
	jpeg          jpegFacts // of JPEGs only
}

// inspect reads the header of src and holds it against every limit that needs no decoding.
func inspect(src []byte) (header, *Error) {
	format, fail := sniff(src)
	if fail != nil {
		return header{}, fail
	}
	if format == formatWebP && animatedWebP(src) {
		return header{}, refuse(UnsupportedFormat, "animated WebP images are not supported; export one picture as JPEG or PNG")
	}
	config, err := decodeConfig(format, src)
	if err != nil {
		return header{}, decoderError(format, err)
	}
	h := header{format: format, width: config.Width, height: config.Height, maxPixels: maxPixels}
	switch format {
	case formatJPEG:
		h.jpeg = walkJPEG(src)
		if h.jpeg.width != h.width || h.jpeg.height != h.height {
			return header{}, refuse(Corrupt, "the JPEG contradicts itself about its size; export it again")
		}
		h.bytesPerPixel = h.jpeg.bytesPerPixel()
		if !h.jpeg.progressive {
			h.maxPixels = maxPixelsBaseline
		}
	case formatPNG:
		h.bytesPerPixel = pngBytesPerPixel(src)
	case formatGIF:
		h.bytesPerPixel = 2
	case formatWebP:
		h.bytesPerPixel = webpBytesPerPixel(src)
	case formatBMP:
		h.bytesPerPixel = 4
	}
	return h, h.check()
}

func (h *header) check() *Error {
	switch {
	case h.width < 1 || h.height < 1:
		return refuse(Corrupt, "the %s says it has no pixels; export it again", h.format)
	case max(h.width, h.height) > maxSidePixels:
		return refuse(TooManyPixels, "it is %d x %d pixels and no side may be longer than %d; make it smaller", h.width, h.height, maxSidePixels)
	case int64(h.width)*int64(h.height) > h.maxPixels:
		return refuse(TooManyPixels, "it is %d x %d pixels and at most %d million are decoded of this kind; make it smaller", h.width, h.height, h.maxPixels/1_000_000)
	case h.jpeg.scans > maxScans:
		return refuse(TooComplex, "the JPEG has %d scans and real ones have at most a dozen; export it again as an ordinary JPEG", h.jpeg.scans)
	}
	return nil
}

// memory estimates the bytes that decoding and shrinking to side take at their peak.
func (h *header) memory(side int) int64 {
	decoded := int64(float64(h.width) * float64(h.height) * h.bytesPerPixel)
	shrunk := int64(min(h.width, h.height))
	shrunk /= max(1, shrunk/int64(side))
	const kernelBytes = 32 // what draw.CatmullRom keeps for each (output column, input row)
	return decoded + 4*shrunk*shrunk + kernelBytes*shrunk*int64(side) + 8*int64(side)*int64(side)
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
func decode(ctx context.Context, format string, src []byte) (img image.Image, err error) {
	defer recovered(&err)
	r := &reader{ctx: ctx, src: bytes.NewReader(src)}
	switch format {
	case formatJPEG:
		return jpeg.Decode(r)
	case formatPNG:
		return png.Decode(r)
	case formatGIF:
		return gif.Decode(r)
	case formatWebP:
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
	_, oddJPEG := errors.AsType[jpeg.UnsupportedError](err)
	_, oddPNG := errors.AsType[png.UnsupportedError](err)
	if oddJPEG || oddPNG || errors.Is(err, bmp.ErrUnsupported) {
		return &Error{Reason: UnsupportedFormat, Detail: "the " + format + " uses something rare that is not supported; export it again as an ordinary JPEG or PNG", Err: err}
	}
	return &Error{Reason: Corrupt, Detail: "the " + format + " is cut off or damaged; export it again", Err: err}
}

// pngBytesPerPixel reads bit depth, colour type and interlacing from IHDR, which the decoder has found in its place.
func pngBytesPerPixel(src []byte) float64 {
	const depthAt, colourAt, interlaceAt = 24, 25, 28
	const palette = 3
	perPixel := 4.0
	switch {
	case len(src) <= interlaceAt:
		return 16
	case src[depthAt] == 16:
		perPixel = 8
	case src[colourAt] == palette:
		perPixel = 1
	}
	if src[interlaceAt] != 0 {
		perPixel *= 2 // every pass is a picture of its own
	}
	return perPixel
}

func webpBytesPerPixel(src []byte) float64 {
	if len(src) >= 16 && string(src[12:16]) == "VP8 " {
		return 2.5
	}
	return 9 // lossless, or lossy with an alpha plane that is decoded as a lossless picture
}

// animatedWebP reads the animation flag of the extended header.
func animatedWebP(src []byte) bool {
	return len(src) > 20 && string(src[12:16]) == "VP8X" && src[20]&2 != 0
}
