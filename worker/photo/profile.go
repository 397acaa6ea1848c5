package photo

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"

	"github.com/plugchat-go/groupphoto/worker/photo/icc"
)

// maxProfile bounds the colour profile in bytes. Those of printers have a megabyte; a compressed one may claim any size.
const maxProfile = 4 << 20

const iccPrefix = "ICC_PROFILE\x00"

// profileOf returns the colour profile of a picture and whether it carries one. A profile that can't be read is an error
// to warn of, not to fail for: the picture is then taken for sRGB.
func profileOf(h *header, src []byte) (p *icc.Profile, carried bool, err error) {
	var data []byte
	switch h.format {
	case formatJPEG:
		data, err = h.jpeg.profile()
	case formatPNG:
		return pngProfile(src)
	case formatWebP:
		data = riffChunk(src, "ICCP")
	}
	if err != nil || len(data) == 0 {
		return nil, err != nil, err
	}
	p, err = icc.Parse(data)
	return p, true, err
}

// profile joins the segments that the profile was cut into: at most 255, which may stand in any order.
func (f *jpegFacts) profile() ([]byte, error) {
	if len(f.icc) == 0 {
		return nil, nil
	}
	const numbers = 2 // this segment's, from 1, and how many there are
	parts := make([][]byte, len(f.icc))
	for _, segment := range f.icc {
		if len(segment) < numbers || int(segment[1]) != len(parts) || segment[0] == 0 || int(segment[0]) > len(parts) || parts[segment[0]-1] != nil {
			return nil, errors.New("its segments don't fit together")
		}
		parts[segment[0]-1] = segment[numbers:]
	}
	return bytes.Join(parts, nil), nil
}

// pngProfile looks into the chunks by which a PNG may tell its colours, the strongest first.
func pngProfile(src []byte) (*icc.Profile, bool, error) {
	if c := pngChunk(src, "cICP"); len(c) == 4 {
		p, err := icc.CICP(c[0], c[1], c[2], c[3] == 1)
		return p, true, err
	}
	if pngChunk(src, "sRGB") != nil {
		return nil, false, nil
	}
	// A name, a zero byte, the method (always 0), and the profile compressed.
	_, rest, found := bytes.Cut(pngChunk(src, "iCCP"), []byte{0})
	if !found || len(rest) < 1 {
		return nil, false, nil
	}
	inflater, err := zlib.NewReader(bytes.NewReader(rest[1:]))
	if err != nil {
		return nil, true, err
	}
	data, err := io.ReadAll(io.LimitReader(inflater, maxProfile+1))
	switch {
	case err != nil:
		return nil, true, err
	case len(data) > maxProfile:
		return nil, true, errors.New("it is too large")
	}
	p, err := icc.Parse(data)
	return p, true, err
}
