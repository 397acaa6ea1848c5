package photo_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"golang.org/x/image/bmp"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

var (
	red    = color.RGBA{200, 30, 30, 255}
	green  = color.RGBA{30, 160, 60, 255}
	blue   = color.RGBA{40, 60, 200, 255}
	yellow = color.RGBA{230, 220, 40, 255}
	white  = color.RGBA{255, 255, 255, 255}
)

func newMaker(t testing.TB, options photo.Options) *photo.Maker {
	t.Helper()
	maker, err := photo.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return maker
}

func wantReason(t testing.TB, err error, want photo.Reason) *photo.Error {
	t.Helper()
	got, ok := errors.AsType[*photo.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *photo.Error with %s", err, want)
	}
	if got.Reason != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	return got
}

// paint gives every corner of a picture its colour: top left, top right, bottom left, bottom right.
func paint(img draw.Image, corners [4]color.Color) {
	b := img.Bounds()
	for i, c := range corners {
		x, y := i%2, i/2
		part := image.Rect(x*b.Dx()/2, y*b.Dy()/2, (x+1)*b.Dx()/2, (y+1)*b.Dy()/2)
		draw.Draw(img, part.Add(b.Min), image.NewUniform(c), image.Point{}, draw.Src)
	}
}

func corners() [4]color.Color { return [4]color.Color{red, green, blue, yellow} }

func painted(width, height int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	paint(img, corners())
	return img
}

func asJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asGIF(t testing.TB, frames *gif.GIF) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := gif.EncodeAll(&out, frames); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asBMP(t testing.TB, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := bmp.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// noise is a picture that no encoder can make small.
func noise(side int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = byte(random.Uint32())
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	return img
}

// bitWriter writes the least significant bit first, as WebP's lossless format does.
type bitWriter struct {
	out  []byte
	used uint
}

func (w *bitWriter) put(value, bits uint) {
	for i := range bits {
		if w.used%8 == 0 {
			w.out = append(w.out, 0)
		}
		w.out[len(w.out)-1] |= byte(value>>i&1) << (w.used % 8)
		w.used++
	}
}

// webpLossless makes a lossless WebP: its left half has the first colour, its right half differs in green.
func webpLossless(width, height int, c color.RGBA, rightGreen byte) []byte {
	var w bitWriter
	w.put(0x2f, 8)
	w.put(uint(width-1), 14)
	w.put(uint(height-1), 14)
	w.put(1, 1) // alpha is used
	w.put(0, 3) // version
	w.put(0, 3) // no transform, no colour cache, one set of prefix codes
	w.put(1, 1) // green: simple code,
	w.put(1, 1) // of two symbols,
	w.put(1, 1) // of eight bits
	w.put(uint(c.G), 8)
	w.put(uint(rightGreen), 8)
	for _, only := range []byte{c.R, c.B, c.A, 0} {
		w.put(1, 1) // red, blue, alpha, distance: simple code,
		w.put(0, 1) // of one symbol,
		w.put(1, 1) // of eight bits
		w.put(uint(only), 8)
	}
	first, second := uint(0), uint(1)
	if c.G > rightGreen {
		first, second = 1, 0 // canonical codes go by value
	}
	for range height {
		for x := range width {
			if x < width/2 {
				w.put(first, 1)
			} else {
				w.put(second, 1)
			}
		}
	}
	return riff(chunk("VP8L", w.out))
}

func chunk(id string, data []byte) []byte {
	out := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(data)))
	out = append(out, data...)
	if len(data)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

func riff(chunks ...[]byte) []byte {
	return chunk("RIFF", append([]byte("WEBP"), bytes.Join(chunks, nil)...))
}

// extendedHeader is WebP's VP8X chunk.
func extendedHeader(flags byte, width, height int) []byte {
	w, h := width-1, height-1
	return chunk("VP8X", []byte{flags, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)})
}

// exifTIFF is the smallest EXIF block that states an orientation.
func exifTIFF(order binary.AppendByteOrder, orientation int) []byte {
	out := []byte("MM\x00*")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		out = []byte("II*\x00")
	}
	out = order.AppendUint32(out, 8)
	out = order.AppendUint16(out, 2) // two entries: make (pointing nowhere), orientation
	out = order.AppendUint16(out, 0x010f)
	out = order.AppendUint16(out, 2)
	out = order.AppendUint32(out, 5)
	out = order.AppendUint32(out, 0xffffff00)
	out = order.AppendUint16(out, 0x0112)
	out = order.AppendUint16(out, 3)
	out = order.AppendUint32(out, 1)
	out = order.AppendUint16(out, uint16(orientation))
	out = order.AppendUint16(out, 0)
	return order.AppendUint32(out, 0)
}

// segment is one JPEG marker segment.
func segment(marker byte, payload []byte) []byte {
	out := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(payload)+2))
	return append(out, payload...)
}

// withEXIF puts an EXIF segment behind the start of a JPEG.
func withEXIF(src, tiff []byte) []byte {
	return bytes.Join([][]byte{src[:2], segment(0xe1, append([]byte("Exif\x00\x00"), tiff...)), src[2:]}, nil)
}

// withPNGChunk puts a chunk behind a PNG's header.
func withPNGChunk(src []byte, chunkType string, data []byte) []byte {
	const behindHeader = 33
	body := append([]byte(chunkType), data...)
	piece := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	piece = append(piece, body...)
	piece = binary.BigEndian.AppendUint32(piece, crc32.ChecksumIEEE(body))
	return bytes.Join([][]byte{src[:behindHeader], piece, src[behindHeader:]}, nil)
}

// frameHeader is a JPEG's SOF payload of grey or 4:2:0 colour.
func frameHeader(width, height, components int) []byte {
	out := []byte{8, byte(height >> 8), byte(height), byte(width >> 8), byte(width), byte(components)}
	for i := range components {
		sampling := byte(0x11)
		if i == 0 && components > 1 {
			sampling = 0x22
		}
		out = append(out, byte(i+1), sampling, 0)
	}
	return out
}

// scanBomb is a progressive JPEG of n scans that each cost a pass over all blocks and a few bytes.
func scanBomb(width, height, n int) []byte {
	// Two codes of one bit: end of band, and the longest run of ends of bands.
	table := append([]byte{0x10}, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	dc := append([]byte{0x00}, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	parts := [][]byte{
		{0xff, 0xd8},
		segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)),
		segment(0xc2, frameHeader(width, height, 1)),
		segment(0xc4, dc),
		segment(0xc4, append(table, 0x00, 0xe0)),
		segment(0xda, []byte{1, 1, 0x00, 0, 0, 0}),
		make([]byte, (width/8+1)*(height/8+1)/8+1),
	}
	blocks := ((width + 7) / 8) * ((height + 7) / 8)
	for range n {
		// Each run code (1, then 14 bits) skips up to 32767 blocks.
		var w []byte
		for left := blocks; left > 0; left -= 16384 {
			w = append(w, 0x80, 0x00) // 1 00000000000000 0: a run of 16384, then one single end of band
		}
		parts = append(parts, segment(0xda, []byte{1, 1, 0x00, 1, 63, 0}), w)
	}
	return bytes.Join(append(parts, []byte{0xff, 0xd9}), nil)
}
