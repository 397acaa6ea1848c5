package sheet

import (
	"bytes"
	"strings"
)

// magics are the first bytes of files that people give instead of a sheet.
var magics = []struct {
	magic  string
	reason Reason
}{
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OldExcelFile},
	{"%PDF", PDFFile},
	{"\x1f\x8b", ArchiveFile},
	{"7z\xbc\xaf", ArchiveFile},
	{"Rar!\x1a", ArchiveFile},
	{"BZh9", ArchiveFile},
	{"\xff\xd8\xff", PictureFile},
	{"\x89PNG\r\n\x1a\n", PictureFile},
	{"\xff\xfe\x00\x00", UTF32File},
	{"\x00\x00\xfe\xff", UTF32File},
}

// signature names what is no sheet by its first bytes; "" is for what may be one.
func signature(b []byte) Reason {
	for _, m := range magics {
		if bytes.HasPrefix(b, []byte(m.magic)) {
			return m.reason
		}
	}
	if bytes.HasPrefix(b, []byte("PK\x03\x04")) {
		return zipped(b)
	}
	head := bytes.TrimPrefix(b[:min(len(b), 1024)], []byte("\xef\xbb\xbf"))
	text := strings.ToLower(string(bytes.TrimLeft(head, " \t\r\n")))
	switch {
	case strings.HasPrefix(text, "<?xml") && strings.Contains(text, "<html"):
		return HTMLFile
	case strings.HasPrefix(text, "<?xml"):
		return XMLFile
	case text != "" && text[0] == '<' && len(text) > 1 && (text[1] == '!' || 'a' <= text[1] && text[1] <= 'z'):
		return HTMLFile
	}
	return ""
}

// zipped tells office documents apart by the names and the type in the archive,
// which all of them have at its beginning.
func zipped(b []byte) Reason {
	for _, inside := range []struct {
		name   string
		reason Reason
	}{
		{"opendocument", OpenDocument},
		{"Index/", NumbersFile},
		{"Index.zip", NumbersFile},
		{".iwa", NumbersFile},
		{"[Content_Types].xml", ExcelFile},
		{"xl/", ExcelFile},
		{"_rels/", ExcelFile},
		{"docProps/", ExcelFile},
	} {
		if bytes.Contains(b, []byte(inside.name)) {
			return inside.reason
		}
	}
	return ArchiveFile
}
