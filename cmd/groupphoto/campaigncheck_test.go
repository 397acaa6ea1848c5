package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// brazilian is what a Brazilian spreadsheet saves: semicolons, lines of Windows,
// accents, an empty row. Three rows are bad, and one is there twice.
const brazilian = "grupo;foto;região\r\n" +
	"120363019502650977-group;fotos/São Paulo.png;Sul\r\n" +
	"1,20363E+17;fotos/Brasília.png;Norte\r\n" +
	"5511999999999-1623281429;fotos/Ação.png;Sul\r\n" +
	"5511988887777;fotos/Brasília.png;Norte\r\n" +
	"120363019502650979-group;fotos/Goiânia.png;Leste\r\n" +
	";;\r\n" +
	"120363019502650977@g.us;fotos/Ação.png;\"Sul; de novo\"\r\n" +
	"120363019502650980-group;fotos/Brasília.png;Oeste\r\n"

// inWindows1252 writes accents as old programs do.
func inWindows1252(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteByte(byte(r))
	}
	return b.String()
}

// folder makes a folder with a sheet and, beside it, three pictures.
func folder(t *testing.T, sheet string) string {
	t.Helper()
	dir := t.TempDir()
	for i, name := range []string{"São Paulo.png", "Brasília.png", "Ação.png"} {
		put(t, filepath.Join(dir, "fotos", name), string(half(t, 300+i, 300)))
	}
	return put(t, filepath.Join(dir, "grupos.csv"), sheet)
}

func put(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// checked decodes the lines of -o json: the problems as "line:column reason", and
// the summary.
func checked(t *testing.T, out string) (problems []string, summary map[string]any) {
	t.Helper()
	for line := range strings.Lines(out) {
		var o struct {
			Type, Reason, Text, Mend string
			Line, Column, OtherLine  int
		}
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if o.Type == "summary" {
			summary = object(t, line)
			continue
		}
		text := fmt.Sprintf("%d:%d %s", o.Line, o.Column, o.Reason)
		if o.OtherLine > 0 {
			text += fmt.Sprintf(" of %d", o.OtherLine)
		}
		if o.Text == "" || o.Mend == "" {
			t.Errorf("no words in %s", line)
		}
		problems = append(problems, text)
	}
	return problems, summary
}

func TestCampaignCheck_BrazilianSpreadsheet(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, sheet, encoding string }{
		{"UTF-8 with BOM", "\ufeff" + brazilian, "UTF-8"},
		{"Windows-1252", inWindows1252(brazilian), "Windows-1252"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// given the sheet with its pictures, and a Redis address where nobody is
			path := folder(t, tt.sheet)
			env := map[string]string{} // no Redis is needed
			bad := filepath.Join(t.TempDir(), "bad.csv")
			// when it is checked
			r := call(t, env, "campaign", "check", path, "--rejects", bad, "-o", "json")
			// then every problem is named by its line and column
			problems, summary := checked(t, r.out)
			want := []string{"3:1 rounded_group", "5:1 phone_number", "6:2 photo_unreadable", "8:1 duplicate of 2"}
			if diff := cmp.Diff(want, problems); diff != "" || r.code != exitUsage || r.err != "" {
				t.Errorf("exit code %d, stderr %q, problems (-want +got):\n%s", r.code, r.err, diff)
			}
			// and the summary adds up
			format, photos := summary["format"].(map[string]any), summary["photos"].(map[string]any)
			if format["encoding"] != tt.encoding || format["separator"] != "semicolon" || summary["rows"] != 7.0 || summary["good"] != 3.0 ||
				summary["bad"] != 4.0 || summary["emptyLines"] != 1.0 || photos["different"] != 4.0 || photos["made"] != 3.0 {
				t.Errorf("summary: %v", summary)
			}
			// and the rejects hold the four rows as they were, with the reason
			b, err := os.ReadFile(bad)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(b)), "\r\n")
			if len(lines) != 5 || lines[0] != "\ufeffgrupo;foto;região;reason" || !strings.HasPrefix(lines[2], "5511988887777;fotos/Brasília.png;Norte;\"line 5, column 1 (grupo)") ||
				!strings.Contains(lines[4], ";\"Sul; de novo\";") {
				t.Errorf("rejects:\n%s", b)
			}
			// and with --skip-invalid the three good rows are enough
			if r := call(t, env, "campaign", "check", path, "--skip-invalid"); r.code != exitDone || !strings.Contains(r.out, "main: 3 rows, 30 s at one call in 10 s") {
				t.Errorf("exit code %d: %s", r.code, r.out)
			}
			// and a sheet of rejects is read again: one of its rows is no duplicate any more
			put(t, filepath.Join(filepath.Dir(path), "again.csv"), string(b))
			problems, _ = checked(t, call(t, env, "campaign", "check", filepath.Join(filepath.Dir(path), "again.csv"), "-o", "json").out)
			if diff := cmp.Diff([]string{"2:1 rounded_group", "3:1 phone_number", "4:2 photo_unreadable"}, problems); diff != "" {
				t.Errorf("rejects, checked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCampaignCheck_Text(t *testing.T) {
	t.Parallel()
	path := folder(t, "\ufeff"+brazilian)
	english := call(t, map[string]string{"LANG": "C.UTF-8"}, "campaign", "check", path)
	for _, want := range []string{
		"CSV, semicolon, UTF-8 with BOM, header in line 1\n", "grupo (group), foto (photo), região (kept)\n", "7, 3 good, 4 with problems; 1 empty passed over\n",
		"4 different, 3 made (", "), 1 cannot be used\n",
		"\nline 3, column 1 (grupo), \"1,20363E+17\": rounded_group: a spreadsheet made a rounded number",
		": photo_unreadable: the photo's file cannot be read (no such file or directory); put it beside the sheet",
		"\nline 8, column 1 (grupo), \"120363019502650977@g.us\": duplicate: is the same group and account as in line 2; remove one of the two\n",
	} {
		if !strings.Contains(english.out, want) {
			t.Errorf("stdout lacks %q:\n%s", want, english.out)
		}
	}
	portuguese := call(t, map[string]string{"LANG": "pt_BR.UTF-8"}, "campaign", "check", path)
	for _, want := range []string{
		"CSV, ponto e vírgula, UTF-8 com BOM, cabeçalho na linha 1\n", "região (mantida)\n",
		"\nlinha 3, coluna 1 (grupo), \"1,20363E+17\": rounded_group: a planilha transformou", "duplicate: é o mesmo grupo e a mesma conta da linha 2; tire uma das duas\n",
	} {
		if !strings.Contains(portuguese.out, want) {
			t.Errorf("stdout lacks %q:\n%s", want, portuguese.out)
		}
	}
	// JSON does not change with the language; the flag beats the environment
	a := call(t, nil, "campaign", "check", path, "-o", "json")
	b := call(t, nil, "campaign", "check", path, "-o", "json", "--lang", "pt")
	if untimed(a.out) != untimed(b.out) {
		t.Errorf("JSON differs:\n%s\n%s", a.out, b.out)
	}
	if r := call(t, map[string]string{"LANG": "pt_BR.UTF-8", "LC_ALL": ""}, "campaign", "check", path, "--lang", "en"); r.out != english.out {
		t.Errorf("--lang en: %s", r.out)
	}
}

func TestCampaignCheck_FirstFiftyProblems(t *testing.T) {
	t.Parallel()
	path := file(t, "g.csv", "grupo\n"+strings.Repeat("x\n", 63))
	r := call(t, nil, "campaign", "check", path, "--photo", picture(t))
	if n := strings.Count(r.out, "bad_group"); n != shownProblems || !strings.Contains(r.out, "\n… and 13 more: --rejects FILE") {
		t.Errorf("%d shown:\n%s", n, r.out)
	}
	if r := call(t, nil, "campaign", "check", path, "--photo", picture(t), "--skip-invalid"); r.code != exitUsage {
		t.Errorf("no row is good, and the exit code is %d", r.code)
	}
}

func TestCampaignCheck_Accounts(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("group,photo,account\n")
	for i := range 90 {
		fmt.Fprintf(&text, "1203630195%08d-group,https://example.com/%d.png?sig=secret,%s\n", i, i/2, []string{"shop", "", "other"}[i%3])
	}
	env := map[string]string{"GROUPPHOTO_ACCOUNTS_FILE": file(t, "a.json", `[{"name":"shop","token":"marked-secret","pace":"1m"}]`), "GROUPPHOTO_PACE": "5s"}
	r := call(t, env, "campaign", "check", file(t, "g.csv", text.String()), "--account", "spare")
	for _, want := range []string{
		"45 different, 45 not fetched (--fetch does)\n", "account  shop: 30 rows, 30 min at one call in 1 min\n",
		"account  other: 30 rows, 2 min 30 s at one call in 5 s; not configured on this machine\n", "account  spare: 30 rows",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("stdout lacks %q:\n%s", want, r.out)
		}
	}
	if r.code != exitDone || strings.Contains(r.out+r.err, "secret") {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
	env["GROUPPHOTO_PACE"] = "0"
	if r := call(t, env, "campaign", "check", file(t, "g.csv", "group\n"+group), "--photo", "https://example.com/a.png"); !strings.Contains(r.out, "main: 1 row, as fast as PlugChat answers") {
		t.Errorf("stdout:\n%s", r.out)
	}
}

func TestCampaignCheck_EachPhotoOnce(t *testing.T) {
	t.Parallel()
	// given rows that show three pictures of a server in turn, one of them too small
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/small.png" {
			_, _ = w.Write(half(t, 20, 20))
			return
		}
		_, _ = w.Write(half(t, 300, 300))
	}))
	t.Cleanup(server.Close)
	var text strings.Builder
	text.WriteString("grupo;foto\n")
	for i := range 300 {
		fmt.Fprintf(&text, "1203630195%08d-group;%s/%s.png\n", i, server.URL, []string{"a", "small", "b"}[i%3])
	}
	path := file(t, "g.csv", text.String())
	env := map[string]string{"GROUPPHOTO_PHOTO_ALLOW": "127.0.0.0/8"}
	// when nobody asks to fetch
	if r := call(t, env, "campaign", "check", path); r.code != exitDone || asked.Load() != 0 {
		t.Errorf("exit code %d, the server was asked %d times", r.code, asked.Load())
	}
	// and when somebody does
	problems, summary := checked(t, call(t, env, "campaign", "check", path, "--fetch", "-o", "json").out)
	// then each picture is fetched once, and the bad one is told for each of its rows, in order
	if asked.Load() != 3 || len(problems) != 100 || problems[0] != "3:2 photo_too_small" || problems[99] != "300:2 photo_too_small" || summary["good"] != 200.0 {
		t.Errorf("asked %d times; %d problems, %v", asked.Load(), len(problems), summary)
	}
}

func TestCampaignCheck_StdinAndJSONL(t *testing.T) {
	t.Parallel()
	const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	in := `{"groupId":"` + group + `","groupPhoto":"data:image/png;base64,` + png + `","name":"x"}` + "\n"
	bad := filepath.Join(t.TempDir(), "bad.jsonl")
	r := callWith(t, t.Context(), []byte(in), nil, "campaign", "check", "-", "--rejects", bad)
	if r.code != exitUsage || !strings.Contains(r.out, "inline image") || !strings.Contains(r.out, "photo_too_small") || strings.Contains(r.out+r.err, png[:20]) {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
	b, err := os.ReadFile(bad)
	if err != nil || !strings.HasPrefix(string(b), strings.TrimSuffix(in, "}\n")+`,"reason":"line 1`) {
		t.Errorf("rejects: %v\n%s", err, b)
	}
}

// endless is a stdin on which nobody ever ends the input.
type endless struct{ closed chan struct{} }

func (e endless) Read([]byte) (int, error) {
	<-e.closed
	return 0, io.EOF
}

func TestCampaignCheck_StdinIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	in := endless{make(chan struct{})}
	defer close(in.closed)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"campaign", "check", "-"}, nil, streams{in: in, out: io.Discard, err: io.Discard, program: "groupphoto"})
	}()
	cancel()
	if code := <-done; code != exitInterrupted {
		t.Errorf("exit code %d; want %d", code, exitInterrupted)
	}
}

// full is a stdout that takes nothing, like a disk without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestCampaignCheck_StdoutFails(t *testing.T) {
	t.Parallel()
	path := folder(t, brazilian)
	for _, output := range []string{"text", "json"} {
		var stderr bytes.Buffer
		code := run(t.Context(), []string{"campaign", "check", path, "-o", output}, nil, streams{out: full{}, err: &stderr, program: "groupphoto"})
		if code != exitFailure || !strings.Contains(stderr.String(), "writing to stdout") {
			t.Errorf("%s: exit code %d: %s", output, code, stderr.String())
		}
	}
}
