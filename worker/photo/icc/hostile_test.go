package icc_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo/icc"
)

// valid holds one small profile of each build.
func valid() map[string][]byte {
	modern := func(in []float64) [3]float64 { return encodeLab(affine(in)) }
	identity := fixed(1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
	full := newTable(4, curves(3, straight()), identity, curves(3, sampled(3, square)), newGrid(2, []int{2, 3, 2, 2}, modern), curves(4, gamma(1.5)))
	return map[string][]byte{
		"matrix":  matrixProfile(4, colorantsP3, formulaSRGB),
		"samples": matrixProfile(2, colorantsAdobe, sampled(16, square)),
		"gray":    grayProfile("Lab ", gamma(2.2)),
		"lut8":    cmykProfile(2, 1, affine),
		"lut16":   cmykProfile(4, 2, affine),
		"lutAToB": profile(4, "prtr", "CMYK", "Lab ", block{"desc", localized("enUS", "Full")}, block{"A2B0", full}),
	}
}

// try parses and, where that works, converts; errors must be one of the two, in few words, without what can't be printed.
func try(t *testing.T, data []byte) {
	t.Helper()
	p, err := icc.Parse(data)
	if err != nil {
		if errors.Is(err, icc.ErrBroken) == errors.Is(err, icc.ErrUnsupported) {
			t.Errorf("an error of no kind: %v", err)
		}
		text := err.Error()
		if len(text) > 200 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("not for people: %q", text)
		}
		return
	}
	planes := [][]byte{{0, 255, 7, 128, 255}, {0, 255, 77, 128, 0}, {0, 255, 177, 128, 1}, {0, 255, 9, 128, 254}}
	for _, plane := range planes[1:] {
		copy(plane, plane[:5])
	}
	dst := [3][]byte{make([]byte, 5), make([]byte, 5), make([]byte, 5)}
	p.Convert(dst, planes[:p.Space().Channels()])
	if len(p.Name()) > 80 {
		t.Errorf("a name of %d bytes", len(p.Name()))
	}
}

func TestParse_Cut(t *testing.T) {
	t.Parallel()
	for name, data := range valid() {
		parse(t, data)
		for size := range data {
			if _, err := icc.Parse(data[:size:size]); !errors.Is(err, icc.ErrBroken) {
				t.Fatalf("%s cut to %d of %d bytes: %v", name, size, len(data), err)
			}
			// With a length that agrees, only what is missing can tell.
			cut := bytes.Clone(data[:size])
			if size >= 4 {
				copy(cut, u32(size))
			}
			try(t, cut)
		}
	}
}

func TestParse_Flipped(t *testing.T) {
	t.Parallel()
	for _, data := range valid() {
		for at := range min(len(data), 400) { // header, tag table, and the heads of the first tags
			for _, flip := range []byte{0x01, 0x80, 0xFF, data[at]} {
				hurt := bytes.Clone(data)
				hurt[at] ^= flip
				try(t, hurt)
			}
		}
	}
}

func TestParse_Refusals(t *testing.T) {
	t.Parallel()
	rgb := func(tag string, data []byte) []byte { return profile(4, "mntr", "RGB ", "Lab ", block{tag, data}) }
	gray := func(curve []byte) []byte { return grayProfile("XYZ ", curve) }
	lab := func(in []float64) [3]float64 { return encodeLab(affine(in)) }
	grid := func(sides ...byte) []byte {
		return append(append(sides, make([]byte, 16-len(sides))...), 1, 0, 0, 0, 0)
	}
	broken, unsupported := icc.ErrBroken, icc.ErrUnsupported
	for _, c := range []struct {
		name string
		data []byte
		kind error
		want string
	}{
		{"nothing", nil, broken, "too few"},
		{"a JPEG", bytes.Repeat([]byte{0xFF, 0xD8}, 100), broken, "signature"},
		{"too large", make([]byte, 4<<20+1), unsupported, "at most"},
		{"version 5", profile(5, "mntr", "RGB ", "XYZ "), unsupported, "version 5"},
		{"device link", profile(4, "link", "RGB ", "XYZ "), unsupported, "device link"},
		{"named colours", profile(2, "nmcl", "RGB ", "XYZ "), unsupported, "named colours"},
		{"abstract", profile(2, "abst", "Lab ", "Lab "), unsupported, "abstract"},
		{"an unknown class", profile(2, "\x00\x1b[m", "RGB ", "XYZ "), unsupported, "class ??[m"},
		{"Lab pictures", profile(2, "spac", "Lab ", "Lab "), unsupported, "Lab"},
		{"six inks", profile(2, "prtr", "6CLR", "Lab "), unsupported, "6CLR"},
		{"another connection space", profile(2, "mntr", "RGB ", "RGB "), unsupported, "connection space RGB"},
		{"no tags", profile(2, "mntr", "RGB ", "XYZ "), broken, "rXYZ"},
		{"a matrix into Lab", rgb("rXYZ", colour(1, 1, 1)), broken, "Lab"},
		{"CMYK without a table", profile(2, "prtr", "CMYK", "Lab ", description), broken, "A2B0"},
		{"gray with a table only", profile(2, "scnr", "GRAY", "Lab ", block{"A2B0", make([]byte, 90)}), unsupported, "gray"},
		{"gray without a curve", profile(2, "scnr", "GRAY", "XYZ "), broken, "kTRC"},
		{"a curve of another type", gray(colour(1, 1, 1)), broken, "XYZ"},
		{"endless curve", gray(join(kind("curv"), u32(0xFFFFFFFF))), broken, "4294967295 points"},
		{"long curve", gray(join(kind("curv"), u32(65537), make([]byte, 2*65537))), broken, "65537 points"},
		{"a formula unknown", gray(para(7, 1)), unsupported, "type 7"},
		{"a formula cut", gray(para(4, 1)), broken, "16 bytes"},
		{"a formula of types to come", gray(join(kind("para"), u16(65535), u16(0))), unsupported, "type 65535"},
		{"a table of another type", rgb("A2B0", join(kind("mpet"), u16(3), u16(3), make([]byte, 90))), unsupported, "mpet"},
		{"a table too short", rgb("A2B0", kind("mft2")), broken, "8 bytes"},
		{"a table from four channels", rgb("A2B0", oldTable(1, 4, 2, same, same, lab)), broken, "from 4 to 3"},
		{"a grid of one point", rgb("A2B0", oldTable(1, 3, 1, same, same, func([]float64) [3]float64 { return [3]float64{} })), broken, "1 points"},
		{"a grid too large", rgb("A2B0", newTable(3, curves(3, straight()), nil, nil, grid(255, 255, 255), nil)), unsupported, "more than"},
		{"a grid without its samples", rgb("A2B0", newTable(3, curves(3, straight()), nil, nil, grid(33, 33, 33), nil)), broken, "107811 samples"},
		{"curves beyond the tag", rgb("A2B0", join(newTable(3, nil, nil, nil, nil, nil)[:12], u32(1<<30), make([]byte, 90))), broken, "B curves"},
		{"a matrix cut", rgb("A2B0", newTable(3, curves(3, straight()), fixed(1, 2), nil, nil, nil)), broken, "matrix"},
	} {
		_, err := icc.Parse(c.data)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestParse_TagTable(t *testing.T) {
	t.Parallel()
	good := matrixProfile(2, colorantsP3, straight())
	good = append(good, make([]byte, 12*256)...)
	copy(good, u32(len(good)))
	for _, c := range []struct {
		name string
		at   int
		put  []byte
		want string
	}{
		{"more tags than fit", 128, u32(1 << 20), "1048576 tags"},
		{"more tags than are read", 128, u32(257), "257 tags"}, // there is room for them
		{"as many as a number holds", 128, u32(0xFFFFFFFF), "4294967295 tags"},
		{"a tag before the data", 132 + 2*12 + 4, u32(100), "rXYZ"},
		{"a tag behind the data", 132 + 2*12 + 4, u32(0xFFFFFFF0), "rXYZ"},
		{"a tag longer than the data", 132 + 2*12 + 8, u32(0xFFFFFFFF), "rXYZ"},
		{"a tag of nothing", 132 + 2*12 + 8, u32(0), "rXYZ"},
	} {
		data := bytes.Clone(good)
		copy(data[c.at:], c.put)
		if _, err := icc.Parse(data); !errors.Is(err, icc.ErrBroken) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	if _, err := icc.Parse(append(bytes.Clone(good), "padding"...)); err != nil {
		t.Errorf("bytes behind the profile: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, data := range valid() {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { try(t, data) })
}
