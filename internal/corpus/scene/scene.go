// Package scene draws pictures that cost a decoder what photographs cost: soft shapes, detail at every scale, hard edges
// and the noise of a sensor. It owns the drawing, which is the same on every machine, and refuses to know what the
// pictures are for.
package scene

import (
	"image"
	"math/rand/v2"
)

// octave is one layer of smooth noise: values at the corners of squares, and straight lines between them.
type octave struct{ step, amplitude int }

// New draws a picture in 4:2:0. The same size and seed give the same picture. Sides under 64 pixels give little to see.
func New(width, height int, seed uint64) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	dice := rand.New(rand.NewPCG(seed, 1))
	fill(img.Y, img.YStride, width, dice, []octave{{1024, 90}, {256, 60}, {64, 40}, {16, 24}, {4, 14}}, 7)
	half := (width + 1) / 2
	fill(img.Cb, img.CStride, half, dice, []octave{{512, 60}, {128, 30}, {16, 8}}, 2)
	fill(img.Cr, img.CStride, half, dice, []octave{{512, 60}, {128, 30}, {16, 8}}, 2)
	for range 60 {
		disc(img, dice)
	}
	return img
}

// fill draws the octaves around the middle grey and strews noise of up to the given strength over them.
func fill(plane []uint8, stride, width int, dice *rand.Rand, octaves []octave, noise int) {
	layers := make([]*layer, len(octaves))
	for i, o := range octaves {
		layers[i] = newLayer(width, o, dice)
	}
	sums := make([]int, width)
	for start := 0; start+width <= len(plane); start += stride {
		clear(sums)
		for _, l := range layers {
			l.add(sums)
		}
		bits := uint64(0)
		for x, sum := range sums {
			if x%8 == 0 {
				bits = dice.Uint64()
			}
			grain := int(bits&0xff) * (2*noise + 1) >> 8
			bits >>= 8
			plane[start+x] = uint8(min(max(128+sum>>fraction+grain-noise, 0), 255))
		}
	}
}

// fraction is the number of bits behind the point in sums.
const fraction = 8

// layer gives one octave row by row.
type layer struct {
	octave
	dice         *rand.Rand
	above, below []int // corners of the row of squares that the next row lies in
	y            int   // of the next row in that
}

func newLayer(width int, o octave, dice *rand.Rand) *layer {
	l := &layer{octave: o, dice: dice, above: make([]int, width/o.step+2), below: make([]int, width/o.step+2)}
	l.roll(l.above)
	l.roll(l.below)
	return l
}

func (l *layer) roll(corners []int) {
	for i := range corners {
		corners[i] = l.dice.IntN(2*l.amplitude+1) - l.amplitude
	}
}

// add adds the next row to sums.
func (l *layer) add(sums []int) {
	if l.y == l.step {
		l.above, l.below, l.y = l.below, l.above, 0
		l.roll(l.below)
	}
	at := func(i int) int { return (l.above[i]*(l.step-l.y) + l.below[i]*l.y) << fraction / l.step }
	for i, x := 0, 0; x < len(sums); i++ {
		value, slope := at(i), (at(i+1)-at(i))/l.step
		for end := min(x+l.step, len(sums)); x < end; x++ {
			sums[x] += value
			value += slope
		}
	}
	l.y++
}

// disc draws one disc with a hard edge, somewhere.
func disc(img *image.YCbCr, dice *rand.Rand) {
	width, height := img.Rect.Dx(), img.Rect.Dy()
	cx, cy, r := dice.IntN(width), dice.IntN(height), 2+dice.IntN(max(1, min(width, height)/16))
	luma, cb, cr := uint8(dice.IntN(256)), uint8(64+dice.IntN(128)), uint8(64+dice.IntN(128))
	for y := max(0, cy-r); y < min(height, cy+r); y++ {
		for x := max(0, cx-r); x < min(width, cx+r); x++ {
			if (x-cx)*(x-cx)+(y-cy)*(y-cy) > r*r {
				continue
			}
			// Half of the surface keeps its grain.
			at := img.YOffset(x, y)
			img.Y[at] = luma/2 + img.Y[at]/2
			at = img.COffset(x, y)
			img.Cb[at], img.Cr[at] = cb, cr
		}
	}
}
