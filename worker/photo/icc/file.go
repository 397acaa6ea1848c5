package icc

import (
	"encoding/binary"
	"strings"
)

const (
	maxProfile = 4 << 20
	maxTags    = 256
	headerSize = 128
)

// file is a profile whose header and tag table are sound. What a tag holds is checked by its reader.
type file struct {
	data  []byte // as long as the header says
	space string // of the picture
	lab   bool   // the connection space is Lab, else XYZ
	tags  []tag
}

type tag struct {
	name           string
	offset, length int64
}

// classes are the kinds of profile that describe a picture's colours.
var classes = map[string]bool{"scnr": true, "mntr": true, "prtr": true, "spac": true}

// others are the kinds that don't, by what people call them.
var others = map[string]string{"link": "device link", "nmcl": "named colours", "abst": "abstract"}

// open checks the header (ICC.1:2022, 7.2) and reads the tag table (7.3).
func open(data []byte) (*file, error) {
	switch {
	case len(data) > maxProfile:
		return nil, unsupported("%d bytes, at most %d are read", len(data), maxProfile)
	case len(data) < headerSize+4:
		return nil, broken("%d bytes are too few for a header", len(data))
	case string(data[36:40]) != "acsp":
		return nil, broken("the ICC signature is missing")
	}
	size := int64(binary.BigEndian.Uint32(data))
	if size > int64(len(data)) || size < headerSize+4 {
		return nil, broken("it should have %d bytes and has %d: cut off", size, len(data))
	}
	f := &file{data: data[:size], space: string(data[16:20])}
	if version := data[8]; version > 4 {
		return nil, unsupported("version %d of the format, 2 and 4 are handled", version)
	}
	if class := string(data[12:16]); !classes[class] {
		what, known := others[class]
		if !known {
			what = "class " + printable(class)
		}
		return nil, unsupported("a profile of the kind %q describes no picture", what)
	}
	switch pcs := string(data[20:24]); pcs {
	case "Lab ":
		f.lab = true
	case "XYZ ":
	default:
		return nil, unsupported("connection space %s, XYZ and Lab are handled", printable(pcs))
	}
	return f, f.readTags()
}

func (f *file) readTags() error {
	count := int64(binary.BigEndian.Uint32(f.data[headerSize:]))
	table := f.data[headerSize+4:]
	if count > maxTags || count*12 > int64(len(table)) {
		return broken("a table of %d tags", count)
	}
	for i := range count {
		row := table[i*12:]
		f.tags = append(f.tags, tag{
			name:   string(row[:4]),
			offset: int64(binary.BigEndian.Uint32(row[4:])),
			length: int64(binary.BigEndian.Uint32(row[8:])),
		})
	}
	return nil
}

// find returns the tag's data, at least 8 bytes, or nil when the tag is missing or lies outside the file.
func (f *file) find(name string) []byte {
	for _, t := range f.tags {
		if t.name != name {
			continue
		}
		if end := t.offset + t.length; t.offset >= headerSize && t.length >= 8 && end <= int64(len(f.data)) {
			return f.data[t.offset:end:end]
		}
		return nil
	}
	return nil
}

// require is find for a tag that the profile can't do without.
func (f *file) require(name string) ([]byte, error) {
	if data := f.find(name); data != nil {
		return data, nil
	}
	return nil, broken("tag %s is missing or lies outside the profile", name)
}

// tableTag returns the name of the table from the picture's colours to the connection space, or "".
// A2B0 is the perceptual one, or the only one; A2B1 is colorimetric.
func (f *file) tableTag() string {
	for _, name := range []string{"A2B0", "A2B1"} {
		if f.find(name) != nil {
			return name
		}
	}
	return ""
}

// fixed reads an s15Fixed16Number.
func fixed(b []byte) float64 {
	return float64(int32(binary.BigEndian.Uint32(b))) / 65536
}

// printable returns a signature of four bytes for an error's text.
func printable(signature string) string {
	return strings.TrimRight(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, signature), " ")
}
