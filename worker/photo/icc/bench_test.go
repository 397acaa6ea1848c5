package icc_test

import (
	"math/rand/v2"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo/icc"
)

// A photo's worth of colours that are all different, so that nothing is gained from neighbours being equal.
func benchmarkConvert(b *testing.B, p *icc.Profile) {
	const pixels = 640 * 640
	random := rand.New(rand.NewPCG(7, 8))
	src := make([][]byte, p.Space().Channels())
	for i := range src {
		src[i] = make([]byte, pixels)
		for at := range src[i] {
			src[i][at] = byte(random.Uint32())
		}
	}
	dst := [3][]byte{make([]byte, pixels), make([]byte, pixels), make([]byte, pixels)}
	b.ReportAllocs()
	for b.Loop() {
		p.Convert(dst, src)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/pixels, "ns/pixel")
}

func BenchmarkConvert_RGB(b *testing.B) {
	benchmarkConvert(b, parse(b, matrixProfile(4, colorantsP3, formulaSRGB)))
}

func BenchmarkConvert_RGBTable(b *testing.B) {
	table := oldTable(2, 3, 33, same, same, func(in []float64) [3]float64 { return encodeLegacy(affine(in)) })
	benchmarkConvert(b, parse(b, profile(2, "mntr", "RGB ", "Lab ", block{"A2B0", table})))
}

func BenchmarkConvert_CMYK(b *testing.B) {
	table := oldTable(2, 4, 17, same, same, func(in []float64) [3]float64 { return encodeLegacy(affine(in)) })
	benchmarkConvert(b, parse(b, profile(2, "prtr", "CMYK", "Lab ", block{"A2B0", table})))
}

func BenchmarkConvert_Gray(b *testing.B) {
	benchmarkConvert(b, parse(b, grayProfile("XYZ ", gamma(2.2))))
}

func BenchmarkParse_CMYK(b *testing.B) {
	table := oldTable(2, 4, 17, same, same, func(in []float64) [3]float64 { return encodeLegacy(affine(in)) })
	data := profile(2, "prtr", "CMYK", "Lab ", block{"A2B0", table})
	b.ReportAllocs()
	for b.Loop() {
		parse(b, data)
	}
}

func BenchmarkIsSRGB(b *testing.B) {
	p := parse(b, matrixProfile(4, colorantsSRGB, formulaSRGB))
	for b.Loop() {
		p.IsSRGB()
	}
}
