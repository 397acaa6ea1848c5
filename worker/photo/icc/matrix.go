package icc

// matrixWay converts RGB through three curves and a matrix. All of it is in tables: what each level of each channel adds
// to the three lights of sRGB.
type matrixWay struct {
	share [3][256][3]int32 // by channel and level: steps of light, with shareBits behind the point
}

const (
	shareBits = 12
	// maxShare keeps the sum of three shares, and the rounding, within 32 bits. It is eight times white.
	maxShare = 1 << 29
)

// matrix reads a matrix profile: colours of the three primaries and their curves (ICC.1:2022, 8.3.3).
func (f *file) matrix() (way, error) {
	if f.lab {
		return nil, broken("an RGB profile in Lab without a table for reading (A2B0)")
	}
	var toXYZ matrix3
	var curves [3]curve
	for i, channel := range []string{"r", "g", "b"} {
		data, err := f.require(channel + "XYZ")
		if err != nil {
			return nil, err
		}
		if len(data) < 20 || string(data[:4]) != "XYZ " {
			return nil, broken("tag %sXYZ holds no colour", channel)
		}
		for row := range 3 {
			toXYZ[row][i] = fixed(data[8+4*row:])
		}
		if curves[i], err = f.curve(channel + "TRC"); err != nil {
			return nil, err
		}
	}
	return newMatrixWay(toXYZ, curves), nil
}

func (f *file) curve(name string) (curve, error) {
	data, err := f.require(name)
	if err != nil {
		return curve{}, err
	}
	c, _, err := readCurve("tag "+name, data)
	return c, err
}

func newMatrixWay(toXYZ matrix3, curves [3]curve) *matrixWay {
	w := &matrixWay{}
	toLight := fromXYZ().times(toXYZ)
	for channel, c := range curves {
		for level, value := range c.levels() {
			for out := range 3 {
				share := value * toLight[out][channel] * (lightSteps << shareBits)
				w.share[channel][level][out] = int32(min(max(share, -maxShare), maxShare))
			}
		}
	}
	return w
}

func (w *matrixWay) convert(dst [3][]byte, src [][]byte) {
	const half = 1 << (shareBits - 1)
	table := encoded()
	red, green, blue := src[0], src[1][:len(src[0])], src[2][:len(src[0])]
	toRed, toGreen, toBlue := dst[0][:len(red)], dst[1][:len(red)], dst[2][:len(red)]
	for i, level := range red {
		r, g, b := &w.share[0][level], &w.share[1][green[i]], &w.share[2][blue[i]]
		toRed[i] = table.at(int(r[0]+g[0]+b[0]+half) >> shareBits)
		toGreen[i] = table.at(int(r[1]+g[1]+b[1]+half) >> shareBits)
		toBlue[i] = table.at(int(r[2]+g[2]+b[2]+half) >> shareBits)
	}
}

// grayWay converts gray: a level of sRGB for every level.
type grayWay [256]byte

// gray reads a profile of one curve, which gives light, or lightness where the connection space is Lab.
func (f *file) gray() (way, error) {
	if f.find("kTRC") == nil && f.tableTag() != "" {
		return nil, unsupported("a gray profile with a table, only those with a curve (kTRC) are handled")
	}
	c, err := f.curve("kTRC")
	if err != nil {
		return nil, err
	}
	w, table := &grayWay{}, encoded()
	for level, value := range c.levels() {
		if f.lab {
			value = fromLightness((100*value + 16) / 116)
		}
		w[level] = table.at(int(value*lightSteps + 0.5))
	}
	return w, nil
}

func (w *grayWay) convert(dst [3][]byte, src [][]byte) {
	toGreen, toBlue := dst[1][:len(src[0])], dst[2][:len(src[0])]
	for i, level := range src[0] {
		v := w[level]
		dst[0][i], toGreen[i], toBlue[i] = v, v, v
	}
}
