package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
)

// pictureSide is the width and height of a sample picture in pixels.
const pictureSide = 480

// figure tells how far a point lies inside a shape: positive inside, negative
// outside, in units of half the picture's side. x and y run from -1 to 1.
type figure func(x, y float64) float64

func disc(x, y float64) float64    { return 0.5 - math.Hypot(x, y) }
func ring(x, y float64) float64    { return 0.13 - math.Abs(math.Hypot(x, y)-0.42) }
func diamond(x, y float64) float64 { return (0.6 - math.Abs(x) - math.Abs(y)) * math.Sqrt2 / 2 }
func plus(x, y float64) float64 {
	x, y = math.Abs(x), math.Abs(y)
	return max(min(0.15-x, 0.52-y), min(0.15-y, 0.52-x))
}

func star(x, y float64) float64 {
	angle := math.Mod(math.Atan2(x, -y)+2*math.Pi+math.Pi/5, 2*math.Pi/5) - math.Pi/5
	return (0.55 - 0.25*math.Abs(angle)/(math.Pi/5) - math.Hypot(x, y)) * 0.7
}

func waves(x, y float64) float64 {
	if math.Hypot(x, y) > 0.62 {
		return 0.62 - math.Hypot(x, y)
	}
	return math.Sin((y+0.08*math.Sin(6*x))*16) / 16
}

// look is what a sample picture shows: a gradient, and a figure upon it.
type look struct {
	from, to color.NRGBA
	figure   figure
	clear    bool // the ground around is transparent
}

// at is the colour of one pixel. A pixel on the figure's edge is between both.
func (l look) at(px, py int) color.NRGBA {
	x := (float64(px)+0.5)/pictureSide*2 - 1
	y := (float64(py)+0.5)/pictureSide*2 - 1
	ground := blend(l.from, l.to, (x+y+2)/4)
	if l.clear {
		ground.A = uint8(255 * part(0.9-math.Hypot(x, y)))
	}
	return blend(ground, color.NRGBA{255, 255, 255, 255}, part(l.figure(x, y))*0.92)
}

// part turns a distance into how much of a pixel is covered.
func part(distance float64) float64 { return min(1, max(0, 0.5+distance*pictureSide/2)) }

func blend(a, b color.NRGBA, t float64) color.NRGBA {
	mix := func(x, y uint8) uint8 { return uint8(float64(x) + (float64(y)-float64(x))*t + 0.5) }
	return color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), mix(a.A, b.A)}
}

// The formats a sample picture can have.
const (
	asJPEG = "jpeg"
	asPNG  = "png"
	asGIF  = "gif"
)

// draw makes the picture's file.
func (l look) draw(format string) ([]byte, error) {
	canvas := image.NewNRGBA(image.Rect(0, 0, pictureSide, pictureSide))
	for y := range pictureSide {
		for x := range pictureSide {
			canvas.SetNRGBA(x, y, l.at(x, y))
		}
	}
	var b bytes.Buffer
	var err error
	switch format {
	case asPNG:
		err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, canvas)
	case asGIF:
		err = gif.Encode(&b, l.reduced(canvas), nil)
	default:
		err = jpeg.Encode(&b, canvas, &jpeg.Options{Quality: 90})
	}
	if err != nil {
		return nil, fmt.Errorf("drawing a sample picture: %w", err)
	}
	return b.Bytes(), nil
}

// reduced is the picture in 128 steps of its gradient and 128 towards white:
// searching the nearest of any 256 colours would take longer than all the rest.
func (l look) reduced(canvas *image.NRGBA) *image.Paletted {
	const half = 128
	palette := make(color.Palette, 0, 2*half)
	for i := range half {
		palette = append(palette, blend(l.from, l.to, float64(i)/(half-1)))
	}
	middle := blend(l.from, l.to, 0.5)
	for i := range half {
		palette = append(palette, blend(middle, color.NRGBA{255, 255, 255, 255}, float64(i)/(half-1)))
	}
	small := image.NewPaletted(canvas.Bounds(), palette)
	for y := range pictureSide {
		for x := range pictureSide {
			fx := (float64(x)+0.5)/pictureSide*2 - 1
			fy := (float64(y)+0.5)/pictureSide*2 - 1
			index := uint8((fx + fy + 2) / 4 * (half - 1))
			if covered := part(l.figure(fx, fy)); covered > 0 {
				index = half + uint8(covered*0.92*(half-1))
			}
			small.SetColorIndex(x, y, index)
		}
	}
	return small
}
