package photo_test

import (
	"bytes"
	"compress/zlib"
	"image"
	"image/color"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

// withICC puts a profile into a JPEG, cut into so many segments, which stand in reverse order.
func withICC(src, profile []byte, segments int) []byte {
	parts := [][]byte{src[:2]}
	each := (len(profile) + segments - 1) / segments
	for i := segments; i >= 1; i-- {
		piece := profile[min((i-1)*each, len(profile)):min(i*each, len(profile))]
		parts = append(parts, segment(0xe2, append([]byte("ICC_PROFILE\x00"+string(rune(i))+string(rune(segments))), piece...)))
	}
	return bytes.Join(append(parts, src[2:]), nil)
}

func deflated(data []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(data) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

func inPNG(profile []byte) []byte { return append([]byte("some name\x00\x00"), deflated(profile)...) }

func plain(c color.Color) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 300, 300))
	paint(img, [4]color.Color{c, c, c, c})
	return img
}

// In Display P3 these are other colours than in sRGB: calculated from both spaces' definitions.
var (
	p3Stored = color.RGBA{234, 51, 35, 255}
	p3Shown  = color.RGBA{255, 0, 0, 255}
)

func TestMake_Profiles(t *testing.T) {
	t.Parallel()
	p3, ink := readFile(t, "testdata", "display-p3.icc"), readFile(t, "testdata", "green-ink.icc")
	jpeg, png := asJPEG(t, plain(p3Stored)), asPNG(t, plain(p3Stored))
	grey := asPNG(t, image.NewGray16(image.Rect(0, 0, 300, 300)))
	lossless := webpLossless(300, 300, p3Stored, p3Stored.G)[12:]
	bomb := append(bytes.Clone(p3), make([]byte, 5<<20)...)
	for _, row := range []struct {
		name      string
		src       []byte
		profile   string
		converted bool
		want      color.RGBA
	}{
		{"JPEG without", jpeg, "", false, p3Stored},
		{"JPEG", withICC(jpeg, p3, 1), "Test", true, p3Shown},
		{"JPEG, in pieces", withICC(jpeg, p3, 5), "Test", true, p3Shown},
		{"JPEG, a piece is missing", withICC(jpeg[:2], p3, 2)[:2+4+14+len(p3)/2], "", false, color.RGBA{}},
		{"JPEG, two pieces say they are the same", bytes.Replace(withICC(jpeg, p3, 2), []byte("ICC_PROFILE\x00\x02"), []byte("ICC_PROFILE\x00\x01"), 1), "unreadable", false, p3Stored},
		{"JPEG, broken", withICC(jpeg, p3[:200], 1), "unreadable", false, p3Stored},
		{"JPEG, of other channels", withICC(jpeg, ink, 1), "Test", false, p3Stored},
		{"PNG", withPNGChunk(png, "iCCP", inPNG(p3)), "Test", true, p3Shown},
		{"PNG, by numbers", withPNGChunk(png, "cICP", []byte{12, 13, 0, 1}), "Display P3, sRGB (CICP 12/13)", true, p3Shown},
		{"PNG, numbers before profile", withPNGChunk(withPNGChunk(png, "iCCP", inPNG(ink)), "cICP", []byte{12, 13, 0, 1}), "Display P3, sRGB (CICP 12/13)", true, p3Shown},
		{"PNG, sRGB before profile", withPNGChunk(withPNGChunk(png, "iCCP", inPNG(p3)), "sRGB", []byte{0}), "", false, p3Stored},
		{"PNG, HDR", withPNGChunk(png, "cICP", []byte{9, 16, 0, 1}), "unreadable", false, p3Stored},
		{"PNG, not compressed", withPNGChunk(png, "iCCP", append([]byte("x\x00\x00"), p3...)), "unreadable", false, p3Stored},
		{"PNG, compressed bomb", withPNGChunk(png, "iCCP", inPNG(bomb)), "unreadable", false, p3Stored},
		{"PNG, grey with a profile for colours", withPNGChunk(grey, "iCCP", inPNG(p3)), "Test", false, color.RGBA{0, 0, 0, 255}},
		{"WebP", riff(extendedHeader(0x20, 300, 300), chunk("ICCP", p3), lossless), "Test", true, p3Shown},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.want == (color.RGBA{}) { // cut off: refused, and no panic
				_, err := newMaker(t, photo.Options{}).Make(t.Context(), row.src)
				wantReason(t, err, photo.Corrupt)
				return
			}
			made, out := makePhoto(t, photo.Options{}, row.src)
			if made.Source.Profile != row.profile || made.Work.Converted != row.converted {
				t.Errorf("got profile %q, converted %t; want %q, %t", made.Source.Profile, made.Work.Converted, row.profile, row.converted)
			}
			wantColour(t, out, 296, 296, row.want)
			unused := row.profile != "" && !row.converted
			if warned(made, "profile_not_used") != unused {
				t.Errorf("warnings %+v; want one of the profile: %t", made.Warnings, unused)
			}
		})
	}
}

func warned(p photo.Photo, code string) bool {
	for _, w := range p.Warnings {
		if w.Code == code && w.Text != "" {
			return true
		}
	}
	return false
}

// TestMake_GreyWithAlphaAndProfile: decoders give such a picture in colours; its profile is one for grey all the same.
func TestMake_GreyWithAlphaAndProfile(t *testing.T) {
	t.Parallel()
	profile := inPNG(readFile(t, "testdata", "grey-light.icc"))
	header := []byte{0, 0, 0, 200, 0, 0, 0, 200, 8, 4, 0, 0, 0}
	pixels := bytes.Repeat(append([]byte{0}, bytes.Repeat([]byte{128, 255}, 200)...), 200)
	src := asPNGHeader(header)
	for _, c := range []struct {
		name string
		data []byte
	}{{"iCCP", profile}, {"IDAT", deflated(pixels)}, {"IEND", nil}} {
		src = append(src, withPNGChunk(make([]byte, 33), c.name, c.data)[33:]...)
	}
	made, out := makePhoto(t, photo.Options{}, src)
	wantColour(t, out, 296, 296, color.RGBA{188, 188, 188, 255}) // half of the light
	if !made.Work.Converted || warned(made, "profile_not_used") {
		t.Errorf("got %+v, %+v", made.Work, made.Warnings)
	}
}

// TestMake_TransparentWithProfile: what shows through is the background as it is, not as the profile would have it.
func TestMake_TransparentWithProfile(t *testing.T) {
	t.Parallel()
	img := image.NewNRGBA(image.Rect(0, 0, 400, 400))
	for y := range 400 {
		for x := range 200 {
			img.SetNRGBA(x, y, color.NRGBA(p3Stored))
		}
	}
	src := withPNGChunk(asPNG(t, img), "cICP", []byte{12, 13, 0, 1})
	made, out := makePhoto(t, photo.Options{Background: color.NRGBA(p3Stored)}, src)
	wantColour(t, out, 100, 296, p3Shown)
	wantColour(t, out, 500, 296, p3Stored)
	if !warned(made, "transparent") {
		t.Errorf("warnings %+v", made.Warnings)
	}
}

func TestMake_CMYK(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(goSource(t), "image", "testdata")
	ink := readFile(t, "testdata", "green-ink.icc")
	options := photo.Options{AllowSmall: true, Side: 64}
	cmyk := readFile(t, dir, "video-001.cmyk.jpeg")
	_, want := makePhoto(t, options, readFile(t, dir, "video-001.cmyk.png"))
	// Without a profile it looks as its inks plainly say, and warns.
	made, got := makePhoto(t, options, cmyk)
	if diff := meanDifference(want, got); diff > 3 || made.Source.Colour != "CMYK" || !warned(made, "cmyk_without_profile") {
		t.Errorf("got a mean difference of %.2f levels from %s, warnings %+v", diff, made.Source.Colour, made.Warnings)
	}
	// With one it looks as that says: L* 60, a* -50, b* 40 in sRGB.
	made, got = makePhoto(t, options, withICC(cmyk, ink, 1))
	wantColour(t, got, 32, 32, color.RGBA{44, 166, 67, 255})
	if !made.Work.Converted || len(made.Warnings) == 0 || warned(made, "cmyk_without_profile") {
		t.Errorf("got %+v, warnings %+v", made.Work, made.Warnings)
	}
}

func TestMake_Warnings(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		src  []byte
		opts photo.Options
		want string
	}{
		{"nothing to say", asPNG(t, painted(600, 600)), photo.Options{}, ""},
		{"small", asPNG(t, painted(100, 100)), photo.Options{AllowSmall: true}, "small enlarged"},
		{"long", asPNG(t, painted(2000, 400)), photo.Options{}, "long"},
		{"padded because it was asked for", asPNG(t, painted(2000, 400)), photo.Options{Fit: photo.Pad}, ""},
		{"noise", asPNG(t, noise(600)), photo.Options{}, "quality_lowered"},
		{"animated", animation(300, 300, 0, 0, 300, 300, webpLossless(300, 300, red, 31)[12:]), photo.Options{}, "first_frame enlarged"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			made, _ := makePhoto(t, row.opts, row.src)
			var codes []string
			for _, w := range made.Warnings {
				codes = append(codes, w.Code)
			}
			if got := strings.Join(codes, " "); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}
