package sheet

import "fmt"

// Kind is what a sheet is written in.
type Kind string

// The kinds of sheets.
const (
	CSV   Kind = "csv"
	JSONL Kind = "jsonl"
)

// Encoding names how a sheet's characters are stored.
type Encoding string

// The encodings that are read. A sheet of ASCII alone is UTF-8.
const (
	UTF8        Encoding = "UTF-8"
	UTF16LE     Encoding = "UTF-16LE"
	UTF16BE     Encoding = "UTF-16BE"
	Windows1252 Encoding = "Windows-1252"
)

// Role is what a column is for.
type Role string

// The roles of columns. Other columns are kept as they are.
const (
	GroupColumn   Role = "group"
	PhotoColumn   Role = "photo"
	AccountColumn Role = "account"
	OtherColumn   Role = ""
)

// Column is one column of a sheet, or one known field of JSONL.
type Column struct {
	Name string `json:"name"`
	Role Role   `json:"role"`
}

// Format is what a sheet turned out to be.
type Format struct {
	Kind      Kind
	Delimiter byte // of CSV: a comma, a semicolon or a tab
	Encoding  Encoding
	BOM       bool // it begins with a byte order mark
	CRLF      bool // lines end as on Windows
	// HeaderLine is the line in which the columns are named; 0 when they are not.
	HeaderLine int
	Columns    []Column
}

// DelimiterName is what people call the separator; "" for JSONL.
func (f Format) DelimiterName() string {
	if f.Kind != CSV {
		return ""
	}
	switch f.Delimiter {
	case ';':
		return "semicolon"
	case '\t':
		return "tab"
	default:
		return "comma"
	}
}

// index returns the place of the column with a role, or -1.
func (f Format) index(role Role) int {
	for i, c := range f.Columns {
		if c.Role == role {
			return i
		}
	}
	return -1
}

// name is what a column is called in a message.
func (f Format) name(i int) string {
	if i < 0 || i >= len(f.Columns) {
		return ""
	}
	return f.Columns[i].Name
}

// byPosition names the columns of a sheet without a header.
func byPosition(n int) []Column {
	columns := make([]Column, n)
	roles := []Role{GroupColumn, PhotoColumn, AccountColumn}
	for i := range columns {
		if i < len(roles) {
			columns[i] = Column{string(roles[i]), roles[i]}
		} else {
			columns[i] = Column{fmt.Sprintf("column %d", i+1), OtherColumn}
		}
	}
	return columns
}
