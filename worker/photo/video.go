package photo

import (
	"image"
	"image/color"
	"math"
)

// Lossy WebP stores luma in 16..235 and chroma in 16..240, but image.YCbCr means the full range (golang/go#40173).
var fullLuma, fullChroma = rangeTables()

func rangeTables() (luma, chroma [256]byte) {
	for i := range 256 {
		luma[i] = clampByte(float64(i-16) * 255 / 219)
		chroma[i] = clampByte(128 + float64(i-128)*255/224)
	}
	return luma, chroma
}

func clampByte(v float64) byte { return byte(min(max(math.Round(v), 0), 255)) }

// stretch brings planes from the range of video to the full one.
func stretch(p picture) {
	for i, plane := range p.planes {
		table := &fullChroma
		if i == 0 {
			table = &fullLuma
		}
		for k, sample := range plane.pix {
			plane.pix[k] = table[sample]
		}
	}
}

// videoRows reads lossy WebP pixel by pixel; without an alpha plane it is opaque.
func videoRows(img *image.NYCbCrA) rowFunc {
	return func(x, y int, dst []byte) {
		for ; len(dst) >= 4; dst = dst[4:] {
			c := img.COffset(x, y)
			r, g, b := color.YCbCrToRGB(fullLuma[img.Y[img.YOffset(x, y)]], fullChroma[img.Cb[c]], fullChroma[img.Cr[c]])
			a := byte(255)
			if img.A != nil {
				a = img.A[y*img.AStride+x]
			}
			multiply(dst, r, g, b, a)
			x++
		}
	}
}
