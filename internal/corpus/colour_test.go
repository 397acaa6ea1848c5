package corpus_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

// faithful makes photos that show the colours and shapes, not what the encoder loses.
var faithful = photo.Options{AllowSmall: true, Quality: 100, MaxBytes: 5 << 20}

const pizza = "kovid/prism/test-images/pizza-"

// The same picture stored in other colour spaces must look the same. The bounds are means of the absolute differences to
// the sRGB original, in levels of 0 to 255, in every channel by itself, on a grid of 64 by 64. Ignored profiles are at 3.1
// (Adobe RGB) to 11.2 (ProPhoto), CMYK taken for plain ink at 7.6.
func TestColour_LikeTheOriginal(t *testing.T) {
	m := maker(t, faithful)
	original, ok := reference("png", read(t, pictures(t, pizza+"rgb8-srgb.png")[0]))
	if !ok {
		t.Fatal("the original does not decode")
	}
	want := expected(original, 1)
	tests := []struct {
		name  string
		bound float64
	}{
		{"rgb8-srgb.png", 1.0},            // measured: 0.61
		{"rgb8-srgb.jpg", 1.0},            // 0.55
		{"progressive.jpg", 1.0},          // 0.56
		{"rgb8-displayp3.jpg", 1.6},       // 1.12
		{"rgb8-displayp3-vp8x.webp", 1.8}, // 1.30
		{"rgb8-adobergb.jpg", 1.5},        // 1.03
		{"rgb8-prophotorgb.jpg", 1.2},     // 0.79
		{"cmyk8-usswop.jpg", 1.5},         // 0.97
	}
	for _, tt := range tests {
		d := compare(mustShow(t, m, tt.name, read(t, pictures(t, pizza+tt.name)[0])), want)
		if max(d.mean[0], d.mean[1], d.mean[2]) > tt.bound {
			t.Errorf("%s: %s from the sRGB original, want at most %.1f in every channel", tt.name, d, tt.bound)
		}
		t.Logf("%s: %s", tt.name, d)
	}
}

// Every picture whose colours were converted looks like libvips' conversion of it.
func TestColour_LikeLibvips(t *testing.T) {
	vips, err := exec.LookPath("vipsthumbnail")
	if err != nil {
		t.Skip("NOT COMPARED WITH LIBVIPS: there is no vipsthumbnail (on Debian: apt-get install libvips-tools)")
	}
	const (
		near = 2.5 // mean over all channels; measured: 1.75
		// libvips' own CMYK is 6 levels from the original of the pizza, and ours 1: here only gross faults show.
		inkNear = 10.0 // measured: 7.1
	)
	m, out := maker(t, faithful), filepath.Join(t.TempDir(), "out.png")
	for _, file := range thin(t, distinct(t, pictures(t, judged(t, "\tconverted")...))) {
		made := mustMake(t, m, file.Name, read(t, file))
		cmd := exec.CommandContext(t.Context(), vips, file.Path, "--size", "592x592", "--smartcrop", "centre", "--export-profile", "srgb", "-o", out+"[strip]")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Logf("%s: libvips can't: %s", file.Name, text)
			continue
		}
		theirs, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		plain, ok := reference("png", theirs)
		if !ok {
			t.Fatalf("%s: libvips' result does not decode", file.Name)
		}
		got, err := shown(made, cells)
		if err != nil {
			t.Fatal(err)
		}
		bound := near
		if made.Source.Colour == "CMYK" {
			bound = inkNear
		}
		d := compare(got, expected(plain, 1))
		if d.overall() > bound {
			t.Errorf("%s (%s, %s): %s from libvips', want at most %.1f", file.Name, made.Source.Colour, made.Source.Profile, d, bound)
		}
		t.Logf("%s (%s): %s", file.Name, made.Source.Profile, d)
	}
}
