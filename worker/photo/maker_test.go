package photo_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

func makePhoto(t testing.TB, options photo.Options, src []byte) (photo.Photo, image.Image) {
	t.Helper()
	made, err := newMaker(t, options).Make(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(made.JPEG))
	if err != nil {
		t.Fatalf("the result is no JPEG: %v", err)
	}
	return made, img
}

// wantCorners looks at the middle of each quarter.
func wantCorners(t testing.TB, img image.Image, want [4]color.Color) {
	t.Helper()
	side := img.Bounds().Dx()
	for i, c := range want {
		wantColour(t, img, side/4+i%2*side/2, side/4+i/2*side/2, c)
	}
}

func wantColour(t testing.TB, img image.Image, x, y int, want color.Color) {
	t.Helper()
	const tolerance = 6
	got := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
	w := color.RGBAModel.Convert(want).(color.RGBA)
	for _, pair := range [][2]byte{{got.R, w.R}, {got.G, w.G}, {got.B, w.B}} {
		if math.Abs(float64(pair[0])-float64(pair[1])) > tolerance {
			t.Errorf("at %d,%d: got %v, want %v", x, y, got, w)
			return
		}
	}
}

func grayOf(width, height int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = 90
	}
	return img
}

func TestMake_EveryFormat(t *testing.T) {
	t.Parallel()
	palette := color.Palette{red, green, blue, yellow, color.RGBA{}}
	paletted := image.NewPaletted(image.Rect(0, 0, 300, 400), palette)
	paint(paletted, corners())
	deep := image.NewNRGBA64(image.Rect(0, 0, 400, 400))
	paint(deep, corners())
	grays := [4]color.Color{color.Gray{90}, color.Gray{90}, color.Gray{90}, color.Gray{90}}
	purple, purpler := color.RGBA{120, 40, 160, 255}, color.RGBA{120, 140, 160, 255}
	for _, row := range []struct {
		name, format string
		src          []byte
		want         [4]color.Color
	}{
		{"JPEG, wide", "jpeg", asJPEG(t, painted(1000, 700)), [4]color.Color{red, green, blue, yellow}},
		{"JPEG, exactly twice", "jpeg", asJPEG(t, painted(1184, 1184)), corners()},
		{"JPEG, already right", "jpeg", asJPEG(t, painted(592, 592)), corners()},
		{"JPEG, tall and large", "jpeg", asJPEG(t, painted(1779, 1901)), corners()},
		{"JPEG, smallest", "jpeg", asJPEG(t, painted(192, 192)), corners()},
		{"JPEG, grey", "jpeg", asJPEG(t, grayOf(900, 700)), grays},
		{"JPEG with trailing film", "jpeg", append(asJPEG(t, painted(600, 600)), bytes.Repeat([]byte{0, 2, 0xff, 0xda}, 500)...), corners()},
		{"PNG", "png", asPNG(t, painted(800, 800)), corners()},
		{"PNG, palette", "png", asPNG(t, paletted), corners()},
		{"PNG, 16 bit", "png", asPNG(t, deep), corners()},
		{"PNG, grey", "png", asPNG(t, grayOf(1190, 1190)), grays},
		{"GIF", "gif", asGIF(t, &gif.GIF{Image: []*image.Paletted{paletted}, Delay: []int{0}}), corners()},
		{"BMP", "bmp", asBMP(t, painted(377, 255)), corners()},
		{"BMP, palette", "bmp", asBMP(t, paletted), corners()},
		{"WebP, lossless", "webp", webpLossless(400, 300, purple, 140), [4]color.Color{purple, purpler, purple, purpler}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			made, img := makePhoto(t, photo.Options{}, row.src)
			if img.Bounds() != image.Rect(0, 0, 592, 592) || made.Side != 592 {
				t.Errorf("got %v, side %d, want 592", img.Bounds(), made.Side)
			}
			if len(made.JPEG) > 100<<10 {
				t.Errorf("got %d bytes, want at most 100 KiB", len(made.JPEG))
			}
			if made.Source.Format != row.format || made.Source.Orientation != 1 {
				t.Errorf("got source %+v", made.Source)
			}
			wantCorners(t, img, row.want)
		})
	}
}

func TestMake_FactsAndHashes(t *testing.T) {
	t.Parallel()
	// Given a picture with metadata; when it is made twice; then facts and hashes are right, and no metadata is left.
	src := withEXIF(asJPEG(t, painted(800, 600)), exifTIFF(bigEndian, 6))
	maker := newMaker(t, photo.Options{})
	first, err := maker.Make(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	second, err := maker.Make(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	sum, sourceSum := sha256.Sum256(first.JPEG), sha256.Sum256(src)
	want := photo.Source{Format: "jpeg", Width: 800, Height: 600, Orientation: 6, Colour: "YCbCr 4:2:0", Bytes: len(src), Hash: hex.EncodeToString(sourceSum[:])}
	if first.Source != want || first.Hash != hex.EncodeToString(sum[:]) || first.Quality != 80 {
		t.Errorf("got %v, want source %+v", first, want)
	}
	if !bytes.Equal(first.JPEG, second.JPEG) {
		t.Error("the same source gave other bytes")
	}
	if bytes.Contains(first.JPEG, []byte("Exif")) {
		t.Error("the result carries EXIF")
	}
	data, ok := strings.CutPrefix(first.DataURI(), "data:image/jpeg;base64,")
	if decoded, err := base64.StdEncoding.DecodeString(data); !ok || err != nil || !bytes.Equal(decoded, first.JPEG) {
		t.Errorf("the data URI doesn't hold the JPEG: %v", err)
	}
}

func TestPhoto_PrintingTellsNoBytes(t *testing.T) {
	t.Parallel()
	// Given a photo with marked bytes; when it is printed and logged in every way; then the mark is nowhere.
	made := photo.Photo{JPEG: []byte("MARKED-BYTES"), Hash: "abc", Side: 592}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "photo", made)
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "photo", made)
	fmt.Fprintf(&log, "%v %+v %#v %s", made, made, made, made)
	for _, leak := range []string{"MARKED-BYTES", "TUFSS0VE", "77 65 82", "0x4d, 0x41", base64.StdEncoding.EncodeToString(made.JPEG)} {
		if strings.Contains(log.String(), leak) {
			t.Errorf("the log tells %q: %s", leak, log.String())
		}
	}
	if !strings.Contains(log.String(), `"hash":"abc"`) {
		t.Errorf("the log lacks the facts: %s", log.String())
	}
}

func TestMake_TransparencyIsWhite(t *testing.T) {
	t.Parallel()
	clear := image.NewNRGBA(image.Rect(0, 0, 600, 600))
	paint(clear, [4]color.Color{color.Transparent, red, color.NRGBA{0, 0, 0, 128}, color.NRGBA{255, 0, 0, 0}})
	half := color.RGBA{127, 127, 127, 255}
	deep := image.NewNRGBA64(image.Rect(0, 0, 600, 600))
	paint(deep, [4]color.Color{color.Transparent, red, color.NRGBA{0, 0, 0, 128}, color.Transparent})
	part := image.NewPaletted(image.Rect(300, 0, 600, 300), color.Palette{red, color.RGBA{}})
	for _, row := range []struct {
		name string
		src  []byte
		want [4]color.Color
	}{
		{"PNG", asPNG(t, clear), [4]color.Color{white, red, half, white}},
		{"PNG, 16 bit", asPNG(t, deep), [4]color.Color{white, red, half, white}},
		{"GIF frame on a larger canvas", asGIF(t, &gif.GIF{
			Image: []*image.Paletted{part}, Delay: []int{0}, Config: image.Config{Width: 600, Height: 600, ColorModel: part.Palette},
		}), [4]color.Color{white, red, white, white}},
		{"WebP, wholly transparent", webpLossless(300, 300, color.RGBA{9, 9, 9, 0}, 50), [4]color.Color{white, white, white, white}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, img := makePhoto(t, photo.Options{Side: 128}, row.src)
			wantCorners(t, img, row.want)
		})
	}
}

func TestMake_BMPWithUnusedFourthByte(t *testing.T) {
	t.Parallel()
	// Given a 32-bit BMP with a V4 header whose fourth bytes are all zero; when made; then it is opaque, not white.
	src := asBMP(t, painted(200, 200))
	const pixelsAt, v4Header = 54, 108
	header := append(bytes.Clone(src[:pixelsAt]), make([]byte, v4Header-40)...)
	header[10], header[14], header[28] = 14+v4Header, v4Header, 32
	for range 200 * 200 {
		header = append(header, 30, 30, 200, 0)
	}
	_, img := makePhoto(t, photo.Options{}, header)
	wantColour(t, img, 296, 296, color.RGBA{200, 30, 30, 255})
}

func TestMake_NoiseFitsOrIsRefused(t *testing.T) {
	t.Parallel()
	src := asPNG(t, noise(256))
	// Given noise; when made; then the quality is stepped down until it fits.
	made, _ := makePhoto(t, photo.Options{Side: 256, MaxBytes: 24 << 10}, src)
	if len(made.JPEG) > 24<<10 || made.Quality >= 80 || (80-made.Quality)%8 != 0 {
		t.Errorf("got %d bytes at quality %d", len(made.JPEG), made.Quality)
	}
	// And where no quality fits, it says so.
	_, err := newMaker(t, photo.Options{Side: 256, MaxBytes: 4 << 10}).Make(t.Context(), src)
	wantReason(t, err, photo.TooComplex)
}

func TestMake_SizesThatAreRefused(t *testing.T) {
	t.Parallel()
	claims := func(width, height int, marker byte, components int) []byte {
		return bytes.Join([][]byte{{0xff, 0xd8}, segment(marker, frameHeader(width, height, components)), segment(0xda, []byte{1, 1, 0, 0, 63, 0})}, nil)
	}
	bigPNG := pngClaims(t, 6000, 5000, image.NewPaletted(image.Rect(0, 0, 2, 2), color.Palette{red, green}))
	screen := []byte("GIF89a\x00\x40\x00\x40\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
	for _, row := range []struct {
		name    string
		options photo.Options
		src     []byte
		want    photo.Reason
	}{
		{"191 pixels", photo.Options{}, asPNG(t, painted(191, 800)), photo.TooSmall},
		{"a strip", photo.Options{}, asPNG(t, painted(16000, 10)), photo.TooSmall},
		{"smaller than asked for", photo.Options{MinSide: 500}, asPNG(t, painted(499, 500)), photo.TooSmall},
		{"side too long", photo.Options{AllowSmall: true}, asPNG(t, painted(16385, 1)), photo.TooManyPixels},
		{"baseline JPEG, 51 MP", photo.Options{}, claims(8200, 6300, 0xc0, 3), photo.TooManyPixels},
		{"progressive JPEG, 26 MP", photo.Options{}, claims(6000, 4400, 0xc2, 3), photo.TooManyPixels},
		{"PNG, 30 MP", photo.Options{}, bigPNG, photo.TooManyPixels},
		{"GIF screen of 268 MP", photo.Options{}, screen, photo.TooManyPixels},
		{"WebP, 268 MP", photo.Options{}, riff(chunk("VP8L", []byte{0x2f, 0xff, 0xff, 0xff, 0x0f, 0})), photo.TooManyPixels},
		{"more memory than there is", photo.Options{MemoryBudget: 64 << 20}, claims(4000, 4000, 0xc2, 3), photo.TooManyPixels},
		{"no pixels", photo.Options{AllowSmall: true}, append(asBMP(t, painted(1, 1))[:18], make([]byte, 8)...), photo.Corrupt},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, err := newMaker(t, row.options).Make(t.Context(), row.src)
			wantReason(t, err, row.want)
		})
	}
}

func TestMake_CropIsCentred(t *testing.T) {
	t.Parallel()
	// Given a wide and a tall picture, red but for a blue square in the middle; when made; then the photo is blue.
	for _, size := range [][2]int{{600, 200}, {200, 600}, {900, 300}} {
		img := image.NewRGBA(image.Rect(0, 0, size[0], size[1]))
		paint(img, [4]color.Color{red, red, red, red})
		edge := min(size[0], size[1])
		left, top := (size[0]-edge)/2, (size[1]-edge)/2
		paint(img.SubImage(image.Rect(left, top, left+edge, top+edge)).(*image.RGBA), [4]color.Color{blue, blue, blue, blue})
		_, out := makePhoto(t, photo.Options{Side: 128}, asPNG(t, img))
		for _, at := range [][2]int{{0, 0}, {127, 0}, {0, 127}, {127, 127}, {60, 60}} {
			wantColour(t, out, at[0], at[1], blue)
		}
	}
}

func TestMake_ShrinkingDoesNotAlias(t *testing.T) {
	t.Parallel()
	// Given lines of one pixel, black and white; when shrunk by 4 and by 1.7; then grey comes out and no stripes.
	for _, side := range []int{512, 218} {
		img := image.NewGray(image.Rect(0, 0, side, side))
		for i := range img.Pix {
			img.Pix[i] = byte(i%side%2) * 255
		}
		_, out := makePhoto(t, photo.Options{Side: 128}, asPNG(t, img))
		for x := 20; x < 108; x++ {
			if y := color.GrayModel.Convert(out.At(x, 64)).(color.Gray).Y; y < 100 || y > 155 {
				t.Fatalf("side %d: got grey %d at %d, want about 127", side, y, x)
			}
		}
	}
}

func TestMake_ManyAtOnceStayInTheBudget(t *testing.T) {
	t.Parallel()
	// Given a budget of two decodes; when four run at once; then all succeed and the budget is free again.
	maker := newMaker(t, photo.Options{MemoryBudget: 64 << 20})
	src := asJPEG(t, painted(1180, 1180))
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if _, err := maker.Make(t.Context(), src); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if !maker.Idle() {
		t.Error("memory was not given back")
	}
}

func TestMake_CancelledContext(t *testing.T) {
	t.Parallel()
	// Given a cancelled context with a cause; when made; then the cause comes back, no *Error, and the budget is free.
	cause := errors.New("the update was cancelled")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	maker := newMaker(t, photo.Options{})
	_, err := maker.Make(ctx, asJPEG(t, painted(200, 200)))
	if _, ok := errors.AsType[*photo.Error](err); ok || !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
	if !maker.Idle() {
		t.Error("memory was not given back")
	}
}

func TestMake_DecodingTakesTooLong(t *testing.T) {
	t.Parallel()
	// Given a time limit nothing can meet; when made; then it is named, in every format that reads piece by piece.
	maker := newMaker(t, photo.Options{})
	maker.LimitDecoding(time.Nanosecond)
	lossless := webpLossless(200, 200, red, 31)
	for _, src := range [][]byte{asJPEG(t, painted(200, 200)), asPNG(t, painted(200, 200)), asBMP(t, painted(200, 200)), lossless} {
		_, err := maker.Make(t.Context(), src)
		if got := wantReason(t, err, photo.TooSlow); got.Permanent() {
			t.Errorf("%v is permanent, but another machine may be faster", got)
		}
	}
	// And what the image itself is to blame for stays permanent.
	_, err := maker.Make(t.Context(), []byte("<html>"))
	if got := wantReason(t, err, photo.NotAnImage); !got.Permanent() {
		t.Errorf("%v is not permanent", got)
	}
}

func BenchmarkMake_12MegapixelJPEG(b *testing.B) {
	big := image.NewRGBA(image.Rect(0, 0, 4000, 3000))
	for i := range big.Pix {
		big.Pix[i] = byte(i*7) ^ byte(i>>12)
	}
	src := asJPEG(b, big)
	maker := newMaker(b, photo.Options{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := maker.Make(b.Context(), src); err != nil {
			b.Fatal(err)
		}
	}
}
