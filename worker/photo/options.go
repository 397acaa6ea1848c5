package photo

import (
	"errors"
	"fmt"
)

// Defaults and bounds of Options.
const (
	defaultSide      = 592 // the largest multiple of 16, the size of a JPEG block row, below the provider's 600
	defaultQuality   = 80
	defaultMaxBytes  = 100 << 10
	defaultMinSide   = 192       // below it WhatsApp "may cause issues", says Meta
	defaultMemory    = 160 << 20 // a 50-megapixel JPEG takes 92 MiB, a 25-megapixel PNG 115, and the worker has 256
	lowestSide       = 64
	highestSide      = 1024
	lowestQuality    = 24 // below it the picture is mush
	highestQuality   = 100
	lowestMaxBytes   = 4 << 10
	highestMaxBytes  = 5 << 20
	lowestMemory     = 64 << 20
	qualityStep      = 8
	parameterVersion = "v2" // to be raised when the same parameters give other bytes
)

// Options are the parameters of a Maker. The zero value of each field means its default.
type Options struct {
	Side         int   // width and height of the result in pixels, 64 to 1024; 0 means 592
	Quality      int   // JPEG quality to begin with, 24 to 100; 0 means 80
	MaxBytes     int   // longest result in bytes, 4 KiB to 5 MiB; 0 means 100 KiB
	MinSide      int   // shortest side of a source in pixels, 1 to 16384; 0 means 192
	AllowSmall   bool  // take sources of any size; MinSide is then without effect
	MemoryBudget int64 // bytes all decodes of the Maker may take at once, at least 64 MiB; 0 means 160 MiB
}

func (o Options) withDefaults() Options {
	o.Side = orDefault(o.Side, defaultSide)
	o.Quality = orDefault(o.Quality, defaultQuality)
	o.MaxBytes = orDefault(o.MaxBytes, defaultMaxBytes)
	o.MinSide = orDefault(o.MinSide, defaultMinSide)
	o.MemoryBudget = orDefault(o.MemoryBudget, defaultMemory)
	if o.AllowSmall {
		o.MinSide = 0
	}
	return o
}

func orDefault[T int | int64](value, otherwise T) T {
	if value == 0 {
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
	between("Side", o.Side, lowestSide, highestSide)
	between("Quality", o.Quality, lowestQuality, highestQuality)
	between("MaxBytes", o.MaxBytes, lowestMaxBytes, highestMaxBytes)
	if !o.AllowSmall {
		between("MinSide", o.MinSide, 1, maxSidePixels)
	}
	if o.MemoryBudget < lowestMemory {
		problems = append(problems, fmt.Errorf("photo option MemoryBudget is %d; it must be at least %d", o.MemoryBudget, lowestMemory))
	}
	return errors.Join(problems...)
}
