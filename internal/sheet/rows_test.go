package sheet_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/sheet"
)

func TestRows_EveryProblemIsNamed(t *testing.T) {
	t.Parallel()
	const head = "grupo;foto;conta\n"
	tests := []struct {
		name, text string
		want       []string
	}{
		{"scientific notation", head + "1,20363E+17;a.png;\n1.2E17;a.png;\n", []string{"2:1 rounded_group 1,20363E+17", "3:1 rounded_group 1.2E17"}},
		{"a rounded number", head + "120363019502650000;a.png;\n120363019502650000-group;a.png;\n", []string{"2:1 maybe_rounded_group 120363019502650000"}},
		{"no group", head + " ;a.png;\n", []string{"2:1 empty_group"}},
		{"a person", head + "5511999999999@c.us;a.png;\n", []string{"2:1 person 5511999999999@c.us"}},
		{"a phone number", head + "+55 11 99999-9999;a.png;\n", []string{"2:1 phone_number +55 11 99999-9999"}},
		{"a channel", head + "120363019502650977@newsletter;a.png;\n", []string{"2:1 channel 120363019502650977@newsletter"}},
		{"a broadcast list", head + "1623281429-broadcast;a.png;\n", []string{"2:1 broadcast_list 1623281429-broadcast"}},
		{"a name", head + "Família;a.png;\n", []string{"2:1 bad_group Família"}},
		{"all of a row", head + "Família;ftp://a/b.png?sig=secret;Vendas Sul\n", []string{"2:1 bad_group Família", "2:2 bad_url ftp://a/b.png", "2:3 bad_account Vendas Sul"}},
		{"folders above", head + g1 + ";..\\b.png;\n" + g2 + ";/etc/b.png;\n" + g3 + ";C:\\b.png;\n", []string{"2:2 photo_outside ..\\b.png", "3:2 photo_outside /etc/b.png", "4:2 photo_outside C:\\b.png"}},
		{"half a URL", head + g1 + ";https:/example.com/a.png?k=1;\n" + g2 + ";www.example.com/a.png?k=1;\n", []string{"2:2 bad_url https:/example.com/a.png", "3:2 bad_url www.example.com/a.png"}},
		{"password in a URL", head + g1 + ";https://me:word@example.com/a.png;\n", []string{"2:2 bad_url https://example.com/a.png"}},
		{"duplicate", head + g1 + ";a.png;\n" + g2 + ";a.png;\n" + g1 + "@g.us;b.png;main\n", []string{"4:1 duplicate " + g1 + "@g.us"}},
		{"two accounts", head + g1 + ";a.png;vendas\n" + g1 + ";a.png;suporte\n", []string{"3:1 two_accounts " + g1}},
		{"a bad row makes no other a duplicate", head + g1 + ";../a.png;\n" + g1 + ";a.png;\n", []string{"2:2 photo_outside ../a.png"}},
		{"too few fields", head + g1 + ";a.png\n", []string{"2:0 too_few_fields"}},
		{"too many fields", head + g1 + ";a.png;;x\n", []string{"2:0 too_many_fields"}},
		{"empty cells beyond the columns", head + g1 + ";a.png;;;;\n", nil},
		{"empty rows", head + "\n;;\n  \n" + g1 + ";a.png;\n", nil},
		{"a NUL byte", head + g1 + ";a\x00.png;\n", []string{"2:2 nul_byte a.png"}},
		{"bytes that are no UTF-8", "\ufeff" + head + g1 + ";a\xe7\xe3.png;\n", []string{"2:2 bad_encoding a\ufffd.png"}},
		{"a line too long", head + g1 + ";" + strings.Repeat("A", 2<<20) + ";\nx;a.png;\n", []string{"2:0 line_too_long", "3:1 bad_group x"}},
		{"a quote that is never closed", head + g1 + ";\"a.png;\nx;b.png;\n" + g2 + ";a.png;\n", []string{"2:2 open_quote", "3:1 bad_group x"}},
		{"a quote that the next one closes", head + g1 + ";\"a.png;\n" + g2 + ";\"a.png\";\n", []string{"2:2 open_quote"}},
		{"a quote in a later line of a row", head + g1 + ";\"a\nb\";\"c\n" + g2 + ";a.png;\n", []string{"3:3 open_quote"}},
		{"text after a quote", head + g1 + ";\"a\"b.png;\n" + g2 + ";a.png;\n", []string{"2:2 text_after_quote"}},
		{"lines are counted through quotes", "grupo;obs\n" + g1 + ";\"a\nb\r\nc\"\nx;\n", []string{"5:1 bad_group x"}},
		{"JSONL", `{"groupId":"x","groupPhoto":"../a"}` + "\n" + `{"groupId":120363019502650977}` + "\n\n" + `{"groupId" "x"}` + "\n" + `["x"]` + "\n" + `{"grupo":"` + g1 + `","group":"` + g1 + "\"}\n",
			[]string{"1:1 bad_group x", "1:2 photo_outside ../a", "2:1 not_text 120363019502650977", "4:0 bad_json", "5:0 bad_json", "6:1 field_twice grupo"}},
		{"JSONL with a duplicate", `{"groupId":"` + g1 + `","groupPhoto":"a.png","account":null}` + "\n" + `{"groupId":"` + g1 + `","groupPhoto":"a.png","account":"main"}` + "\n", []string{"2:1 duplicate " + g1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := read(t, tt.text, given)
			if diff := cmp.Diff(tt.want, brief(f.problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			for _, p := range f.problems {
				if !p.Reason.Known() || strings.Contains(p.Error(), "secret") || places.MatchString(p.Error()) {
					t.Errorf("got %q", p.Error())
				}
			}
		})
	}
}

// TestRows_RecordTooLong has a record of one MiB over many short lines.
func TestRows_RecordTooLong(t *testing.T) {
	t.Parallel()
	r, err := sheet.Open(strings.NewReader("grupo;foto\n"+g1+strings.Repeat(";\"A\n\"", 300_000)), given)
	if err != nil {
		t.Fatal(err)
	}
	for row, problems := range r.Rows() {
		if row.Line != 2 || len(problems) != 1 || problems[0].Reason != sheet.LineTooLong || problems[0].Line != 2 {
			t.Fatalf("line %d: %v", row.Line, brief(problems))
		}
		break
	}
}

func TestRows_NameTheOtherLine(t *testing.T) {
	t.Parallel()
	f := read(t, "grupo;conta\n"+g1+";\n"+g2+";\n"+g1+";\n"+g2+";vendas\n", given)
	if len(f.problems) != 2 || f.problems[0].Other != 2 || f.problems[1].Other != 3 || f.problems[1].Account != "main" {
		t.Fatalf("got %+v", f.problems)
	}
	for i, want := range []string{
		`line 4, column 1 (grupo), "` + g1 + `": is the same group and account as in line 2; remove one of the two`,
		`line 5, column 1 (grupo), "` + g2 + `": is the group of line 3 again, there under the account main; keep one account for each group`,
	} {
		if got := f.problems[i].Error(); got != want {
			t.Errorf("got %q; want %q", got, want)
		}
	}
}

func TestRows_Values(t *testing.T) {
	t.Parallel()
	f := read(t, "grupo;foto;conta;nome\n"+
		"=\"120363019502650977\";fotos\\a.png;vendas;\"Grupo \"\"A\"\"; sul\"\n"+
		"'"+g2+";https://example.com/a.png?sig=1;;'=1+1\n"+
		g3+";data:image/png;base64,AAAA;;x\n"+
		"120363019502650980;\"data:image/png;base64,\nAAAA\";;x\n"+
		"120363019502650981;;;x\n", sheet.Options{PhotoGiven: true, Folder: "f", Account: "loja"})
	if diff := cmp.Diff([]string{"4:0 too_many_fields"}, brief(f.problems)); diff != "" {
		t.Errorf("an unquoted data URI holds the separator (-want +got):\n%s", diff)
	}
	var got []string
	for _, r := range f.rows {
		got = append(got, fmt.Sprintf("%d %s %s %s %s", r.Line, r.Group, r.Account, r.Photo, r.Cells[3]))
	}
	want := []string{
		`2 120363019502650977-group vendas file "` + filepath.Join("f", "fotos", "a.png") + `" Grupo "A"; sul`,
		"3 " + g2 + " loja https://example.com/a.png =1+1",
		"5 120363019502650980-group loja inline image (27 characters) x",
		"7 120363019502650981-group loja no photo x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestRows_AbsoluteOnlyWhenAllowed(t *testing.T) {
	t.Parallel()
	absolute := filepath.Join(t.TempDir(), "a.png")
	f := read(t, "grupo;foto\n"+g1+";"+absolute+"\n"+g2+";../a.png\n", sheet.Options{AllowAbsolute: true, Folder: "f"})
	if len(f.rows) != 1 || f.rows[0].Photo.File != absolute {
		t.Errorf("got %v", f.rows)
	}
	if diff := cmp.Diff([]string{"3:2 photo_outside ../a.png"}, brief(f.problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// TestRows_NoImageInProblems puts pictures where they do not belong.
func TestRows_NoImageInProblems(t *testing.T) {
	t.Parallel()
	picture := strings.Repeat("iVBORw0KGgo", 20)
	for _, text := range []string{
		"grupo;foto\n" + picture + ";a.png\n", "grupo;foto;conta\n" + g1 + ";a.png;" + picture + "\n",
		"grupo,foto\ndata:image/png;base64," + picture + "\n", "grupo;foto\n" + g1 + ";sha256:" + picture + "\n",
		"grupo;foto;data:image/png;base64,iVBORw0KGgo" + picture + "\nx;y;z\n", `{"groupId":{"a":"` + picture + `"}}`,
	} {
		f := read(t, text, given)
		if len(f.problems) == 0 {
			t.Errorf("no problem in %.40q", text)
		}
		for _, p := range f.problems {
			if strings.Contains(p.Error(), "iVBOR") && p.Column != 0 {
				t.Errorf("got %q", p.Error())
			}
		}
	}
}

// TestRows_AccentComesLate has the first accent long after the sample.
func TestRows_AccentComesLate(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("grupo;nome\n")
	for i := range 5000 {
		fmt.Fprintf(&text, "1203630195%08d-group;familia\n", i)
	}
	text.WriteString(g1 + ";família\n")
	for name, encode := range map[sheet.Encoding]func(string) string{
		sheet.Windows1252: windows1252,
		sheet.UTF8:        func(s string) string { return s },
	} {
		f := read(t, encode(text.String()), given)
		if f.format.Encoding != name || len(f.problems) > 0 || f.rows[5000].Cells[1] != "família" {
			t.Errorf("%s: got %s, %v", name, f.format.Encoding, brief(f.problems))
		}
	}
}

// TestRows_SlowReader gives one byte at a time; nothing may depend on chunks.
func TestRows_SlowReader(t *testing.T) {
	t.Parallel()
	text := "grupo;foto\r\n" + g1 + ";\"a\r\nb\"\r\n" + g2 + ";\"x\r\n" + g3 + ";ação.png\r\n"
	r, err := sheet.Open(iotest.OneByteReader(strings.NewReader(text)), given)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for row, problems := range r.Rows() {
		got = append(got, fmt.Sprintf("%d %v", row.Line, brief(problems)))
	}
	want := []string{"2 [2:2 bad_photo a  b]", "4 [4:2 open_quote]", "5 []"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestRows_BrokenOff tells a sheet that ends from one that cannot be read on.
func TestRows_BrokenOff(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	text.WriteString("grupo\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, "1203630195%08d-group\n", i)
	}
	r, err := sheet.Open(iotest.TimeoutReader(&text), given)
	if err != nil {
		t.Fatal(err)
	}
	for range r.Rows() {
	}
	if !errors.Is(r.Err(), iotest.ErrTimeout) {
		t.Errorf("got %v; want the reader's error", r.Err())
	}
}
