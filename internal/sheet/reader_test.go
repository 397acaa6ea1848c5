package sheet_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/plugchat-go/groupphoto/internal/sheet"
)

const (
	g1 = "120363019502650977-group"
	g2 = "5511999999999-1623281429"
	g3 = "120363019502650979-group"
)

// given is what the tests have beside a sheet, unless they say otherwise.
var given = sheet.Options{PhotoGiven: true}

// found is all that reading a sheet gives.
type found struct {
	format   sheet.Format
	rows     []sheet.Row
	problems []sheet.Problem
	bad      []sheet.Row
	empty    int
}

func read(t *testing.T, text string, opts sheet.Options) found {
	t.Helper()
	r, err := sheet.Open(strings.NewReader(text), opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	var f found
	for row, problems := range r.Rows() {
		if len(problems) > 0 {
			f.problems = append(f.problems, problems...)
			f.bad = append(f.bad, row.Clone())
			continue
		}
		f.rows = append(f.rows, row.Clone())
	}
	if r.Err() != nil {
		t.Fatalf("reading: %v", r.Err())
	}
	f.format, f.empty = r.Format(), r.Empty()
	return f
}

// brief is a problem as "line:column reason value".
func brief(problems []sheet.Problem) []string {
	var out []string
	for _, p := range problems {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d:%d %s %s", p.Line, p.Column, p.Reason, p.Value)))
	}
	return out
}

func utf16Text(text string, big, mark bool) string {
	if mark {
		text = "\ufeff" + text
	}
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(text)) {
		if big {
			b.WriteByte(byte(u >> 8))
			b.WriteByte(byte(u))
		} else {
			b.WriteByte(byte(u))
			b.WriteByte(byte(u >> 8))
		}
	}
	return b.String()
}

func windows1252(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch r {
		case '€':
			b.WriteByte(0x80)
		case '–':
			b.WriteByte(0x96)
		default:
			b.WriteByte(byte(r))
		}
	}
	return b.String()
}

func TestOpen_FindsTheFormat(t *testing.T) {
	t.Parallel()
	const text = "Grupo;Foto;Região\n" + g1 + ";açaí – 5 €.jpg;Sul\n"
	comma := strings.ReplaceAll(text, ";", ",")
	tests := []struct {
		name, text string
		delimiter  string
		encoding   sheet.Encoding
		bom        bool
		header     int
	}{
		{"semicolon, UTF-8", text, "semicolon", sheet.UTF8, false, 1},
		{"semicolon, UTF-8 with BOM", "\ufeff" + text, "semicolon", sheet.UTF8, true, 1},
		{"comma, Windows-1252", windows1252(comma), "comma", sheet.Windows1252, false, 1},
		{"tab, UTF-16 as Excel writes Unicode text", utf16Text(strings.ReplaceAll(text, ";", "\t"), false, true), "tab", sheet.UTF16LE, true, 1},
		{"UTF-16 big endian", utf16Text(text, true, true), "semicolon", sheet.UTF16BE, true, 1},
		{"UTF-16 without a mark", utf16Text(text, false, false), "semicolon", sheet.UTF16LE, false, 1},
		{"UTF-16 big endian without a mark", utf16Text(text, true, false), "semicolon", sheet.UTF16BE, false, 1},
		{"lines of Windows", strings.ReplaceAll(text, "\n", "\r\n"), "semicolon", sheet.UTF8, false, 1},
		{"lines of old Macs", strings.ReplaceAll(text, "\n", "\r"), "semicolon", sheet.UTF8, false, 1},
		{"no line end at the end", strings.TrimSpace(text), "semicolon", sheet.UTF8, false, 1},
		{"empty lines before the header", "\n;;\n" + text, "semicolon", sheet.UTF8, false, 3},
		{"Excel's hint", "sep=;\n" + text, "semicolon", sheet.UTF8, false, 2},
		{"commas inside cells", "grupo;foto;obs\n" + g1 + `;"açaí – 5 €.jpg";"a, b, c"` + "\n", "semicolon", sheet.UTF8, false, 1},
		{"semicolons inside quotes", `"grupo","foto","a;b;c"` + "\n" + g1 + `,"açaí – 5 €.jpg",";;;;"` + "\n", "comma", sheet.UTF8, false, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := read(t, tt.text, sheet.Options{Folder: "fotos"})
			if f.format.DelimiterName() != tt.delimiter || f.format.Encoding != tt.encoding || f.format.BOM != tt.bom || f.format.HeaderLine != tt.header {
				t.Errorf("got %s, %s, BOM %t, header in line %d; want %s, %s, %t, %d", f.format.DelimiterName(), f.format.Encoding,
					f.format.BOM, f.format.HeaderLine, tt.delimiter, tt.encoding, tt.bom, tt.header)
			}
			if len(f.problems) > 0 || len(f.rows) != 1 || f.rows[0].Group != g1 || f.rows[0].Photo.File != filepath.Join("fotos", "açaí – 5 €.jpg") {
				t.Errorf("got %+v, %v", f.rows, brief(f.problems))
			}
		})
	}
}

func TestOpen_Header(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text, want string
	}{
		{"English", "group,photo,account\n", "group=group photo=photo account=account"},
		{"Portuguese", "Grupo;Foto;Conta\n", "Grupo=group Foto=photo Conta=account"},
		{"accents", "id do grupo;imagem;número\n", "id do grupo=group imagem=photo número=account"},
		{"decomposed accents", "grupo;foto;nu\u0301mero\n", "grupo=group foto=photo nu\u0301mero=account"},
		{"as PlugChat names them", "groupId\tgroupPhoto\n", "groupId=group groupPhoto=photo"},
		{"underscores and capitals", "GROUP_ID, Group Photo \n", "GROUP_ID=group Group Photo=photo"},
		{"phone is the group in lists of chats", "phone,name\n", "phone=group name="},
		{"phone is not, beside a group", "phone,group\n", "phone= group=group"},
		{"unknown names are kept", "name,grupo,,tag\n", "name= grupo=group = tag="},
		{"no header", g1 + ",a.png,vendas,x\n", "group=group photo=photo account=account column 4="},
		{"no header, groups alone", g1 + "\n" + g2 + "\n", "group=group"},
		{"no header, first row bad", "1,20363E+17;a.png\n" + g1 + ";b.png\n", "group=group photo=photo"},
		{"JSONL", `{"groupId":"` + g1 + `"}` + "\n", "groupId=group groupPhoto=photo account=account"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := sheet.Open(strings.NewReader(tt.text), given)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range r.Format().Columns {
				got = append(got, c.Name+"="+string(c.Role))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q; want %q", strings.Join(got, " "), tt.want)
			}
		})
	}
}

func TestOpen_Refused(t *testing.T) {
	t.Parallel()
	const zip = "PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00"
	tests := []struct {
		name, text string
		want       sheet.Reason
	}{
		{"nothing", "", sheet.EmptySheet},
		{"a mark alone", "\ufeff", sheet.EmptySheet},
		{"empty lines alone", "\n\r\n \n", sheet.EmptySheet},
		{"xlsx", zip + "[Content_Types].xml", sheet.ExcelFile},
		{"xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", sheet.OldExcelFile},
		{"ods", zip + "mimetypeapplication/vnd.oasis.opendocument.spreadsheet", sheet.OpenDocument},
		{"numbers", zip + "Index/Document.iwa", sheet.NumbersFile},
		{"zip", zip + "photo.jpg", sheet.ArchiveFile},
		{"gzip", "\x1f\x8b\x08\x00", sheet.ArchiveFile},
		{"pdf", "%PDF-1.7\n", sheet.PDFFile},
		{"web page", "\ufeff \n<!DOCTYPE html><table>", sheet.HTMLFile},
		{"table that calls itself xls", "<table><tr><td>grupo", sheet.HTMLFile},
		{"XML", `<?xml version="1.0"?><Workbook>`, sheet.XMLFile},
		{"picture", "\xff\xd8\xff\xe0\x00\x10JFIF", sheet.PictureFile},
		{"UTF-32", "\xff\xfe\x00\x00g\x00\x00\x00", sheet.UTF32File},
		{"JSON list", `[{"groupId":"` + g1 + `"}]`, sheet.JSONList},
		{"JSON over lines", "{\n  \"groupId\": 1\n}\n", sheet.JSONOverLines},
		{"header without groups", "foto;conta\na.png;main\n", sheet.NoGroupColumn},
		{"header of other words", "chat;imagem_url\n" + g1 + ";a.png\n", sheet.NoGroupColumn},
		{"two columns of groups", "grupo;foto;group\n", sheet.ColumnTwice},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := sheet.Open(strings.NewReader(tt.text), given)
			p, ok := errors.AsType[*sheet.Problem](err)
			if !ok || p.Reason != tt.want {
				t.Fatalf("got %v; want %s", err, tt.want)
			}
			if p.Reason.Mend() == "" || !strings.Contains(p.Error(), p.Reason.Mend()) {
				t.Errorf("no mend in %q", p)
			}
		})
	}
	if _, err := sheet.Open(strings.NewReader("grupo\n"+g1), sheet.Options{}); err == nil || !strings.Contains(err.Error(), "--photo") {
		t.Errorf("a sheet without photos: got %v", err)
	}
	if _, err := sheet.Open(iotest.ErrReader(errors.ErrUnsupported), given); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a sheet that can't be read: got %v", err)
	}
}

// places finds what Problem.Fill has left open.
var places = regexp.MustCompile(`\{[a-z]+\}`)

func TestReasons_AreComplete(t *testing.T) {
	t.Parallel()
	seen := map[sheet.Reason]bool{}
	for _, a := range sheet.Reasons() {
		if seen[a.Reason] || a.Means == "" || a.Mend == "" {
			t.Errorf("%s: is twice, or lacks words", a.Reason)
		}
		seen[a.Reason] = true
	}
}
