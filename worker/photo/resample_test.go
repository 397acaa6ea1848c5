package photo_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

func TestResample_FlatStaysFlat(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wide, high := rapid.IntRange(1, 60).Draw(t, "wide"), rapid.IntRange(1, 60).Draw(t, "high")
		toWide, toHigh := rapid.IntRange(1, 90).Draw(t, "to wide"), rapid.IntRange(1, 90).Draw(t, "to high")
		value := rapid.Byte().Draw(t, "value")
		src := make([]byte, wide*high)
		for i := range src {
			src[i] = value
		}
		left := rapid.Float64Range(0, float64(wide)/2).Draw(t, "left")
		got := photo.Resample(src, wide, high, left, 0, float64(wide)-left, float64(high), toWide, toHigh)
		for i, v := range got {
			if v != value {
				t.Fatalf("sample %d of a flat %d is %d", i, value, v)
			}
		}
	})
}

// exactly is the same scaling by the definition, in floating point.
func exactly(src []byte, wide, high int, toWide, toHigh int) []float64 {
	cubic := func(t float64) float64 {
		switch t = math.Abs(t); {
		case t < 1:
			return 1.5*t*t*t - 2.5*t*t + 1
		case t < 2:
			return -0.5*t*t*t + 2.5*t*t - 4*t + 2
		}
		return 0
	}
	line := func(at func(int) float64, n, count int) []float64 {
		out := make([]float64, count)
		scale := float64(n) / float64(count)
		for i := range out {
			sum, weights := 0.0, 0.0
			for k := range n {
				w := cubic((float64(k) + 0.5 - (float64(i)+0.5)*scale) / max(1, scale))
				sum, weights = sum+w*at(k), weights+w
			}
			out[i] = sum / weights
		}
		return out
	}
	rows := make([][]float64, high)
	for y := range rows {
		rows[y] = line(func(x int) float64 { return float64(src[y*wide+x]) }, wide, toWide)
	}
	out := make([]float64, toWide*toHigh)
	for x := range toWide {
		for y, v := range line(func(y int) float64 { return rows[y][x] }, high, toHigh) {
			out[y*toWide+x] = min(255, max(0, v))
		}
	}
	return out
}

func TestResample_AgreesWithTheDefinition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wide, high := rapid.IntRange(2, 40).Draw(t, "wide"), rapid.IntRange(2, 40).Draw(t, "high")
		toWide, toHigh := rapid.IntRange(1, 60).Draw(t, "to wide"), rapid.IntRange(1, 60).Draw(t, "to high")
		src := rapid.SliceOfN(rapid.Byte(), wide*high, wide*high).Draw(t, "samples")
		want := exactly(src, wide, high, toWide, toHigh)
		for i, v := range photo.Resample(src, wide, high, 0, 0, float64(wide), float64(high), toWide, toHigh) {
			if math.Abs(float64(v)-want[i]) > 1 {
				t.Fatalf("sample %d: got %d, want %.2f", i, v, want[i])
			}
		}
	})
}

func TestAverage_AgreesWithTheDefinition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wide, high := rapid.IntRange(1, 70).Draw(t, "wide"), rapid.IntRange(1, 300).Draw(t, "high")
		toWide, toHigh := rapid.IntRange(1, wide).Draw(t, "to wide"), rapid.IntRange(1, high).Draw(t, "to high")
		src := rapid.SliceOfN(rapid.Byte(), wide*high, wide*high).Draw(t, "samples")
		if rapid.Bool().Draw(t, "all white") { // the largest sums there can be
			for i := range src {
				src[i] = 255
			}
		}
		got, across, fx, fy := photo.Average(src, wide, high, toWide, toHigh)
		for i, v := range got {
			x, y, sum, n := i%across*fx, i/across*fy, 0, 0
			for row := y; row < min(y+fy, high); row++ {
				for column := x; column < min(x+fx, wide); column++ {
					sum, n = sum+int(src[row*wide+column]), n+1
				}
			}
			if want := (2*sum + n) / (2 * n); int(v) != want {
				t.Fatalf("box %d of %d x %d: got %d, want %d", i, fx, fy, v, want)
			}
		}
	})
}
