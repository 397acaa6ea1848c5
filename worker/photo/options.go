package photo

import (
	"errors"
	"fmt"
	"image/color"
)

// Bounds of Options.
const (
	LowestSide      = 64
	HighestSide     = 1024
	LongestSide     = 16_384 // of a source, in pixels
	LowestQuality   = 24     // below it the picture is mush
	HighestQuality  = 100
	LowestMaxBytes  = 4 << 10
	HighestMaxBytes = 5 << 20
	LowestMemory    = 64 << 20
)

const (
	defaultSide      = 592 // the largest multiple of 16, the size of a JPEG block row, below the provider's 600
	defaultQuality   = 80
	defaultMaxBytes  = 100 << 10
	defaultMinSide   = 192       // below it WhatsApp "may cause issues", says Meta
	defaultMemory    = 160 << 20 // a 50-megapixel JPEG takes 92 MiB, a 25-megapixel PNG 115, and the worker has 256
	qualityStep      = 8
	extremeRatio     = 3    // a banner of 3 to 1 cropped to a square shows a third of itself
	parameterVersion = "v3" // to be raised when the same parameters give other bytes
)

// Fit says what becomes of a picture that is no square.
type Fit string

const (
	// Crop shows the centred square and cuts off the rest, as WhatsApp does itself. It is the default.
	Crop Fit = "crop"
	// Pad shows the whole picture with the background at two sides.
	Pad Fit = "pad"
)

// Extreme says what becomes of a picture whose long side is more than 3 times the short one, of which a crop would
// show next to nothing. It concerns Crop only.
type Extreme string

const (
	// PadExtreme pads such pictures. It is the default.
	PadExtreme Extreme = "pad"
	// RefuseExtreme refuses them with the reason ExtremeRatio.
	RefuseExtreme Extreme = "refuse"
)

// Options are the parameters of a Maker. The zero value of each field means its default.
type Options struct {
	Side         int     // width and height of the result in pixels, 64 to 1024; 0 means 592
	Quality      int     // JPEG quality to begin with, 24 to 100; 0 means 80
	MaxBytes     int     // longest result in bytes, 4 KiB to 5 MiB; 0 means 100 KiB
	MinSide      int     // shortest side of a source in pixels, 1 to 16384; 0 means 192
	AllowSmall   bool    // take sources of any size; MinSide is then without effect
	MemoryBudget int64   // bytes all decodes of the Maker may take at once, at least 64 MiB; 0 means 160 MiB
	Fit          Fit     // what to do with pictures that are no squares; "" means Crop
	Extreme      Extreme // what to do with pictures too long for a crop; "" means PadExtreme
	// Background is what shows under transparency and beside padded pictures. It must be opaque; the zero value means
	// white.
	Background color.NRGBA
}

func (o Options) withDefaults() Options {
	o.Side = orDefault(o.Side, defaultSide)
	o.Quality = orDefault(o.Quality, defaultQuality)
	o.MaxBytes = orDefault(o.MaxBytes, defaultMaxBytes)
	o.MinSide = orDefault(o.MinSide, defaultMinSide)
	o.MemoryBudget = orDefault(o.MemoryBudget, defaultMemory)
	o.Fit = orDefault(o.Fit, Crop)
	o.Extreme = orDefault(o.Extreme, PadExtreme)
	o.Background = orDefault(o.Background, color.NRGBA{255, 255, 255, 255})
	if o.AllowSmall {
		o.MinSide = 0
	}
	return o
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// validate judges options with their defaults filled in.
func (o Options) validate() error {
	var problems []error
	between := func(name string, value, low, high int) {
		if value < low || value > high {
			problems = append(problems, fmt.Errorf("photo option %s is %d; it must be %d to %d", name, value, low, high))
		}
	}
	between("Side", o.Side, LowestSide, HighestSide)
	between("Quality", o.Quality, LowestQuality, HighestQuality)
	between("MaxBytes", o.MaxBytes, LowestMaxBytes, HighestMaxBytes)
	if !o.AllowSmall {
		between("MinSide", o.MinSide, 1, LongestSide)
	}
	if o.Fit != Crop && o.Fit != Pad {
		problems = append(problems, fmt.Errorf("photo option Fit is %q; it must be crop or pad", o.Fit))
	}
	if o.Extreme != PadExtreme && o.Extreme != RefuseExtreme {
		problems = append(problems, fmt.Errorf("photo option Extreme is %q; it must be pad or refuse", o.Extreme))
	}
	if o.Background.A != 255 {
		problems = append(problems, errors.New("photo option Background is not opaque"))
	}
	if o.MemoryBudget < LowestMemory {
		problems = append(problems, fmt.Errorf("photo option MemoryBudget is %d; it must be at least %d", o.MemoryBudget, LowestMemory))
	}
	return errors.Join(problems...)
}
