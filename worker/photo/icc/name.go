package icc

import (
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const maxName = 80

// name reads the tag desc, which is textDescriptionType in version 2 and multiLocalizedUnicodeType in version 4; there
// are files with the other one, and with plain text. A name that can't be read is "": it matters to nobody but people.
func (f *file) name() string {
	data := f.find("desc")
	if data == nil {
		return ""
	}
	switch string(data[:4]) {
	case "desc":
		if len(data) < 12 {
			return ""
		}
		text := data[12:]
		if count := binary.BigEndian.Uint32(data[8:]); int64(count) < int64(len(text)) {
			text = text[:count]
		}
		return tidy(untilZero(text))
	case "text":
		return tidy(untilZero(data[8:]))
	case "mluc":
		return tidy(localized(data))
	}
	return ""
}

func untilZero(b []byte) string {
	text, _, _ := strings.Cut(string(b[:min(len(b), 4*maxName)]), "\x00")
	return text
}

// localized returns the English text of a multiLocalizedUnicodeType, else its first one.
func localized(data []byte) string {
	if len(data) < 16 {
		return ""
	}
	count, size := int64(binary.BigEndian.Uint32(data[8:])), int64(binary.BigEndian.Uint32(data[12:]))
	if size < 12 {
		return ""
	}
	var first []byte
	for i := range min(count, 256) {
		at := 16 + i*size
		if at+12 > int64(len(data)) {
			break
		}
		row := data[at:]
		length, offset := int64(binary.BigEndian.Uint32(row[4:])), int64(binary.BigEndian.Uint32(row[8:]))
		if offset+length > int64(len(data)) {
			continue
		}
		text := data[offset : offset+min(length, 4*maxName)]
		if string(row[:2]) == "en" {
			return fromUTF16(text)
		}
		if first == nil {
			first = text
		}
	}
	return fromUTF16(first)
}

func fromUTF16(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, binary.BigEndian.Uint16(b))
	}
	return string(utf16.Decode(units))
}

// tidy leaves what can be printed, with single spaces, and cuts between runes.
func tidy(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	for len(text) > maxName {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return strings.TrimSpace(text)
}
