package corpus_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

// madeMean is how far a photo may be from the picture that the other program was given, on a grid of 64 by 64, in levels
// of 0 to 255. The other program loses some of it. Measured: 0.7 at most.
const madeMean = 1.5

// What cjpeg makes of a picture looks like the picture, or is refused by name.
func TestMade_ByCjpeg(t *testing.T) {
	cjpeg := program(t, "cjpeg", "libjpeg-turbo-progs")
	tests := []struct {
		args          []string
		width, height int
		want          photo.Reason // "" for a photo
	}{
		{[]string{"-baseline"}, 640, 480, ""},
		{[]string{"-progressive"}, 640, 480, ""},
		{[]string{"-progressive", "-restart", "1"}, 640, 480, photo.UnsupportedFormat},
		{[]string{"-restart", "1"}, 640, 480, ""},
		{[]string{"-optimize", "-dct", "float"}, 641, 479, ""},
		{[]string{"-rgb"}, 640, 480, ""},
		{[]string{"-grayscale"}, 640, 480, ""},
		{[]string{"-grayscale", "-progressive"}, 333, 641, ""},
		{[]string{"-sample", "1x1"}, 641, 479, ""},
		{[]string{"-sample", "2x1"}, 641, 479, ""},
		{[]string{"-sample", "1x2"}, 641, 479, ""},
		{[]string{"-sample", "2x2"}, 641, 479, ""},
		{[]string{"-sample", "4x1"}, 641, 479, ""},
		{[]string{"-sample", "4x2"}, 641, 479, ""},
		{[]string{"-sample", "3x1"}, 641, 479, photo.UnsupportedFormat},
		{[]string{"-sample", "2x2,2x1,1x1"}, 641, 479, photo.UnsupportedFormat},
		{[]string{"-arithmetic"}, 640, 480, photo.UnsupportedFormat},
		{[]string{"-arithmetic", "-progressive"}, 640, 480, photo.UnsupportedFormat},
	}
	m := maker(t, faithful)
	for _, tt := range thin(t, tests) {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			original := drawing(tt.width, tt.height)
			cmd := exec.CommandContext(t.Context(), cjpeg, append([]string{"-quality", "95"}, tt.args...)...)
			cmd.Stdin = bytes.NewReader(pixmap(original))
			src, err := cmd.Output()
			if err != nil {
				t.Fatalf("cjpeg %v: %v", tt.args, err)
			}
			if strings.Contains(strings.Join(tt.args, " "), "-grayscale") {
				original = grey(original)
			}
			lookAt(t, m, src, original, tt.want)
		})
	}
}

// What cwebp makes of a picture looks like the picture, on white where it is transparent.
func TestMade_ByCwebp(t *testing.T) {
	cwebp := program(t, "cwebp", "webp")
	tests := []struct {
		args        []string
		transparent bool
	}{
		{[]string{"-q", "90"}, false},
		{[]string{"-q", "90", "-sharp_yuv"}, false},
		{[]string{"-lossless", "-exact"}, false},
		{[]string{"-near_lossless", "60"}, false},
		{[]string{"-q", "90"}, true},
		{[]string{"-q", "90", "-alpha_q", "80", "-alpha_filter", "best"}, true},
		{[]string{"-q", "90", "-alpha_method", "0"}, true},
		{[]string{"-lossless"}, true},
	}
	m := maker(t, faithful)
	for _, tt := range thin(t, tests) {
		t.Run(fmt.Sprintf("%s transparent %t", strings.Join(tt.args, " "), tt.transparent), func(t *testing.T) {
			var original image.Image = drawing(641, 479)
			if tt.transparent {
				original = veiled(original)
			}
			dir := t.TempDir()
			in, out := filepath.Join(dir, "in.png"), filepath.Join(dir, "out.webp")
			var coded bytes.Buffer
			if err := png.Encode(&coded, original); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(in, coded.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"-quiet"}, tt.args...)
			if text, err := exec.CommandContext(t.Context(), cwebp, append(args, in, "-o", out)...).CombinedOutput(); err != nil {
				t.Fatalf("cwebp: %v: %s", err, text)
			}
			src, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			lookAt(t, m, src, onWhite(original.Bounds(), original), "")
		})
	}
}

func program(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("NOT TESTED: there is no %s (on Debian: apt-get install %s)", name, debian)
	}
	return path
}

func lookAt(t *testing.T, m *photo.Maker, src []byte, original *image.RGBA, want photo.Reason) {
	t.Helper()
	made, err := m.Make(t.Context(), src)
	if refusal, ok := errors.AsType[*photo.Error](err); ok {
		if refusal.Reason != want {
			t.Errorf("%v, want %q", err, want)
		}
		return
	}
	if err != nil || want != "" {
		t.Fatalf("a photo and %v, want %q", err, want)
	}
	got, err := shown(made, cells)
	if err != nil {
		t.Fatal(err)
	}
	if d := compare(got, expected(original, 1)); d.overall() > madeMean {
		t.Errorf("%s, want at most %.1f", d, madeMean)
	} else {
		t.Log(d, made.Source.Colour)
	}
}

// drawing is a picture with soft and hard edges in all colours, and no symmetry.
func drawing(width, height int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.RGBA{R: uint8(255 * x / width), G: uint8(255 * y / height), B: uint8(255 - 255*x/width), A: 255}
			if (x/90+y/70)%3 == 0 {
				c.R, c.G, c.B = c.B/2+40, c.R/2+60, c.G/2+90
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// veiled is the picture with transparency that grows to the right, and a hole.
func veiled(img image.Image) *image.NRGBA {
	b := img.Bounds()
	out := image.NewNRGBA(b)
	draw.Draw(out, b, img, b.Min, draw.Src)
	hole := image.Rect(b.Dx()/2, b.Dy()/4, b.Dx()*3/5, b.Dy()/2)
	for y := range b.Dy() {
		for x := range b.Dx() {
			alpha := uint8(255 - 200*x/b.Dx())
			if image.Pt(x, y).In(hole) {
				alpha = 0
			}
			out.Pix[out.PixOffset(x, y)+3] = alpha
		}
	}
	return out
}

func grey(img image.Image) *image.RGBA {
	out := image.NewGray(img.Bounds())
	draw.Draw(out, out.Rect, img, out.Rect.Min, draw.Src)
	return onWhite(out.Rect, out)
}

// pixmap is the picture as cjpeg takes it: binary PPM.
func pixmap(img *image.RGBA) []byte {
	out := fmt.Appendf(nil, "P6\n%d %d\n255\n", img.Rect.Dx(), img.Rect.Dy())
	for i := 0; i < len(img.Pix); i += 4 {
		out = append(out, img.Pix[i:i+3]...)
	}
	return out
}
