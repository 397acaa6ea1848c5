package photo

import (
	"image"
	"image/color"
)

// rowFunc writes len(dst)/4 pixels of row y, from column x on: red, green and blue multiplied by alpha, and alpha.
type rowFunc func(x, y int, dst []byte)

// rowsOf picks the cheapest way to read the rows of a decoded picture. Coordinates begin at 0, 0.
func rowsOf(img image.RGBA64Image) rowFunc {
	switch img := img.(type) {
	case *image.RGBA:
		return rgbaRows(img)
	case *image.NRGBA:
		return nrgbaRows(img)
	case *image.RGBA64:
		return func(x, y int, dst []byte) { highBytes(dst, img.Pix[img.PixOffset(x, y):]) }
	case *image.NRGBA64:
		return nrgba64Rows(img)
	case *image.Paletted:
		return palettedRows(img)
	case *image.NYCbCrA:
		return videoRows(img)
	}
	return func(x, y int, dst []byte) {
		for ; len(dst) >= 4; dst = dst[4:] {
			write(dst, img.RGBA64At(x, y))
			x++
		}
	}
}

func write(dst []byte, c color.RGBA64) {
	dst[0], dst[1], dst[2], dst[3] = byte(c.R>>8), byte(c.G>>8), byte(c.B>>8), byte(c.A>>8)
}

// times multiplies a sample by alpha, rounding.
func times(sample, alpha byte) byte {
	return byte((uint32(sample)*uint32(alpha) + 127) / 255)
}

func multiply(dst []byte, r, g, b, a byte) {
	if a != 255 {
		r, g, b = times(r, a), times(g, a), times(b, a)
	}
	dst[0], dst[1], dst[2], dst[3] = r, g, b, a
}

func rgbaRows(img *image.RGBA) rowFunc {
	return func(x, y int, dst []byte) { copy(dst, img.Pix[img.PixOffset(x, y):]) }
}

func nrgbaRows(img *image.NRGBA) rowFunc {
	return func(x, y int, dst []byte) {
		src := img.Pix[img.PixOffset(x, y):][:len(dst)]
		for ; len(dst) >= 4 && len(src) >= 4; dst, src = dst[4:], src[4:] {
			multiply(dst, src[0], src[1], src[2], src[3])
		}
	}
}

// highBytes drops the lower half of 16-bit samples.
func highBytes(dst, src []byte) {
	src = src[:2*len(dst)]
	for i := range dst {
		dst[i] = src[2*i]
	}
}

func nrgba64Rows(img *image.NRGBA64) rowFunc {
	return func(x, y int, dst []byte) {
		highBytes(dst, img.Pix[img.PixOffset(x, y):])
		for ; len(dst) >= 4; dst = dst[4:] {
			multiply(dst, dst[0], dst[1], dst[2], dst[3])
		}
	}
}

// palettedRows also serves GIF frames that cover a part of their canvas only: outside of them everything is transparent.
func palettedRows(img *image.Paletted) rowFunc {
	var colours [256][4]byte
	for i, entry := range img.Palette[:min(len(img.Palette), 256)] {
		write(colours[i][:], color.RGBA64Model.Convert(entry).(color.RGBA64))
	}
	return func(x, y int, dst []byte) {
		for ; len(dst) >= 4; dst = dst[4:] {
			var pixel [4]byte
			if (image.Point{X: x, Y: y}).In(img.Rect) {
				pixel = colours[img.Pix[img.PixOffset(x, y)]]
			}
			copy(dst, pixel[:])
			x++
		}
	}
}

// cmykRows gives ink instead of light: cyan, magenta, yellow and black.
func cmykRows(img *image.CMYK) rowFunc {
	return func(x, y int, dst []byte) { copy(dst, img.Pix[img.PixOffset(x, y):]) }
}

// placed is a picture that covers a part of its canvas only: outside of frame, everything is transparent.
type placed struct {
	image.Image
	frame image.Rectangle
}

func placedRows(img placed) rowFunc {
	inner := func(int, int, []byte) {} // decoders give nothing else than what rowsOf takes
	switch pixels := img.Image.(type) {
	case *image.YCbCr:
		inner = videoRows(&image.NYCbCrA{YCbCr: *pixels})
	case image.RGBA64Image:
		inner = rowsOf(pixels)
	}
	return func(x, y int, dst []byte) {
		clear(dst)
		lo, hi := max(x, img.frame.Min.X), min(x+len(dst)/4, img.frame.Max.X)
		if y >= img.frame.Min.Y && y < img.frame.Max.Y && lo < hi {
			inner(lo-img.frame.Min.X, y-img.frame.Min.Y, dst[4*(lo-x):4*(hi-x)])
		}
	}
}
