package sheet

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// jsonRow reads the next object.
func (r *Reader) jsonRow() (Row, []Problem, bool) {
	for {
		text, rec, ok := r.scan.rawLine()
		if !ok {
			return Row{}, nil, false
		}
		row := Row{Line: rec.line, Object: string(text)}
		switch {
		case rec.fault != "":
			return row, []Problem{{Line: rec.line, Reason: rec.fault}}, true
		case len(bytes.TrimSpace(text)) == 0:
			r.empty++
			continue
		case !utf8.Valid(text):
			return row, []Problem{{Line: rec.line, Reason: BadEncoding}}, true
		}
		row, problems := r.object(row)
		return row, problems, true
	}
}

// object reads the fields of one object that are known.
func (r *Reader) object(row Row) (Row, []Problem) {
	fields, err := fieldsOf(row.Object)
	if err != nil {
		p := Problem{Line: row.Line, Reason: BadJSON, Fields: 1}
		if e, ok := errors.AsType[*json.SyntaxError](err); ok {
			p.Fields = utf8.RuneCountInString(row.Object[:max(0, min(int(e.Offset), len(row.Object)))])
		}
		return row, []Problem{p}
	}
	row.Cells = make([]string, len(r.format.Columns))
	group := slices.ContainsFunc(fields, func(f field) bool { return headerWords[fold(f.name)] == GroupColumn })
	var problems []Problem
	taken := map[Role]string{}
	for _, f := range fields {
		folded := fold(f.name)
		role := headerWords[folded]
		if folded == weakWord && !group {
			role = GroupColumn
		}
		if role == OtherColumn {
			continue
		}
		i := r.format.index(role)
		var p Problem
		text, isText := f.text()
		switch {
		case taken[role] != "":
			p.Reason, p.Value = FieldTwice, shown(taken[role])
		case !isText:
			p.Reason, p.Value = NotText, shown(f.value)
		case strings.IndexByte(text, 0) >= 0:
			p.Reason, p.Value = NULByte, shown(text)
		default:
			row.Cells[i] = text
		}
		taken[role] = f.name
		if p.Reason != "" {
			p.Line, p.Column, p.Name = row.Line, i+1, shown(f.name)
			problems = append(problems, p)
		}
	}
	if len(problems) > 0 {
		return row, problems
	}
	return r.judge(row, nil)
}

// WithoutPhoto is an object of JSONL without the field that names its photo.
func WithoutPhoto(object string) string {
	fields, err := fieldsOf(object)
	if err != nil {
		return object
	}
	var out strings.Builder
	for _, f := range fields {
		if headerWords[fold(f.name)] == PhotoColumn {
			continue
		}
		out.WriteString("," + quoted(f.name) + ":" + f.value)
	}
	return "{" + strings.TrimPrefix(out.String(), ",") + "}"
}

// field is one field of an object, its value as it is written.
type field struct{ name, value string }

// text is the value of a field as a text; null is an empty one.
func (f field) text() (string, bool) {
	switch {
	case f.value == "null":
		return "", true
	case f.value[0] != '"':
		return "", false
	}
	return unquoted(f.value), true
}

// unquoted reads a JSON string that is known to be one.
func unquoted(text string) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text[1 : len(text)-1]
	}
	var s string
	_ = json.Unmarshal([]byte(text), &s) // it is valid
	return s
}

var errNoObject = errors.New("no JSON object")

// fieldsOf returns the fields of an object in their order, with names that are
// there twice. encoding/json has no way to that which does not cost ten times as
// much; it is asked whether the text is JSON at all, and the rest is easy.
func fieldsOf(object string) ([]field, error) {
	text := strings.TrimSpace(object)
	if !json.Valid([]byte(text)) {
		var any json.RawMessage
		return nil, json.Unmarshal([]byte(object), &any) //nolint:wrapcheck // its offset is what counts
	}
	if text[0] != '{' {
		return nil, errNoObject
	}
	const space = " \t\r\n"
	var fields []field
	text = strings.TrimLeft(text[1:], space)
	for text[0] != '}' {
		n := valueLength(text)
		name := unquoted(text[:n])
		text = strings.TrimLeft(strings.TrimLeft(text[n:], space)[1:], space) // behind the colon
		n = valueLength(text)
		fields = append(fields, field{name, text[:n]})
		text = strings.TrimLeft(text[n:], space)
		if text[0] == ',' {
			text = strings.TrimLeft(text[1:], space)
		}
	}
	return fields, nil
}

// valueLength is how long the value at the beginning of valid JSON is.
func valueLength(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(text)
}
