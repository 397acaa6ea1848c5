package sheet

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// maxRecord bounds a line, and a record that quotes spread over several.
const maxRecord = 1 << 20

// scanner splits a sheet into records. It goes on after every fault: behind a
// quote that is never closed, in the line after the one where it began.
type scanner struct {
	dec   *decoder // nil when buf holds all there is
	buf   []byte
	pos   int // where the next record begins in buf
	line  int // lines before pos
	end   bool
	err   error
	delim byte
	eol   byte

	flat []byte // the cells of a record with quotes, without them
	ends []int  // where cells end, in flat or in the line
	fill []string
}

// record is one row as it stands. cells are valid until the next one.
type record struct {
	line  int
	cells []string
	// fault is what is wrong with the record as such, in column at line.
	fault  Reason
	at     int
	column int
}

func (r record) empty() bool {
	for _, cell := range r.cells {
		if strings.TrimSpace(cell) != "" {
			return false
		}
	}
	return r.fault == ""
}

// more brings more of the sheet into buf, and forgets what lies before pos.
func (s *scanner) more() bool {
	if s.end || s.dec == nil {
		return false
	}
	if s.pos > 0 {
		s.buf = s.buf[:copy(s.buf, s.buf[s.pos:])]
		s.pos = 0
	}
	before := len(s.buf)
	var err error
	s.buf, err = s.dec.fill(s.buf)
	if err != nil {
		s.end = true
		if !errors.Is(err, io.EOF) {
			s.err = err
		}
	}
	return len(s.buf) > before || !s.end && s.more()
}

// find returns where b is at or after from, both from pos on. When it is not
// there, or too far away, it returns where the search ended.
func (s *scanner) find(from int, b byte) (int, bool) {
	for {
		if i := bytes.IndexByte(s.buf[min(s.pos+from, len(s.buf)):], b); i >= 0 {
			return from + i, from+i <= maxRecord
		}
		from = len(s.buf) - s.pos
		if from > maxRecord || !s.more() {
			return from, false
		}
	}
}

// byteAt is the byte at an offset from pos, 0 behind the end.
func (s *scanner) byteAt(off int) byte {
	for s.pos+off >= len(s.buf) {
		if !s.more() {
			return 0
		}
	}
	return s.buf[s.pos+off]
}

// next returns the next record, empty lines included.
func (s *scanner) next() (record, bool) {
	text, width, r, ok := s.peek()
	if !ok || r.fault != "" {
		return r, ok
	}
	if bytes.IndexByte(text, '"') >= 0 {
		return s.quoted(), true
	}
	s.take(width)
	s.ends = s.ends[:0]
	for from := 0; ; {
		i := bytes.IndexByte(text[from:], s.delim)
		if i < 0 {
			break
		}
		s.ends = append(s.ends, from+i)
		from += i + 1
	}
	s.ends = append(s.ends, len(text))
	r.cells = s.cells(string(text), 1)
	return r, true
}

// cells cuts a text at ends, leaving out gap bytes between two cells.
func (s *scanner) cells(text string, gap int) []string {
	s.fill = s.fill[:0]
	from := 0
	for _, end := range s.ends {
		s.fill = append(s.fill, text[from:end])
		from = end + gap
	}
	return s.fill
}

// rawLine takes the next line without its end. The text is valid until the next
// call of any method.
func (s *scanner) rawLine() ([]byte, record, bool) {
	text, width, r, ok := s.peek()
	if ok && r.fault == "" {
		s.take(width)
	}
	return text, r, ok
}

// peek looks at the next line, whose end is not in text but in width. Only a line
// that is too long is passed over.
func (s *scanner) peek() (text []byte, width int, r record, ok bool) {
	end, found := s.find(0, s.eol)
	r = record{line: s.line + 1, at: s.line + 1}
	switch {
	case found:
		width = end + 1
	case end > maxRecord:
		s.skipLine()
		s.line++
		r.fault = LineTooLong
		return nil, 0, r, true
	case end == 0:
		return nil, 0, r, false
	default:
		width = end
	}
	return bytes.TrimSuffix(s.buf[s.pos:s.pos+end], []byte("\r")), width, r, true
}

func (s *scanner) take(width int) {
	s.line++
	s.pos += width
}

// skipLine passes over a line of any length without keeping it.
func (s *scanner) skipLine() {
	for {
		if i := bytes.IndexByte(s.buf[s.pos:], s.eol); i >= 0 {
			s.pos += i + 1
			return
		}
		s.pos = len(s.buf)
		if !s.more() {
			return
		}
	}
}

// quoted takes a record that has quotes, which may go over several lines.
func (s *scanner) quoted() record {
	r := record{line: s.line + 1}
	s.flat, s.ends = s.flat[:0], s.ends[:0]
	off, lineEnd := 0, -1
	for {
		began := off
		if s.byteAt(off) == '"' {
			var fault Reason
			if off, fault = s.quotedField(off); fault != "" {
				return s.faulty(r, fault, began)
			}
		} else {
			if off > lineEnd {
				lineEnd, _ = s.find(off, s.eol)
			}
			line := s.buf[s.pos+off : s.pos+lineEnd]
			field, _, more := bytes.Cut(line, []byte{s.delim})
			off += len(field)
			if !more {
				field = bytes.TrimSuffix(field, []byte("\r"))
			}
			s.flat = append(s.flat, field...)
		}
		s.ends = append(s.ends, len(s.flat))
		if off > maxRecord {
			return s.faulty(r, LineTooLong, began)
		}
		if s.pos+off >= len(s.buf) || s.byteAt(off) != s.delim {
			break
		}
		off++
	}
	if s.byteAt(off) == '\r' && s.eol == '\n' {
		off++
	}
	s.line += bytes.Count(s.buf[s.pos:s.pos+off], []byte{s.eol}) + 1
	s.pos = min(s.pos+off+1, len(s.buf))
	r.cells = s.cells(string(s.flat), 0)
	return r
}

// quotedField takes a field in quotes and returns the offset behind it.
func (s *scanner) quotedField(began int) (int, Reason) {
	off := began + 1
	for {
		quote, found := s.find(off, '"')
		s.flat = append(s.flat, s.buf[s.pos+off:s.pos+quote]...)
		switch {
		case !found && quote > maxRecord && began > maxRecord/2: // the record was long before this field
			return quote, LineTooLong
		case !found:
			return quote, OpenQuote
		}
		off = quote + 1
		if s.byteAt(off) != '"' {
			break
		}
		s.flat = append(s.flat, '"')
		off++
	}
	switch c := s.byteAt(off); {
	case s.pos+off >= len(s.buf), c == s.delim, c == s.eol, c == '\r' && (s.byteAt(off+1) == s.eol || s.pos+off+1 >= len(s.buf)):
		return off, ""
	}
	// A quote that is closed in another line and followed by text is the opening
	// one of that line: the first was never closed.
	if bytes.IndexByte(s.buf[s.pos+began:s.pos+off], s.eol) >= 0 {
		return off, OpenQuote
	}
	return off, TextAfterQuote
}

// faulty ends a record that is wrong from the field at began on. What follows is read from the line after the one where that field began.
// Nothing is read more than twice: a quote that opens a field within one that was
// never closed is where that one ends.
func (s *scanner) faulty(r record, fault Reason, began int) record {
	before := bytes.Count(s.buf[s.pos:s.pos+began], []byte{s.eol})
	r.fault, r.at = fault, r.line
	if fault != LineTooLong {
		r.at, r.column = r.line+before, len(s.ends)+1
	}
	end, _ := s.find(0, s.eol)
	r.cells = strings.Split(strings.TrimSuffix(string(s.buf[s.pos:s.pos+end]), "\r"), string(s.delim))
	s.pos += began
	s.skipLine()
	s.line += before + 1
	return r
}
