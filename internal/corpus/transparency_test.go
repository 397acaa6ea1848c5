package corpus_test

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/corpus"
)

// Under transparency shows white, as much as the transparency lets through: every PNG of the sets that has any, and what
// would show if it were black is far away.
func TestTransparency_OnWhite(t *testing.T) {
	const bound = 2.0 // mean of 64 by 64 cells, in levels of 0 to 255
	m, tested, telling := maker(t, faithful), 0, 0
	for _, file := range thin(t, distinct(t, translucent(t))) {
		src := read(t, file)
		img, err := png.Decode(bytes.NewReader(src))
		if err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		tested++
		dark := image.NewRGBA(img.Bounds())
		draw.Draw(dark, dark.Rect, image.Black, image.Point{}, draw.Src)
		draw.Draw(dark, dark.Rect, img, dark.Rect.Min, draw.Over)
		got := mustShow(t, m, file.Name, src)
		want, black := expected(onWhite(img.Bounds(), img), 1), expected(dark, 1)
		if d := compare(got, want); d.overall() > bound {
			t.Errorf("%s: %s, want at most %.1f", file.Name, d, bound)
		}
		if compare(want, black).overall() > 10*bound {
			telling++
		}
	}
	t.Logf("%d transparent PNGs; on black, %d of them would look quite different", tested, telling)
	if telling < 10 && !raced {
		t.Errorf("only %d of %d transparent PNGs tell white from black", telling, tested)
	}
}

// translucent returns the PNGs of the sets with pixels that are not opaque.
func translucent(t *testing.T) []corpus.File {
	t.Helper()
	var some []corpus.File
	for _, file := range pictures(t, judged(t, "\tpng\t")...) {
		img, err := png.Decode(bytes.NewReader(read(t, file)))
		if err != nil {
			continue
		}
		if o, ok := img.(interface{ Opaque() bool }); ok && !o.Opaque() {
			some = append(some, file)
		}
	}
	return some
}
