package corpus_test

import (
	"fmt"
	"image"
	"image/draw"
	"math"
)

// cells is how many cells a grid has across and down where the picture has pixels enough.
const cells = 64

// grid is a square picture as n by n means of its colours, 0 to 255. Two ways of scaling differ in pixels and agree here.
type grid struct {
	n    int
	mean [][3]float64
}

func (g grid) at(x, y int) *[3]float64 { return &g.mean[y*g.n+x] }

// average returns the means of the part of a picture, which is a square. What of it lies outside the picture is white.
func average(img *image.RGBA, part image.Rectangle, n int) grid {
	g := grid{n: n, mean: make([][3]float64, n*n)}
	across, down := shares(part.Min.X, part.Dx(), n, img.Rect.Min.X, img.Rect.Max.X), shares(part.Min.Y, part.Dy(), n, img.Rect.Min.Y, img.Rect.Max.Y)
	for y := range n {
		for x := range n {
			*g.at(x, y) = area(img, across[x], down[y])
		}
	}
	return g
}

// share is what one cell takes of one axis: its first pixel, and how much of that and of the following ones.
type share struct {
	first  int
	weight []float64
}

// shares cuts length pixels from start into n cells, and leaves out what is not in [low, high).
func shares(start, length, n, low, high int) []share {
	step := float64(length) / float64(n)
	list := make([]share, n)
	for i := range list {
		from, to := float64(start)+float64(i)*step, float64(start)+float64(i+1)*step
		first := max(low, int(math.Floor(from)))
		list[i].first = first
		for p := first; p < min(high, int(math.Ceil(to))); p++ {
			list[i].weight = append(list[i].weight, (min(float64(p+1), to)-max(float64(p), from))/step)
		}
	}
	return list
}

// area is one cell's mean.
func area(img *image.RGBA, across, down share) [3]float64 {
	var sum [3]float64
	var covered float64
	for j, tall := range down.weight {
		row := img.Pix[img.PixOffset(across.first, down.first+j):]
		for i, wide := range across.weight {
			weight := tall * wide
			sum[0] += weight * float64(row[4*i])
			sum[1] += weight * float64(row[4*i+1])
			sum[2] += weight * float64(row[4*i+2])
			covered += weight
		}
	}
	for c := range sum {
		sum[c] += 255 * max(0, 1-covered)
	}
	return sum
}

// turn returns the grid as a viewer shows it who knows the EXIF orientation.
func (g grid) turn(orientation int) grid {
	out, last := grid{n: g.n, mean: make([][3]float64, len(g.mean))}, g.n-1
	for y := range g.n {
		for x := range g.n {
			from := map[int][2]int{
				1: {x, y}, 2: {last - x, y}, 3: {last - x, last - y}, 4: {x, last - y},
				5: {y, x}, 6: {y, last - x}, 7: {last - y, last - x}, 8: {last - y, x},
			}[orientation]
			*out.at(x, y) = *g.at(from[0], from[1])
		}
	}
	return out
}

// difference is how far two grids are from each other, in levels of 0 to 255.
type difference struct {
	mean  [3]float64 // absolute, by channel
	worst float64    // of any cell in any channel
}

func (d difference) overall() float64 { return (d.mean[0] + d.mean[1] + d.mean[2]) / 3 }

func (d difference) String() string {
	return fmt.Sprintf("mean %.2f (%.2f %.2f %.2f), worst cell %.0f", d.overall(), d.mean[0], d.mean[1], d.mean[2], d.worst)
}

func compare(a, b grid) difference {
	if a.n != b.n {
		panic("grids of two sizes")
	}
	var d difference
	for i := range a.mean {
		for c := range d.mean {
			off := math.Abs(a.mean[i][c] - b.mean[i][c])
			d.mean[c] += off / float64(len(a.mean))
			d.worst = max(d.worst, off)
		}
	}
	return d
}

// onWhite returns the picture as pixels without transparency.
func onWhite(canvas image.Rectangle, img image.Image) *image.RGBA {
	out := image.NewRGBA(canvas)
	draw.Draw(out, canvas, image.White, image.Point{}, draw.Src)
	draw.Draw(out, img.Bounds(), img, img.Bounds().Min, draw.Over)
	return out
}
