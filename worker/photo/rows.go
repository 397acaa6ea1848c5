package photo

import (
	"image"
	"image/color"
)

// rowFunc writes len(dst)/3 pixels of row y, from column x on, as RGB on white.
type rowFunc func(x, y int, dst []byte)

// rowsOf picks the cheapest way to read the rows of a decoded picture.
func rowsOf(img image.RGBA64Image, videoRange bool) rowFunc {
	switch img := img.(type) {
	case *image.Gray:
		return grayRows(img)
	case *image.NRGBA:
		return nrgbaRows(img)
	case *image.Paletted:
		return palettedRows(img)
	case *image.NYCbCrA:
		if videoRange {
			return videoRows(&img.YCbCr, img.A, img.AStride)
		}
	case *image.YCbCr:
		if videoRange {
			return videoRows(img, nil, 0)
		}
	}
	return func(x, y int, dst []byte) {
		for i := 0; i < len(dst); i += 3 {
			onWhite(dst[i:i+3], img.RGBA64At(x, y))
			x++
		}
	}
}

// onWhite puts a premultiplied colour on white.
func onWhite(dst []byte, c color.RGBA64) {
	rest := 0xffff - c.A
	dst[0], dst[1], dst[2] = byte((c.R+rest)>>8), byte((c.G+rest)>>8), byte((c.B+rest)>>8)
}

func blend(sample, alpha byte) byte {
	return byte((int(sample)*int(alpha) + 255*(255-int(alpha)) + 127) / 255)
}

func grayRows(img *image.Gray) rowFunc {
	return func(x, y int, dst []byte) {
		for _, v := range img.Pix[img.PixOffset(x, y):][:len(dst)/3] {
			dst[0], dst[1], dst[2] = v, v, v
			dst = dst[3:]
		}
	}
}

func nrgbaRows(img *image.NRGBA) rowFunc {
	return func(x, y int, dst []byte) {
		src := img.Pix[img.PixOffset(x, y):]
		for ; len(dst) >= 3; dst, src = dst[3:], src[4:] {
			a := src[3]
			dst[0], dst[1], dst[2] = blend(src[0], a), blend(src[1], a), blend(src[2], a)
		}
	}
}

// palettedRows also serves GIF frames that cover a part of their canvas only: outside of them everything is white.
func palettedRows(img *image.Paletted) rowFunc {
	var colours [256][3]byte
	for i, entry := range img.Palette[:min(len(img.Palette), 256)] {
		onWhite(colours[i][:], color.RGBA64Model.Convert(entry).(color.RGBA64))
	}
	return func(x, y int, dst []byte) {
		for ; len(dst) >= 3; dst = dst[3:] {
			rgb := [3]byte{255, 255, 255}
			if (image.Point{X: x, Y: y}).In(img.Rect) {
				rgb = colours[img.Pix[img.PixOffset(x, y)]]
			}
			copy(dst, rgb[:])
			x++
		}
	}
}

// placed is a picture that covers a part of its canvas only: outside of frame, everything is white.
type placed struct {
	image.Image
	frame image.Rectangle
}

func placedRows(img placed, videoRange bool) rowFunc {
	inner := func(int, int, []byte) {} // decoders give nothing else than what rowsOf takes
	if pixels, ok := img.Image.(image.RGBA64Image); ok {
		inner = rowsOf(pixels, videoRange)
	}
	return func(x, y int, dst []byte) {
		for i := range dst {
			dst[i] = 255
		}
		lo, hi := max(x, img.frame.Min.X), min(x+len(dst)/3, img.frame.Max.X)
		if y >= img.frame.Min.Y && y < img.frame.Max.Y && lo < hi {
			inner(lo-img.frame.Min.X, y-img.frame.Min.Y, dst[3*(lo-x):3*(hi-x)])
		}
	}
}

// videoRows reads lossy WebP; a nil alpha plane means that it is opaque.
func videoRows(img *image.YCbCr, alpha []byte, stride int) rowFunc {
	return func(x, y int, dst []byte) {
		for ; len(dst) >= 3; dst = dst[3:] {
			c := img.COffset(x, y)
			r, g, b := color.YCbCrToRGB(fullLuma[img.Y[img.YOffset(x, y)]], fullChroma[img.Cb[c]], fullChroma[img.Cr[c]])
			a := byte(255)
			if alpha != nil {
				a = alpha[y*stride+x]
			}
			dst[0], dst[1], dst[2] = blend(r, a), blend(g, a), blend(b, a)
			x++
		}
	}
}
