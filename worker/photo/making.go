package photo

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"time"
)

// making is one photo on its way.
type making struct {
	*Maker
	header  *header
	layout  layout
	src     []byte
	facing  int
	colours colours
	colour  string
	alpha   bool
	work    Work
}

func (m *making) photo(ctx context.Context) (Photo, error) {
	m.facing = orientationOf(m.header, m.src)
	m.colours = coloursOf(m.header, m.src)
	img, err := m.render(ctx)
	if err != nil {
		return Photo{}, err
	}
	data, err := m.encode(ctx, img)
	if err != nil {
		return Photo{}, err
	}
	h, last := m.header, m.work.Tries[len(m.work.Tries)-1]
	return Photo{
		JPEG: data, Hash: hashHex(data), Side: m.options.Side, Quality: last.Quality,
		Source: Source{
			Format: h.format, Width: h.width, Height: h.height, Orientation: m.facing,
			Colour: m.colour, Progressive: h.jpeg.progressive, Profile: m.colours.name, Bytes: len(m.src), Hash: hashHex(m.src),
		},
		Work: m.work, Warnings: m.warnings(),
	}, nil
}

// render decodes within the time limit and brings the picture to the square.
func (m *making) render(ctx context.Context) (image.Image, error) {
	limited, cancel := context.WithTimeout(ctx, m.decodeTime)
	defer cancel()
	began := time.Now()
	img, err := decode(limited, m.header, m.src)
	m.header.cost.sweep()
	if err == nil {
		img, err = onCanvas(img, m.header)
	}
	m.work.Decoded = time.Since(began)
	if _, odd := errors.AsType[jpeg.FormatError](err); odd && m.header.jpeg.progressive && m.header.jpeg.restarts && limited.Err() == nil {
		return nil, &Error{Reason: UnsupportedFormat, Detail: "progressive JPEGs with restart markers are not supported; export it again as an ordinary JPEG", Err: err}
	}
	if err != nil {
		return nil, m.failed(ctx, limited, m.header.format, err)
	}
	began = time.Now()
	m.colour = colourOf(img)
	img = simple(m.header.format, img)
	out, err := m.draw(limited, img)
	m.work.Drawn = time.Since(began)
	return out, m.failed(ctx, limited, m.header.format, err)
}

// draw makes the finished square of a decoded picture. What is stored as luma and chroma goes into the JPEG as that,
// where neither a profile nor padding asks for colours.
func (m *making) draw(ctx context.Context, img image.Image) (image.Image, error) {
	kind := modelOf(img)
	m.colours = m.colours.fitting(kind, m.header.grey)
	m.work.Converted = m.colours.profile != nil
	side := m.options.Side
	asStored := !m.work.Converted && !m.layout.padded && side%2 == 0
	small, err := shrink(ctx, img, m.layout, asStored)
	if err != nil {
		return nil, err
	}
	if kind == modelYCC && m.header.format == formatWebP {
		stretch(small)
	}
	if small.model == modelYCC && asStored {
		half := side / 2
		return &image.YCbCr{
			Y:       turn(small.planes[0].pix, side, 1, m.facing),
			Cb:      turn(small.planes[1].pix, half, 1, m.facing),
			Cr:      turn(small.planes[2].pix, half, 1, m.facing),
			YStride: side, CStride: half, SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, side, side),
		}, nil
	}
	m.alpha = small.model == modelRGBA
	out := small.canvas(m.colours.profile, m.layout, side, m.options.Background)
	out.Pix = turn(out.Pix, side, 4, m.facing)
	return out, nil
}

// encode steps the quality down until the JPEG fits.
func (m *making) encode(ctx context.Context, img image.Image) ([]byte, error) {
	began := time.Now()
	var out bytes.Buffer
	for quality := m.options.Quality; quality >= LowestQuality; quality -= qualityStep {
		if ctx.Err() != nil {
			return nil, cancelled(ctx)
		}
		out.Reset()
		if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: quality}); err != nil {
			return nil, &Error{Reason: TooComplex, Detail: "it couldn't be encoded as JPEG: " + err.Error(), Err: err}
		}
		m.work.Tries = append(m.work.Tries, Try{quality, out.Len()})
		if out.Len() <= m.options.MaxBytes {
			m.work.Encoded = time.Since(began)
			return bytes.Clone(out.Bytes()), nil
		}
	}
	return nil, refuse(TooComplex, "even at low quality it takes more than %d bytes; give a calmer picture", m.options.MaxBytes)
}
