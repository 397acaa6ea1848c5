package icc_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo/icc"
)

func TestCICP(t *testing.T) {
	t.Parallel()
	rec709ToXYZ := [3][3]float64{
		{0.41239079926595934, 0.357584339383878, 0.1804807884018343}, {0.21263900587151027, 0.715168678767756, 0.07219231536073371},
		{0.01933081871559182, 0.11919477979462598, 0.9505321522496607},
	}
	for _, c := range []struct {
		primaries, transfer byte
		toXYZ               [3][3]float64
		light               func(float64) float64
	}{
		{1, 13, rec709ToXYZ, lightSRGB},
		{1, 1, rec709ToXYZ, light709},
		{12, 13, p3ToXYZ, lightSRGB},
		{12, 6, p3ToXYZ, light709},
		{9, 14, rec2020ToXYZ, light709},
		{9, 15, rec2020ToXYZ, light709},
		{9, 8, rec2020ToXYZ, same},
		{12, 4, p3ToXYZ, power(2.2)},
		{12, 5, p3ToXYZ, power(2.8)},
	} {
		p, err := icc.CICP(c.primaries, c.transfer, 0, true)
		if err != nil {
			t.Fatal(err)
		}
		for at := range 512 {
			level := [3]byte{byte(at * 3), byte(at * 5), byte(at * 11)}
			near(t, [2]byte{c.primaries, c.transfer}, convert(p, level[:]...), fromRGB(c.toXYZ, c.light, level), 0.25)
		}
		if p.Space() != icc.RGB || p.Name() == "" || p.IsSRGB() != (c.primaries == 1 && c.transfer == 13) {
			t.Errorf("%d/%d: space %d, name %q, sRGB %v", c.primaries, c.transfer, p.Space(), p.Name(), p.IsSRGB())
		}
	}
}

// The white of cinemas is greenish; as the white of the picture it is white.
func TestCICP_WhiteOfTheCinemaIsWhite(t *testing.T) {
	t.Parallel()
	p, err := icc.CICP(11, 13, 0, true)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "white", convert(p, 255, 255, 255), [3]float64{255, 255, 255}, 0)
	near(t, "grey", convert(p, 128, 128, 128), [3]float64{128, 128, 128}, 0.5)
	near(t, "red", convert(p, 255, 0, 0), [3]float64{255, 0, 0}, 0.5)
}

func TestCICP_Refusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		primaries, transfer, matrix byte
		full                        bool
		want                        string
	}{
		{9, 16, 0, true, "HDR (PQ)"},
		{9, 18, 0, true, "HDR (HLG)"},
		{9, 16, 9, false, "HDR (PQ)"},
		{1, 13, 1, true, "matrix 1"},
		{1, 13, 0, false, "limited range"},
		{2, 13, 0, true, "primaries 2"},
		{1, 2, 0, true, "transfer 2"},
	} {
		_, err := icc.CICP(c.primaries, c.transfer, c.matrix, c.full)
		if !errors.Is(err, icc.ErrUnsupported) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}
