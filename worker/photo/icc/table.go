package icc

// tableWay converts RGB or CMYK through a table: curves, a grid, then what brings the grid's result to the connection
// space, and from there to sRGB.
type tableWay struct {
	grid   *grid
	places [4][256]place
	middle [3]steps       // curves behind the grid
	matrix *[3][4]float32 // between the curves, with an offset; nil: none
	last   [3]steps       // curves behind the matrix
	sink   sink
}

// table reads the tag, whose type says how it is laid out.
func (f *file) table(name string, channels int) (way, error) {
	data, err := f.require(name)
	if err != nil {
		return nil, err
	}
	where, read := "tag "+name, f.oldTable
	switch kind := string(data[:4]); kind {
	case "mft1", "mft2":
	case "mAB ":
		read = f.newTable
	default:
		return nil, unsupported("%s: a table of type %q", where, printable(kind))
	}
	if len(data) < 32 {
		return nil, broken("%s: a table of %d bytes", where, len(data))
	}
	if in, out := int(data[8]), int(data[9]); in != channels || out != 3 {
		return nil, broken("%s: a table from %d to %d channels, not from %d to 3", where, in, out, channels)
	}
	w, err := read(where, data, channels)
	if err != nil {
		return nil, err
	}
	if name == "A2B0" && f.data[8] == 4 {
		w.deepenBlack(channels)
	}
	return w, nil
}

// mediumBlack is the luminance of the darkest colour of the medium that perceptual tables of version 4 are made for
// (ICC.1:2022, 6.3.3). What such a table calls black is meant to be as black as the display can.
const mediumBlack = 0.0034731

// deepenBlack brings that black to black. A table marked perceptual whose black is deeper, or no black at all, wasn't made
// for the medium; all inks together may be a little lighter than the darkest colour.
func (w *tableWay) deepenBlack(channels int) {
	var darkest uint32 // no light
	if channels == 4 {
		darkest = 0xFFFFFFFF // all inks
	}
	const least, most = 0.9 * mediumBlack, 3 * mediumBlack
	if _, y, _ := w.sink.xyz(w.connection(darkest, channels == 4)); y >= least && y <= most {
		w.sink.setBlack(mediumBlack)
	}
}

func (w *tableWay) convert(dst [3][]byte, src [][]byte) {
	toRed, toGreen, toBlue := dst[0][:len(src[0])], dst[1][:len(src[0])], dst[2][:len(src[0])]
	var was uint32
	var r, g, b byte
	for i := range src[0] {
		key := uint32(src[0][i]) | uint32(src[1][i])<<8 | uint32(src[2][i])<<16
		if len(src) == 4 {
			key |= uint32(src[3][i]) << 24
		}
		if i == 0 || key != was { // neighbours are often equal
			r, g, b = w.sink.bytes(w.connection(key, len(src) == 4))
			was = key
		}
		toRed[i], toGreen[i], toBlue[i] = r, g, b
	}
}

// connection finds one colour, whose channels are the bytes of key from the lowest on, in the connection space: encoded.
func (w *tableWay) connection(key uint32, four bool) (a, b, c float32) {
	const scale = 1.0 / (65535 * 65536)
	s := &w.grid.strides
	first := 0
	var outer place
	if four {
		first, outer = 1, w.places[0][byte(key)]
		key >>= 8
	}
	x, y, z := w.places[first][byte(key)], w.places[first+1][byte(key>>8)], w.places[first+2][byte(key>>16)]
	base := int(outer.below + x.below + y.below + z.below)
	sx, sy, sz := s[first], s[first+1], s[first+2]
	p, q, t := w.grid.three(base, int(x.way), int(y.way), int(z.way), sx, sy, sz)
	a, b, c = float32(p)*scale, float32(q)*scale, float32(t)*scale
	if outer.way > 0 {
		p, q, t = w.grid.three(base+s[0], int(x.way), int(y.way), int(z.way), sx, sy, sz)
		part := float32(outer.way) / 65536
		a += part * (float32(p)*scale - a)
		b += part * (float32(q)*scale - b)
		c += part * (float32(t)*scale - c)
	}
	if m := w.matrix; m != nil {
		a, b, c = w.middle[0].at(a), w.middle[1].at(b), w.middle[2].at(c)
		a, b, c = m[0][0]*a+m[0][1]*b+m[0][2]*c+m[0][3],
			m[1][0]*a+m[1][1]*b+m[1][2]*c+m[1][3],
			m[2][0]*a+m[2][1]*b+m[2][2]*c+m[2][3]
	}
	return w.last[0].at(a), w.last[1].at(b), w.last[2].at(c)
}
