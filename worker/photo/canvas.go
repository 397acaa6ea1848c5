package photo

import "image"

// onCanvas puts an animation's frame in its place and refuses pictures of another size than their header said.
func onCanvas(img image.Image, h *header) (image.Image, error) {
	want := image.Rect(0, 0, h.width, h.height)
	switch {
	case h.format == formatGIF, img.Bounds() == want:
		return img, nil
	case h.webp.animated && img.Bounds().Size() == h.webp.frame.Size():
		return placed{Image: img, frame: h.webp.frame}, nil
	}
	return nil, errPanicked
}

// simple takes out of a decoded picture what only its own format has.
func simple(format string, img image.Image) image.Image {
	switch img := img.(type) {
	case *image.NRGBA:
		if format == formatBMP {
			opaqueBMP(img)
		}
	case *image.Gray16:
		// Eight bits are enough; they move to the front of what is there.
		for i := range len(img.Pix) / 2 {
			img.Pix[i] = img.Pix[2*i]
		}
		return &image.Gray{Pix: img.Pix[:len(img.Pix)/2], Stride: img.Stride / 2, Rect: img.Rect}
	}
	return img
}

// opaqueBMP repairs pictures whose writers left the fourth byte of every pixel at zero without meaning transparency.
func opaqueBMP(img *image.NRGBA) {
	for i := 3; i < len(img.Pix); i += 4 {
		if img.Pix[i] != 0 {
			return
		}
	}
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 0xff
	}
}
