package corpus_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"testing"

	"github.com/disintegration/imaging"

	"github.com/plugchat-go/groupphoto/internal/corpus/scene"
)

// sharpEnough is the least structural similarity to a full decode scaled with Lanczos.
const sharpEnough = 0.99

type source struct {
	name string
	src  []byte
}

// Decoding less than everything and a cheaper kernel cost nothing that can be seen.
func TestSSIM_LikeFullDecodeWithLanczos(t *testing.T) {
	phone, err := scene.Phone()
	if err != nil {
		t.Fatal(err)
	}
	var sources []source
	for _, file := range pictures(t,
		"bimg/testdata/exif/Landscape_6.jpg",          // 1200x1600
		"bimg/testdata/northern_cardinal_bird.jpg",    // 1920x1080
		"bimg/testdata/test.jpg",                      // 1680x1050
		"bimg/testdata/test_exif.jpg",                 // 3264x2448
		"bimg/testdata/test_exif_full.jpg",            // 4032x3024
		"kovid/prism/test-images/pizza-rgb8-srgb.jpg", // 1200x1200
		"kovid/testdata/branches.jpg",                 // 600x400
	) {
		sources = append(sources, source{file.Name, read(t, file)})
	}
	sources = append(sources, source{"the phone's picture", phone})
	m := maker(t, faithful)
	for _, source := range thin(t, sources) {
		t.Run(source.name, func(t *testing.T) {
			src := withoutProfile(source.src)
			made := mustMake(t, m, source.name, src)
			ours, err := jpeg.Decode(bytes.NewReader(made.JPEG))
			if err != nil {
				t.Fatal(err)
			}
			got := ssim(lumaOf(ours), lumaOf(lanczos(t, src, made.Source.Orientation)))
			if got < sharpEnough {
				t.Errorf("SSIM %.4f, want at least %.2f (%s)", got, sharpEnough, made)
			}
			t.Logf("SSIM %.4f (%dx%d, %d to 1 averaged before scaling)", got, made.Source.Width, made.Source.Height, made.Work.Shrunk)
		})
	}
}

// A blurred, a moved and a noisy picture fall below the bound: the measure can tell.
func TestSSIM_Tells(t *testing.T) {
	sharp := scene.RGB(scene.New(side, side, 3))
	moved := imaging.Paste(sharp, sharp, image.Pt(1, 0))
	for name, other := range map[string]image.Image{
		"blurred": imaging.Blur(sharp, 0.6), "moved by a pixel": moved, "coarse": imaging.Resize(imaging.Resize(sharp, side*3/4, 0, imaging.Lanczos), side, 0, imaging.Lanczos),
	} {
		if got := ssim(lumaOf(sharp), lumaOf(other)); got >= sharpEnough {
			t.Errorf("%s: SSIM %.4f, want less than %.2f", name, got, sharpEnough)
		}
	}
	if got := ssim(lumaOf(sharp), lumaOf(sharp)); math.Abs(got-1) > 1e-9 {
		t.Errorf("the same picture: SSIM %.6f, want 1", got)
	}
}

// withoutProfile removes the colour profile of a JPEG: this is about shapes.
func withoutProfile(src []byte) []byte {
	out := bytes.Clone(src[:2])
	for at := 2; ; {
		end := at + 2 + int(src[at+2])<<8 + int(src[at+3])
		if src[at+1] == 0xda { // the pixels begin
			return append(out, src[at:]...)
		}
		if !bytes.HasPrefix(src[at+4:], []byte("ICC_PROFILE\x00")) {
			out = append(out, src[at:end]...)
		}
		at = end
	}
}

// lanczos makes the photo the expensive way.
func lanczos(t *testing.T, src []byte, orientation int) image.Image {
	t.Helper()
	full, err := jpeg.Decode(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	short := min(full.Bounds().Dx(), full.Bounds().Dy())
	x0, y0 := (full.Bounds().Dx()-short)/2, (full.Bounds().Dy()-short)/2
	square := imaging.Resize(imaging.Crop(full, image.Rect(x0, y0, x0+short, y0+short)), side, side, imaging.Lanczos)
	return map[int]func(image.Image) *image.NRGBA{
		1: imaging.Clone, 2: imaging.FlipH, 3: imaging.Rotate180, 4: imaging.FlipV,
		5: imaging.Transpose, 6: imaging.Rotate270, 7: imaging.Transverse, 8: imaging.Rotate90, // imaging turns to the left
	}[orientation](square)
}

// plane is the luma of a square picture of side by side pixels, 0 to 255.
type plane []float64

func lumaOf(img image.Image) plane {
	flat := onWhite(img.Bounds(), img)
	out := make(plane, 0, side*side)
	for i := 0; i < len(flat.Pix); i += 4 {
		out = append(out, 0.299*float64(flat.Pix[i])+0.587*float64(flat.Pix[i+1])+0.114*float64(flat.Pix[i+2]))
	}
	return out
}

// ssim is the mean structural similarity of two pictures, with the usual window (Gaussian, 11 by 11, sigma 1.5) and
// constants: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment", IEEE Transactions on Image Processing, 2004.
func ssim(a, b plane) float64 {
	const c1, c2 = (0.01 * 255) * (0.01 * 255), (0.03 * 255) * (0.03 * 255)
	meanA, meanB := smooth(a), smooth(b)
	aa, bb, ab := smooth(times(a, a)), smooth(times(b, b)), smooth(times(a, b))
	sum := 0.0
	for i := range meanA {
		x, y := meanA[i], meanB[i]
		sum += (2*x*y + c1) * (2*(ab[i]-x*y) + c2) / ((x*x + y*y + c1) * (aa[i] - x*x + bb[i] - y*y + c2))
	}
	return sum / float64(len(meanA))
}

func times(a, b plane) plane {
	out := make(plane, len(a))
	for i := range a {
		out[i] = a[i] * b[i]
	}
	return out
}

// smooth returns the weighted mean of every whole window.
func smooth(p plane) plane {
	const window, sigma = 11, 1.5
	var weights [window]float64
	total := 0.0
	for i := range weights {
		d := float64(i - window/2)
		weights[i] = math.Exp(-d * d / (2 * sigma * sigma))
		total += weights[i]
	}
	const inner = side - window + 1
	rows := make(plane, 0, side*inner)
	for y := range side {
		for x := range inner {
			sum := 0.0
			for i, w := range weights {
				sum += w * p[y*side+x+i]
			}
			rows = append(rows, sum/total)
		}
	}
	out := make(plane, 0, inner*inner)
	for y := range inner {
		for x := range inner {
			sum := 0.0
			for i, w := range weights {
				sum += w * rows[(y+i)*inner+x]
			}
			out = append(out, sum/total)
		}
	}
	return out
}
