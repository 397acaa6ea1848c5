package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/redistest"
)

func TestCampaignCheck_Progress(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	path := folder(t, brazilian)
	for _, tt := range []struct {
		name     string
		args     []string
		terminal bool
		want     string
	}{
		{"check on a terminal", []string{"check", path}, true, `^\[#+\.*\] [0-9]+ %: 1 row(, [0-9] photos made)?\x1b\[K\n(?s:.*)\x1b\[J$`},
		{"start on a terminal", []string{"start", path, "--skip-invalid", "--name", "a"}, true, `(?s)^\[#+\.*\] [0-9]+ %: 1 row.*\x1b\[1A\r\x1b\[Jwatch it: [^\x1b]*$`},
		{"in Portuguese", []string{"check", path, "--lang", "pt"}, true, `%: 1 linha`},
		{"JSON on a terminal", []string{"check", path, "-o", "json"}, true, `^$`},
		{"start with JSON on a terminal", []string{"start", path, "--skip-invalid", "--name", "b", "-o", "json"}, true, `^$`},
		{"elsewhere, and soon done", []string{"check", path}, false, `^$`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out, stderr bytes.Buffer
			env := map[string]string{}
			if tt.args[0] == "start" {
				env["REDIS_URL"] = mini.URL()
			}
			run(t.Context(), append([]string{"campaign"}, tt.args...), env, streams{out: &out, err: &stderr, errTerminal: tt.terminal, program: "groupphoto"})
			if got := stderr.String(); !regexp.MustCompile(tt.want).MatchString(got) || strings.Contains(out.String(), "\x1b") {
				t.Errorf("stderr %q, stdout %q; want %s", got, out.String(), tt.want)
			}
		})
	}
}

func TestProgress_LinesElsewhere(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	p := newProgress(&app{streams: streams{err: &stderr}})
	if p.due() {
		t.Error("a short run has something to tell")
	}
	p.told = time.Now().Add(-lineGap)
	if !p.due() {
		t.Error("a long run has nothing to tell")
	}
	p.tell(30, 60, "30 rows")
	if p.due() {
		t.Error("it tells twice")
	}
	p.tell(70, 60, "70 rows") // the lines of a sheet are only about known
	p.tell(1, 0, "1 row")
	p.clear()
	if got := stderr.String(); got != "50 %: 30 rows\n100 %: 70 rows\n1 row\n" {
		t.Errorf("got %q", got)
	}
}

func TestCountLines(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 0, "a\nb\n": 2, "a\r\nb\r\n": 2, "a\rb\rc\r": 3, inUTF16("a\nb\n"): 2,
	} {
		if got := countLines(file(t, "g.csv", text)); got != want {
			t.Errorf("%q has %d lines; want %d", text, got, want)
		}
	}
	if got := countLines(filepath.Join(t.TempDir(), "none")); got != 0 {
		t.Errorf("no file has %d lines", got)
	}
}
