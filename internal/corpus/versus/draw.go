package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/plugchat-go/groupphoto/internal/corpus/scene"
)

const drawTask = "draw"

// The names of the drawn files, in the order of the table.
const (
	baselineJPEG    = "12 MP baseline.jpg"
	progressiveJPEG = "12 MP progressive.jpg"
	plainPNG        = "2 MP.png"
	alphaPNG        = "2 MP alpha.png"
	lossyWebP       = "1.5 MP lossy.webp"
	losslessWebP    = "1.5 MP lossless.webp"
)

var drawn = []string{baselineJPEG, progressiveJPEG, plainPNG, alphaPNG, lossyWebP, losslessWebP}

// draw writes the drawn files into the folder that is its one argument.
func draw(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("draw takes one folder")
	}
	in := func(name string) string { return filepath.Join(args[0], name) }
	phone, err := scene.Phone()
	if err != nil {
		return err
	}
	if err := os.WriteFile(in(baselineJPEG), phone, 0o600); err != nil {
		return err
	}
	if err := tool(ctx, "jpegtran", "-copy", "all", "-progressive", "-outfile", in(progressiveJPEG), in(baselineJPEG)); err != nil {
		return err
	}
	large := scene.RGB(scene.New(1632, 1224, 2))
	if err := writePNG(in(plainPNG), large); err != nil {
		return err
	}
	fade(large)
	if err := writePNG(in(alphaPNG), large); err != nil {
		return err
	}
	source := in("source for cwebp")
	if err := writePNG(source, scene.RGB(scene.New(1440, 1080, 15))); err != nil {
		return err
	}
	if err := tool(ctx, "cwebp", "-quiet", "-q", "80", source, "-o", in(lossyWebP)); err != nil {
		return err
	}
	return tool(ctx, "cwebp", "-quiet", "-lossless", source, "-o", in(losslessWebP))
}

func tool(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}

func writePNG(name string, img image.Image) error {
	var coded bytes.Buffer
	if err := png.Encode(&coded, img); err != nil {
		return err
	}
	return os.WriteFile(name, coded.Bytes(), 0o600)
}

// fade makes the picture more transparent from left to right.
func fade(img *image.NRGBA) {
	width := img.Rect.Dx()
	for y := range img.Rect.Dy() {
		for x := range width {
			img.Pix[y*img.Stride+4*x+3] = uint8(255 - 255*x/width)
		}
	}
}
