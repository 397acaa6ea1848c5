package photo

import (
	"image"
)

// layout is what of a source is shown, and how large.
type layout struct {
	region image.Rectangle // of the source, in pixels as stored
	size   image.Point     // what the region is scaled to; no side is longer than the square's
	factor int             // so many pixels of the source are averaged to one before the scaling
	padded bool            // the region is the whole picture, and is no square
	long   bool            // padded because it is too long for a crop
}

// place decides what of a picture is shown. Both ways commute with all eight orientations: the square is centred, and
// what is padded lies in the middle.
func (o Options) place(width, height int) (layout, *Error) {
	short, long := min(width, height), max(width, height)
	extreme := o.Fit == Crop && long > extremeRatio*short
	if extreme && o.Extreme == RefuseExtreme {
		return layout{}, refuse(ExtremeRatio, "it is %d x %d pixels, and one side may be at most %d times the other; cut it to a square", width, height, extremeRatio)
	}
	l := layout{long: extreme, padded: (extreme || o.Fit == Pad) && long > short}
	if l.padded {
		l.region = image.Rect(0, 0, width, height)
		l.size = image.Pt(scaled(width, o.Side, long), scaled(height, o.Side, long))
	} else {
		left, top := (width-short)/2, (height-short)/2
		l.region = image.Rect(left, top, left+short, top+short)
		l.size = image.Pt(o.Side, o.Side)
	}
	l.factor = min(boxSide(float64(l.region.Dx()), l.size.X), boxSide(float64(l.region.Dy()), l.size.Y))
	return l, nil
}

// scaled returns length x side / long, rounded, and never nothing.
func scaled(length, side, long int) int {
	return max(1, (2*length*side+long)/(2*long))
}

// memory estimates the bytes that shrinking, scaling and finishing take beside the decoded picture.
func (l layout) memory(side int) int64 {
	const (
		channels     = 4
		intermediate = 2 // bytes of a sample between the two passes of scaling
		finished     = 4 + 4
	)
	shrunkWide := int64(l.region.Dx()/l.factor + 2)
	shrunkHigh := int64(l.region.Dy()/l.factor + 2)
	scaled := int64(l.size.X) * int64(l.size.Y)
	return channels*shrunkWide*shrunkHigh + intermediate*int64(l.size.X)*shrunkHigh + channels*scaled + finished*int64(side)*int64(side)
}
