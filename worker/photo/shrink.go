package photo

import (
	"context"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"
)

// square cuts the centred square out of a picture of width x height and brings it to side x side, on white. It shrinks
// by averaging whole boxes while the picture is at least twice too large, and leaves the rest to CatmullRom: that kernel
// alone costs three times the time and memory, and cheaper kernels alone alias. Small pictures are enlarged.
func square(ctx context.Context, img image.Image, width, height, side int, videoRange bool) (*image.RGBA, error) {
	edge := min(width, height)
	factor := max(1, edge/side)
	cells := edge / factor
	left, top := (width-cells*factor)/2, (height-cells*factor)/2

	var small *image.RGBA
	var err error
	switch img := img.(type) {
	case *image.YCbCr:
		small, err = shrinkPlanes(ctx, img, left, top, factor, cells, videoRange)
	case placed:
		small, err = shrinkRows(ctx, placedRows(img, videoRange), left, top, factor, cells)
	case image.RGBA64Image:
		small, err = shrinkRows(ctx, rowsOf(img, videoRange), left, top, factor, cells)
	default:
		return nil, errPanicked
	}
	if err != nil || cells == side {
		return small, err
	}
	out := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.CatmullRom.Scale(out, out.Rect, small, small.Rect, draw.Src, nil)
	return out, nil
}

// span is a range of samples in a plane, lo inclusive, hi exclusive.
type span struct{ lo, hi int }

// spans cuts cells boxes of factor pixels from start into ranges of a plane that has one sample for every sub pixels.
func spans(start, factor, cells, sub int) []span {
	out := make([]span, cells)
	for i := range out {
		lo := start + i*factor
		out[i] = span{lo / sub, (lo+factor-1)/sub + 1}
	}
	return out
}

// boxPlane averages each box of a plane to one sample.
func boxPlane(ctx context.Context, pix []byte, stride int, xs, ys []span) ([]byte, error) {
	out := make([]byte, 0, len(xs)*len(ys))
	sums := make([]uint32, len(xs))
	for _, y := range ys {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		clear(sums)
		for row := y.lo; row < y.hi; row++ {
			line := pix[row*stride:]
			for i, x := range xs {
				var sum uint32
				for _, sample := range line[x.lo:x.hi] {
					sum += uint32(sample)
				}
				sums[i] += sum
			}
		}
		for i, x := range xs {
			area := uint32((x.hi - x.lo) * (y.hi - y.lo))
			out = append(out, byte((sums[i]+area/2)/area))
		}
	}
	return out, nil
}

// shrinkPlanes averages luma and chroma apart, so that no full-size RGB picture ever exists.
func shrinkPlanes(ctx context.Context, img *image.YCbCr, left, top, factor, cells int, videoRange bool) (*image.RGBA, error) {
	luma, err := boxPlane(ctx, img.Y, img.YStride, spans(left, factor, cells, 1), spans(top, factor, cells, 1))
	if err != nil {
		return nil, err
	}
	subX, subY := subsampling(img.SubsampleRatio)
	xs, ys := spans(left, factor, cells, subX), spans(top, factor, cells, subY)
	cb, err := boxPlane(ctx, img.Cb, img.CStride, xs, ys)
	if err != nil {
		return nil, err
	}
	cr, err := boxPlane(ctx, img.Cr, img.CStride, xs, ys)
	if err != nil {
		return nil, err
	}
	if videoRange {
		stretch(luma, &fullLuma)
		stretch(cb, &fullChroma)
		stretch(cr, &fullChroma)
	}
	out := image.NewRGBA(image.Rect(0, 0, cells, cells))
	for i := range luma {
		r, g, b := color.YCbCrToRGB(luma[i], cb[i], cr[i])
		pixel := out.Pix[4*i:][:4]
		pixel[0], pixel[1], pixel[2], pixel[3] = r, g, b, 0xff
	}
	return out, nil
}

func subsampling(ratio image.YCbCrSubsampleRatio) (x, y int) {
	switch ratio {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

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

func stretch(plane []byte, table *[256]byte) {
	for i, sample := range plane {
		plane[i] = table[sample]
	}
}

// shrinkRows averages boxes of a picture that gives its rows as RGB on white.
func shrinkRows(ctx context.Context, fill rowFunc, left, top, factor, cells int) (*image.RGBA, error) {
	out := image.NewRGBA(image.Rect(0, 0, cells, cells))
	line := make([]byte, 3*cells*factor)
	sums := make([]uint32, 3*cells)
	area := uint32(factor * factor)
	for y := range cells {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		clear(sums)
		for row := range factor {
			fill(left, top+y*factor+row, line)
			for cell := range cells {
				sum := sums[3*cell:][:3]
				box := line[3*factor*cell:][:3*factor]
				for ; len(box) >= 3; box = box[3:] {
					sum[0] += uint32(box[0])
					sum[1] += uint32(box[1])
					sum[2] += uint32(box[2])
				}
			}
		}
		for cell := range cells {
			pixel, sum := out.Pix[y*out.Stride+4*cell:][:4], sums[3*cell:][:3]
			for c := range 3 {
				pixel[c] = byte((sum[c] + area/2) / area)
			}
			pixel[3] = 0xff
		}
	}
	return out, nil
}
