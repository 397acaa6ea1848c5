package scene_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"slices"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/corpus/scene"
)

func TestNew_SameSeedSamePicture(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{64, 64}, {641, 479}, {1, 1}} {
		a, b, c := scene.New(size.X, size.Y, 1), scene.New(size.X, size.Y, 1), scene.New(size.X, size.Y, 2)
		if !slices.Equal(a.Y, b.Y) || !slices.Equal(a.Cb, b.Cb) || !slices.Equal(a.Cr, b.Cr) {
			t.Errorf("%v: two pictures of one seed differ", size)
		}
		if slices.Equal(a.Y, c.Y) {
			t.Errorf("%v: two seeds give one picture", size)
		}
		if a.Rect.Size() != size {
			t.Errorf("%v: got %v", size, a.Rect)
		}
	}
}

func TestPhone_IsAPhonesJPEG(t *testing.T) {
	t.Parallel()
	got, err := scene.Phone()
	if err != nil {
		t.Fatal(err)
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(got))
	if err != nil || config.Width*config.Height < 12_000_000 {
		t.Errorf("%dx%d, %v; want 12 megapixels", config.Width, config.Height, err)
	}
	if len(got) < 2_000_000 || len(got) > 3_000_000 {
		t.Errorf("%d bytes, want 2 to 3 million", len(got))
	}
	if !bytes.Contains(got[:64], []byte{0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6}) {
		t.Error("no EXIF orientation 6")
	}
}
