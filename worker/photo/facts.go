package photo

import (
	"fmt"
	"image"
	"strings"
)

// modelOf tells which planes a decoded picture will be shrunk to.
func modelOf(img image.Image) model {
	switch img.(type) {
	case *image.YCbCr:
		return modelYCC
	case *image.Gray:
		return modelGrey
	case *image.CMYK:
		return modelCMYK
	}
	return modelRGBA
}

// colourOf names how a decoded picture stores its colours.
func colourOf(img image.Image) string {
	switch img := img.(type) {
	case placed:
		return colourOf(img.Image)
	case *image.YCbCr:
		return yccName(img)
	case *image.NYCbCrA:
		return yccName(&img.YCbCr) + " with alpha"
	case *image.Gray:
		return "grey"
	case *image.Gray16:
		return "grey, 16 bits"
	case *image.RGBA:
		return "RGB"
	case *image.NRGBA:
		return "RGB with alpha"
	case *image.RGBA64:
		return "RGB, 16 bits"
	case *image.NRGBA64:
		return "RGB with alpha, 16 bits"
	case *image.CMYK:
		return "CMYK"
	case *image.Paletted:
		return fmt.Sprintf("palette of %d", len(img.Palette))
	}
	return "unknown"
}

func yccName(img *image.YCbCr) string {
	digits := strings.TrimPrefix(img.SubsampleRatio.String(), "YCbCrSubsampleRatio")
	return "YCbCr " + strings.Join(strings.Split(digits, ""), ":")
}

// warnings tells what somebody who looks at the photo may wonder about.
func (m *making) warnings() []Warning {
	var all []Warning
	warn := func(when bool, code, format string, args ...any) {
		if when {
			all = append(all, Warning{Code: code, Text: fmt.Sprintf(format, args...)})
		}
	}
	h, l := m.header, m.layout
	short := min(h.width, h.height)
	warn(h.animated, "first_frame", "it is animated; the first frame is shown")
	warn(l.long, "long", "it is too long for a square cut and shown whole, with background beside it")
	warn(short < defaultMinSide, "small", "its short side has %d pixels; below %d the photo may look bad on phones", short, defaultMinSide)
	warn(max(l.region.Dx(), l.region.Dy()) < m.options.Side, "enlarged", "it is smaller than the photo and was enlarged")
	warn(m.alpha, "transparent", "transparent parts show the background")
	warn(m.colours.broken != nil, "profile_not_used", "its colour profile is not used: %v; the colours may be a little off", m.colours.broken)
	warn(m.colour == "CMYK" && !m.work.Converted, "cmyk_without_profile", "it is made for print (CMYK) and no usable profile says how its colours look; they are approximate")
	warn(len(m.work.Tries) > 1, "quality_lowered", "quality was lowered to fit %d bytes", m.options.MaxBytes)
	return all
}
