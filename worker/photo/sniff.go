package photo

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Format names, as they stand in Source.Format.
const (
	formatJPEG = "jpeg"
	formatPNG  = "png"
	formatGIF  = "gif"
	formatWebP = "webp"
	formatBMP  = "bmp"
)

const exportJPEG = "export it as JPEG or PNG"

// magic is one known beginning. A "?" in prefix stands for any byte.
type magic struct {
	prefix string
	format string // set when it is decoded here
	reason Reason // otherwise why not,
	name   string // what it is,
	mend   string // and what to do
}

var magics = []magic{
	{prefix: "\xff\xd8\xff", format: formatJPEG},
	{prefix: "\x89PNG\r\n\x1a\n", format: formatPNG},
	{prefix: "GIF87a", format: formatGIF},
	{prefix: "GIF89a", format: formatGIF},
	{prefix: "RIFF????WEBP", format: formatWebP},
	// The four zero bytes are the reserved fields: "BM" alone begins many a text.
	{prefix: "BM????\x00\x00\x00\x00", format: formatBMP},
	{prefix: "II*\x00", reason: UnsupportedFormat, name: "TIFF", mend: exportJPEG},
	{prefix: "MM\x00*", reason: UnsupportedFormat, name: "TIFF", mend: exportJPEG},
	{prefix: "II+\x00", reason: UnsupportedFormat, name: "BigTIFF", mend: exportJPEG},
	{prefix: "MM\x00+", reason: UnsupportedFormat, name: "BigTIFF", mend: exportJPEG},
	{prefix: "\xff\x0a", reason: UnsupportedFormat, name: "JPEG XL", mend: exportJPEG},
	{prefix: "\x00\x00\x00\x0cJXL \r\n\x87\n", reason: UnsupportedFormat, name: "JPEG XL", mend: exportJPEG},
	{prefix: "\x00\x00\x00\x0cjP  \r\n\x87\n", reason: UnsupportedFormat, name: "JPEG 2000", mend: exportJPEG},
	{prefix: "\x00\x00\x01\x00", reason: UnsupportedFormat, name: "ICO", mend: exportJPEG},
	{prefix: "\x00\x00\x02\x00", reason: UnsupportedFormat, name: "CUR", mend: exportJPEG},
	{prefix: "8BPS", reason: UnsupportedFormat, name: "Photoshop (PSD)", mend: exportJPEG},
	{prefix: "%PDF-", reason: NotAnImage, name: "a PDF document", mend: "export the page as JPEG or PNG"},
	{prefix: "PK\x03\x04", reason: NotAnImage, name: "a ZIP archive or Office document", mend: "give the image in it"},
	{prefix: "\x1f\x8b", reason: NotAnImage, name: "gzip-compressed data", mend: "give the image itself"},
	{prefix: "\x1aE\xdf\xa3", reason: NotAnImage, name: "a film (Matroska or WebM)", mend: "export one picture as JPEG"},
}

// ftypBrands are the brands of ISO media files that people take for photos.
var ftypBrands = map[string]string{
	"avif": "AVIF", "avis": "AVIF",
	"heic": "HEIC", "heix": "HEIC", "heim": "HEIC", "heis": "HEIC", "hevc": "HEIC", "hevx": "HEIC", "hevm": "HEIC", "hevs": "HEIC",
	"mif1": "HEIF", "msf1": "HEIF",
}

// sniff decides by the first bytes alone what src is: a name and a file's ending may lie.
func sniff(src []byte) (string, *Error) {
	if len(src) == 0 {
		return "", refuse(Empty, "there are no bytes; give the whole image")
	}
	for _, m := range magics {
		if !hasMagic(src, m.prefix) {
			continue
		}
		if m.format != "" {
			return m.format, nil
		}
		return "", named(m)
	}
	if len(src) >= 12 && string(src[4:8]) == "ftyp" {
		return "", named(isoMedia(src))
	}
	if m, ok := text(src); ok {
		return "", named(m)
	}
	return "", refuse(NotAnImage, "it is no image of a known kind; give a JPEG, PNG, GIF, WebP or BMP")
}

func named(m magic) *Error {
	if m.reason == UnsupportedFormat {
		return refuse(m.reason, "%s images are not supported; %s", m.name, m.mend)
	}
	return refuse(m.reason, "it is %s, not an image; %s", m.name, m.mend)
}

func hasMagic(src []byte, prefix string) bool {
	if len(src) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if prefix[i] != '?' && prefix[i] != src[i] {
			return false
		}
	}
	return true
}

// isoMedia tells HEIC and AVIF from films. The major brand decides, unless it is one of the general ones.
func isoMedia(src []byte) magic {
	unsupported := magic{reason: UnsupportedFormat, mend: exportJPEG}
	size := int(src[2])<<8 | int(src[3])
	brands := src[8:min(len(src), max(size, 12))]
	for ; len(brands) >= 4; brands = brands[4:] {
		name := ftypBrands[string(brands[:4])]
		if name != "" && name != "HEIF" {
			unsupported.name = name
			break
		}
		if name != "" {
			unsupported.name = name
		}
	}
	switch unsupported.name {
	case "":
		return magic{reason: NotAnImage, name: "a film or sound file (MP4, QuickTime)", mend: "export one picture as JPEG"}
	case "HEIC", "HEIF":
		unsupported.mend = "export it as JPEG (iPhone: Settings, Camera, Formats, Most Compatible)"
	}
	return unsupported
}

// text recognises what a server sends in place of an image.
func text(src []byte) (magic, bool) {
	head := src[:min(len(src), 1024)]
	if bytes.IndexByte(head, 0) >= 0 {
		return magic{}, false
	}
	// The cut may have hit a letter in the middle.
	valid := head
	for range utf8.UTFMax - 1 {
		if utf8.Valid(valid) || len(valid) == 0 {
			break
		}
		valid = valid[:len(valid)-1]
	}
	lower := strings.ToLower(strings.TrimLeft(strings.TrimPrefix(string(head), "\ufeff"), " \t\r\n"))
	switch {
	case strings.HasPrefix(lower, "<") && strings.Contains(lower, "<svg"):
		if !strings.Contains(lower, "<html") && !strings.HasPrefix(lower, "<!doctype html") {
			return magic{reason: UnsupportedFormat, name: "SVG", mend: "export it as PNG, at least 600 pixels wide"}, true
		}
		fallthrough
	case strings.HasPrefix(lower, "<!doctype html"), strings.HasPrefix(lower, "<") && strings.Contains(lower, "<html"),
		strings.HasPrefix(lower, "<head"), strings.HasPrefix(lower, "<body"), strings.HasPrefix(lower, "<script"):
		return magic{reason: NotAnImage, name: "an HTML page", mend: "give the address of the image itself, not of a page that shows it"}, true
	case len(valid) == 0 || !utf8.Valid(valid) || strings.ContainsFunc(string(valid), isControl):
		return magic{}, false
	case strings.HasPrefix(lower, "<"):
		return magic{reason: NotAnImage, name: "an XML document", mend: "give the address of the image itself"}, true
	}
	return magic{reason: NotAnImage, name: "text", mend: "give the image itself"}, true
}

func isControl(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f
}
