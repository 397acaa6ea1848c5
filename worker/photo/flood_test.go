package photo_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

// claims makes files of a few bytes that claim any number of pixels.
var claims = map[string]func(width, height int) []byte{
	"jpeg": func(width, height int) []byte {
		return bytes.Join([][]byte{{0xff, 0xd8}, segment(0xc0, frameHeader(width, height, 3)), segment(0xda, nil)}, nil)
	},
	"progressive jpeg": func(width, height int) []byte {
		return bytes.Join([][]byte{{0xff, 0xd8}, segment(0xc2, frameHeader(width, height, 3)), segment(0xda, nil)}, nil)
	},
	"png": func(width, height int) []byte {
		header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(width)), uint32(height))
		return asPNGHeader(append(header, 16, 6, 0, 0, 0))
	},
	"gif": func(width, height int) []byte {
		src := binary.LittleEndian.AppendUint16([]byte("GIF89a"), uint16(width))
		return append(binary.LittleEndian.AppendUint16(src, uint16(height)), 0, 0, 0, ';')
	},
	"webp, lossless": func(width, height int) []byte {
		bits := uint32(width-1) | uint32(height-1)<<14
		return riff(chunk("VP8L", binary.LittleEndian.AppendUint32([]byte{0x2f}, bits)))
	},
	"webp, lossy": func(width, height int) []byte {
		frame := binary.LittleEndian.AppendUint16([]byte{0x10, 0, 0, 0x9d, 0x01, 0x2a}, uint16(width))
		return riff(chunk("VP8 ", binary.LittleEndian.AppendUint16(frame, uint16(height))))
	},
	"webp, extended": func(width, height int) []byte { return riff(extendedHeader(0, width, height)) },
	"bmp": func(width, height int) []byte {
		src := make([]byte, 54)
		copy(src, "BM")
		src[10], src[14], src[26], src[28] = 54, 40, 1, 24
		binary.LittleEndian.PutUint32(src[18:], uint32(width))
		binary.LittleEndian.PutUint32(src[22:], uint32(height))
		return src
	},
}

// asPNGHeader is a PNG that ends after its header chunk.
func asPNGHeader(header []byte) []byte {
	const signature = "\x89PNG\r\n\x1a\n"
	return append([]byte(signature), withPNGChunk(make([]byte, 33), "IHDR", header)[33:]...)
}

func TestMake_Floods(t *testing.T) {
	t.Parallel()
	maker := newMaker(t, photo.Options{})
	for format, claim := range claims {
		for _, size := range [][2]int{{16_383, 16_383}, {12_000, 9_000}, {16_383, 3_500}} {
			t.Run(fmt.Sprint(format, size), func(t *testing.T) {
				t.Parallel()
				src := claim(size[0], size[1])
				if len(src) > 100 {
					t.Fatalf("%d bytes are no small file", len(src))
				}
				_, err := maker.Make(t.Context(), src)
				wantReason(t, err, photo.TooManyPixels)
			})
		}
	}
	if !maker.Idle() {
		t.Error("the memory budget isn't free again")
	}
}

// TestMake_AlmostFloods: claims within the limits, with nothing behind them, cost what they claim for a moment and are
// then named corrupt.
func TestMake_AlmostFloods(t *testing.T) {
	t.Parallel()
	maker := newMaker(t, photo.Options{})
	for format, claim := range claims {
		_, err := maker.Make(t.Context(), claim(4_000, 3_000))
		if format == "webp, extended" { // an extended header alone has no picture at all
			if e, ok := errors.AsType[*photo.Error](err); !ok || e.Reason != photo.Corrupt {
				t.Errorf("%s: got %v", format, err)
			}
			continue
		}
		wantReason(t, err, photo.Corrupt)
	}
	if !maker.Idle() {
		t.Error("the memory budget isn't free again")
	}
}

// TestMake_BaselineWithManyScans: every scan of a baseline JPEG is a pass over all pixels of which only the last counts.
func TestMake_BaselineWithManyScans(t *testing.T) {
	t.Parallel()
	src := asJPEG(t, image.NewGray(image.Rect(0, 0, 300, 300)))
	at := bytes.Index(src, []byte{0xff, 0xda})
	scan := src[at : len(src)-2]
	twice := bytes.Join([][]byte{src[:at], scan, scan, {0xff, 0xd9}}, nil)
	_, err := newMaker(t, photo.Options{}).Make(t.Context(), twice)
	if got := wantReason(t, err, photo.TooComplex); !strings.Contains(got.Detail, "2 scans of 1 components") {
		t.Errorf("got %v", got)
	}
}

func TestMake_PixelsThatPeopleHave(t *testing.T) {
	t.Parallel()
	maker := newMaker(t, photo.Options{})
	grey := func(depth, interlaced byte) []byte {
		header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 5000), 5000)
		return asPNGHeader(append(header, depth, 0, 0, 0, interlaced))
	}
	for name, src := range map[string][]byte{
		"a phone of 50 megapixels":            claims["jpeg"](8192, 6144),
		"a progressive JPEG of 21 megapixels": claims["progressive jpeg"](5616, 3744),
		"a scan of a page, 1 bit, interlaced": grey(1, 1),
		"a scan of a page, 16 bits of grey":   grey(16, 0),
	} {
		if need, err := maker.Memory(src); err != nil || need > 160<<20 {
			t.Errorf("%s: takes %d MiB, %v", name, need>>20, err)
		}
	}
}
