package scene

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
)

// Size and form of the picture of Phone.
const (
	phoneWidth, phoneHeight = 4032, 3024
	phoneQuality            = 85
	phoneOrientation        = 6
)

// Phone returns a JPEG as a phone makes them: 12 megapixels, baseline, 4:2:0, held upright, so with EXIF orientation 6.
func Phone() ([]byte, error) {
	var coded bytes.Buffer
	if err := jpeg.Encode(&coded, New(phoneWidth, phoneHeight, 12), &jpeg.Options{Quality: phoneQuality}); err != nil {
		return nil, fmt.Errorf("encoding the phone's picture: %w", err)
	}
	return withOrientation(coded.Bytes(), phoneOrientation), nil
}

// RGB returns the picture as red, green and blue with a full alpha channel.
func RGB(img *image.YCbCr) *image.NRGBA {
	out := image.NewNRGBA(img.Rect)
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			out.Set(x, y, img.YCbCrAt(x, y))
		}
	}
	return out
}

// withOrientation puts an APP1 segment with an EXIF block of one entry behind the start of a JPEG.
func withOrientation(coded []byte, orientation uint16) []byte {
	const (
		soiBytes = 2
		tag      = 0x0112
		short    = 3
	)
	tiff := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08")
	for _, v := range []uint16{1, tag, short, 0, 1, orientation, 0, 0, 0} { // entries; tag, type, count, value; no next block
		tiff = binary.BigEndian.AppendUint16(tiff, v)
	}
	out := append([]byte(nil), coded[:soiBytes]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(2+len(tiff)))
	out = append(out, tiff...)
	return append(out, coded[soiBytes:]...)
}
