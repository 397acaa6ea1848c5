package main

import (
	"fmt"
	"slices"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

// steps tells how a photo came to be, in the order of the work.
func (s shown) steps(c config) []string {
	from, work := s.made.Source, s.made.Work
	steps := []string{s.how, s.recognised()}
	steps = append(steps,
		fmt.Sprintf("decoded in %s: %d x %d pixels, %s (%s of the %s allowed)",
			short(work.Decoded), from.Width, from.Height, s.stored(), sized(work.Memory), sized(c.photo.make.MemoryBudget)),
		s.cut(), s.shrunk(), s.coloured())
	if turned := turns[from.Orientation]; turned != "" {
		steps = append(steps, fmt.Sprintf("%s, as EXIF orientation %d asks", turned, from.Orientation))
	}
	steps = append(steps, s.encoded(c),
		fmt.Sprintf("goes into the request as %s of Base64", sized(int64(len("data:image/jpeg;base64,")+(len(s.made.JPEG)+2)/3*4))))
	return steps
}

// stored is how the pixels are kept in the file.
func (s shown) stored() string {
	if s.made.Source.Progressive {
		return "progressive " + s.made.Source.Colour
	}
	return s.made.Source.Colour
}

// endings are the usual ends of file names, by what is in the file.
var endings = map[string][]string{
	"jpeg": {".jpg", ".jpeg", ".jpe", ".jfif"}, "png": {".png"}, "gif": {".gif"}, "webp": {".webp"}, "bmp": {".bmp", ".dib"},
}

func (s shown) recognised() string {
	format := s.made.Source.Format
	text := "recognised as " + formatName(format) + " by its first bytes"
	for other, names := range endings {
		if other != format && slices.Contains(names, s.name) {
			return text + ", although its name says " + formatName(other)
		}
	}
	return text
}

func (s shown) cut() string {
	region, from := s.made.Work.Region, s.made.Source
	switch {
	case s.made.Work.Padded:
		return "kept whole, with background beside it"
	case region.Dx() == from.Width && region.Dy() == from.Height:
		return "kept whole: it is a square"
	}
	where := "above and below"
	if from.Width > from.Height {
		where = "left and right"
	}
	lost := 100 - 100*region.Dx()*region.Dy()/(from.Width*from.Height)
	return fmt.Sprintf("cut to the centred square of %d pixels; %d %% fall away %s", region.Dx(), lost, where)
}

func (s shown) shrunk() string {
	work := s.made.Work
	longest := max(work.Region.Dx(), work.Region.Dy())
	switch {
	case longest < s.made.Side:
		return fmt.Sprintf("enlarged from %d to %d pixels", longest, s.made.Side)
	case longest == s.made.Side:
		return "left at its size"
	case work.Shrunk == 1:
		return fmt.Sprintf("scaled from %d to %d pixels", longest, s.made.Side)
	}
	return fmt.Sprintf("averaged %d x %d pixels to one and scaled the rest, from %d to %d pixels", work.Shrunk, work.Shrunk, longest, s.made.Side)
}

func (s shown) coloured() string {
	profile := s.made.Source.Profile
	switch {
	case s.made.Work.Converted:
		return fmt.Sprintf("colours brought from %s to sRGB", profile)
	case profile == "":
		return "no colour profile: colours taken for sRGB"
	case slices.ContainsFunc(s.made.Warnings, func(w photo.Warning) bool { return w.Code == "profile_not_used" }):
		return "colour profile not usable: colours taken for sRGB"
	}
	return fmt.Sprintf("colours left as they are: %s is sRGB", profile)
}

// turns says what each EXIF orientation asks for.
var turns = map[int]string{
	2: "mirrored", 3: "turned upside down", 4: "mirrored upside down", 5: "mirrored and turned anticlockwise",
	6: "turned clockwise", 7: "mirrored and turned clockwise", 8: "turned anticlockwise",
}

func (s shown) encoded(c config) string {
	work := s.made.Work
	last := work.Tries[len(work.Tries)-1]
	text := fmt.Sprintf("encoded in %s at quality %d: %s of at most %s", short(work.Encoded), last.Quality, sized(int64(last.Bytes)), sized(int64(c.photo.make.MaxBytes)))
	if len(work.Tries) > 1 {
		text += fmt.Sprintf(", after %d better qualities were too large", len(work.Tries)-1)
	}
	return text + "; without any metadata"
}
