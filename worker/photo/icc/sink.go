package icc

// sink brings an encoded colour of the connection space to sRGB.
type sink struct {
	lab     bool
	scale   float32       // of the encoded values
	toLight [3][4]float32 // from what xyz returns to steps of light, with an offset
	levels  *encoding
}

// newSink makes one for encoded values within 0..1. Legacy is the Lab encoding of 16 bits in version 2, in which 0xFF00,
// not 0xFFFF, is 100 (ICC.1:2022, 6.3.4.2 and 10.10). XYZ ends at 1 + 32767/32768.
func newSink(lab, legacy bool) sink {
	s := sink{lab: lab, scale: 1, levels: encoded()}
	switch {
	case legacy:
		s.scale = 65535.0 / 65280
	case !lab:
		s.scale = 65535.0 / 32768
	}
	s.setBlack(0)
	return s
}

// setBlack makes the colour of that luminance, and of the tint of white, black; white stays.
func (s *sink) setBlack(black float64) {
	m := fromXYZ()
	for row := range 3 {
		s.toLight[row][3] = 0.5 // for rounding
		for column := range 3 {
			share := m[row][column] * lightSteps / (1 - black)
			s.toLight[row][3] -= float32(share * whiteD50[column] * black)
			if s.lab {
				share *= whiteD50[column]
			}
			s.toLight[row][column] = float32(share)
		}
	}
}

// xyz decodes one colour: to XYZ, or to XYZ relative to white where the space is Lab. The values are within 0..1, so the
// result has bounds too.
func (s *sink) xyz(a, b, c float32) (x, y, z float32) {
	x, y, z = a*s.scale, b*s.scale, c*s.scale
	if !s.lab {
		return x, y, z
	}
	fy := (100*x + 16) / 116
	return fromLightness(fy + (255*y-128)/500), fromLightness(fy), fromLightness(fy - (255*z-128)/200)
}

// bytes converts one colour.
func (s *sink) bytes(a, b, c float32) (red, green, blue byte) {
	x, y, z := s.xyz(a, b, c)
	m := &s.toLight
	return s.levels.at(int(m[0][0]*x + m[0][1]*y + m[0][2]*z + m[0][3])),
		s.levels.at(int(m[1][0]*x + m[1][1]*y + m[1][2]*z + m[1][3])),
		s.levels.at(int(m[2][0]*x + m[2][1]*y + m[2][2]*z + m[2][3]))
}

// fromLightness is the inverse of the function that CIE Lab is made with: a cube, and a line in the dark.
func fromLightness[T float32 | float64](t T) T {
	if t > 6.0/29 {
		return t * t * t
	}
	return 3 * (6.0 / 29) * (6.0 / 29) * (t - 4.0/29)
}
