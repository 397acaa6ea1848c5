package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/worker/photo"
)

// photoFacts is the JSON of one source. Exactly one of Photo and Error is there.
type photoFacts struct {
	Source   string       `json:"source"`
	From     *fromFacts   `json:"from,omitempty"`
	Photo    *madeFacts   `json:"photo,omitempty"`
	Warnings []warning    `json:"warnings,omitempty"`
	Steps    []string     `json:"steps,omitempty"`
	Error    *sourceFault `json:"error,omitempty"`
	TookMs   int64        `json:"tookMs"`
	// MemoryBytes is what decoding held against GROUPPHOTO_PHOTO_MEMORY.
	MemoryBytes       int64 `json:"memoryBytes,omitempty"`
	PeakResidentBytes int64 `json:"peakResidentBytes,omitempty"`
}

type fromFacts struct {
	Format      string `json:"format"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	Bytes       int    `json:"bytes"`
	Colour      string `json:"colour"`
	Progressive bool   `json:"progressive"`
	Orientation int    `json:"orientation"`
	Profile     string `json:"profile"`
	Hash        string `json:"hash"`
}

type madeFacts struct {
	Side    int    `json:"side"`
	Quality int    `json:"quality"`
	Bytes   int    `json:"bytes"`
	Hash    string `json:"hash"`
	Fit     string `json:"fit"`
	Out     string `json:"out,omitempty"`
	Round   string `json:"round,omitempty"`
}

type warning struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

type sourceFault struct {
	Reason    string `json:"reason"`
	Detail    string `json:"detail"`
	Permanent bool   `json:"permanent"`
}

// printPhoto prints the facts of one source: on stdout, or on stderr where
// stdout takes the photo. What failed is left to the caller in text form.
func (a *app) printPhoto(f photoFlags, c config, s shown) error {
	if a.json() {
		return printJSON(a.out, s.facts(f, c))
	}
	if s.err != nil {
		return nil
	}
	w := a.out
	if f.out == "-" {
		w = a.err
	}
	return s.print(w, f.explain, c)
}

func (s shown) facts(f photoFlags, c config) photoFacts {
	all := photoFacts{Source: s.source, TookMs: s.took.Milliseconds()}
	if s.err != nil {
		all.Error = s.fault()
		return all
	}
	from, work := s.made.Source, s.made.Work
	all.From = &fromFacts{from.Format, from.Width, from.Height, from.Bytes, from.Colour, from.Progressive, from.Orientation, from.Profile, from.Hash}
	all.Photo = &madeFacts{s.made.Side, s.made.Quality, len(s.made.JPEG), s.made.Hash, fitted(work), s.out, s.round}
	for _, w := range s.made.Warnings {
		all.Warnings = append(all.Warnings, warning(w))
	}
	if f.explain {
		all.Steps = s.steps(c)
	}
	all.MemoryBytes, all.PeakResidentBytes = work.Memory, s.peak
	return all
}

func fitted(w photo.Work) string {
	if w.Padded {
		return string(photo.Pad)
	}
	return string(photo.Crop)
}

// fault is the error in parts. What has no reason of its own is "unusable".
func (s shown) fault() *sourceFault {
	if e, ok := errors.AsType[*photo.Error](s.cause); ok {
		return &sourceFault{string(e.Reason), e.Detail, e.Permanent()}
	}
	if e, ok := errors.AsType[*fetch.Error](s.cause); ok {
		return &sourceFault{string(e.Reason), e.Detail, e.Permanent()}
	}
	return &sourceFault{"unusable", s.cause.Error(), s.code == exitUsage}
}

func (s shown) print(w io.Writer, explain bool, c config) error {
	from, made := s.made.Source, s.made
	origin := fmt.Sprintf("%s: %s %d x %d, %s, %s", s.source, formatName(from.Format), from.Width, from.Height, sized(int64(from.Bytes)), s.stored())
	if from.Orientation != 1 {
		origin += fmt.Sprintf(", orientation %d", from.Orientation)
	}
	if from.Profile != "" {
		origin += ", profile " + from.Profile
	}
	result := fmt.Sprintf("JPEG %d x %d, quality %d, %s", made.Side, made.Side, made.Quality, sized(int64(len(made.JPEG))))
	if s.out != "" {
		result = s.out + ": " + result
	}
	cost := fmt.Sprintf("%s, %s for decoding", short(s.took), sized(made.Work.Memory))
	if s.peak > 0 {
		cost += fmt.Sprintf(", %s resident at most", sized(s.peak))
	}
	pairs := []string{"photo", result, "from", origin, "hash", "sha256:" + made.Hash, "round", s.round}
	for _, warning := range made.Warnings {
		pairs = append(pairs, "note", warning.Text)
	}
	pairs = append(pairs, "cost", cost)
	if explain {
		for i, step := range s.steps(c) {
			pairs = append(pairs, strconv.Itoa(i+1), step)
		}
	}
	return printFields(w, pairs...)
}

func formatName(format string) string {
	if format == "webp" {
		return "WebP"
	}
	return strings.ToUpper(format)
}
