package icc

import "fmt"

// The code points of ITU-T H.273 that CICP handles.
var (
	cicpPrimaries = map[byte]primaries{
		1:  rec709,
		9:  {chromaticity{0.708, 0.292}, chromaticity{0.170, 0.797}, chromaticity{0.131, 0.046}, whiteD65},                 // BT.2020
		11: {chromaticity{0.680, 0.320}, chromaticity{0.265, 0.690}, chromaticity{0.150, 0.060}, chromaticity{.314, .351}}, // SMPTE RP 431-2
		12: {chromaticity{0.680, 0.320}, chromaticity{0.265, 0.690}, chromaticity{0.150, 0.060}, whiteD65},                 // SMPTE EG 432-1
	}
	cicpPrimariesNames = map[byte]string{1: "BT.709", 9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}

	curve709      = curve{formula: &formula{g: 1 / 0.45, a: 1 / 1.099, b: 0.099 / 1.099, c: 1 / 4.5, d: 4.5 * 0.018}}
	curveSRGB     = curve{formula: &formula{g: 2.4, a: 1 / 1.055, b: 0.055 / 1.055, c: 1 / 12.92, d: 0.04045}}
	cicpTransfers = map[byte]curve{
		1: curve709, 6: curve709, 14: curve709, 15: curve709,
		4:  {formula: &formula{g: 2.2, a: 1}},
		5:  {formula: &formula{g: 2.8, a: 1}},
		8:  {},
		13: curveSRGB,
	}
	cicpTransferNames = map[byte]string{
		1: "BT.709", 6: "BT.709", 14: "BT.709", 15: "BT.709", 4: "gamma 2.2", 5: "gamma 2.8", 8: "linear", 13: "sRGB",
	}
	cicpHDR = map[byte]string{16: "PQ", 18: "HLG"}
)

// CICP makes the profile that the three code points of ITU-T H.273 in PNG's cICP chunk stand for: primaries 1 (BT.709),
// 9 (BT.2020), 11 (DCI-P3 with its own white) and 12 (Display P3), transfers 1, 6, 14 and 15 (the curve of BT.709), 4
// (gamma 2.2), 5 (gamma 2.8), 8 (linear) and 13 (sRGB). The matrix must be 0 (RGB) and the range full. Everything else,
// high dynamic range by name, is an error that wraps ErrUnsupported.
func CICP(primaries, transfer, matrix byte, fullRange bool) (*Profile, error) {
	switch {
	case cicpHDR[transfer] != "":
		return nil, unsupported("HDR (%s) can't be shown as it is meant: export the picture as SDR", cicpHDR[transfer])
	case matrix != 0:
		return nil, unsupported("CICP matrix %d, only 0 (RGB) is handled", matrix)
	case !fullRange:
		return nil, unsupported("CICP with limited range")
	}
	colours, known := cicpPrimaries[primaries]
	if !known {
		return nil, unsupported("CICP primaries %d", primaries)
	}
	c, known := cicpTransfers[transfer]
	if !known {
		return nil, unsupported("CICP transfer %d", transfer)
	}
	return &Profile{
		name:  fmt.Sprintf("%s, %s (CICP %d/%d)", cicpPrimariesNames[primaries], cicpTransferNames[transfer], primaries, transfer),
		space: RGB,
		way:   newMatrixWay(colours.toXYZ(), [3]curve{c, c, c}),
	}, nil
}
