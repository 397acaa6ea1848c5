package sheet_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/internal/sheet"
)

// written writes all rows of a sheet as its export would.
func written(t interface {
	Helper()
	Fatalf(string, ...any)
}, format sheet.Format, rows []sheet.Row, column ...string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := sheet.NewWriter(&b, format, column...)
	if err != nil {
		t.Fatalf("NewWriter: %v", err)
	}
	for _, row := range rows {
		if err := w.Write(row, column...); err != nil {
			t.Fatalf("Write: %v", err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatalf("Flush: %v", err)
	}
	return b.String()
}

func TestWriter(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"separator, mark and line ends stay", "\ufeffgrupo;foto\r\n" + g1 + ";a.png\r\n", "\ufeffgrupo;foto;reason\r\n" + g1 + ";a.png;reason\r\n"},
		{"Windows-1252 becomes UTF-8 with a mark", windows1252("grupo\tfoto\n" + g1 + "\tação.png\n"), "\ufeffgrupo\tfoto\treason\n" + g1 + "\tação.png\treason\n"},
		{"no header becomes one", g1 + ",a.png,,Sul\n", "group,photo,account,column 4,reason\n" + g1 + ",a.png,,Sul,reason\n"},
		{"formulas are text", "grupo;nome\n" + g1 + ";=1+1\n" + g2 + ";-5\n" + g3 + ";\"\t@x\"\n",
			"grupo;nome;reason\n" + g1 + ";\"'=1+1\";reason\n" + g2 + ";\"'-5\";reason\n" + g3 + ";\"'\t@x\";reason\n"},
		{"quotes where they are needed", "grupo;nome\n" + g1 + ";\"a;b \"\"c\"\"\nd\"\n", "grupo;nome;reason\n" + g1 + ";\"a;b \"\"c\"\"\nd\";reason\n"},
		{"a reason that was there before is written over", "grupo;reason\n" + g1 + ";old\n", "grupo;reason\n" + g1 + ";reason\n"},
		{"rows with too many and too few fields", "grupo;nome\n" + g1 + ";a;b\n" + g2 + "\n", "grupo;nome;reason\n" + g1 + ";\"a;b\";reason\n" + g2 + ";;reason\n"},
		{"rows with broken quotes", "grupo;nome;x\n" + g1 + ";\"a\"b;\n", "grupo;nome;x;reason\n" + g1 + ";\"\"\"a\"\"b\";;reason\n"},
		{"JSONL keeps its fields in order", `{"z":[1, 2],"groupId":"` + g1 + `","reason":"old"}` + "\n", `{"z":[1, 2],"groupId":"` + g1 + `","reason":"reason"}` + "\n"},
		{"JSONL that is none", "{\"groupId\":\"x\"}\nwhat \"is\" this\n", "{\"groupId\":\"x\",\"reason\":\"reason\"}\n" + `{"line":"what \"is\" this","reason":"reason"}` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := read(t, tt.text, given)
			got := written(t, f.format, append(f.rows, f.bad...), "reason")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
		})
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }

func TestWriter_TellsWhatFails(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"grupo\n" + g1 + "\n", `{"groupId":"` + g1 + `"}`} {
		f := read(t, text, given)
		w, err := sheet.NewWriter(brokenWriter{}, f.format)
		for range 10_000 {
			if err == nil {
				err = w.Write(f.rows[0])
			}
		}
		if err == nil {
			err = w.Flush()
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v", err)
		}
	}
}

// sameRows compares what counts of rows: not their lines, and not where an
// object's white space was.
func sameRows(t interface {
	Helper()
	Fatalf(string, ...any)
}, want, got []sheet.Row) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("got %d rows; want %d", len(got), len(want))
	}
	for i := range want {
		if want[i].Group != got[i].Group || want[i].Account != got[i].Account || want[i].Photo != got[i].Photo || !cmp.Equal(want[i].Cells, got[i].Cells) {
			t.Fatalf("row %d: got %+v; want %+v", i, got[i], want[i])
		}
	}
}

// tried reads a text that may be anything; ok is false for what is no sheet.
func tried(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string) (found, bool) {
	t.Helper()
	r, err := sheet.Open(strings.NewReader(text), given)
	if err != nil {
		if _, ok := errors.AsType[*sheet.Problem](err); !ok {
			t.Fatalf("Open: %v; want a *Problem", err)
		}
		return found{}, false
	}
	var f found
	last := 0
	for row, problems := range r.Rows() {
		if row.Line <= last {
			t.Fatalf("line %d comes after line %d", row.Line, last)
		}
		last = row.Line
		if len(problems) == 0 {
			f.rows = append(f.rows, row.Clone())
			continue
		}
		f.bad = append(f.bad, row.Clone())
		f.problems = append(f.problems, problems...)
	}
	f.format = r.Format()
	return f, true
}

func checkRoundTrip(t interface {
	Helper()
	Fatalf(string, ...any)
}, f found) {
	t.Helper()
	once := written(t, f.format, f.rows)
	if len(f.rows) == 0 {
		return // a header alone may look like anything
	}
	again, ok := tried(t, once)
	if !ok || len(again.problems) > 0 {
		t.Fatalf("the export is no valid input: %v in %q", brief(again.problems), once)
	}
	sameRows(t, f.rows, again.rows)
	if twice := written(t, again.format, again.rows); twice != once {
		t.Fatalf("the export of an export differs:\n%q\n%q", once, twice)
	}
}

// TestRoundTrip_Property makes sheets of any cells in all forms.
func TestRoundTrip_Property(t *testing.T) {
	t.Parallel()
	cell := rapid.OneOf(
		rapid.StringMatching(`[ -~]{0,12}`), rapid.StringMatching(`['=+\-@;,"\t\r\n éç€]{0,6}`), rapid.Just(""), rapid.Just("sep=;"),
	)
	rapid.Check(t, func(t *rapid.T) {
		format := sheet.Format{
			Kind: sheet.CSV, Delimiter: rapid.SampledFrom([]byte(",;\t")).Draw(t, "separator"), Encoding: sheet.UTF8,
			BOM: rapid.Bool().Draw(t, "mark"), CRLF: rapid.Bool().Draw(t, "crlf"),
			Columns: []sheet.Column{{Name: "grupo", Role: sheet.GroupColumn}, {Name: "foto", Role: sheet.PhotoColumn}, {Name: "nome"}},
		}
		var rows []sheet.Row
		for range rapid.IntRange(1, 12).Draw(t, "rows") {
			id := rapid.StringMatching(`[0-9]{12}-group|[0-9]{12}-16[0-9]{8}`).Draw(t, "group")
			rows = append(rows, sheet.Row{Cells: []string{id, "", cell.Draw(t, "cell")}})
		}
		encode := rapid.SampledFrom([]func(string) string{
			func(s string) string { return s },
			func(s string) string { return utf16Text(strings.TrimPrefix(s, "\ufeff"), false, true) },
			func(s string) string { return windows1252(strings.TrimPrefix(s, "\ufeff")) },
		}).Draw(t, "encoding")
		f, ok := tried(t, encode(written(t, format, rows)))
		if !ok {
			t.Fatalf("what was written can't be opened")
		}
		for _, p := range f.problems {
			if p.Reason != sheet.Duplicate {
				t.Fatalf("got %v", p.Error())
			}
		}
		if len(f.rows)+len(f.bad) != len(rows) {
			t.Fatalf("got %d rows; want %d", len(f.rows)+len(f.bad), len(rows))
		}
		for _, row := range f.rows {
			if want := rows[0]; row.Line == 2 && !cmp.Equal(row.Cells, cells(want)) {
				t.Fatalf("got %q; want %q", row.Cells, want.Cells)
			}
		}
		checkRoundTrip(t, f)
	})
}

// cells are those of a row as they come back: an apostrophe before a formula is
// not told from one that was put there.
func cells(r sheet.Row) []string {
	var out []string
	for _, c := range r.Cells {
		if len(c) > 1 && c[0] == '\'' && strings.ContainsRune("=+-@\t\r\n", rune(c[1])) {
			c = c[1:]
		}
		out = append(out, c)
	}
	return out
}

func seeds() []string {
	const text = "grupo;foto;conta;nome\n" + g1 + ";a.png;vendas;\"Grupo \"\"A\"\"; sul\"\n" + g2 + ";https://example.com/a.png?sig=1;;'=1+1\n1,2E+17;../x;;\n"
	return []string{
		text, "\ufeff" + text, windows1252(strings.ReplaceAll(text, "sul", "são")), utf16Text(text, false, true), utf16Text(text, true, false),
		strings.ReplaceAll(text, "\n", "\r\n"), strings.ReplaceAll(text, "\n", "\r"), strings.ReplaceAll(text, ";", "\t"), "sep=,\n" + text,
		g1 + "\n" + g2 + "\n", g1 + ",\"a\n" + g2 + ",b\n", `{"groupId":"` + g1 + `","groupPhoto":"a.png","x":[1]}` + "\n{\"groupId\":1}\nx\n",
		"PK\x03\x04", "<html>", "[1]", "", "grupo\n\x00\n", "phone,name\n" + g1 + ",x\n",
	}
}

// FuzzRead gives anything: reading it ends without harm, in the order of lines,
// and what can be read can be written and read again.
func FuzzRead(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := tried(t, text)
		if !ok {
			return
		}
		for _, p := range got.problems {
			if !p.Reason.Known() || p.Line < 1 || len(p.Error()) > 1200 {
				t.Fatalf("got %+v", p)
			}
		}
		if got.format.Kind == sheet.CSV {
			checkRoundTrip(t, got)
		}
	})
}

// FuzzRejects writes the rows with problems; the file can be read again, and has
// as many rows.
func FuzzRejects(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := tried(t, text)
		if !ok || len(got.bad) == 0 {
			return
		}
		again, ok := tried(t, written(t, got.format, got.bad, "reason"))
		if !ok {
			t.Fatalf("the rejects can't be opened")
		}
		if n := len(again.rows) + len(again.bad); n != len(got.bad) {
			t.Fatalf("got %d rows; want %d", n, len(got.bad))
		}
	})
}
