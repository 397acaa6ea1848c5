package corpus_test

import (
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

// What can't be a photo is refused by its own name, so that people know what they gave.
func TestRefused_ByName(t *testing.T) {
	m := maker(t, photo.Options{AllowSmall: true})
	names := map[string][]string{
		".heic": {"HEIC", "HEIF"}, ".heif": {"HEIC", "HEIF"}, ".avif": {"AVIF"}, ".avifs": {"AVIF"}, ".tif": {"TIFF"}, ".tiff": {"TIFF"},
		".svg": {"SVG"}, ".pdf": {"PDF"}, ".jp2": {"JPEG 2000"},
		// Raw pictures of cameras are TIFF files with the maker's own things in them.
		".arw": {"TIFF"}, ".cr2": {"TIFF"}, ".dng": {"TIFF"}, ".nef": {"TIFF"}, ".pef": {"TIFF"},
	}
	tested := map[string]int{}
	for _, file := range pictures(t) {
		want, ours := names[path.Ext(file.Name)]
		if !ours {
			continue
		}
		tested[path.Ext(file.Name)]++
		_, err := m.Make(t.Context(), read(t, file))
		refusal, ok := errors.AsType[*photo.Error](err)
		if !ok {
			t.Errorf("%s: %v, want a refusal", file.Name, err)
			continue
		}
		named := false
		for _, name := range want {
			named = named || strings.Contains(refusal.Detail, name)
		}
		if !named {
			t.Errorf("%s: refused with %q, which names none of %v", file.Name, refusal.Detail, want)
		}
	}
	for ending := range names {
		if tested[ending] == 0 {
			t.Errorf("no file of the sets ends with %s", ending)
		}
	}
}

// With the default options small pictures are refused, and all others have the verdict that TestVerdicts wrote down.
func TestRefused_SmallUnlessAllowed(t *testing.T) {
	m := maker(t, photo.Options{})
	tests := []struct {
		name string
		want photo.Reason // "" for a photo
	}{
		{"go/png/testdata/pngsuite/basn6a08.png", photo.TooSmall},              // 32x32
		{"imaging/testdata/orientation_6.jpg", photo.TooSmall},                 // 70x50
		{"goexif/exif/samples/has-lens-info.jpg", photo.TooSmall},              // 205x102
		{"imagemeta/testdata/images/hugo-issue-15324.jpg", photo.TooSmall},     // 276x38
		{"go/testdata/video-001.png", photo.TooSmall},                          // 150x103
		{"bimg/testdata/test_smart_crop.jpg", ""},                              // 300x300
		{"bimg/testdata/exif/Portrait_6.jpg", ""},                              // 1600x1200
		{"heic/testdata/test8.heic", photo.UnsupportedFormat},                  // by its kind, before its size
		{"go/png/testdata/invalid-trunc.png", photo.Corrupt},                   // 512x512, cut off
		{"imagemeta/testdata/images/corrupt/huge_tag_exif.jpg", photo.Corrupt}, // a header without a picture
	}
	for _, tt := range tests {
		_, err := m.Make(t.Context(), read(t, pictures(t, tt.name)[0]))
		got := photo.Reason("")
		if refusal, ok := errors.AsType[*photo.Error](err); ok {
			got = refusal.Reason
		} else if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
