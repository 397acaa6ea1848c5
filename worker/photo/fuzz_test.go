package photo_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

// seed gives a fuzz target made samples, and small real pictures that come with Go where those are at hand.
func seed(f *testing.F, add func(src []byte)) {
	f.Helper()
	for _, src := range validSamples(f) {
		add(src)
	}
	const most = 6 << 10 // the fuzzer changes small inputs faster
	for _, folder := range []string{"image/testdata", "image/png/testdata/pngsuite"} {
		files, err := filepath.Glob(filepath.Join(goSource(f), filepath.FromSlash(folder), "*.*"))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			if src, err := os.ReadFile(file); err == nil && len(src) <= most {
				add(src)
			}
		}
	}
}

func FuzzMake(f *testing.F) {
	seed(f, func(src []byte) { f.Add(src) })
	f.Add([]byte("<html>"))
	f.Add(scanBomb(64, 64, 80))
	maker := newMaker(f, photo.Options{AllowSmall: true, Side: fuzzSide})
	f.Fuzz(func(t *testing.T, src []byte) { soundOrNamed(t, maker, src) })
}

func FuzzInspect(f *testing.F) {
	seed(f, func(src []byte) { f.Add(src) })
	for _, claim := range claims {
		f.Add(claim(300, 200))
	}
	f.Add(bytes.Repeat([]byte{0xff, 0xe2, 0, 4, 0, 0}, 20))
	f.Fuzz(func(t *testing.T, src []byte) {
		width, height, err := photo.Inspect(src)
		if err == nil && (width < 1 || height < 1 || width > 16_384 || height > 16_384 || width*height > 50_000_000) {
			t.Errorf("%d x %d pixels pass", width, height)
		}
	})
}

// FuzzDecode runs the wrapper of one decoder on any bytes, as if they had been recognised as its format.
func FuzzDecode(f *testing.F) {
	formats := []string{"jpeg", "png", "gif", "webp", "bmp"}
	seed(f, func(src []byte) {
		for i := range formats {
			f.Add(byte(i), src)
		}
	})
	f.Fuzz(func(t *testing.T, format byte, src []byte) {
		// What is recognised and within the limits is decoded; anything else would only allocate what it claims.
		if width, height, err := photo.Inspect(src); err != nil || width*height > 1<<16 {
			return
		}
		_ = photo.Decode(t.Context(), formats[int(format)%len(formats)], src) // a panic is what is looked for
	})
}
