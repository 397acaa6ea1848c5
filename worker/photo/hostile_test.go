package photo_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/webp"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

func TestMake_RefusedByName(t *testing.T) {
	t.Parallel()
	ftyp := func(brands ...string) []byte {
		body := "ftyp" + brands[0] + "\x00\x00\x00\x00" + strings.Join(brands[1:], "")
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body+"\x00\x00\x00\x08mdat"...)
	}
	arithmetic := bytes.Replace(asJPEG(t, painted(300, 300)), []byte{0xff, 0xc0}, []byte{0xff, 0xc9}, 1)
	twelveBit := bytes.Replace(asJPEG(t, painted(300, 300)), []byte{0xff, 0xc0, 0, 17, 8}, []byte{0xff, 0xc1, 0, 17, 12}, 1)
	rleBMP := asBMP(t, image.NewPaletted(image.Rect(0, 0, 200, 200), color.Palette{red, green}))
	rleBMP[30] = 1
	for _, row := range []struct {
		name string
		src  []byte
		want photo.Reason
		says string
	}{
		{"nothing", nil, photo.Empty, "no bytes"},
		{"HEIC", ftyp("heic", "mif1", "heic"), photo.UnsupportedFormat, "HEIC images are not supported; export it as JPEG"},
		{"HEIC behind a general brand", ftyp("mif1", "miaf", "heic"), photo.UnsupportedFormat, "HEIC"},
		{"HEIF", ftyp("mif1", "mif1"), photo.UnsupportedFormat, "HEIF"},
		{"AVIF", ftyp("avif", "mif1"), photo.UnsupportedFormat, "AVIF"},
		{"AVIF behind a general brand", ftyp("mif1", "avif"), photo.UnsupportedFormat, "AVIF"},
		{"film", ftyp("isom", "mp42"), photo.NotAnImage, "film"},
		{"TIFF, little-endian", []byte("II*\x00\x08\x00\x00\x00"), photo.UnsupportedFormat, "TIFF"},
		{"TIFF, big-endian", []byte("MM\x00*\x00\x00\x00\x08"), photo.UnsupportedFormat, "TIFF"},
		{"SVG", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), photo.UnsupportedFormat, "SVG"},
		{"SVG behind a declaration", []byte("\ufeff<?xml version=\"1.0\"?>\n<!-- c --><SVG/>"), photo.UnsupportedFormat, "SVG"},
		{"PDF", []byte("%PDF-1.7\n%\xe2\xe3"), photo.NotAnImage, "PDF"},
		{"HTML page", []byte("\n <!DOCTYPE html><html><svg/></html>"), photo.NotAnImage, "HTML page"},
		{"HTML without doctype", []byte("<HTML><head>"), photo.NotAnImage, "HTML page"},
		{"HTML that isn't UTF-8", []byte("<html><body>Ol\xe1"), photo.NotAnImage, "HTML page"},
		{"ICO", []byte("\x00\x00\x01\x00\x01\x00"), photo.UnsupportedFormat, "ICO"},
		{"JPEG XL", []byte("\xff\x0a\x00"), photo.UnsupportedFormat, "JPEG XL"},
		{"JPEG XL in a box", []byte("\x00\x00\x00\x0cJXL \r\n\x87\n"), photo.UnsupportedFormat, "JPEG XL"},
		{"text", []byte("Not Found"), photo.NotAnImage, "text"},
		{"text that begins like BMP", []byte("BMW sells cars, many cars"), photo.NotAnImage, "text"},
		{"JSON", []byte(`{"error":"não"}`), photo.NotAnImage, "text"},
		{"long text cut in a letter", []byte("x" + strings.Repeat("é", 900)), photo.NotAnImage, "text"},
		{"XML", []byte("<Error><Code>AccessDenied</Code></Error>"), photo.NotAnImage, "XML"},
		{"zip", []byte("PK\x03\x04...."), photo.NotAnImage, "ZIP"},
		{"random bytes", []byte{1, 2, 3, 200, 0, 0, 9}, photo.NotAnImage, "no image of a known kind"},
		{"animated WebP without a frame", riff(extendedHeader(2, 300, 300), chunk("ANIM", make([]byte, 6))), photo.Corrupt, "has no frame"},
		{"JPEG, arithmetic", arithmetic, photo.UnsupportedFormat, "rare"},
		{"JPEG, 12 bit", twelveBit, photo.UnsupportedFormat, "rare"},
		{"BMP, run-length", rleBMP, photo.UnsupportedFormat, "rare"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, err := newMaker(t, photo.Options{}).Make(t.Context(), row.src)
			if got := wantReason(t, err, row.want); !strings.Contains(got.Error(), row.says) {
				t.Errorf("got %q, want it to say %q", got.Error(), row.says)
			}
		})
	}
}

func TestMake_ScanBomb(t *testing.T) {
	t.Parallel()
	// Given the same file with few and with many scans; when made; then the few are decoded (so the file is sound and the
	// scans are what is judged), and the many are refused without being decoded.
	maker := newMaker(t, photo.Options{})
	if _, err := maker.Make(t.Context(), scanBomb(400, 400, 60)); err != nil {
		t.Fatal(err)
	}
	bomb := scanBomb(5000, 5000, 1000)
	start := time.Now()
	_, err := maker.Make(t.Context(), bomb)
	wantReason(t, err, photo.TooComplex)
	if took := time.Since(start); took > time.Second {
		t.Errorf("refusing %d bytes took %s", len(bomb), took)
	}
	// And hiding the scans behind stuffing or filling doesn't help.
	hidden := bytes.ReplaceAll(scanBomb(400, 400, 100), []byte{0xff, 0xda}, []byte{0xff, 0xff, 0xff, 0xda})
	_, err = maker.Make(t.Context(), hidden)
	wantReason(t, err, photo.TooComplex)
}

// countedContext ends after it has been asked a number of times: a clock that no load can disturb.
type countedContext struct {
	context.Context
	left, asked int
}

func (c *countedContext) Err() error {
	if c.asked++; c.asked > c.left {
		return context.Canceled
	}
	return nil
}

func TestDecode_ContextEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	// Given sound files and how often each decoder looks at its context when it may finish; when the context ends half
	// way; then the decoder ends there, with the context's error, and hasn't gone on reading.
	sources := map[string][]byte{
		"jpeg": scanBomb(800, 800, 63),
		"png":  asPNG(t, noise(100)),
		"bmp":  asBMP(t, noise(100)),
	}
	for format, src := range sources {
		whole := &countedContext{Context: t.Context(), left: math.MaxInt}
		if err := photo.Decode(whole, format, src); err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if pieces := len(src) / 512; whole.asked < pieces/2 || whole.asked < 4 {
			t.Errorf("%s: the context was looked at %d times in %d bytes", format, whole.asked, len(src))
		}
		half := &countedContext{Context: t.Context(), left: whole.asked / 2}
		if err := photo.Decode(half, format, src); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want the context's error", format, err)
		}
		if half.asked > half.left+2 {
			t.Errorf("%s: read on %d times after the end", format, half.asked-half.left)
		}
	}
}

// A small side keeps thousands of runs short: the decoders are what is under attack.
const fuzzSide = 64

// soundOrNamed holds what every input must give: a photo within its limits or an *Error.
func soundOrNamed(t testing.TB, maker *photo.Maker, src []byte) {
	t.Helper()
	made, err := maker.Make(t.Context(), src)
	if err == nil {
		if len(made.JPEG) > 100<<10 || made.Side != fuzzSide {
			t.Errorf("got %v", made)
		}
		return
	}
	if _, ok := errors.AsType[*photo.Error](err); !ok {
		t.Errorf("got %v, want a *photo.Error", err)
	}
}

func validSamples(t testing.TB) map[string][]byte {
	t.Helper()
	paletted := image.NewPaletted(image.Rect(0, 0, 64, 48), color.Palette{red, green, blue, yellow})
	paint(paletted, corners())
	return map[string][]byte{
		"jpeg":        withEXIF(asJPEG(t, painted(64, 48)), exifTIFF(bigEndian, 6)),
		"progressive": scanBomb(64, 48, 3),
		"png":         withPNGChunk(asPNG(t, painted(64, 48)), "eXIf", exifTIFF(littleEndian, 3)),
		"gif":         asGIF(t, &gif.GIF{Image: []*image.Paletted{paletted}, Delay: []int{0}}),
		"bmp":         asBMP(t, painted(24, 16)),
		"animation":   animation(64, 48, 2, 4, 50, 40, webpLossless(50, 40, red, 31)[12:]),
		"tables":      riff(chunk("VP8L", manyTables(48, 48, 9))),
		"webp":        riff(extendedHeader(8, 64, 48), webpLossless(64, 48, red, 31)[12:], chunk("EXIF", exifTIFF(littleEndian, 5))),
	}
}

func TestMake_TruncatedAndFlippedNeverPanics(t *testing.T) {
	t.Parallel()
	maker := newMaker(t, photo.Options{AllowSmall: true, Side: fuzzSide})
	for name, src := range validSamples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := maker.Make(t.Context(), src); err != nil {
				t.Fatalf("the whole sample is refused: %v", err)
			}
			for i := range 60 {
				soundOrNamed(t, maker, src[:i*len(src)/60])
			}
			random := rand.New(rand.NewPCG(7, uint64(len(src))))
			for range 60 {
				flipped := bytes.Clone(src)
				flipped[random.IntN(len(src))] ^= 1 << random.IntN(8)
				soundOrNamed(t, maker, flipped)
			}
		})
	}
}

func TestMake_CutFilesAreCorrupt(t *testing.T) {
	t.Parallel()
	// Given files cut in the middle; when made; then each is named corrupt, in every format.
	for name, src := range validSamples(t) {
		if name == "progressive" {
			continue // its scans may end early
		}
		_, err := newMaker(t, photo.Options{AllowSmall: true}).Make(t.Context(), src[:len(src)*6/10])
		if got := wantReason(t, err, photo.Corrupt); !strings.Contains(got.Detail, "damaged") {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestMake_LossyWebPColours(t *testing.T) {
	t.Parallel()
	// Given a picture as lossless and as lossy WebP; when both are made; then they look alike (the lossy one stores
	// video range, which the decoder ignores: without the correction the difference is 10 to 12 levels).
	dir := filepath.Join(moduleDir(t), "testdata")
	for _, name := range []string{"blue-purple-pink", "yellow_rose"} {
		lossless, lossy := readFile(t, dir, name+".lossless.webp"), readFile(t, dir, name+".lossy.webp")
		options := photo.Options{AllowSmall: true, Side: 64, Quality: 100}
		_, want := makePhoto(t, options, lossless)
		_, got := makePhoto(t, options, lossy)
		if diff := meanDifference(want, got); diff > 4 {
			t.Errorf("%s: got a mean difference of %.2f levels, want at most 4", name, diff)
		}
	}
}

func TestMake_LossyWebPWithAlpha(t *testing.T) {
	t.Parallel()
	// Given a lossy WebP with an alpha plane; when made; then what is transparent is white, and the flower is there.
	src := readFile(t, filepath.Join(moduleDir(t), "testdata"), "yellow_rose.lossy-with-alpha.webp")
	img, err := webp.Decode(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	alpha, ok := img.(*image.NYCbCrA)
	if !ok {
		t.Fatalf("got %T, want a picture with alpha", img)
	}
	b := alpha.Bounds()
	edge := min(b.Dx(), b.Dy())
	_, out := makePhoto(t, photo.Options{AllowSmall: true}, src)
	seen := [2]int{}
	for y := 20; y < 592; y += 40 {
		for x := 20; x < 592; x += 40 {
			sx, sy := (b.Dx()-edge)/2+x*edge/592, (b.Dy()-edge)/2+y*edge/592
			clear, solid := true, true
			for dy := -8; dy <= 8; dy++ {
				for dx := -8; dx <= 8; dx++ {
					a := alpha.NYCbCrAAt(sx+dx, sy+dy).A
					clear, solid = clear && a == 0, solid && a == 255
				}
			}
			if clear {
				seen[0]++
				wantColour(t, out, x, y, white)
			}
			if solid {
				seen[1]++
			}
		}
	}
	if seen[0] == 0 || seen[1] == 0 {
		t.Errorf("the sample shows too little: %v", seen)
	}
}

func meanDifference(a, b image.Image) float64 {
	var sum, n float64
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r1, g1, b1, _ := a.At(x, y).RGBA()
			r2, g2, b2, _ := b.At(x, y).RGBA()
			for _, pair := range [][2]uint32{{r1, r2}, {g1, g2}, {b1, b2}} {
				sum += math.Abs(float64(pair[0])-float64(pair[1])) / 257
				n++
			}
		}
	}
	return sum / n
}

// moduleDir finds golang.org/x/image, whose test pictures are the only lossy WebP at hand.
func moduleDir(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/image").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Skip("the source of golang.org/x/image is not at hand")
	}
	return dir
}

func readFile(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Skipf("no test picture %s", name)
	}
	return data
}

// goSource finds Go's own sources, which have test pictures.
func goSource(t testing.TB) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("the go command is not at hand")
	}
	return filepath.Join(strings.TrimSpace(string(out)), "src")
}
