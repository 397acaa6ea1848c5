package photo

import "math"

const (
	weightBits = 14 // fraction of a kernel weight
	keptBits   = 6  // fraction of a sample between the two passes
	atOnce     = 4  // weights are worked through in such steps, without a loop
)

// taps is one output sample: the first input sample that counts, and what each from there on weighs. Zeros fill the
// weights up to a whole number of steps; they may reach up to atOnce-1 samples beyond the last one.
type taps struct {
	first   int
	weights []int32
}

// kernel returns, for each of count outputs over the stretch [start, start+length) of a line of samples, what it is made
// of: Catmull-Rom, widened by the scale when shrinking so that nothing aliases. Weights sum to 1<<weightBits exactly:
// flat areas stay flat.
func kernel(start, length float64, samples, count int) []taps {
	scale := length / float64(count)
	widen := max(1, scale)
	all := make([]taps, count)
	store := make([]int32, 0, count*(int(4*widen)+2+atOnce)) // one piece for all weights
	for i := range all {
		centre := start + (float64(i)+0.5)*scale
		first := max(0, int(math.Ceil(centre-2*widen-0.5)))
		last := min(samples-1, int(math.Floor(centre+2*widen-0.5)))
		if last < first {
			first = min(max(0, int(centre)), samples-1)
			last = first
		}
		from := len(store)
		store = appendWeights(store, first, last, centre, widen)
		for (len(store)-from)%atOnce != 0 {
			store = append(store, 0)
		}
		all[i] = taps{first: first, weights: store[from:]}
	}
	return all
}

// appendWeights appends what the samples first to last weigh in an output around centre.
func appendWeights(weights []int32, first, last int, centre, widen float64) []int32 {
	at := func(sample int) float64 { return catmullRom((float64(sample) + 0.5 - centre) / widen) }
	sum := 0.0
	for sample := first; sample <= last; sample++ {
		sum += at(sample)
	}
	rest, largest := int32(1<<weightBits), len(weights)
	for sample := first; sample <= last; sample++ {
		var weight int32
		if sum != 0 {
			weight = int32(math.Round(at(sample) / sum * (1 << weightBits)))
		}
		rest -= weight
		weights = append(weights, weight)
		if weight > weights[largest] {
			largest = len(weights) - 1
		}
	}
	weights[largest] += rest // what rounding left over
	return weights
}

// catmullRom is the cubic through four points: sharp, and with little ringing.
func catmullRom(t float64) float64 {
	t = math.Abs(t)
	switch {
	case t < 1:
		return 1 + t*t*(1.5*t-2.5)
	case t < 2:
		return 2 + t*(-4+t*(2.5-0.5*t))
	}
	return 0
}

// resample scales a window of a plane to wide x high samples, first across, then down.
func resample(src plane, w window, wide, high int) plane {
	if w == (window{0, 0, float64(src.wide), float64(src.high)}) && src.wide == wide && src.high == high {
		return src
	}
	kept := across(src, kernel(w.x, w.wide, src.wide, wide))
	out := newPlane(wide, high)
	sums := make([]int32, wide)
	for y, t := range kernel(w.y, w.high, src.high, high) {
		clear(sums)
		for k := 0; k < len(t.weights); k += atOnce {
			addLines(sums, kept[(t.first+k)*wide:], (*[atOnce]int32)(t.weights[k:]))
		}
		line := out.row(y)
		for x, sum := range sums {
			line[x] = toByte((sum + 1<<(weightBits+keptBits-1)) >> (weightBits + keptBits))
		}
	}
	return out
}

// addLines adds the next four lines, each with its weight.
func addLines(sums []int32, lines []int16, w *[atOnce]int32) {
	n := len(sums)
	a, b, c, d := lines[:n], lines[n:][:n], lines[2*n:][:n], lines[3*n:][:n]
	for x := range sums {
		sums[x] += w[0]*int32(a[x]) + w[1]*int32(b[x]) + w[2]*int32(c[x]) + w[3]*int32(d[x])
	}
}

// across scales every row. The results keep a fraction, and may leave the range of a byte a little on both sides. Behind
// them lie the empty lines that weights of zero reach.
func across(src plane, kernel []taps) []int16 {
	kept := make([]int16, 0, len(kernel)*(src.high+atOnce-1))
	row := make([]byte, src.wide+atOnce-1)
	for y := range src.high {
		copy(row, src.row(y))
		for _, t := range kernel {
			var sum int32
			for s, w := row[t.first:], t.weights; len(w) >= atOnce && len(s) >= atOnce; s, w = s[atOnce:], w[atOnce:] {
				sum += w[0]*int32(s[0]) + w[1]*int32(s[1]) + w[2]*int32(s[2]) + w[3]*int32(s[3])
			}
			kept = append(kept, int16((sum+1<<(weightBits-keptBits-1))>>(weightBits-keptBits)))
		}
	}
	return kept[:cap(kept)]
}

func toByte(v int32) byte { return byte(min(max(v, 0), 255)) }
