package icc_test

import (
	"math"
	"math/rand/v2"
	"testing"
)

// affine is a Lab colour that any right interpolation gives exactly: each channel darkens, and pulls to a side. Its values
// at the corners are whole in every encoding.
func affine(in []float64) [3]float64 {
	k := 0.0
	if len(in) == 4 {
		k = in[3]
	}
	return [3]float64{100 - 20*(in[0]+in[1]+in[2]+2*k), 40 * (in[1] - in[0]), 40 * (in[2] - in[1])}
}

// The encodings of Lab: of 8 bits and of version 4, and the one of 16 bits in version 2.
func encodeLab(lab [3]float64) [3]float64 {
	return [3]float64{lab[0] / 100, (lab[1] + 128) / 255, (lab[2] + 128) / 255}
}

func encodeLegacy(lab [3]float64) [3]float64 {
	return [3]float64{lab[0] * 652.8 / 65535, (lab[1] + 128) * 256 / 65535, (lab[2] + 128) * 256 / 65535}
}

func cmykProfile(version byte, width int, lab func([]float64) [3]float64) []byte {
	encode := encodeLab
	if width == 2 {
		encode = encodeLegacy
	}
	table := oldTable(width, 4, 2, same, same, func(in []float64) [3]float64 { return encode(lab(in)) })
	return profile(version, "prtr", "CMYK", "Lab ", description, block{"A2B0", table})
}

func square(x float64) float64 { return x * x }
func invert(x float64) float64 { return 1 - x }

func TestConvert_TablesAgainstTheirFunction(t *testing.T) {
	t.Parallel()
	legacy := func(in []float64) [3]float64 { return encodeLegacy(affine(in)) }
	modern := func(in []float64) [3]float64 { return encodeLab(affine(in)) }
	inverted := func(in []float64) [3]float64 {
		v := encodeLegacy(affine(in))
		return [3]float64{1 - v[0], 1 - v[1], 1 - v[2]}
	}
	gridXYZ := func(in []float64) [3]float64 { return [3]float64{in[0] / 4, in[1] / 2, in[2] / 8} }
	rotate := fixed(0, 1, 0, 0, 0, 1, 1, 0, 0, 0.05, 0, 0.1) // x is the second, y the third, z the first
	for _, c := range []struct {
		name     string
		version  byte
		pcs      string
		channels int
		table    []byte
		want     func(in []float64) [3]float64
	}{
		{"lut8, CMYK", 2, "Lab ", 4, oldTable(1, 4, 2, same, same, modern), func(in []float64) [3]float64 { return fromLab(affine(in)) }},
		{"lut8, RGB", 4, "Lab ", 3, oldTable(1, 3, 2, same, same, modern), func(in []float64) [3]float64 { return fromLab(affine(in)) }},
		{"lut16, CMYK", 2, "Lab ", 4, oldTable(2, 4, 3, same, same, legacy), func(in []float64) [3]float64 { return fromLab(affine(in)) }},
		{"lut16 keeps its encoding in version 4", 4, "Lab ", 3, oldTable(2, 3, 5, same, same, legacy),
			func(in []float64) [3]float64 { return fromLab(affine(in)) }},
		{"lut16, curves", 2, "Lab ", 4, oldTable(2, 4, 2, square, invert, inverted), func(in []float64) [3]float64 {
			return fromLab(affine([]float64{square(in[0]), square(in[1]), square(in[2]), square(in[3])}))
		}},
		{"lut16, XYZ", 2, "XYZ ", 3, oldTable(2, 3, 2, same, same, gridXYZ), func(in []float64) [3]float64 {
			const most = 65535.0 / 32768
			return fromXYZ([3]float64{in[0] / 4 * most, in[1] / 2 * most, in[2] / 8 * most})
		}},
		{"lutAToB, A curves and sides of their own", 4, "Lab ", 3,
			newTable(3, curves(3, straight()), nil, nil, newGrid(2, []int{2, 3, 5}, modern), curves(3, para(0, 2))),
			func(in []float64) [3]float64 {
				return fromLab(affine([]float64{square(in[0]), square(in[1]), square(in[2])}))
			}},
		{"lutAToB, CMYK, 8 bits", 4, "Lab ", 4,
			newTable(4, curves(3, straight()), nil, nil, newGrid(1, []int{2, 2, 2, 2}, modern), curves(4, straight())),
			func(in []float64) [3]float64 { return fromLab(affine(in)) }},
		{"lutAToB, no A curves", 4, "Lab ", 4, newTable(4, curves(3, straight()), nil, nil, newGrid(2, []int{5, 4, 3, 2}, modern), nil),
			func(in []float64) [3]float64 { return fromLab(affine(in)) }},
		{"lutAToB, M curves, matrix and B curves in XYZ", 4, "XYZ ", 3,
			newTable(3, curves(3, sampled(3, func(x float64) float64 { return x / 2 })), rotate, curves(3, para(0, 2)), nil, nil),
			func(in []float64) [3]float64 {
				const most = 65535.0 / 32768 / 2
				x, y, z := square(in[1])+0.05, square(in[2]), square(in[0])+0.1
				return fromXYZ([3]float64{most * min(x, 1), most * min(y, 1), most * min(z, 1)})
			}},
	} {
		space := map[int]string{3: "RGB ", 4: "CMYK"}[c.channels]
		p := parse(t, profile(c.version, "prtr", space, c.pcs, block{"A2B0", c.table}))
		random := rand.New(rand.NewPCG(3, 4))
		for n := range 600 {
			level, in := make([]byte, c.channels), make([]float64, c.channels)
			for i := range level {
				if level[i] = byte(random.Uint32()); n < 16 { // the corners first
					level[i] = byte(n >> i & 1 * 255)
				}
				in[i] = float64(level[i]) / 255
			}
			near(t, c.name, convert(p, level...), c.want(in), 0.25)
			if t.Failed() {
				t.Fatalf("%s: at %v", c.name, level)
			}
		}
	}
}

// Random colours at the points of the grid hold the order of the channels, which a smooth function may hide.
func TestConvert_GridPointsAreExact(t *testing.T) {
	t.Parallel()
	const side = 4 // its points lie on whole levels: 0, 85, 170, 255
	for channels, space := range map[int]string{3: "RGB ", 4: "CMYK"} {
		random := rand.New(rand.NewPCG(5, 6))
		labs := map[[4]byte][3]float64{}
		table := oldTable(2, channels, side, same, same, func(in []float64) [3]float64 {
			var at [4]byte
			for i := range in {
				at[i] = byte(math.Round(in[i] * 255))
			}
			labs[at] = [3]float64{20 + 70*random.Float64(), 60*random.Float64() - 30, 60*random.Float64() - 30}
			return encodeLegacy(labs[at])
		})
		p := parse(t, profile(2, "prtr", space, "Lab ", block{"A2B0", table}))
		for at, lab := range labs {
			near(t, at, convert(p, at[:channels]...), fromLab(lab), 0.15)
		}
	}
}

func TestConvert_TableOfSRGBIsItself(t *testing.T) {
	t.Parallel()
	const half = 32768.0 / 65535
	c := colorantsSRGB
	matrix := fixed(c[0][0]*half, c[1][0]*half, c[2][0]*half, c[0][1]*half, c[1][1]*half, c[2][1]*half,
		c[0][2]*half, c[1][2]*half, c[2][2]*half, 0, 0, 0)
	table := newTable(3, curves(3, straight()), matrix, curves(3, formulaSRGB), nil, nil)
	if !parse(t, profile(4, "spac", "RGB ", "XYZ ", block{"A2B0", table})).IsSRGB() {
		t.Error("the formulas of sRGB in a table are not sRGB")
	}
}

func TestConvert_CMYKCorners(t *testing.T) {
	t.Parallel()
	for _, width := range []int{1, 2} {
		p := parse(t, cmykProfile(2, width, affine))
		for _, c := range []struct {
			in   [4]byte
			want [3]float64
		}{
			{[4]byte{}, [3]float64{255, 255, 255}},
			{[4]byte{255, 255, 255, 255}, [3]float64{}},
			{[4]byte{0, 0, 0, 255}, fromLab([3]float64{60, 0, 0})},
			{[4]byte{255, 0, 0, 0}, fromLab([3]float64{80, -40, 0})},
			{[4]byte{0, 255, 0, 0}, fromLab([3]float64{80, 40, -40})},
			{[4]byte{0, 0, 255, 0}, fromLab([3]float64{80, 0, 40})},
		} {
			near(t, c.in, convert(p, c.in[:]...), c.want, 0.15)
		}
	}
}

func TestParse_PerceptualTableFirst(t *testing.T) {
	t.Parallel()
	flat := func(l float64) []byte {
		return oldTable(1, 4, 2, same, same, func([]float64) [3]float64 { return encodeLab([3]float64{l, 0, 0}) })
	}
	for _, c := range []struct {
		name   string
		blocks []block
		want   float64
	}{
		{"both", []block{{"A2B1", flat(80)}, {"A2B0", flat(40)}}, 40},
		{"colorimetric only", []block{{"A2B1", flat(80)}}, 80},
	} {
		p := parse(t, profile(2, "prtr", "CMYK", "Lab ", c.blocks...))
		near(t, c.name, convert(p, 1, 2, 3, 4), fromLab([3]float64{c.want, 0, 0}), 0.15)
	}
}

func TestConvert_BlackOfTheReferenceMedium(t *testing.T) {
	t.Parallel()
	from := func(black float64) func([]float64) [3]float64 {
		return func(in []float64) [3]float64 { return [3]float64{100 - (100-black)*in[3], 0, 0} }
	}
	const medium = 0.0034731 * 24389 / 27 // its lightness
	for _, c := range []struct {
		name    string
		version byte
		tag     string
		black   float64
		want    float64 // lightness
	}{
		{"perceptual of version 4 becomes black", 4, "A2B0", medium, 0},
		{"version 2 is as it says", 2, "A2B0", medium, medium},
		{"colorimetric is as it says", 4, "A2B1", medium, medium},
		{"deeper than the medium: not made for it", 4, "A2B0", 2, 2},
	} {
		table := oldTable(2, 4, 2, same, same, func(in []float64) [3]float64 { return encodeLegacy(from(c.black)(in)) })
		p := parse(t, profile(c.version, "prtr", "CMYK", "Lab ", block{c.tag, table}))
		near(t, c.name, convert(p, 255, 255, 255, 255), fromLab([3]float64{c.want, 0, 0}), 0.15)
		near(t, c.name+", white", convert(p, 255, 255, 255, 0), [3]float64{255, 255, 255}, 0)
	}
}
