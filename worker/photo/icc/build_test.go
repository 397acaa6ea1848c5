package icc_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"unicode/utf16"
)

// A small writer of profiles, so that what a profile says is seen where it is tested.

type block struct {
	name string
	data []byte
}

func u16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func u32(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

func fixed(values ...float64) (out []byte) {
	for _, v := range values {
		out = binary.BigEndian.AppendUint32(out, uint32(int32(math.Round(v*65536))))
	}
	return out
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func kind(name string) []byte { return append([]byte(name), 0, 0, 0, 0) }

func profile(version byte, class, space, pcs string, blocks ...block) []byte {
	const header = 128
	out := make([]byte, header, 4096)
	out[8] = version
	copy(out[12:], class+space+pcs)
	copy(out[36:], "acsp")
	copy(out[68:], fixed(0.9642, 1, 0.8249))
	out = append(out, u32(len(blocks))...)
	at := len(out) + 12*len(blocks)
	for _, b := range blocks {
		out = append(out, join([]byte(b.name), u32(at), u32(len(b.data)))...)
		at += len(b.data)
	}
	for _, b := range blocks {
		out = append(out, b.data...)
	}
	copy(out, u32(len(out)))
	return out
}

func colour(x, y, z float64) []byte { return join(kind("XYZ "), fixed(x, y, z)) }

func gamma(g float64) []byte { return join(kind("curv"), u32(1), u16(int(math.Round(g*256)))) }

func straight() []byte { return join(kind("curv"), u32(0)) }

func sampled(points int, f func(float64) float64) []byte {
	return join(kind("curv"), u32(points), samples(2, points, f))
}

// samples writes f at equal steps, in 1 or 2 bytes.
func samples(width, points int, f func(float64) float64) (out []byte) {
	for i := range points {
		out = append(out, sample(width, f(float64(i)/float64(points-1)))...)
	}
	return out
}

func sample(width int, v float64) []byte {
	if width == 1 {
		return []byte{byte(math.Round(v * 255))}
	}
	return u16(int(math.Round(v * 65535)))
}

func para(form int, values ...float64) []byte {
	return join(kind("para"), u16(form), u16(0), fixed(values...))
}

func plainText(text string) []byte {
	return join(kind("desc"), u32(len(text)+1), []byte(text), make([]byte, 79))
}

// localized writes pairs of a language and country of four letters, and a text.
func localized(pairs ...string) []byte {
	var rows, texts []byte
	for i := 0; i < len(pairs); i += 2 {
		at := 16 + 12*len(pairs)/2 + len(texts)
		var text []byte
		for _, unit := range utf16.Encode([]rune(pairs[i+1])) {
			text = append(text, u16(int(unit))...)
		}
		rows = append(rows, join([]byte(pairs[i]), u32(len(text)), u32(at))...)
		texts = append(texts, text...)
	}
	return join(kind("mluc"), u32(len(pairs)/2), u32(12), rows, texts)
}

// The colours of the primaries as they stand in the profiles of the spaces' makers.
var (
	colorantsSRGB  = [3][3]float64{{0.43607, 0.22249, 0.01392}, {0.38515, 0.71687, 0.09708}, {0.14307, 0.06061, 0.71410}}
	colorantsP3    = [3][3]float64{{0.51512, 0.24120, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.15710, 0.06657, 0.78407}}
	colorantsAdobe = [3][3]float64{{0.60974, 0.31111, 0.01947}, {0.20528, 0.62567, 0.06087}, {0.14919, 0.06322, 0.74457}}
	formulaSRGB    = para(3, 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)
	gammaAdobe     = gamma(563.0 / 256)
	description    = block{"desc", plainText("Test")}
	whitePoint     = block{"wtpt", colour(0.9642, 1, 0.8249)}
)

func matrixProfile(version byte, colorants [3][3]float64, curve []byte) []byte {
	blocks := []block{description, whitePoint}
	for i, channel := range []string{"r", "g", "b"} {
		c := colorants[i]
		blocks = append(blocks, block{channel + "XYZ", colour(c[0], c[1], c[2])}, block{channel + "TRC", curve})
	}
	return profile(version, "mntr", "RGB ", "XYZ ", blocks...)
}

func grayProfile(pcs string, curve []byte) []byte {
	return profile(2, "scnr", "GRAY", pcs, description, block{"kTRC", curve})
}

// nodes writes f at every point of a grid whose inputs have these sides, the last input varying fastest.
func nodes(width int, sides []int, f func(in []float64) [3]float64) (out []byte) {
	at := make([]int, len(sides))
	in := make([]float64, len(sides))
	for {
		for i := range in {
			in[i] = float64(at[i]) / float64(sides[i]-1)
		}
		for _, v := range f(in) {
			out = append(out, sample(width, v)...)
		}
		i := len(at) - 1
		for ; i >= 0; i-- {
			if at[i]++; at[i] < sides[i] {
				break
			}
			at[i] = 0
		}
		if i < 0 {
			return out
		}
	}
}

func same(x float64) float64 { return x }

// oldTable writes mft1 (width 1) or mft2 (width 2) with one input curve for all channels and one output curve.
func oldTable(width, channels, side int, input, output func(float64) float64, f func(in []float64) [3]float64) []byte {
	head := join(kind([]string{"mft1", "mft2"}[width-1]), []byte{byte(channels), 3, byte(side), 0}, fixed(1, 0, 0, 0, 1, 0, 0, 0, 1))
	if width == 2 {
		head = append(head, join(u16(256), u16(256))...)
	}
	sides := []int{side, side, side, side}[:channels]
	return join(head, bytes.Repeat(samples(width, 256, input), channels), nodes(width, sides, f), bytes.Repeat(samples(width, 256, output), 3))
}

// newTable writes mAB from its parts; an empty one is left out.
func newTable(channels int, b, matrix, m, grid, a []byte) []byte {
	head := join(kind("mAB "), []byte{byte(channels), 3, 0, 0})
	at := 32
	for _, part := range [][]byte{b, matrix, m, grid, a} {
		if len(part) == 0 {
			head = append(head, u32(0)...)
			continue
		}
		head = append(head, u32(at)...)
		at += len(part)
	}
	return join(head, b, matrix, m, grid, a)
}

// curves repeats a curve and pads each to four bytes.
func curves(n int, curve []byte) []byte {
	return bytes.Repeat(append(bytes.Clone(curve), make([]byte, -len(curve)&3)...), n)
}

func newGrid(width int, sides []int, f func(in []float64) [3]float64) []byte {
	head := make([]byte, 20)
	for i, side := range sides {
		head[i] = byte(side)
	}
	head[16] = byte(width)
	out := append(head, nodes(width, sides, f)...)
	return append(out, make([]byte, -len(out)&3)...)
}
