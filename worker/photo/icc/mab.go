package icc

import "encoding/binary"

// newTable reads a lutAToBType (ICC.1:2022, 10.12): A curves, grid, M curves, matrix, B curves, where all but the last
// may be missing. Some writers leave out what would change nothing, so a missing part does. Lab is in the encoding of version 4.
func (f *file) newTable(where string, data []byte, channels int) (*tableWay, error) {
	offset := func(at int) int64 { return int64(binary.BigEndian.Uint32(data[at:])) }
	atB, atMatrix, atM, atGrid, atA := offset(12), offset(16), offset(20), offset(24), offset(28)
	w := &tableWay{grid: identityGrid(), sink: newSink(f.lab, false)}
	a, err := readCurves(where+", A curves", data, atA, channels)
	if err != nil {
		return nil, err
	}
	m, err := readCurves(where+", M curves", data, atM, 3)
	if err != nil {
		return nil, err
	}
	b, err := readCurves(where+", B curves", data, atB, 3)
	if err != nil {
		return nil, err
	}
	switch {
	case atGrid != 0:
		if w.grid, err = readGrid(where, data, atGrid, channels); err != nil {
			return nil, err
		}
	case channels != 3:
		return nil, broken("%s: a table from %d channels without a grid", where, channels)
	}
	if atMatrix != 0 || atM != 0 {
		if w.matrix, err = readMatrix(where, data, atMatrix); err != nil {
			return nil, err
		}
	}
	for i, c := range a {
		w.places[i] = w.grid.places(i, c.levels())
	}
	for i := range 3 {
		w.middle[i], w.last[i] = m[i].steps(), b[i].steps()
	}
	return w, nil
}

// part returns the data from an offset of the tag on.
func part(where string, data []byte, offset int64) ([]byte, error) {
	if offset < 32 || offset > int64(len(data)) {
		return nil, broken("%s: at %d of %d bytes", where, offset, len(data))
	}
	return data[offset:], nil
}

// readCurves reads curves that stand one behind the other, each at a multiple of four bytes. At 0 there are none, which
// is as good as straight lines.
func readCurves(where string, data []byte, offset int64, count int) ([]curve, error) {
	out := make([]curve, count)
	if offset == 0 {
		return out, nil
	}
	rest, err := part(where, data, offset)
	if err != nil {
		return nil, err
	}
	for i := range out {
		var length int
		if out[i], length, err = readCurve(where, rest); err != nil {
			return nil, err
		}
		rest = rest[min((length+3)&^3, len(rest)):]
	}
	return out, nil
}

// readGrid reads a CLUT: 16 bytes of sides, the bytes of a sample, three of nothing, the samples.
func readGrid(where string, data []byte, offset int64, channels int) (*grid, error) {
	rest, err := part(where+", grid", data, offset)
	if err != nil {
		return nil, err
	}
	if len(rest) < 20 || rest[16] != 1 && rest[16] != 2 {
		return nil, broken("%s: a table whose samples have neither 1 nor 2 bytes", where)
	}
	g, samples, err := newGrid(where, rest[:channels])
	if err != nil {
		return nil, err
	}
	return g, g.fill(where, rest[20:], samples, int(rest[16]))
}

// readMatrix reads a matrix of three columns and an offset. At 0 there is none.
func readMatrix(where string, data []byte, offset int64) (*[3][4]float32, error) {
	if offset == 0 {
		return &[3][4]float32{{1}, {0, 1}, {0, 0, 1}}, nil
	}
	rest, err := part(where+", matrix", data, offset)
	if err != nil {
		return nil, err
	}
	if len(rest) < 48 {
		return nil, broken("%s: a matrix of %d bytes", where, len(rest))
	}
	var m [3][4]float32
	for row := range 3 {
		for column := range 3 {
			m[row][column] = float32(fixed(rest[4*(3*row+column):]))
		}
		m[row][3] = float32(fixed(rest[36+4*row:]))
	}
	return &m, nil
}
