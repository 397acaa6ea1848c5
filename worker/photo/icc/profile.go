package icc

import (
	"errors"
	"fmt"
)

// Space says what the planes of a picture are that a profile describes.
type Space int

// The spaces of pictures. The zero value is none of them.
const (
	Gray Space = iota + 1
	RGB
	CMYK
)

// Channels returns the number of planes: 1, 3 or 4, and 0 for what is none of the spaces.
func (s Space) Channels() int {
	switch s {
	case Gray:
		return 1
	case RGB:
		return 3
	case CMYK:
		return 4
	}
	return 0
}

// Parse and CICP fail with one of these two, wrapped in a sentence for people. Both are permanent. A caller shows the
// picture without its profile then, and warns.
var (
	// ErrUnsupported means a sound description of a kind that is not handled; the sentence names it.
	ErrUnsupported = errors.New("unsupported colour profile")
	// ErrBroken means bytes that are no ICC profile, or a damaged one; the sentence says where.
	ErrBroken = errors.New("broken colour profile")
)

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBroken, fmt.Sprintf(format, args...))
}

// Profile is the way from the colours of one kind of picture to sRGB. Parse and CICP make it; it is immutable and safe
// for concurrent use. The zero value is not usable.
type Profile struct {
	name  string
	space Space
	way   way
}

// way does the work of Convert on planes that were checked.
type way interface {
	convert(dst [3][]byte, src [][]byte)
}

// Parse reads an ICC profile. It keeps nothing of data. Bytes after the length that the profile states are ignored.
// The errors wrap ErrUnsupported or ErrBroken.
func Parse(data []byte) (*Profile, error) {
	f, err := open(data)
	if err != nil {
		return nil, err
	}
	p := &Profile{name: f.name()}
	switch f.space {
	case "GRAY":
		p.space = Gray
		p.way, err = f.gray()
	case "RGB ":
		p.space = RGB
		if tag := f.tableTag(); tag != "" {
			p.way, err = f.table(tag, p.space.Channels())
		} else {
			p.way, err = f.matrix()
		}
	case "CMYK":
		p.space = CMYK
		tag := f.tableTag()
		if tag == "" {
			return nil, broken("a CMYK profile without a table for reading (A2B0)")
		}
		p.way, err = f.table(tag, p.space.Channels())
	default:
		return nil, unsupported("for pictures in %s, only gray, RGB and CMYK are handled", printable(f.space))
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Name returns the description that the profile carries, the English one if there are several: printable, at most 80
// bytes. It is "" when there is none that can be read.
func (p *Profile) Name() string { return p.name }

// Space returns what the planes for Convert must be.
func (p *Profile) Space() Space { return p.space }

// Convert brings a picture to sRGB. src has the planes of Space, in its usual order, with samples as they are stored: 0
// is black or no ink, 255 is white or full ink. (The CMYK that Adobe writes into JPEG is inverted: invert it before.) dst
// gets red, green and blue. All planes have the same length. A plane of dst may be a plane of src; else they must not overlap.
// Convert panics when the number or the lengths of planes are wrong, which is an error of the program, never of a profile.
func (p *Profile) Convert(dst [3][]byte, src [][]byte) {
	if len(src) != p.space.Channels() {
		panic(fmt.Sprintf("icc: %d planes for a profile of %d channels", len(src), p.space.Channels()))
	}
	for _, planes := range [][][]byte{dst[:], src} {
		for _, plane := range planes {
			if len(plane) != len(src[0]) {
				panic(fmt.Sprintf("icc: planes of %d and %d samples", len(src[0]), len(plane)))
			}
		}
	}
	p.way.convert(dst, src)
}

// IsSRGB reports whether converting is pointless: no channel of any colour on a grid of 18³ (for gray: of any level)
// would change by more than 1. The profile's name has no say. It computes this at every call, in well under a millisecond.
// CMYK is never sRGB.
func (p *Profile) IsSRGB() bool {
	var src [3][]byte
	switch p.space {
	case Gray:
		for level := range 256 {
			src[0] = append(src[0], byte(level))
		}
		src[1], src[2] = src[0], src[0]
	case RGB:
		const step = 15 // divides 255
		for at := range 18 * 18 * 18 {
			src[0] = append(src[0], byte(at%18*step))
			src[1] = append(src[1], byte(at/18%18*step))
			src[2] = append(src[2], byte(at/18/18*step))
		}
	default:
		return false
	}
	var dst [3][]byte
	for i := range dst {
		dst[i] = make([]byte, len(src[0]))
	}
	p.Convert(dst, src[:p.space.Channels()])
	for i := range dst {
		for at, was := range src[i] {
			if d := int(dst[i][at]) - int(was); d < -1 || d > 1 {
				return false
			}
		}
	}
	return true
}
