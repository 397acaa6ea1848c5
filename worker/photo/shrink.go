package photo

import (
	"context"
	"image"
)

// shrink cuts the layout's region out of a decoded picture and averages boxes of its pixels, so that no side is twice as
// long as needed any more. This is what makes large photos cheap: a kernel of quality over all their pixels takes three
// times as long, and a cheap one lets fine patterns flicker. Planes stay planes: no full-size RGB picture ever exists.
//
// With halve, chroma comes at half the size, as the result stores it: for pictures that stay as they are.
func shrink(ctx context.Context, img image.Image, l layout, halve bool) (picture, error) {
	switch img := img.(type) {
	case *image.YCbCr:
		return shrinkYCC(ctx, img, l, halve)
	case *image.Gray:
		whole := plane{pix: img.Pix, wide: img.Stride, high: img.Rect.Dy()}
		grey, err := scalePlane(ctx, whole, windowOf(l.region, 1, 1), l.size)
		return picture{modelGrey, []plane{grey}}, err
	case *image.CMYK:
		return shrinkRows(ctx, cmykRows(img), modelCMYK, l)
	case placed:
		return shrinkRows(ctx, placedRows(img), modelRGBA, l)
	case image.RGBA64Image:
		return shrinkRows(ctx, rowsOf(img), modelRGBA, l)
	}
	return picture{}, errPanicked
}

// windowOf is the region in a plane that has one sample for so many pixels.
func windowOf(region image.Rectangle, subX, subY int) window {
	x, y := float64(subX), float64(subY)
	return window{float64(region.Min.X) / x, float64(region.Min.Y) / y, float64(region.Dx()) / x, float64(region.Dy()) / y}
}

func shrinkYCC(ctx context.Context, img *image.YCbCr, l layout, halve bool) (picture, error) {
	subX, subY := subsampling(img.SubsampleRatio)
	chromaSize := l.size
	if halve {
		chromaSize = l.size.Div(2)
	}
	high := img.Rect.Dy()
	chromaHigh := (high + subY - 1) / subY
	chroma := windowOf(l.region, subX, subY)
	out := picture{model: modelYCC, planes: make([]plane, 3)}
	var err error
	for i, p := range []struct {
		plane
		window
		size image.Point
	}{
		{plane{img.Y, img.YStride, high}, windowOf(l.region, 1, 1), l.size},
		{plane{img.Cb, img.CStride, chromaHigh}, chroma, chromaSize},
		{plane{img.Cr, img.CStride, chromaHigh}, chroma, chromaSize},
	} {
		if out.planes[i], err = scalePlane(ctx, p.plane, p.window, p.size); err != nil {
			return picture{}, err
		}
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

// scalePlane brings a window of a full-size plane to its final size.
func scalePlane(ctx context.Context, p plane, w window, size image.Point) (plane, error) {
	b := boxesOf(w, p.wide, p.high, size.X, size.Y)
	averages, err := average(ctx, p, b)
	if err != nil {
		return plane{}, err
	}
	return resample(averages, b.in(w), size.X, size.Y), nil
}

// average makes one sample of each box.
func average(ctx context.Context, p plane, b boxes) (plane, error) {
	if b.fx == 1 && b.fy == 1 && b.left == 0 && b.across == p.wide {
		return plane{pix: p.pix[b.top*p.wide : b.bottom*p.wide], wide: p.wide, high: b.down}, nil
	}
	out := newPlane(b.across, b.down)
	columns := make([]uint64, (b.right-b.left+7)/8*2)
	sums := make([]uint32, 4*len(columns))
	for y := range b.down {
		if err := ctx.Err(); err != nil {
			return plane{}, err
		}
		clear(columns)
		first := b.top + y*b.fy
		last := min(first+b.fy, b.bottom)
		for row := first; row < last; row++ {
			addRow(columns, p.row(row)[b.left:b.right])
		}
		unpack(sums, columns)
		line := out.row(y)
		for x := range line {
			box := sums[x*b.fx : min((x+1)*b.fx, b.right-b.left)]
			var sum uint32
			for _, s := range box {
				sum += s
			}
			area := uint32(len(box) * (last - first))
			line[x] = byte((sum + area/2) / area)
		}
	}
	return out, nil
}

// shrinkRows averages a picture that gives its rows pixel by pixel, four channels each, and scales the four planes.
func shrinkRows(ctx context.Context, fill rowFunc, m model, l layout) (picture, error) {
	w := windowOf(l.region, 1, 1)
	b := boxesOf(w, l.region.Max.X, l.region.Max.Y, l.size.X, l.size.Y)
	var small [4]plane
	for c := range small {
		small[c] = newPlane(b.across, b.down)
	}
	width := 4 * (b.right - b.left)
	pixels := make([]byte, width)
	columns := make([]uint64, (width+7)/8*2)
	sums := make([]uint32, 4*len(columns))
	for y := range b.down {
		if err := ctx.Err(); err != nil {
			return picture{}, err
		}
		first := b.top + y*b.fy
		last := min(first+b.fy, b.bottom)
		if b.fx == 1 && b.fy == 1 { // nothing to average
			fill(b.left, first, pixels)
			part(&small, y, pixels)
			continue
		}
		clear(columns)
		for row := first; row < last; row++ {
			fill(b.left, row, pixels)
			addRow(columns, pixels)
		}
		unpack(sums, columns)
		averageRow(&small, y, sums, b, last-first)
	}
	out := picture{model: m, planes: make([]plane, 0, len(small))}
	for _, p := range small {
		if m == modelRGBA && len(out.planes) == 3 && opaque(p) {
			out.model = modelRGB
			break
		}
		out.planes = append(out.planes, resample(p, b.in(w), l.size.X, l.size.Y))
	}
	return out, nil
}

// part gives each channel of a row of pixels to its plane.
func part(small *[4]plane, y int, pixels []byte) {
	a, b, c, d := small[0].row(y), small[1].row(y), small[2].row(y), small[3].row(y)
	for x := range a {
		pixel := pixels[4*x:][:4]
		a[x], b[x], c[x], d[x] = pixel[0], pixel[1], pixel[2], pixel[3]
	}
}

func averageRow(small *[4]plane, y int, columns []uint32, b boxes, rows int) {
	for x := range b.across {
		box := columns[4*x*b.fx : 4*min((x+1)*b.fx, b.right-b.left)]
		area := uint32(len(box) / 4 * rows)
		var sums [4]uint32
		for ; len(box) >= 4; box = box[4:] {
			sums[0] += box[0]
			sums[1] += box[1]
			sums[2] += box[2]
			sums[3] += box[3]
		}
		for c := range small {
			small[c].pix[y*b.across+x] = byte((sums[c] + area/2) / area)
		}
	}
}

func opaque(alpha plane) bool {
	for _, a := range alpha.pix {
		if a != 255 {
			return false
		}
	}
	return true
}
