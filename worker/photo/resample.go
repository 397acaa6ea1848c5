package photo

import "math"

const (
	weightBits = 14 // fraction of a kernel weight
	keptBits   = 6  // fraction of a sample between the two passes
)

// taps is one output sample: the first input sample that counts, and what each from there on weighs.
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
	store := make([]int32, 0, count*(int(4*widen)+2)) // one piece for all weights
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
		for k, weight := range t.weights {
			line := kept[(t.first+k)*wide:][:len(sums)]
			for x := range sums {
				sums[x] += weight * int32(line[x])
			}
		}
		line := out.row(y)
		for x, sum := range sums {
			line[x] = toByte((sum + 1<<(weightBits+keptBits-1)) >> (weightBits + keptBits))
		}
	}
	return out
}

// across scales every row. The results keep a fraction, and may leave the range of a byte a little on both sides.
func across(src plane, kernel []taps) []int16 {
	kept := make([]int16, 0, len(kernel)*src.high)
	for y := range src.high {
		row := src.row(y)
		for _, t := range kernel {
			var sum int32
			samples := row[t.first:][:len(t.weights)]
			for k, weight := range t.weights {
				sum += weight * int32(samples[k])
			}
			kept = append(kept, int16((sum+1<<(weightBits-keptBits-1))>>(weightBits-keptBits)))
		}
	}
	return kept
}

func toByte(v int32) byte { return byte(min(max(v, 0), 255)) }
