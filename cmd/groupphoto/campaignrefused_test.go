package main

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestTally_LongTimesDoNotOverflow(t *testing.T) {
	t.Parallel()
	c := newTally()
	c.paces = map[string]time.Duration{"": maxPace}
	c.accounts["main"] = 1 << 40
	if got := c.takes("main"); got != math.MaxInt64 {
		t.Errorf("got %s", got)
	}
}

func TestCampaignCheck_Refused(t *testing.T) {
	t.Parallel()
	good := file(t, "g.csv", "grupo\n"+group+"\n")
	logo := picture(t)
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no file", nil, "FILE is missing (see 'groupphoto campaign check --help')"},
		{"not there", []string{"/no/such.csv"}, `the file cannot be read: "/no/such.csv": no such file or directory`},
		{"a folder", []string{t.TempDir()}, "is a folder; give the file in it"},
		{"xlsx", []string{file(t, "g.xlsx", "PK\x03\x04[Content_Types].xml")}, "g.xlsx: excel_file: this is an Excel workbook (.xlsx), not CSV; in Excel choose File"},
		{"xlsx in Portuguese", []string{file(t, "g.xlsx", "PK\x03\x04[Content_Types].xml"), "--lang", "pt"}, "excel_file: isto é uma pasta de trabalho do Excel (.xlsx), não CSV; no Excel use Arquivo"},
		{"a header alone", []string{file(t, "g.csv", "grupo;foto\n")}, "empty_sheet: the file has no rows"},
		{"no photo", []string{good}, "line 1, \"grupo\": no_photo_column: no column is named"},
		{"a bad photo for all", []string{good, "--photo", "/no/such.png"}, `--photo: the file cannot be read: "/no/such.png"`},
		{"stdin for all", []string{good, "--photo", "-"}, "--photo: give a file, a URL or a data URI"},
		{"a language that is none", []string{good, "--photo", logo, "--lang", "fr"}, `--lang "fr": must be en or pt (see`},
		{"rejects over the sheet", []string{good, "--photo", logo, "--rejects", good}, "is read by this command; give another file"},
		{"rejects over the photo", []string{good, "--photo", logo, "--rejects", logo}, "is read by this command; give another file"},
		{"rejects into nowhere", []string{good, "--photo", logo, "--rejects", "/no/such/bad.csv"}, `--rejects: the file cannot be written: "/no/such/bad.csv": no such file`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := call(t, nil, append([]string{"campaign", "check"}, tt.args...)...)
			if r.code != exitUsage || r.out != "" || !strings.Contains(r.err, tt.want) || strings.Count(r.err, "\n") != 1 {
				t.Errorf("exit code %d, stdout %q, stderr %q; want one line with %q", r.code, r.out, r.err, tt.want)
			}
		})
	}
}

func TestCampaignCheck_LeavesNothing(t *testing.T) {
	t.Parallel()
	// given a run that is interrupted, and one whose photo is bad
	path := folder(t, "\ufeff"+brazilian)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	target := filepath.Join(filepath.Dir(path), "bad.csv")
	if r := callWith(t, ctx, nil, nil, "campaign", "check", path, "--rejects", target); r.code != exitInterrupted {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	// then neither leaves a file behind, and a good run leaves the one asked for
	list := func() string {
		left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "[.b]*"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(left, " ")
	}
	if got := list(); got != "" {
		t.Errorf("left behind: %s", got)
	}
	call(t, nil, "campaign", "check", path, "--rejects", target)
	if got := list(); got != target {
		t.Errorf("got %s; want %s", got, target)
	}
}

// TestCampaignCheck_RecordedRunIsOurs runs what docs/campaigns.md shows.
func TestCampaignCheck_RecordedRunIsOurs(t *testing.T) {
	t.Parallel()
	text := read(t, "docs/campaigns.md")
	between := func(begin, end string) string {
		t.Helper()
		_, rest, ok := strings.Cut(text, begin)
		part, _, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("docs/campaigns.md has nothing between %q and %q", begin, end)
		}
		return part
	}
	sizes := regexp.MustCompile(`\(\d+ (KiB|bytes)\)`)
	plain := strings.ReplaceAll(between("```csv\n", "```"), "\n", "\r\n")
	for _, tt := range []struct{ name, sheet, args, want string }{
		{"grupos.csv", "\ufeff" + plain, "--rejects rejeitados.csv", between("--rejects rejeitados.csv\n", "```")},
		{"grupos-1252.csv", inWindows1252(plain), "--lang pt --skip-invalid", between("--lang pt --skip-invalid\n", "…\n```")},
	} {
		path := folder(t, tt.sheet)
		dir := filepath.Dir(path) + string(filepath.Separator)
		if err := os.Rename(path, dir+tt.name); err != nil {
			t.Fatal(err)
		}
		args := strings.ReplaceAll(tt.args, "rejeitados", dir+"rejeitados")
		r := call(t, nil, append([]string{"campaign", "check", dir + tt.name}, strings.Fields(args)...)...)
		got := sizes.ReplaceAllString(strings.ReplaceAll(r.out, dir, ""), "(…)")
		if want := sizes.ReplaceAllString(tt.want, "(…)"); !strings.HasPrefix(got, want) {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
	}
}
