package icc_test

import (
	"math"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo/icc"
)

// The definitions of the spaces in float64, by matrices that are published with the CSS Color 4 specification: another
// way to the same colours than through profiles. All but Lab and XYZ below are relative to D65.
var (
	p3ToXYZ = [3][3]float64{
		{0.4865709486482162, 0.26566769316909306, 0.1982172852343625}, {0.2289745640697488, 0.6917385218365064, 0.079286914093745},
		{0, 0.04511338185890264, 1.043944368900976},
	}
	adobeToXYZ = [3][3]float64{
		{0.5766690429101305, 0.1855582379065463, 0.1882286462349947}, {0.29734497525053605, 0.6273635662554661, 0.07529145849399788},
		{0.02703136138641234, 0.07068885253582723, 0.9913375368376388},
	}
	rec2020ToXYZ = [3][3]float64{
		{0.6369580483012914, 0.14461690358620832, 0.1688809751641721}, {0.2627002120112671, 0.6779980715188708, 0.05930171646986196},
		{0, 0.028072693049087428, 1.060985057710791},
	}
	xyzToSRGB = [3][3]float64{
		{3.2409699419045226, -1.537383177570094, -0.4986107602930034}, {-0.9692436362808796, 1.8759675015077202, 0.04155505740717559},
		{0.05563007969699366, -0.20397695888897652, 1.0569715142428786},
	}
	d50ToD65 = [3][3]float64{
		{0.955473421488075, -0.02309845494876471, 0.06325924320057072}, {-0.0283697093338637, 1.0099953980813041, 0.021041441191917323},
		{0.012314014864481998, -0.020507649298898964, 1.330365926242124},
	}
)

func times(m [3][3]float64, v [3]float64) (out [3]float64) {
	for i := range 3 {
		out[i] = m[i][0]*v[0] + m[i][1]*v[1] + m[i][2]*v[2]
	}
	return out
}

func lightSRGB(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func light709(v float64) float64 {
	if v < 0.081 {
		return v / 4.5
	}
	return math.Pow((v+0.099)/1.099, 1/0.45)
}

func power(g float64) func(float64) float64 {
	return func(v float64) float64 { return math.Pow(v, g) }
}

// fromRGB is the colour in sRGB, not rounded, of one in a space with D65 as its white.
func fromRGB(toXYZ [3][3]float64, light func(float64) float64, level [3]byte) (out [3]float64) {
	var v [3]float64
	for i := range v {
		v[i] = light(float64(level[i]) / 255)
	}
	return levels(times(xyzToSRGB, times(toXYZ, v)))
}

// levels encodes linear light of sRGB and clips.
func levels(light [3]float64) (out [3]float64) {
	for i, l := range light {
		if l <= 0.0031308 {
			out[i] = 12.92 * l
		} else {
			out[i] = 1.055*math.Pow(l, 1/2.4) - 0.055
		}
		out[i] = 255 * min(max(out[i], 0), 1)
	}
	return out
}

// fromXYZ is the colour in sRGB of one relative to D50.
func fromXYZ(xyz [3]float64) [3]float64 { return levels(times(xyzToSRGB, times(d50ToD65, xyz))) }

// fromLab is the colour in sRGB of a CIE Lab colour relative to D50.
func fromLab(lab [3]float64) [3]float64 {
	const kappa, epsilon = 24389.0 / 27, 216.0 / 24389
	fy := (lab[0] + 16) / 116
	f := [3]float64{lab[1]/500 + fy, fy, fy - lab[2]/200}
	var v [3]float64
	for i, white := range [3]float64{0.9642, 1, 0.8249} {
		v[i] = (116*f[i] - 16) / kappa
		if cube := f[i] * f[i] * f[i]; cube > epsilon {
			v[i] = cube
		}
		v[i] *= white
	}
	return fromXYZ(v)
}

func parse(t testing.TB, data []byte) *icc.Profile {
	t.Helper()
	p, err := icc.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// convert converts one colour.
func convert(p *icc.Profile, level ...byte) (out [3]byte) {
	var src [][]byte
	for _, v := range level {
		src = append(src, []byte{v})
	}
	p.Convert([3][]byte{out[0:1], out[1:2], out[2:3]}, src)
	return out
}

// near fails when a channel is further off than a rounding, which is half a level, and off.
func near(t *testing.T, what any, got [3]byte, want [3]float64, off float64) {
	t.Helper()
	for i := range got {
		if d := math.Abs(float64(got[i]) - want[i]); d > 0.5+off {
			t.Errorf("%v: got %v, want %.2f", what, got, want)
			return
		}
	}
}
