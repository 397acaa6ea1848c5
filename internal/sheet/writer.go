package sheet

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Writer writes rows as a sheet that Open reads again: with the separator, the
// line ends and the columns of the sheet they came from, and always with a header.
// It writes UTF-8, with a byte order mark where the sheet had one or was in
// another encoding, because Excel needs it to see UTF-8. Cells that a spreadsheet
// would take for a formula get an apostrophe, which Open takes away again.
type Writer struct {
	w      *bufio.Writer
	format Format
	added  []string
	cells  []string
	places []int // where the added columns stand
	eol    string
}

// NewWriter writes the header: the columns of f, and after them those of added
// that the sheet does not have yet.
func NewWriter(w io.Writer, f Format, added ...string) (*Writer, error) {
	s := &Writer{w: bufio.NewWriterSize(w, 64<<10), format: f, added: added, eol: "\n"}
	if f.CRLF {
		s.eol = "\r\n"
	}
	if f.BOM || f.Encoding != UTF8 {
		_, _ = s.w.WriteString("\ufeff") // what fails is told by the next Flush
	}
	if f.Kind == JSONL {
		return s, nil
	}
	var names []string
	for _, c := range f.Columns {
		names = append(names, c.Name)
	}
	for _, name := range added {
		place := slices.IndexFunc(f.Columns, func(c Column) bool { return c.Name == name && c.Role == OtherColumn })
		if place < 0 {
			place = len(names)
			names = append(names, name)
		}
		s.places = append(s.places, place)
	}
	s.cells = make([]string, len(names))
	return s, s.record(names)
}

// Write writes a row, with one cell for each added column.
func (s *Writer) Write(row Row, added ...string) error {
	if s.format.Kind == JSONL {
		return s.object(row, added)
	}
	n := len(s.format.Columns)
	clear(s.cells)
	copy(s.cells, row.Cells[:min(n, len(row.Cells))])
	if len(row.Cells) > n && n > 0 { // what is too much belongs to the last cell, as likely as not
		s.cells[n-1] = strings.Join(row.Cells[n-1:], string(s.format.Delimiter))
	}
	for i, text := range added {
		s.cells[s.places[i]] = text
	}
	return s.record(s.cells)
}

// Flush writes what is still held back.
func (s *Writer) Flush() error {
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("writing the sheet: %w", err)
	}
	return nil
}

func (s *Writer) record(cells []string) error {
	for i, cell := range cells {
		if i > 0 {
			_ = s.w.WriteByte(s.format.Delimiter)
		}
		guard := formula(cell)
		if !guard && plain(cell) {
			_, _ = s.w.WriteString(cell)
			continue
		}
		_ = s.w.WriteByte('"')
		if guard {
			_ = s.w.WriteByte('\'')
		}
		for {
			before, after, found := strings.Cut(cell, `"`)
			_, _ = s.w.WriteString(before)
			if !found {
				break
			}
			_, _ = s.w.WriteString(`""`)
			cell = after
		}
		_ = s.w.WriteByte('"')
	}
	if _, err := s.w.WriteString(s.eol); err != nil { // a bufio.Writer keeps its first error
		return fmt.Errorf("writing the sheet: %w", err)
	}
	return nil
}

// plain reports whether a cell can stand without quotes, wherever it stands: a
// sheet must not begin like something else, nor have a separator that is none.
func plain(cell string) bool {
	for i := range len(cell) {
		switch c := cell[i]; c {
		case ',', ';', '\t', '"', '\r', '\n':
			return false
		case ' ', '<', '{', '[', '%':
			if i == 0 {
				return false
			}
		default:
			if c < ' ' {
				return false
			}
		}
	}
	return !strings.HasPrefix(cell, "sep=")
}

// formula reports whether a spreadsheet may take a cell for a formula.
func formula(cell string) bool {
	return cell != "" && strings.IndexByte("=+-@\t\r\n", cell[0]) >= 0
}

// unguarded takes away the apostrophe that keeps a cell from being a formula.
func unguarded(cell string) string {
	if cell != "" && cell[0] == '\'' && formula(cell[1:]) {
		return cell[1:]
	}
	return cell
}

// object writes a row of JSONL, with its fields as they were written and in their order.
// A line that is no object becomes one, with the line as its text.
func (s *Writer) object(row Row, added []string) error {
	var out bytes.Buffer
	out.WriteByte('{')
	put := func(name, value string) {
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.WriteString(quoted(name) + ":" + value)
	}
	fields, err := fieldsOf(row.Object)
	if err != nil {
		put("line", quoted(row.Object))
	}
	for _, f := range fields {
		if !slices.Contains(s.added, f.name) {
			put(f.name, f.value)
		}
	}
	for i, text := range added {
		put(s.added[i], quoted(text))
	}
	out.WriteString("}" + s.eol)
	if _, err := s.w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the sheet: %w", err)
	}
	return nil
}

// quoted is a text in JSON.
func quoted(text string) string {
	b, _ := json.Marshal(text) // texts can always be written
	return string(b)
}
