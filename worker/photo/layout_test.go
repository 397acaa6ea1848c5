package photo_test

import (
	"fmt"
	"image"
	"image/color"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

func TestMake_SmallButAllowed(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{1, 1}, {2, 3}, {40, 30}, {591, 700}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			img := image.NewRGBA(image.Rect(0, 0, size[0], size[1]))
			paint(img, [4]color.Color{blue, blue, blue, blue})
			made, out := makePhoto(t, photo.Options{AllowSmall: true}, asPNG(t, img))
			if made.Side != 592 || out.Bounds().Dx() != 592 {
				t.Errorf("got %v", out.Bounds())
			}
			wantColour(t, out, 296, 296, blue)
		})
	}
}

// banner is blue with a red left and a green right end, each as wide as a quarter.
func banner(width, height int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := blue
			switch {
			case x < width/4:
				c = red
			case x >= width-width/4:
				c = green
			}
			img.Set(x, y, c)
		}
	}
	return img
}

func TestMake_Fit(t *testing.T) {
	t.Parallel()
	grey := color.NRGBA{90, 90, 90, 255}
	under := color.RGBA{90, 90, 90, 255}
	white := color.RGBA{255, 255, 255, 255}
	const side = 592
	for _, row := range []struct {
		name          string
		options       photo.Options
		width, height int
		padded        bool
		want          map[image.Point]color.RGBA
	}{
		{"crop", photo.Options{}, 1000, 500, false, map[image.Point]color.RGBA{{10, 10}: blue, {581, 581}: blue}},
		{"pad", photo.Options{Fit: photo.Pad}, 1000, 500, true, map[image.Point]color.RGBA{{296, 140}: white, {296, 452}: white, {10, 296}: red, {581, 296}: green, {296, 155}: blue, {296, 436}: blue}},
		{"pad on a colour", photo.Options{Fit: photo.Pad, Background: grey}, 1000, 500, true, map[image.Point]color.RGBA{{296, 140}: under, {10, 296}: red}},
		{"a square needs no padding", photo.Options{Fit: photo.Pad}, 700, 700, false, map[image.Point]color.RGBA{{10, 10}: red, {581, 581}: green}},
		{"three to one is cropped", photo.Options{}, 900, 300, false, map[image.Point]color.RGBA{{10, 296}: blue}},
		{"more is padded", photo.Options{}, 903, 300, true, map[image.Point]color.RGBA{{10, 296}: red, {581, 296}: green, {296, 150}: white}},
		{"upright too", photo.Options{}, 200, 1000, true, map[image.Point]color.RGBA{{150, 296}: white, {240, 296}: red, {352, 296}: green}},
		{"a line", photo.Options{AllowSmall: true}, 9000, 2, true, map[image.Point]color.RGBA{{296, 290}: white, {296, 302}: white}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			// A JPEG goes through planes, a PNG through rows: both must come out alike.
			for format, src := range map[string][]byte{"png": asPNG(t, banner(row.width, row.height)), "jpeg": asJPEG(t, banner(row.width, row.height))} {
				made, out := makePhoto(t, row.options, src)
				if made.Work.Padded != row.padded || out.Bounds() != image.Rect(0, 0, side, side) {
					t.Errorf("%s: got %+v of %v", format, made.Work, out.Bounds())
				}
				for at, want := range row.want {
					wantColour(t, out, at.X, at.Y, want)
				}
			}
		})
	}
}

func TestMake_ExtremeRatioRefused(t *testing.T) {
	t.Parallel()
	// Given a maker that refuses what is too long; then 3 to 1 passes, more is refused, and padding takes it all the same.
	long, fair := asPNG(t, banner(903, 300)), asPNG(t, banner(900, 300))
	_, err := newMaker(t, photo.Options{Extreme: photo.RefuseExtreme}).Make(t.Context(), long)
	wantReason(t, err, photo.ExtremeRatio)
	for _, row := range []struct {
		options photo.Options
		src     []byte
	}{{photo.Options{Extreme: photo.RefuseExtreme}, fair}, {photo.Options{Extreme: photo.RefuseExtreme, Fit: photo.Pad}, long}} {
		if _, err := newMaker(t, row.options).Make(t.Context(), row.src); err != nil {
			t.Errorf("%+v: got %v", row.options, err)
		}
	}
}

func TestMake_Sides(t *testing.T) {
	t.Parallel()
	// Odd sides leave no half-size chroma; corners must stay where they are.
	src := asJPEG(t, painted(1000, 1000))
	for _, side := range []int{64, 65, 591, 1024} {
		t.Run(fmt.Sprint(side), func(t *testing.T) {
			t.Parallel()
			_, want := makePhoto(t, photo.Options{}, src)
			_, out := makePhoto(t, photo.Options{Side: side}, src)
			if out.Bounds() != image.Rect(0, 0, side, side) {
				t.Fatalf("got %v", out.Bounds())
			}
			for _, at := range [][2]int{{1, 1}, {3, 1}, {1, 3}, {3, 3}} {
				r, g, b, _ := want.At(592*at[0]/4, 592*at[1]/4).RGBA()
				wantColour(t, out, side*at[0]/4, side*at[1]/4, color.RGBA{byte(r >> 8), byte(g >> 8), byte(b >> 8), 255})
			}
		})
	}
}
