package sheet

import (
	"log/slog"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	// maxPath is the longest name of a file that is taken for one, in bytes.
	maxPath = 1024
	// shortestBase64 is the least that tasks.ParsePhoto takes for a picture.
	shortestBase64 = 64
)

// Photo is what a row shows: a reference that can go into an update, or a file.
// The zero value is neither: the photo that is given for all rows.
type Photo struct {
	Ref  tasks.PhotoRef
	File string // a path, with the sheet's folder before it
}

// None reports whether the row names no photo of its own.
func (p Photo) None() bool { return p.File == "" && p.Ref.Kind == tasks.PhotoNone }

// String describes the photo without image data or query strings.
func (p Photo) String() string {
	if p.File != "" {
		return "file " + strconv.Quote(p.File)
	}
	return p.Ref.String()
}

// GoString is String, so that %#v shows no more than %v.
func (p Photo) GoString() string { return p.String() }

// LogValue is String as a slog value.
func (p Photo) LogValue() slog.Value { return slog.StringValue(p.String()) }

var (
	// urlLike finds a URL whose beginning is misspelt or missing.
	urlLike = regexp.MustCompile(`(?i)^(https?:|www\.)`)
	// drive is the beginning of an absolute path on Windows, on whatever system
	// the sheet is read.
	drive = regexp.MustCompile(`^[A-Za-z]:`)
)

// photo reads a cell that names a photo.
func (o Options) photo(cell string) (Photo, Reason) {
	text := strings.TrimSpace(cell)
	if text == "" {
		if o.PhotoGiven {
			return Photo{}, ""
		}
		return Photo{}, NoPhoto
	}
	if len(text) >= shortestBase64 || strings.IndexByte(text, ':') >= 0 { // else it can only be a file's name
		ref, err := tasks.ParsePhoto(text)
		switch {
		case err == nil:
			return Photo{Ref: ref}, ""
		case strings.Contains(text[:min(len(text), 64)], "://"):
			return Photo{}, BadURL
		}
	}
	switch {
	case urlLike.MatchString(text):
		return Photo{}, BadURL
	case len(text) > maxPath, strings.ContainsFunc(text, unicode.IsControl),
		strings.HasPrefix(text, "sha256:"), strings.HasPrefix(text, "src:sha256:"):
		return Photo{}, BadPhoto
	}
	path := filepath.FromSlash(strings.ReplaceAll(text, `\`, "/")) // sheets travel between systems
	if drive.MatchString(path) || filepath.IsAbs(path) || path[0] == filepath.Separator {
		if !o.AllowAbsolute {
			return Photo{}, PhotoOutside
		}
		return Photo{File: path}, ""
	}
	if !filepath.IsLocal(path) {
		return Photo{}, PhotoOutside
	}
	return Photo{File: filepath.Join(o.Folder, path)}, ""
}
