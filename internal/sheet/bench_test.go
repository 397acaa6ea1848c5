package sheet_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/sheet"
)

// rowsOf makes a sheet of n rows without keeping it.
type rowsOf struct {
	n, next int
	format  string
	rest    []byte
	buf     []byte
}

func (r *rowsOf) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.next == r.n {
			return 0, io.EOF
		}
		r.buf = r.buf[:0]
		for range min(1000, r.n-r.next) {
			r.buf = fmt.Appendf(r.buf, r.format, r.next)
			r.next++
		}
		r.rest = r.buf
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func header(kind string) string {
	if kind == "jsonl" {
		return ""
	}
	return "grupo;foto;conta;nome\n"
}

var forms = map[string]string{
	"csv":    "120363%012d-group;fotos/logo.png;vendas;Família da Zona Sul\n",
	"quoted": "\"120363%012d-group\";\"fotos/logo.png\";\"vendas\";\"Família; Zona Sul\"\n",
	"jsonl":  `{"groupId":"120363%012d-group","groupPhoto":"fotos/logo.png","account":"vendas","nome":"Família"}` + "\n",
}

// source is a sheet of n rows with its header, if it has one.
func source(kind string, n int) io.Reader {
	return io.MultiReader(strings.NewReader(header(kind)), &rowsOf{n: n, format: forms[kind]})
}

// BenchmarkRead reads a million rows and says what stays of memory.
func BenchmarkRead(b *testing.B) {
	const rows = 1_000_000
	for _, kind := range []string{"csv", "quoted", "jsonl"} {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				var before, m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				r, err := sheet.Open(source(kind, rows), sheet.Options{})
				if err != nil {
					b.Fatal(err)
				}
				n, held := 0, uint64(0)
				for _, problems := range r.Rows() {
					if len(problems) > 0 {
						b.Fatal(problems[0].Error())
					}
					if n++; n%250_000 == 0 {
						runtime.GC()
						runtime.ReadMemStats(&m)
						held = max(held, m.HeapAlloc-before.HeapAlloc)
					}
				}
				if n != rows {
					b.Fatalf("got %d rows", n)
				}
				b.ReportMetric(float64(held)/(1<<20), "MiB_held")
			}
			b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkWrite writes a million rows as an export does.
func BenchmarkWrite(b *testing.B) {
	const rows = 1_000_000
	f := sheet.Format{Kind: sheet.CSV, Delimiter: ';', Encoding: sheet.UTF8, Columns: []sheet.Column{{Name: "grupo", Role: sheet.GroupColumn}, {Name: "foto", Role: sheet.PhotoColumn}, {Name: "nome"}}}
	row := sheet.Row{Cells: []string{"120363019502650977-group", "fotos/logo.png", "Família da Zona Sul"}}
	for b.Loop() {
		w, err := sheet.NewWriter(io.Discard, f, "outcome", "reason")
		if err != nil {
			b.Fatal(err)
		}
		for range rows {
			if err := w.Write(row, "updated", ""); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
