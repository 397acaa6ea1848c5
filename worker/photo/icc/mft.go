package icc

import "encoding/binary"

// oldTable reads a lut8Type or lut16Type: input curves, grid, output curves. The matrix in them is for XYZ input only.
// Lab in lut16Type is in the encoding of version 2, whatever the profile's version (ICC.1:2022, 10.10).
func (f *file) oldTable(where string, data []byte, channels int) (*tableWay, error) {
	if len(data) < 52 {
		return nil, broken("%s: a table of %d bytes", where, len(data))
	}
	inputs, outputs, rest, width, read := 256, 256, data[48:], 1, table8
	if string(data[:4]) == "mft2" {
		width, read = 2, table16
		inputs, outputs = int(binary.BigEndian.Uint16(data[48:])), int(binary.BigEndian.Uint16(data[50:]))
		rest = data[52:]
		if most := 4096; inputs < 2 || inputs > most || outputs < 2 || outputs > most {
			return nil, broken("%s: curves of %d and %d points, 2 to %d are allowed", where, inputs, outputs, most)
		}
	}
	side := data[10]
	g, samples, err := newGrid(where, []byte{side, side, side, side}[:channels])
	if err != nil {
		return nil, err
	}
	if need := width * (channels*inputs + samples + 3*outputs); need > len(rest) {
		return nil, broken("%s: a table of %d bytes in %d", where, need, len(rest))
	}
	w := &tableWay{grid: g, sink: newSink(f.lab, f.lab && width == 2)}
	for i := range channels {
		w.places[i] = g.places(i, curve{table: read(rest, inputs)}.levels())
		rest = rest[width*inputs:]
	}
	if err := g.fill(where, rest, samples, width); err != nil {
		return nil, err
	}
	rest = rest[width*samples:]
	for i := range w.last {
		w.last[i] = read(rest, outputs)
		rest = rest[width*outputs:]
	}
	return w, nil
}
