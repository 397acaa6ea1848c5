package icc

import (
	"encoding/binary"
	"math"
)

const (
	maxCurve = 65536
	// formulaSteps is how finely a formula is tabulated where it is evaluated between the 256 levels of a picture.
	formulaSteps = 4096
)

// curve maps 0..1 to 0..1. The zero value is the identity.
type curve struct {
	table   []float32 // values at equal steps, at least 2; nil: the formula
	formula *formula  // nil too: the identity
}

// formula is (ax+b)^g + e from d on, and cx+f below it: all types of parametricCurveType come down to it.
type formula struct{ g, a, b, c, d, e, f float64 }

func (p *formula) at(x float64) float64 {
	if x >= p.d {
		return math.Pow(max(p.a*x+p.b, 0), p.g) + p.e
	}
	return p.c*x + p.f
}

// at evaluates the curve; x and the result are within 0..1.
func (c curve) at(x float64) float64 {
	switch {
	case c.table != nil:
		return float64(steps(c.table).at(float32(x)))
	case c.formula != nil:
		return unit(c.formula.at(x))
	}
	return x
}

// unit clips to 0..1; what is no number becomes 0.
func unit(x float64) float64 {
	if !(x > 0) { // also NaN
		return 0
	}
	return min(x, 1)
}

// levels evaluates the curve at the 256 levels of a sample.
func (c curve) levels() (out [256]float64) {
	for i := range out {
		out[i] = c.at(float64(i) / 255)
	}
	return out
}

// steps is a curve as a table, for speed; nil is the identity.
type steps []float32

func (c curve) steps() steps {
	straight := formula{g: 1, a: 1}
	if c.table != nil || c.formula == nil || *c.formula == straight {
		return c.table
	}
	out := make(steps, formulaSteps)
	for i := range out {
		out[i] = float32(c.at(float64(i) / (formulaSteps - 1)))
	}
	return out
}

// at interpolates between the steps and clips x to 0..1. x must be a number.
func (s steps) at(x float32) float32 {
	x = min(max(x, 0), 1)
	if s == nil {
		return x
	}
	x *= float32(len(s) - 1)
	i := int(x)
	if i >= len(s)-1 {
		return s[len(s)-1]
	}
	return s[i] + (x-float32(i))*(s[i+1]-s[i])
}

// readCurve reads a curveType or a parametricCurveType at the start of data, and says how long it is.
func readCurve(where string, data []byte) (c curve, length int, err error) {
	if len(data) < 12 {
		return curve{}, 0, broken("%s: a curve of %d bytes", where, len(data))
	}
	switch kind := string(data[:4]); kind {
	case "curv":
		return sampledCurve(where, data)
	case "para":
		return parametricCurve(where, data)
	default:
		return curve{}, 0, broken("%s: %q where a curve should be", where, printable(kind))
	}
}

// sampledCurve reads a curveType: no value is the identity, one is a gamma in u8Fixed8, more are a table.
func sampledCurve(where string, data []byte) (curve, int, error) {
	count := int64(binary.BigEndian.Uint32(data[8:]))
	if count > maxCurve || 12+2*count > int64(len(data)) {
		return curve{}, 0, broken("%s: a curve of %d points in %d bytes", where, count, len(data))
	}
	length, values := int(12+2*count), data[12:]
	switch count {
	case 0:
		return curve{}, length, nil
	case 1:
		return curve{formula: &formula{g: float64(binary.BigEndian.Uint16(values)) / 256, a: 1}}, length, nil
	}
	return curve{table: table16(values, int(count))}, length, nil
}

// parametricCurve reads one of the five types; what a type does not store is 0, which is what its formula means.
func parametricCurve(where string, data []byte) (curve, int, error) {
	kind := binary.BigEndian.Uint16(data[8:])
	counts := [...]int{1, 3, 4, 5, 7}
	if int(kind) >= len(counts) {
		return curve{}, 0, unsupported("%s: parametric curve of type %d", where, kind)
	}
	length := 12 + 4*counts[kind]
	if length > len(data) {
		return curve{}, 0, broken("%s: a parametric curve of %d bytes", where, len(data))
	}
	var v [7]float64
	for i := range counts[kind] {
		v[i] = fixed(data[12+4*i:])
	}
	p := formula{g: v[0], a: v[1], b: v[2], c: v[3], d: v[4], e: v[5], f: v[6]}
	switch kind {
	case 0:
		p.a = 1
	case 1, 2: // a power above -b/a, a constant below; c is that constant here
		p.c, p.d, p.e, p.f = 0, -p.b/p.a, p.c, p.c
	}
	return curve{formula: &p}, length, nil
}

// table16 reads n 16-bit values as 0..1; data is long enough.
func table16(data []byte, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(binary.BigEndian.Uint16(data[2*i:])) / 65535
	}
	return out
}

// table8 reads n 8-bit values as 0..1; data is long enough.
func table8(data []byte, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(data[i]) / 255
	}
	return out
}
