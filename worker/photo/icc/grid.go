package icc

import "encoding/binary"

// maxNodes is the largest grid that is read: 33 points in each of four dimensions, 7 MB.
const maxNodes = 33 * 33 * 33 * 33

// grid is a table of three outputs over three or four inputs.
type grid struct {
	nodes   []uint16 // three at each grid point; the last input varies fastest
	sides   [4]int   // grid points of each input, at least 2
	strides [4]int   // from a grid point to its neighbour, in nodes
}

// newGrid checks the sides and counts the samples.
func newGrid(where string, sides []byte) (*grid, int, error) {
	g, count := &grid{}, 1
	for i, side := range sides {
		if side < 2 {
			return nil, 0, broken("%s: a table with %d points on a side", where, side)
		}
		g.sides[i] = int(side)
		if count *= int(side); count > maxNodes {
			return nil, 0, unsupported("%s: a table of more than %d points", where, maxNodes)
		}
	}
	stride := 3
	for i := len(sides) - 1; i >= 0; i-- {
		g.strides[i] = stride
		stride *= g.sides[i]
	}
	return g, 3 * count, nil
}

// fill reads count samples of 1 or 2 bytes.
func (g *grid) fill(where string, data []byte, count, width int) error {
	if int64(count)*int64(width) > int64(len(data)) {
		return broken("%s: a table of %d samples in %d bytes", where, count, len(data))
	}
	g.nodes = make([]uint16, count)
	for i := range g.nodes {
		if width == 1 {
			g.nodes[i] = uint16(data[i]) * 257
		} else {
			g.nodes[i] = binary.BigEndian.Uint16(data[2*i:])
		}
	}
	return nil
}

// identityGrid gives what it is given.
func identityGrid() *grid {
	g, count, _ := newGrid("", []byte{2, 2, 2})
	g.nodes = make([]uint16, count)
	for i := range 8 {
		for out := range 3 {
			g.nodes[3*i+out] = uint16(i >> (2 - out) & 1 * 65535)
		}
	}
	return g
}

// place is where a level of one input falls: the grid point below it, as an index into nodes, and how far it lies from
// there to the next one, in 65536ths. The last level falls on the whole way to the last point, so there is always a next.
type place struct{ below, way int32 }

// places computes the place of each level.
func (g *grid) places(input int, levels [256]float64) (out [256]place) {
	last := g.sides[input] - 1
	for level, value := range levels {
		at := value * float64(last)
		below := min(int(at), last-1)
		out[level] = place{below: int32(below * g.strides[input]), way: int32((at-float64(below))*65536 + 0.5)}
	}
	return out
}

// three interpolates in the tetrahedron around a colour: from the corner at base along the inputs in the order of how far
// the colour lies along each. Results are samples in 65536ths. s holds the strides of the three inputs.
func (g *grid) three(base int, x, y, z int, sx, sy, sz int) (a, b, c int) {
	if x < y {
		x, y, sx, sy = y, x, sy, sx
	}
	if y < z {
		y, z, sy, sz = z, y, sz, sy
	}
	if x < y {
		x, y, sx, sy = y, x, sy, sx
	}
	n0 := g.nodes[base:][:3]
	n1 := g.nodes[base+sx:][:3]
	n2 := g.nodes[base+sx+sy:][:3]
	n3 := g.nodes[base+sx+sy+sz:][:3]
	w0, w1, w2 := 65536-x, x-y, y-z
	a = w0*int(n0[0]) + w1*int(n1[0]) + w2*int(n2[0]) + z*int(n3[0])
	b = w0*int(n0[1]) + w1*int(n1[1]) + w2*int(n2[1]) + z*int(n3[1])
	c = w0*int(n0[2]) + w1*int(n1[2]) + w2*int(n2[2]) + z*int(n3[2])
	return a, b, c
}
