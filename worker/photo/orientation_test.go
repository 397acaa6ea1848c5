package photo_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

var (
	bigEndian    = binary.AppendByteOrder(binary.BigEndian)
	littleEndian = binary.AppendByteOrder(binary.LittleEndian)
)

// stored tells, for each orientation, which corner of the picture as it is meant to be seen stands in the file's top left,
// top right, bottom left and bottom right. It follows the EXIF standard's own words ("the 0th row is the visual
// right-hand side, the 0th column the visual top"), not our code: tl, tr, bl, br are 0 to 3.
var stored = map[int][4]int{
	1: {0, 1, 2, 3}, // row 0 top, column 0 left
	2: {1, 0, 3, 2}, // top, right
	3: {3, 2, 1, 0}, // bottom, right
	4: {2, 3, 0, 1}, // bottom, left
	5: {0, 2, 1, 3}, // left, top
	6: {1, 3, 0, 2}, // right, top
	7: {3, 1, 2, 0}, // right, bottom
	8: {2, 0, 3, 1}, // left, bottom
}

func TestMake_OrientationIsApplied(t *testing.T) {
	t.Parallel()
	for orientation, from := range stored {
		var file [4]color.Color
		for i, corner := range from {
			file[i] = corners()[corner]
		}
		img := image.NewRGBA(image.Rect(0, 0, 400, 300))
		paint(img, file)
		tall := image.NewRGBA(image.Rect(0, 0, 200, 300))
		paint(tall, file)
		webp := riff(extendedHeader(8, 300, 200), webpLossless(300, 200, red, 31)[12:], chunk("EXIF", exifTIFF(littleEndian, orientation)))
		for name, src := range map[string][]byte{
			"JPEG, big-endian":    withEXIF(asJPEG(t, img), exifTIFF(bigEndian, orientation)),
			"JPEG, little-endian": withEXIF(asJPEG(t, tall), exifTIFF(littleEndian, orientation)),
			"PNG":                 withPNGChunk(asPNG(t, img), "eXIf", exifTIFF(bigEndian, orientation)),
		} {
			t.Run(fmt.Sprint(name, " ", orientation), func(t *testing.T) {
				t.Parallel()
				made, out := makePhoto(t, photo.Options{Side: 128}, src)
				if made.Source.Orientation != orientation {
					t.Errorf("got orientation %d, want %d", made.Source.Orientation, orientation)
				}
				wantCorners(t, out, corners())
			})
		}
		t.Run(fmt.Sprint("WebP ", orientation), func(t *testing.T) {
			t.Parallel()
			if made, _ := makePhoto(t, photo.Options{Side: 128}, webp); made.Source.Orientation != orientation {
				t.Errorf("got orientation %d, want %d", made.Source.Orientation, orientation)
			}
		})
	}
}

func TestMake_BrokenEXIFIsUpright(t *testing.T) {
	t.Parallel()
	good := exifTIFF(bigEndian, 6)
	patch := func(at int, bytes ...byte) []byte {
		out := append([]byte(nil), good...)
		copy(out[at:], bytes)
		return out
	}
	for _, row := range []struct {
		name string
		tiff []byte
	}{
		{"empty", nil},
		{"cut in the header", good[:7]},
		{"cut in the directory", good[:30]},
		{"cut in the count", good[:9]},
		{"unknown byte order", patch(0, 'X', 'X')},
		{"directory far outside", patch(4, 0xff, 0xff, 0xff, 0xff)},
		{"directory at the end", patch(4, 0, 0, 0, byte(len(good)))},
		{"no entries", patch(8, 0, 0)},
		{"value 0", exifTIFF(bigEndian, 0)},
		{"value 9", exifTIFF(bigEndian, 9)},
		{"value 65535", exifTIFF(bigEndian, 65535)},
		{"wrong type", patch(24, 0, 2)},
		{"wrong count", patch(26, 0, 0, 0, 9)},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			made, out := makePhoto(t, photo.Options{Side: 128}, withEXIF(asJPEG(t, painted(300, 300)), row.tiff))
			if made.Source.Orientation != 1 {
				t.Errorf("got orientation %d, want 1", made.Source.Orientation)
			}
			wantCorners(t, out, corners())
		})
	}
}

// TestMake_OrientationAsLong: some programs write it in four bytes.
func TestMake_OrientationAsLong(t *testing.T) {
	t.Parallel()
	tiff := exifTIFF(bigEndian, 1)
	copy(tiff[24:], []byte{0, 4, 0, 0, 0, 1, 0, 0, 0, 6})
	if got := photo.Orientation("jpeg", withEXIF(asJPEG(t, painted(300, 300)), tiff)); got != 6 {
		t.Errorf("got orientation %d, want 6", got)
	}
}

func FuzzOrientation(f *testing.F) {
	plain := asJPEG(f, painted(16, 16))
	f.Add(withEXIF(plain, exifTIFF(bigEndian, 6)))
	f.Add(withEXIF(plain, exifTIFF(littleEndian, 3)))
	f.Add(withPNGChunk(asPNG(f, painted(8, 8)), "eXIf", exifTIFF(bigEndian, 8)))
	f.Add(riff(extendedHeader(8, 8, 8), chunk("EXIF", exifTIFF(littleEndian, 5))))
	f.Add(bytes.Repeat([]byte{0xff}, 40))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, format := range []string{"jpeg", "png", "webp", "gif", "bmp"} {
			if got := photo.Orientation(format, src); got < 1 || got > 8 {
				t.Errorf("%s: got %d", format, got)
			}
		}
	})
}
