package photo

import (
	"bytes"
	"encoding/binary"
)

// JPEG markers that matter before decoding.
const (
	markerSOF0  = 0xc0 // baseline
	markerSOF2  = 0xc2 // progressive
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDRI   = 0xdd
	markerAPP1  = 0xe1
	markerAPP2  = 0xe2
	markerAPP14 = 0xee
)

// jpegFacts is what a walk over a JPEG's markers tells without decoding.
type jpegFacts struct {
	width, height int
	components    int
	samples       float64 // stored samples for each pixel: 1 grey, 1.5 at 4:2:0, 3 at 4:4:4
	progressive   bool
	restarts      bool // its data are cut into pieces that can be read alone
	rgb           bool // stored as RGB, which the decoder converts into a second picture
	scans         int
	exif          []byte   // TIFF part of the first EXIF segment, nil when there is none
	icc           [][]byte // segments of the colour profile, as they come
}

// walkJPEG visits the markers exactly as image/jpeg does (segments are skipped by their length, everything after the
// first EOI is ignored), so that a file can't show one number of scans here and another one there. It never fails: where
// the walk ends early the decoder ends with an error.
func walkJPEG(src []byte) jpegFacts {
	var facts jpegFacts
	for pos := 2; ; {
		skip := bytes.IndexByte(src[min(pos, len(src)):], 0xff)
		if skip < 0 {
			return facts
		}
		for pos += skip; pos < len(src) && src[pos] == 0xff; {
			pos++
		}
		if pos >= len(src) {
			return facts
		}
		marker := src[pos]
		pos++
		switch {
		case marker == 0, markerRST0 <= marker && marker <= markerRST7:
			continue
		case marker == markerEOI || len(src)-pos < 2:
			return facts
		}
		length := int(binary.BigEndian.Uint16(src[pos:]))
		if length < 2 {
			return facts
		}
		facts.segment(marker, src[pos+2:min(pos+length, len(src))])
		pos += length
	}
}

func (f *jpegFacts) segment(marker byte, payload []byte) {
	switch {
	case marker == markerSOS:
		f.scans++
	case markerSOF0 <= marker && marker <= markerSOF2 && f.components == 0:
		f.frame(marker, payload)
	case marker == markerAPP14 && len(payload) >= 12 && string(payload[:5]) == "Adobe" && payload[11] == 0:
		f.rgb = true
	case marker == markerDRI && len(payload) >= 2:
		f.restarts = binary.BigEndian.Uint16(payload) > 0
	case marker == markerAPP1 && f.exif == nil && f.scans == 0 && bytes.HasPrefix(payload, []byte(exifPrefix)):
		f.exif = payload[len(exifPrefix):]
	case marker == markerAPP2 && f.scans == 0 && len(f.icc) < 255 && bytes.HasPrefix(payload, []byte(iccPrefix)):
		f.icc = append(f.icc, payload[len(iccPrefix):])
	}
}

// frame reads precision, height, width and the components' sampling factors.
func (f *jpegFacts) frame(marker byte, payload []byte) {
	if len(payload) < 6 || len(payload) < 6+3*int(payload[5]) {
		return
	}
	f.progressive = marker == markerSOF2
	f.height = int(binary.BigEndian.Uint16(payload[1:]))
	f.width = int(binary.BigEndian.Uint16(payload[3:]))
	f.components = int(payload[5])
	var sum, maxH, maxV int
	var ids []byte
	for component := range f.components {
		ids = append(ids, payload[6+3*component])
		h, v := int(payload[7+3*component]>>4), int(payload[7+3*component]&15)
		sum, maxH, maxV = sum+h*v, max(maxH, h), max(maxV, v)
	}
	f.rgb = f.rgb || string(ids) == "RGB"
	f.samples = float64(sum) / float64(max(1, maxH*maxV))
	if f.components == 1 {
		f.samples = 1
	}
}

// cost estimates what image/jpeg allocates for so many pixels.
func (f *jpegFacts) cost(pixels int64) cost {
	planes := int64(f.samples * float64(pixels))
	c := cost{kept: planes}
	if f.progressive {
		c.scratch = 4 * planes // coefficients are kept until the last scan
	}
	if f.components == 4 || f.rgb {
		c.scratch += planes // converted into a second picture
		c.kept = 4 * pixels
	}
	return c
}
