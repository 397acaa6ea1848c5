package enqueue

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// magics are the first bytes by which files are known. Those with an empty
// advice are images that the worker can read.
var magics = []struct{ at, magic, what, advice string }{
	{"", "\xff\xd8\xff", "a JPEG picture", ""},
	{"", "\x89PNG\r\n\x1a\n", "a PNG picture", ""},
	{"", "GIF87a", "a GIF picture", ""},
	{"", "GIF89a", "a GIF picture", ""},
	{"RIFF????", "WEBP", "a WebP picture", ""},
	{"BM????", "\x00\x00\x00\x00", "a BMP picture", ""},
	{"????", "ftypavif", "an AVIF picture", "export it as JPEG"},
	{"????", "ftypavis", "an AVIF picture", "export it as JPEG"},
	{"????", "ftyphe", "a HEIC picture from an iPhone", "export it as JPEG"},
	{"????", "ftypmif1", "a HEIC picture from an iPhone", "export it as JPEG"},
	{"????", "ftypmsf1", "a HEIC picture from an iPhone", "export it as JPEG"},
	{"????", "ftyp", "a video", "give a picture: JPEG or PNG"},
	{"", "II*\x00", "a TIFF picture", "export it as JPEG"},
	{"", "MM\x00*", "a TIFF picture", "export it as JPEG"},
	{"", "\xff\x0a", "a JPEG XL picture", "export it as JPEG"},
	{"", "\x00\x00\x00\x0cJXL ", "a JPEG XL picture", "export it as JPEG"},
	{"", "\x00\x00\x01\x00", "an icon (ICO)", "export it as PNG"},
	{"", "8BPS", "a Photoshop file", "export it as JPEG"},
	{"", "%PDF", "a PDF document", "export the page as JPEG"},
	{"", "PK\x03\x04", "a ZIP archive or an office document", "give the picture inside it"},
}

// checkImage refuses bytes that are obviously no image we can show, by what
// they look like. what names the bytes in the error. Bytes that pass may still
// turn out damaged when a worker decodes them.
func checkImage(what string, b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("%s is empty: %w", what, ErrPhoto)
	}
	for _, m := range magics {
		if !hasMagic(b, m.at, m.magic) {
			continue
		}
		if m.advice == "" {
			return nil
		}
		return fmt.Errorf("%s is %s; %s: %w", what, m.what, m.advice, ErrPhoto)
	}
	looks, advice := guessText(b)
	return fmt.Errorf("%s looks like %s; %s: %w", what, looks, advice, ErrPhoto)
}

// hasMagic compares a prefix, in which ? stands for any byte, and the magic
// after it.
func hasMagic(b []byte, at, magic string) bool {
	if len(b) < len(at)+len(magic) {
		return false
	}
	for i := range len(at) {
		if at[i] != '?' && at[i] != b[i] {
			return false
		}
	}
	return string(b[len(at):len(at)+len(magic)]) == magic
}

// guessText names what is none of the known formats.
func guessText(b []byte) (looks, advice string) {
	const want = "give a JPEG, PNG, GIF, WebP or BMP picture"
	head := b[:min(len(b), 1024)]
	text := strings.ToLower(string(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")))
	switch {
	case strings.HasPrefix(text, "<!doctype html"), strings.HasPrefix(text, "<html"), strings.HasPrefix(text, "<head"), strings.HasPrefix(text, "<body"):
		return "an HTML page", "give the picture itself, not a page that shows it"
	case strings.HasPrefix(text, "<svg"), strings.HasPrefix(text, "<?xml") && strings.Contains(text, "<svg"):
		return "an SVG drawing", "export it as PNG"
	case isText(head):
		return "text", want
	}
	return "no picture that is known here", want
}

// isText reports whether the bytes are printable UTF-8, a character cut at the
// end included.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			return len(b) < utf8.UTFMax && !utf8.FullRune(b)
		}
		if r < ' ' && !strings.ContainsRune("\t\r\n\f", r) {
			return false
		}
		b = b[size:]
	}
	return true
}
