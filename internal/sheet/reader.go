package sheet

import (
	"bytes"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/plugchat-go/groupphoto/tasks"
)

// Options say what stands beside a sheet.
type Options struct {
	// PhotoGiven means that rows without a photo show one that is given for all.
	PhotoGiven bool
	// Account is that of the rows that name none; "" is tasks.DefaultAccount.
	Account string
	// Placer, when there is one, chooses the account in place of Account.
	Placer Placer
	// Members reads a list of which accounts are in which groups: the same group comes
	// again, and photos are not looked at.
	Members bool
	// Folder is the sheet's own; photo files are named relative to it. "" is the
	// current one.
	Folder string
	// AllowAbsolute takes absolute paths of photo files. Without it a sheet from
	// somebody else can't name files outside of its folder.
	AllowAbsolute bool
}

// Placer knows which accounts can send to which groups.
type Placer interface {
	// Fault says why a row cannot go through the account that it names, or, when it
	// names none (""), through any: NotMember or NoMember; "" when it can.
	Fault(group tasks.GroupID, account string) Reason
	// Place returns the account of a row that has no problem: the one that it names, or
	// a choice when it names none. It is called once for each such row, in their order.
	Place(group tasks.GroupID, account string) string
}

// Row is one row of a sheet. Group, Photo and Account are empty where they have
// a problem. Cells are valid until the next row; Clone keeps a row.
type Row struct {
	Line    int
	Group   tasks.GroupID
	Photo   Photo // the zero value is the photo that is given for all
	Account string
	// Cells are all of the row's cells, those of columns unknown here included, in
	// the order of Format.Columns. Of a row with too many or broken fields they are
	// what could be read.
	Cells []string
	// Object is the whole object of a row of JSONL.
	Object string
}

// Clone returns a row that stays as it is.
func (r Row) Clone() Row {
	r.Cells = append([]string(nil), r.Cells...)
	return r
}

// Reader reads the rows of one sheet. It is for one goroutine.
type Reader struct {
	opts   Options
	format Format
	dec    *decoder
	scan   scanner
	first  *record // a row that was read while looking for a header
	seen   *seen
	empty  int
}

// Open recognises what a sheet is written in and reads its header, if it has one.
// What cannot be a sheet, or has no column of groups or photos, is a *Problem.
func Open(r io.Reader, opts Options) (*Reader, error) {
	if opts.Account == "" {
		opts.Account = tasks.DefaultAccount
	}
	dec := &decoder{src: r}
	head, err := dec.begin()
	if err != nil {
		return nil, err
	}
	whole := dec.end
	s := &Reader{opts: opts, dec: dec, seen: newSeen()}
	s.scan = scanner{dec: dec, buf: head, end: whole, delim: ',', eol: '\n'}
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		s.format.CRLF = i > 0 && head[i-1] == '\r'
	} else if bytes.IndexByte(head, '\r') >= 0 {
		s.scan.eol = '\r' // old programs of the Mac
	}
	switch text := bytes.TrimLeft(head, " \t\r\n"); {
	case len(text) == 0 && whole:
		err = &Problem{Reason: EmptySheet}
	case len(text) > 0 && text[0] == '[':
		err = &Problem{Reason: JSONList}
	case len(text) > 0 && text[0] == '{':
		err = s.openJSONL(text)
	default:
		err = s.openCSV(head, whole)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (r *Reader) openJSONL(text []byte) error {
	line, _, _ := bytes.Cut(text, []byte{r.scan.eol})
	if len(bytes.TrimSpace(line)) == 1 {
		return &Problem{Reason: JSONOverLines}
	}
	r.format.Kind = JSONL
	r.format.Columns = []Column{{"groupId", GroupColumn}, {"groupPhoto", PhotoColumn}, {"account", AccountColumn}}
	return nil
}

func (r *Reader) openCSV(head []byte, whole bool) error {
	r.format.Kind = CSV
	line, rest, _ := bytes.Cut(head, []byte{r.scan.eol})
	if delim, ok := hint(bytes.TrimSuffix(line, []byte("\r"))); ok {
		r.scan.pos, r.scan.line = len(head)-len(rest), 1
		r.scan.delim = delim
	} else {
		r.scan.delim = separator(head, whole, r.scan.eol)
	}
	r.format.Delimiter = r.scan.delim
	sample := sampled(r.scan.buf[r.scan.pos:], whole, r.scan.delim, r.scan.eol)
	for {
		first, ok := r.scan.next()
		switch {
		case !ok && r.scan.err != nil:
			return r.scan.err
		case !ok:
			return &Problem{Reason: EmptySheet}
		case !first.empty():
			return r.header(first, sample)
		}
		r.empty++
	}
}

// header takes the first record as the header, or keeps it as the first row.
func (r *Reader) header(first record, sample [][]string) error {
	list, known, problem := columns(first.cells)
	r.format.Columns = list
	switch {
	case first.fault != "" || !known && !unnamed(first.cells, sample):
		r.format.Columns = byPosition(len(first.cells))
		first.cells = append([]string(nil), first.cells...)
		r.first = &first
	case problem != nil:
		problem.Line = first.line
		return problem
	case r.format.index(GroupColumn) < 0:
		return &Problem{Line: first.line, Value: shown(strings.Join(first.cells, ", ")), Reason: NoGroupColumn}
	default:
		r.format.HeaderLine = first.line
	}
	if r.format.index(PhotoColumn) < 0 && !r.opts.PhotoGiven && !r.opts.Members {
		p := &Problem{Line: first.line, Reason: NoPhotoColumn}
		if known {
			p.Value = shown(strings.Join(first.cells, ", "))
		}
		return p
	}
	return nil
}

// unnamed reports whether the first record is a header none of whose names is
// known: it has nothing like a group in it, but the rows after it have.
func unnamed(first []string, sample [][]string) bool {
	if slices.ContainsFunc(first, looksLikeGroup) {
		return false
	}
	for _, cells := range sample[min(1, len(sample)):] {
		for _, cell := range cells {
			if _, err := tasks.ParseGroupID(cell); err == nil {
				return true
			}
		}
	}
	return false
}

// Format is what the sheet is written in. Its encoding is settled only after the
// last row: until an accent comes, it is taken for UTF-8.
func (r *Reader) Format() Format {
	f := r.format
	f.Encoding, f.BOM = r.dec.enc, r.dec.bom
	if f.Encoding == "" {
		f.Encoding = UTF8
	}
	return f
}

// Empty counts the lines that were passed over because nothing is in them.
func (r *Reader) Empty() int { return r.empty }

// AccountOf is the account of the row so far that has a group; known is false when
// none has.
func (r *Reader) AccountOf(group tasks.GroupID) (account string, known bool) {
	return r.seen.account(group)
}

// Err is what ended the reading before the end of the sheet, or nil.
func (r *Reader) Err() error { return r.scan.err }

// Rows gives every row with all that is wrong with it; a row without problems
// can be sent. It ends at the end of the sheet or when that can't be read any
// more, which Err tells. The rows can be gone through once.
func (r *Reader) Rows() iter.Seq2[Row, []Problem] {
	next := r.csvRow
	if r.format.Kind == JSONL {
		next = r.jsonRow
	}
	return func(yield func(Row, []Problem) bool) {
		for {
			row, problems, ok := next()
			if !ok || !yield(row, problems) {
				return
			}
		}
	}
}

func (r *Reader) csvRow() (Row, []Problem, bool) {
	for {
		var rec record
		if r.first != nil {
			rec, r.first = *r.first, nil
		} else {
			var ok bool
			if rec, ok = r.scan.next(); !ok {
				return Row{}, nil, false
			}
		}
		if rec.empty() {
			r.empty++
			continue
		}
		row, problems := r.judged(rec)
		return row, problems, true
	}
}

// judged makes a row of a record.
func (r *Reader) judged(rec record) (Row, []Problem) {
	row := Row{Line: rec.line, Cells: rec.cells}
	if rec.fault != "" {
		return row, []Problem{{Line: rec.at, Column: rec.column, Name: r.format.name(rec.column - 1), Reason: rec.fault}}
	}
	for i, cell := range row.Cells {
		row.Cells[i] = unguarded(cell)
	}
	n := len(r.format.Columns)
	for len(row.Cells) > n && strings.TrimSpace(row.Cells[len(row.Cells)-1]) == "" {
		row.Cells = row.Cells[:len(row.Cells)-1]
	}
	problems := damaged(r.format, row)
	if len(row.Cells) != n {
		reason := TooFewFields
		if len(row.Cells) > n {
			reason = TooManyFields
		}
		return row, append(problems, Problem{Line: row.Line, Reason: reason, Fields: len(row.Cells), Columns: n})
	}
	return r.judge(row, problems)
}

// damaged finds cells that hold what no text does.
func damaged(f Format, row Row) []Problem {
	var problems []Problem
	for i, cell := range row.Cells {
		p := Problem{Line: row.Line, Column: i + 1, Name: f.name(i)}
		switch {
		case strings.IndexByte(cell, 0) >= 0:
			p.Reason = NULByte
		case !utf8.ValidString(cell):
			p.Reason = BadEncoding
		default:
			continue
		}
		p.Value = shown(cell)
		problems = append(problems, p)
	}
	return problems
}
