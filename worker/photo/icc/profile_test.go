package icc_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo/icc"
)

func TestName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		desc []byte
		want string
	}{
		{"version 2", plainText("Display P3"), "Display P3"},
		{"version 4", localized("enUS", "Display P3"), "Display P3"},
		{"English first", localized("ptBR", "Perfil de cor", "enGB", "Colour profile"), "Colour profile"},
		{"else the first", localized("ptBR", "Coloração", "deDE", "Farbprofil"), "Coloração"},
		{"plain text", join(kind("text"), []byte("Old style\x00junk")), "Old style"},
		{"control characters and spaces", plainText("  a\x1b[31m\r\n\tb\u202e  c "), "a[31m b c"},
		{"not text", plainText("\xff\xfe\x80"), ""},
		{"cut between runes", localized("enUS", strings.Repeat("ç", 60)), strings.Repeat("ç", 40)},
		{"half of a surrogate pair", join(kind("mluc"), u32(1), u32(12), []byte("enUS"), u32(4), u32(28), u16(0xD800), u16('x')), "x"},
		{"count beyond the text", join(kind("desc"), u32(1<<31), []byte("Short")), "Short"},
		{"offset beyond the tag", join(kind("mluc"), u32(1), u32(12), []byte("enUS"), u32(8), u32(1<<30)), ""},
		{"rows of no size", join(kind("mluc"), u32(1<<31), u32(0), make([]byte, 40)), ""},
		{"another type", colour(1, 2, 3), ""},
		{"empty", plainText(""), ""},
	} {
		p := parse(t, profile(2, "scnr", "GRAY", "XYZ ", block{"desc", c.desc}, block{"kTRC", straight()}))
		if got := p.Name(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if got := parse(t, profile(2, "scnr", "GRAY", "XYZ ", block{"kTRC", straight()})).Name(); got != "" {
		t.Errorf("no description: got %q", got)
	}
}

func TestSpace_Channels(t *testing.T) {
	t.Parallel()
	for space, want := range map[icc.Space]int{0: 0, icc.Gray: 1, icc.RGB: 3, icc.CMYK: 4, 9: 0} {
		if got := space.Channels(); got != want {
			t.Errorf("%d: got %d, want %d", space, got, want)
		}
	}
	for want, data := range map[icc.Space][]byte{
		icc.Gray: grayProfile("XYZ ", straight()), icc.RGB: matrixProfile(2, colorantsP3, straight()), icc.CMYK: cmykProfile(2, 1, affine),
	} {
		if got := parse(t, data).Space(); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
}

func TestConvert_InPlaceByManyAtOnce(t *testing.T) {
	t.Parallel()
	for _, data := range [][]byte{matrixProfile(4, colorantsP3, formulaSRGB), cmykProfile(2, 2, affine), grayProfile("Lab ", gamma(1.2))} {
		p := parse(t, data)
		fresh := func() [][]byte {
			planes := make([][]byte, p.Space().Channels())
			for i := range planes {
				for at := range 2048 {
					planes[i] = append(planes[i], byte(at>>3*(i+3)))
				}
			}
			return planes
		}
		var want [3][]byte
		for i := range want {
			want[i] = make([]byte, 2048)
		}
		p.Convert(want, fresh())
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				src := fresh()
				dst := [3][]byte{src[0], make([]byte, 2048), make([]byte, 2048)}
				if len(src) > 1 {
					dst[1], dst[2] = src[1], src[2]
				}
				p.Convert(dst, src)
				for i := range dst {
					if !bytes.Equal(dst[i], want[i]) {
						t.Errorf("channel %d differs in place", i)
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestConvert_KeepsNothingOfItsInput(t *testing.T) {
	t.Parallel()
	for _, data := range [][]byte{matrixProfile(4, colorantsP3, sampled(64, square)), cmykProfile(2, 2, affine), cmykProfile(4, 1, affine)} {
		p := parse(t, data)
		level := []byte{10, 100, 200, 30}[:p.Space().Channels()]
		before, name := convert(p, level...), p.Name()
		clear(data)
		if after := convert(p, level...); after != before || p.Name() != name {
			t.Errorf("%v became %v when the caller used its bytes again", before, after)
		}
	}
}

func TestConvert_PanicsOnWrongPlanes(t *testing.T) {
	t.Parallel()
	p := parse(t, matrixProfile(2, colorantsP3, straight()))
	two, three := make([]byte, 2), make([]byte, 3)
	for _, c := range []struct {
		name string
		dst  [3][]byte
		src  [][]byte
	}{
		{"one plane", [3][]byte{two, two, two}, [][]byte{two}},
		{"none", [3][]byte{}, nil},
		{"a longer source", [3][]byte{two, two, two}, [][]byte{two, three, two}},
		{"a shorter result", [3][]byte{three, two, three}, [][]byte{three, three, three}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", c.name)
				}
			}()
			p.Convert(c.dst, c.src)
		}()
	}
	p.Convert([3][]byte{}, make([][]byte, 3)) // an empty picture is none of them
}
