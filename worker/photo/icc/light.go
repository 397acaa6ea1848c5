package icc

import (
	"math"
	"sync"
)

// matrix3 is applied to a column: rows first.
type matrix3 [3][3]float64

func (m matrix3) times(o matrix3) (out matrix3) {
	for i := range 3 {
		for j := range 3 {
			out[i][j] = m[i][0]*o[0][j] + m[i][1]*o[1][j] + m[i][2]*o[2][j]
		}
	}
	return out
}

func (m matrix3) apply(v [3]float64) (out [3]float64) {
	for i := range 3 {
		out[i] = m[i][0]*v[0] + m[i][1]*v[1] + m[i][2]*v[2]
	}
	return out
}

// inverse is for the matrices of this package's own constants, none of which is singular.
func (m matrix3) inverse() (out matrix3) {
	cofactor := func(i, j int) float64 {
		a, b, c, d := (i+1)%3, (i+2)%3, (j+1)%3, (j+2)%3
		return m[a][c]*m[b][d] - m[a][d]*m[b][c]
	}
	det := m[0][0]*cofactor(0, 0) + m[0][1]*cofactor(0, 1) + m[0][2]*cofactor(0, 2)
	for i := range 3 {
		for j := range 3 {
			out[j][i] = cofactor(i, j) / det
		}
	}
	return out
}

// whiteD50 is the white of the connection space (ICC.1:2022, 6.3.4.3).
var whiteD50 = [3]float64{0.9642, 1, 0.8249}

// bradford is the cone response of the linear Bradford adaptation (ICC.1:2022, annex E).
var bradford = matrix3{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}

// chromaticity is a colour without its lightness: x and y of CIE 1931.
type chromaticity struct{ x, y float64 }

func (c chromaticity) xyz() [3]float64 { return [3]float64{c.x / c.y, 1, (1 - c.x - c.y) / c.y} }

// primaries are the light sources and the white of an RGB space.
type primaries struct{ red, green, blue, white chromaticity }

// whiteD65 is the white of most displays (IEC 61966-2-1).
var whiteD65 = chromaticity{0.3127, 0.3290}

// rec709 are the primaries of sRGB (IEC 61966-2-1, ITU-R BT.709).
var rec709 = primaries{chromaticity{0.64, 0.33}, chromaticity{0.30, 0.60}, chromaticity{0.15, 0.06}, whiteD65}

// toXYZ is the matrix from linear light to the connection space, with the white adapted to D50.
func (p primaries) toXYZ() matrix3 {
	r, g, b := p.red.xyz(), p.green.xyz(), p.blue.xyz()
	columns := matrix3{{r[0], g[0], b[0]}, {r[1], g[1], b[1]}, {r[2], g[2], b[2]}}
	white := p.white.xyz()
	share := columns.inverse().apply(white)
	for i := range 3 {
		for j := range 3 {
			columns[i][j] *= share[j]
		}
	}
	from, to := bradford.apply(white), bradford.apply(whiteD50)
	scale := matrix3{{to[0] / from[0]}, {0, to[1] / from[1]}, {0, 0, to[2] / from[2]}}
	return bradford.inverse().times(scale).times(bradford).times(columns)
}

// fromXYZ is the matrix from the connection space to the linear light of sRGB.
var fromXYZ = sync.OnceValue(func() matrix3 { return rec709.toXYZ().inverse() })

// lightSteps is how finely light is told apart when it is encoded. In the dark, where sRGB is steepest, a step is a
// fifth of a level.
const lightSteps = 1 << 14

// encoding holds the level of sRGB for every step of linear light. It has room behind them, as a power of two needs no
// bounds check.
type encoding [2 * lightSteps]byte

var encoded = sync.OnceValue(func() *encoding {
	var e encoding
	for i := range lightSteps + 1 {
		e[i] = byte(math.Round(255 * encodeSRGB(float64(i)/lightSteps)))
	}
	return &e
})

// at clips the step and returns its level. It has no branch: which colours are clipped is hard to foresee.
func (e *encoding) at(step int) byte {
	step &^= step >> 63
	over := lightSteps - step
	step += over & (over >> 63)
	return e[step&(2*lightSteps-1)]
}

// encodeSRGB is the curve of IEC 61966-2-1, from light to signal.
func encodeSRGB(light float64) float64 {
	if light <= 0.0031308 {
		return 12.92 * light
	}
	return 1.055*math.Pow(light, 1/2.4) - 0.055
}
