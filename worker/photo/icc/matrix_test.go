package icc_test

import (
	"math/rand/v2"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo/icc"
)

func TestConvert_MatrixProfilesAgainstTheirDefinitions(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	colours := [][3]byte{{255, 255, 255}, {0, 0, 0}, {200, 100, 50}, {255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {1, 2, 3}, {128, 128, 128}}
	for range 500 {
		colours = append(colours, [3]byte{byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32())})
	}
	for _, c := range []struct {
		name  string
		data  []byte
		toXYZ [3][3]float64
		light func(float64) float64
	}{
		{"Display P3", matrixProfile(4, colorantsP3, formulaSRGB), p3ToXYZ, lightSRGB},
		{"Display P3, tables", matrixProfile(2, colorantsP3, sampled(1024, lightSRGB)), p3ToXYZ, lightSRGB},
		{"Adobe RGB", matrixProfile(2, colorantsAdobe, gammaAdobe), adobeToXYZ, power(563.0 / 256)},
		{"Adobe RGB, formula", matrixProfile(4, colorantsAdobe, para(0, 563.0/256)), adobeToXYZ, power(563.0 / 256)},
		{"linear P3", matrixProfile(4, colorantsP3, straight()), p3ToXYZ, func(v float64) float64 { return v }},
	} {
		p := parse(t, c.data)
		for _, level := range colours {
			// A fifth of a level for the steps of light, the rest for the five digits that profiles have.
			near(t, c.name, convert(p, level[:]...), fromRGB(c.toXYZ, c.light, level), 0.35)
		}
	}
}

func TestConvert_KnownPairs(t *testing.T) {
	t.Parallel()
	p3, adobe := parse(t, matrixProfile(4, colorantsP3, formulaSRGB)), parse(t, matrixProfile(2, colorantsAdobe, gammaAdobe))
	for _, c := range []struct {
		name string
		p    *icc.Profile
		in   [3]byte
		want [3]byte
	}{
		{"P3 red is redder than any", p3, [3]byte{255, 0, 0}, [3]byte{255, 0, 0}},
		{"P3 white", p3, [3]byte{255, 255, 255}, [3]byte{255, 255, 255}},
		{"P3 black", p3, [3]byte{}, [3]byte{}},
		{"sRGB red in P3", p3, [3]byte{234, 51, 35}, [3]byte{255, 0, 0}},
		{"Adobe green", adobe, [3]byte{0, 255, 0}, [3]byte{0, 255, 0}},
		{"Adobe grey", adobe, [3]byte{128, 128, 128}, [3]byte{128, 128, 128}},
		{"Adobe white", adobe, [3]byte{255, 255, 255}, [3]byte{255, 255, 255}},
	} {
		got := convert(c.p, c.in[:]...)
		for i := range got {
			if d := int(got[i]) - int(c.want[i]); d < -2 || d > 2 {
				t.Errorf("%s: got %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

func TestIsSRGB(t *testing.T) {
	t.Parallel()
	swapped := colorantsSRGB
	swapped[0], swapped[1] = swapped[1], swapped[0]
	for _, c := range []struct {
		name string
		data []byte
		want bool
	}{
		{"version 2, table", matrixProfile(2, colorantsSRGB, sampled(1024, lightSRGB)), true},
		{"version 4, formula", matrixProfile(4, colorantsSRGB, formulaSRGB), true},
		{"gamma 2.2 is darker in the dark", matrixProfile(2, colorantsSRGB, gamma(2.2)), false},
		{"Display P3", matrixProfile(4, colorantsP3, formulaSRGB), false},
		{"red and green swapped", matrixProfile(2, swapped, formulaSRGB), false},
		{"gray of sRGB", grayProfile("XYZ ", formulaSRGB), true},
		{"gray, gamma 1.8", grayProfile("XYZ ", gamma(1.8)), false},
		{"CMYK", cmykProfile(2, 2, affine), false},
	} {
		if got := parse(t, c.data).IsSRGB(); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func TestConvert_SRGBIsItself(t *testing.T) {
	t.Parallel()
	for _, curve := range [][]byte{formulaSRGB, sampled(1024, lightSRGB), sampled(4096, lightSRGB)} {
		p := parse(t, matrixProfile(2, colorantsSRGB, curve))
		for at := range 1 << 15 {
			in := [3]byte{byte(at >> 7), byte(at * 5), byte(at * 3 >> 2)}
			near(t, in, convert(p, in[:]...), [3]float64{float64(in[0]), float64(in[1]), float64(in[2])}, 0.5)
		}
	}
}

func TestConvert_CurveForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		curve []byte
		light func(float64) float64
	}{
		{"straight", straight(), func(x float64) float64 { return x }},
		{"two points", sampled(2, func(x float64) float64 { return 1 - x }), func(x float64) float64 { return 1 - x }},
		{"gamma", gamma(1.5), power(1.5)},
		{"type 0", para(0, 3), power(3)},
		{"type 1", para(1, 2, 1.25, -0.25), func(x float64) float64 { x = max(1.25*x-0.25, 0); return x * x }},
		{"type 2", para(2, 2, 1, -0.5, 0.25), func(x float64) float64 { x = max(x-0.5, 0); return x*x + 0.25 }},
		{"type 3", formulaSRGB, lightSRGB},
		{"type 4", para(4, 2, 0.5, 0.5, 0.5, 0.5, 0, 0.125), func(x float64) float64 {
			if x < 0.5 {
				return 0.5*x + 0.125
			}
			return (0.5*x + 0.5) * (0.5*x + 0.5)
		}},
		{"steeper than white is clipped", para(1, 1, 3, 0), func(x float64) float64 { return min(3*x, 1) }},
	} {
		p := parse(t, grayProfile("XYZ ", c.curve))
		for level := range 256 {
			l := c.light(float64(level) / 255)
			near(t, c.name, convert(p, byte(level)), levels([3]float64{l, l, l}), 0.15)
		}
	}
}

func TestConvert_GraysRise(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"gamma 2.2": grayProfile("XYZ ", gamma(2.2)), "lightness": grayProfile("Lab ", straight()),
		"P3": matrixProfile(4, colorantsP3, formulaSRGB), "Adobe RGB": matrixProfile(2, colorantsAdobe, gammaAdobe),
	} {
		p := parse(t, data)
		var before [3]byte
		for level := range 256 {
			in := []byte{byte(level), byte(level), byte(level)}[:p.Space().Channels()]
			got := convert(p, in...)
			for i := range got {
				if got[i] < before[i] || max(got[0], got[1], got[2])-min(got[0], got[1], got[2]) > 1 {
					t.Errorf("%s: %d became %v after %v", name, level, got, before)
				}
			}
			before = got
		}
		if before != [3]byte{255, 255, 255} {
			t.Errorf("%s: white became %v", name, before)
		}
	}
}

func TestConvert_GrayInLabIsLightness(t *testing.T) {
	t.Parallel()
	p := parse(t, grayProfile("Lab ", straight()))
	for level := range 256 {
		near(t, level, convert(p, byte(level)), fromLab([3]float64{float64(level) / 2.55, 0, 0}), 0.15)
	}
}
