package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// chunk is how much of a sheet is read at a time.
const chunk = 64 << 10

// decoder turns the bytes of a sheet into UTF-8. As long as all bytes were ASCII
// it leaves open what the encoding is: an accent may come late.
type decoder struct {
	src  io.Reader
	enc  Encoding // "" while it is open
	bom  bool
	raw  [chunk]byte
	kept int // bytes of raw that belong to a character not yet complete
	end  bool
}

// fill appends the next decoded bytes to dst. At the end it returns io.EOF, with
// the last bytes.
func (d *decoder) fill(dst []byte) ([]byte, error) {
	if d.end {
		return dst, io.EOF
	}
	n, err := io.ReadFull(d.src, d.raw[d.kept:])
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		d.end = true
	case err != nil:
		return dst, fmt.Errorf("reading the sheet: %w", err)
	}
	b := d.raw[:d.kept+n]
	rest := 0
	switch d.enc {
	case UTF16LE, UTF16BE:
		dst, rest = d.utf16(dst, b)
	default:
		if d.enc == "" {
			d.enc, rest = guess(b, d.end)
		}
		b = b[:len(b)-rest]
		if d.enc == Windows1252 {
			dst = appendWindows1252(dst, b)
		} else {
			dst = append(dst, b...)
		}
	}
	d.kept = copy(d.raw[:], d.raw[d.kept+n-rest:d.kept+n])
	if d.end {
		return dst, io.EOF
	}
	return dst, nil
}

// begin looks at the first bytes: it takes off a byte order mark and says what
// is no sheet at all.
func (d *decoder) begin() (head []byte, err error) {
	n, err := io.ReadFull(d.src, d.raw[:])
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		// the next fill reads nothing more, and ends
	case err != nil:
		return nil, fmt.Errorf("reading the sheet: %w", err)
	}
	b := d.raw[:n]
	if reason := signature(b); reason != "" {
		return nil, &Problem{Reason: reason}
	}
	mark := 0
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		d.enc, mark = UTF8, 3
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		d.enc, mark = UTF16LE, 2
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		d.enc, mark = UTF16BE, 2
	default:
		d.enc = zeros(b)
	}
	d.bom = mark > 0
	d.kept = copy(d.raw[:], b[mark:])
	head, err = d.fill(nil)
	if errors.Is(err, io.EOF) {
		err = nil // end tells
	}
	return head, err
}

// zeros recognises UTF-16 without a mark: every second byte of Western text is 0.
func zeros(b []byte) Encoding {
	b = b[:min(len(b), 1024)&^1]
	even, odd := 0, 0
	for i := 0; i < len(b); i += 2 {
		if b[i] == 0 {
			even++
		}
		if b[i+1] == 0 {
			odd++
		}
	}
	pairs := len(b) / 2
	switch {
	case pairs >= 4 && odd*10 >= pairs*8 && even*20 <= pairs:
		return UTF16LE
	case pairs >= 4 && even*10 >= pairs*8 && odd*20 <= pairs:
		return UTF16BE
	}
	return ""
}

// guess tells UTF-8 from Windows-1252 by the first bytes that are not ASCII. In
// Windows-1252 accents are followed by plain letters, which no UTF-8 character
// allows, so valid characters outnumber broken ones only in UTF-8. rest are the
// bytes at the end that another look is needed for.
func guess(b []byte, end bool) (enc Encoding, rest int) {
	valid, broken := 0, 0
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		switch {
		case r != utf8.RuneError || size > 1:
			valid++
		case !end && !utf8.FullRune(b[i:]):
			rest = len(b) - i
			size = rest
		default:
			broken++
		}
		i += size
	}
	switch {
	case valid == 0 && broken == 0:
		return "", rest
	case valid > broken:
		return UTF8, 0
	}
	return Windows1252, 0
}

// utf16 appends what b holds in whole characters. What is no character becomes
// U+FFFD.
func (d *decoder) utf16(dst, b []byte) ([]byte, int) {
	unit := func(i int) rune {
		if d.enc == UTF16BE {
			return rune(b[i])<<8 | rune(b[i+1])
		}
		return rune(b[i+1])<<8 | rune(b[i])
	}
	i := 0
	for i+1 < len(b) {
		r := unit(i)
		if utf16.IsSurrogate(r) {
			switch {
			case i+3 < len(b):
				if pair := utf16.DecodeRune(r, unit(i+2)); pair != utf8.RuneError {
					dst = utf8.AppendRune(dst, pair)
					i += 4
					continue
				}
			case !d.end:
				return dst, len(b) - i
			}
			r = utf8.RuneError
		}
		dst = utf8.AppendRune(dst, r)
		i += 2
	}
	if i < len(b) && d.end {
		return utf8.AppendRune(dst, utf8.RuneError), 0
	}
	return dst, len(b) - i
}

// high is what Windows-1252 has where Latin-1 has control characters. The five
// bytes that mean nothing stay control characters, as browsers read them.
var high = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

func appendWindows1252(dst, b []byte) []byte {
	for _, c := range b {
		switch {
		case c < 0x80:
			dst = append(dst, c)
		case c < 0xa0:
			dst = utf8.AppendRune(dst, high[c-0x80])
		default:
			dst = utf8.AppendRune(dst, rune(c))
		}
	}
	return dst
}
