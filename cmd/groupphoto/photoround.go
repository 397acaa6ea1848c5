package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"path/filepath"
	"strings"
)

// writeRound writes the photo as WhatsApp shows it in its list: a disc. What lies
// outside is transparent, so that it can be looked at on any ground.
func writeRound(beside string, photo []byte) (string, error) {
	square, err := jpeg.Decode(bytes.NewReader(photo))
	if err != nil {
		return "", fmt.Errorf("drawing the round preview: %w", err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, disced(square)); err != nil {
		return "", fmt.Errorf("drawing the round preview: %w", err)
	}
	return writePhoto(roundName(beside), b.Bytes())
}

// roundName is the preview's file beside a photo's.
func roundName(photo string) string {
	return strings.TrimSuffix(photo, filepath.Ext(photo)) + ".round.png"
}

// disced cuts the largest disc out of a square picture, with a smooth edge.
func disced(square image.Image) *image.NRGBA {
	side := square.Bounds().Dx()
	out := image.NewNRGBA(image.Rect(0, 0, side, side))
	radius := float64(side) / 2
	for y := range side {
		for x := range side {
			distance := math.Hypot(float64(x)+0.5-radius, float64(y)+0.5-radius)
			covered := min(1, max(0, radius-distance+0.5))
			r, g, b, _ := square.At(square.Bounds().Min.X+x, square.Bounds().Min.Y+y).RGBA()
			out.SetNRGBA(x, y, color.NRGBA{byte(r >> 8), byte(g >> 8), byte(b >> 8), byte(covered*255 + 0.5)})
		}
	}
	return out
}
