package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// statusOf reads where a campaign stands, and sees that it adds up.
func statusOf(t *testing.T, env map[string]string, name string) map[string]any {
	t.Helper()
	o := object(t, call(t, env, "campaign", "status", name, "-o", "json").out)
	var sum float64
	counts, _ := o["counts"].(map[string]any)
	for _, n := range counts {
		sum += n.(float64)
	}
	if sum != o["total"] {
		t.Errorf("the counts %v of %v do not add up", counts, o["total"])
	}
	return o
}

func TestCampaignStart_TheSameAndAnother(t *testing.T) {
	t.Parallel()
	// Given a sheet of a Brazilian spreadsheet, when it is started, then nothing is while it
	// has problems; without those rows it is; the same again, in another encoding too,
	// changes nothing, and another sheet of that name is refused with the difference.
	th := newTheatre(t)
	path := folder(t, "\ufeff"+brazilian)
	r := call(t, th.env, "campaign", "start", path)
	if r.code != exitUsage || !strings.Contains(r.out, "line 3, column 1 (grupo)") || !strings.Contains(r.out, "line 8, column 1") {
		t.Fatalf("with problems: %d\n%s%s", r.code, r.out, r.err)
	}
	if got := call(t, th.env, "campaign", "list"); got.out != "" {
		t.Fatalf("something was started: %s", got.out)
	}
	r = call(t, th.env, "campaign", "start", path, "--skip-invalid", "--trial", "2")
	if r.code != exitDone {
		t.Fatal(r.err)
	}
	lacks(t, r.out, "campaign  grupos", "3 rows, 4 with problems left out", "main: 3 rows")
	lacks(t, r.err, "after 2 rows of each account", "campaign watch grupos")
	old := put(t, filepath.Join(filepath.Dir(path), "antigo.csv"), inWindows1252(brazilian))
	for _, again := range [][]string{{path}, {old, "--name", "grupos"}} {
		r = call(t, th.env, append([]string{"campaign", "start", "--skip-invalid", "-o", "json"}, again...)...)
		o := object(t, r.out[strings.LastIndex(strings.TrimSpace(r.out), "\n")+1:])
		if r.code != exitDone || o["before"] != true || o["total"] != float64(3) || o["skipped"] != float64(4) {
			t.Errorf("%v: %d %v", again, r.code, o)
		}
	}
	r = call(t, th.env, "campaign", "start", path, "--skip-invalid", "--lang", "pt")
	lacks(t, r.err, "a mesma campanha já existe; nada foi alterado")
	other := put(t, filepath.Join(filepath.Dir(path), "outro.csv"), strings.Replace(brazilian, "650980", "650981", 1))
	r = call(t, th.env, "campaign", "start", other, "--name", "grupos", "--skip-invalid")
	if r.code != exitUsage || !strings.Contains(r.err, "there is a campaign grupos already") || !strings.Contains(r.err, "120363019502650981-group") {
		t.Errorf("another sheet: %d %s", r.code, r.err)
	}
	if o := statusOf(t, th.env, "grupos"); o["total"] != float64(3) || o["trial"] != float64(2) {
		t.Errorf("it stands %v", o)
	}
}

func TestCampaignStart_FinishedAndAgain(t *testing.T) {
	t.Parallel()
	// Given a campaign that a worker has finished, when it is started again, then that is
	// said; with --again its rows go once more.
	th := newTheatre(t)
	path := folder(t, brazilian)
	th.work(t)
	start := func(more ...string) result {
		return call(t, th.env, append([]string{"campaign", "start", path, "--skip-invalid"}, more...)...)
	}
	start()
	if r := call(t, th.env, "campaign", "watch", "grupos"); r.code != exitDone || !strings.Contains(r.out, "3: 3 updated") {
		t.Fatalf("watch: %d %s%s", r.code, r.out, r.err)
	}
	if r := start(); r.code != exitDone || !strings.Contains(r.err, "has finished; to send all rows once more: --again") {
		t.Errorf("finished: %d %s", r.code, r.err)
	}
	if r := start("--again"); r.code != exitDone {
		t.Errorf("again: %s", r.err)
	}
	if r := call(t, th.env, "campaign", "watch", "grupos"); r.code != exitDone || th.posts() != 6 {
		t.Errorf("%d %s: %d calls", r.code, r.err, th.posts())
	}
	if r := call(t, th.env, "campaign", "verify", "grupos"); r.code != exitDone || !strings.Contains(r.out, "the counters agree") {
		t.Errorf("verify: %d %s%s", r.code, r.out, r.err)
	}
}

func TestCampaignStart_Refused(t *testing.T) {
	t.Parallel()
	path := folder(t, "grupo;foto\n120363019502650977-group;fotos/Ação.png\n120363019502650980-group;fotos/Ação.png\n")
	notAPicture := put(t, filepath.Join(filepath.Dir(path), "x.png"), "no picture")
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a bad picture for all, once", []string{path, "--photo", notAPicture}, exitUsage, "--photo: "},
		{"time too short", []string{path, "--expires", "5s"}, exitUsage, "after its rows expire"},
		{"trial of none", []string{path, "--trial", "0"}, exitUsage, "--trial: must be 1 or more"},
		{"hours", []string{path, "--hours", "9-25"}, exitUsage, "--hours and --days: "},
		{"name", []string{path, "--name", "a b"}, exitUsage, "--name: "},
		{"stop", []string{path, "--stop-at", "51"}, exitUsage, "--stop-at: must be 0 to 50"},
		{"stdin without a name", []string{"-"}, exitUsage, "--name: is needed when the sheet comes on stdin"},
		{"a start that has passed", []string{path, "--at", "2020-01-01"}, exitUsage, "--at"},
		{"no such file", []string{"none.csv"}, exitUsage, "the file cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mini := redistest.Mini(t)
			env := map[string]string{"REDIS_URL": mini.URL(), "GROUPPHOTO_TZ": "UTC", "GROUPPHOTO_PACE": "10s"}
			r := call(t, env, append([]string{"campaign", "start"}, tt.args...)...)
			if r.code != tt.code || strings.Count(r.err, tt.want) != 1 {
				t.Errorf("%d %s", r.code, r.err)
			}
			for _, key := range mini.Client(t).Keys(t.Context(), "*").Val() {
				if !strings.HasPrefix(key, "groupphoto:photo:") && !strings.HasPrefix(key, "groupphoto:{schema}") && !strings.Contains(key, "schema") {
					t.Errorf("it left %s", key)
				}
			}
		})
	}
}

func TestCampaignStart_NamesAndForms(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/x/Grupos São Paulo (2).csv": "grupos-sao-paulo-2", "a.b.csv": "a-b", "-": "", "ação.jsonl": "acao", "日本.csv": "",
		strings.Repeat("n", 90) + ".csv": strings.Repeat("n", 64),
	} {
		if got := campaignName(path); got != want {
			t.Errorf("the name of %s is %q; want %q", path, got, want)
		}
	}
}

func TestCampaign_ExportIsASheetAgain(t *testing.T) {
	t.Parallel()
	// Given sheets of all forms, with kept columns, formulas, line breaks and image data,
	// when their campaigns have run, then an export has every row in the order of the sheet
	// with its own cells and the outcome, and is the same campaign when it is read again.
	data := dataURI(t)
	const link = "https://pics.example.com/a.png?sig=marked-query"
	header := []string{"grupo", "foto", "região", "nota"}
	rows := [][]string{
		{"120363019502650977-group", "fotos/São Paulo.png", "Sul", "=SOMA(A1)"},
		{"5511999999999-1623281429", "fotos\\Ação.png", "Norte; e mais", "linha 1\nlinha 2"},
		{"120363019502650980-group", data, "", `"aspas"`},
		{"120363019502650981-group", "", "Oeste", "'já"},
		{"120363019502650982-group", link, "Leste", "-1"},
	}
	for name, text := range map[string]string{
		"semicolon": "\ufeff" + csvOf(";", "\r\n", header, rows), "tab": csvOf("\t", "\n", header, rows), "jsonl": jsonlOf(header, rows),
		"utf-16": inUTF16(csvOf(",", "\n", header, rows)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			th := newTheatre(t)
			path := folder(t, text)
			if name == "jsonl" {
				path = put(t, filepath.Join(filepath.Dir(path), "grupos.jsonl"), text)
			}
			shared := filepath.Join(filepath.Dir(path), "fotos", "Brasília.png")
			if r := call(t, th.env, "campaign", "start", path, "--photo", shared); r.code != exitDone || strings.Contains(r.out+r.err, "marked-query") {
				t.Fatalf("start: %d %s%s", r.code, r.out, r.err)
			}
			out := filepath.Join(filepath.Dir(path), "export"+filepath.Ext(path))
			r := call(t, th.env, "campaign", "export", "grupos", "--out", out)
			if r.code != exitDone || r.out != "" {
				t.Fatalf("export: %s", r.err)
			}
			written, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"região", "Norte; e mais", link, "sha256:", "waiting", "120363019502650981-group"} {
				if !strings.Contains(string(written), want) {
					t.Errorf("the export lacks %q:\n%.600s", want, written)
				}
			}
			if r := call(t, th.env, "campaign", "check", out, "--photo", shared); r.code != exitDone || !strings.Contains(r.out, "5") {
				t.Errorf("check of the export: %d %s%s", r.code, r.out, r.err)
			}
			again := filepath.Join(filepath.Dir(path), "again"+filepath.Ext(path))
			if r := call(t, th.env, "campaign", "start", out, "--name", "again", "--photo", shared); r.code != exitDone {
				t.Fatalf("starting the export: %s", r.err)
			}
			call(t, th.env, "campaign", "export", "again", "--out", again)
			if twice, err := os.ReadFile(again); err != nil || withoutLines(string(twice)) != withoutLines(string(written)) {
				t.Errorf("the export of the export differs (%v):\n%.900s\n%.900s", err, written, twice)
			}
			one := call(t, th.env, "campaign", "export", "grupos", "--as", "jsonl", "--state", "waiting", "--account", "main")
			if n := strings.Count(one.out, "\n"); n != 5 {
				t.Errorf("%d rows wait:\n%s", n, one.out)
			}
			var o map[string]any
			if first, _, _ := strings.Cut(one.out, "\n"); json.Unmarshal([]byte(first), &o) != nil || o["nota"] != "=SOMA(A1)" {
				t.Errorf("the first object is %v", o)
			}
		})
	}
}

func TestCampaignStart_ChangedFile(t *testing.T) {
	t.Parallel()
	// Given a sheet that grows while it is read, when it is started, then nothing is.
	th := newTheatre(t)
	path := folder(t, "grupo;foto\n120363019502650977-group;fotos/Ação.png\n")
	s, err := (&app{env: th.env, streams: streams{}}).config(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{env: th.env, streams: streams{in: strings.NewReader(""), out: &strings.Builder{}, err: &strings.Builder{}}}
	gp, err := a.connect(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer gp.close()
	f := startFlags{name: "grupos", stopAt: -1}
	start, err := a.newStart(t.Context(), s, gp, f, language{}, path)
	if err != nil {
		t.Fatal(err)
	}
	defer start.close()
	store := start.photos.store
	start.photos.store = func(ctx context.Context, jpeg []byte) (tasks.PhotoRef, error) {
		put(t, path, "grupo;foto\n120363019502650977-group;fotos/Ação.png\n120363019502650978-group;fotos/Ação.png\n")
		return store(ctx, jpeg)
	}
	if _, err := start.accept(t.Context()); err == nil || !strings.Contains(err.Error(), "was changed while it was read") {
		t.Errorf("got %v", err)
	}
	if _, err := gp.CampaignInfo(t.Context(), "grupos"); !errors.Is(err, enqueue.ErrNoCampaign) {
		t.Errorf("the campaign is there: %v", err)
	}
}

func dataURI(t *testing.T) string {
	t.Helper()
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(half(t, 320, 300))
}

func csvOf(separator, eol string, lines ...any) string {
	var text strings.Builder
	write := func(cells []string) {
		for i, cell := range cells {
			if i > 0 {
				text.WriteString(separator)
			}
			text.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `"`)
		}
		text.WriteString(eol)
	}
	for _, line := range lines {
		switch line := line.(type) {
		case []string:
			write(line)
		case [][]string:
			for _, cells := range line {
				write(cells)
			}
		}
	}
	return text.String()
}

func jsonlOf(header []string, rows [][]string) string {
	var text strings.Builder
	for _, cells := range rows {
		o := map[string]string{}
		for i, cell := range cells {
			o[header[i]] = cell
		}
		line, _ := json.Marshal(o)
		text.Write(append(line, '\n'))
	}
	return text.String()
}

func inUTF16(text string) string {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return string(out)
}

// withoutLines takes away where rows stood: line breaks in cells move those behind.
func withoutLines(text string) string {
	return regexp.MustCompile(`([;,\t]|"line":")[0-9]+([;,\t"])`).ReplaceAllString(text, "$1#$2")
}
