package main

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// block returns the one fenced block of a language in the README.
func block(t *testing.T, language string) string {
	t.Helper()
	_, rest, ok := strings.Cut(read(t, "README.md"), "\n```"+language+"\n")
	text, _, closed := strings.Cut(rest, "\n```\n")
	if !ok || !closed {
		t.Fatalf("the README has no block of %s", language)
	}
	return text
}

func TestReadme_SettingsAreTheSettings(t *testing.T) {
	t.Parallel()
	var want, table, example []string
	for _, f := range settingFields() {
		want = append(want, f.name+"="+f.preset)
		secret := regexp.MustCompile("(?m)^\\| `" + f.name + "` \\* \\|").MatchString(read(t, "README.md"))
		if secret != (f.secret != "") {
			t.Errorf("README: %s is marked as secret: %t; want %t", f.name, secret, f.secret != "")
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)`(?: \\*)? \\| (?:`([^`]*)`)? ?\\|").FindAllStringSubmatch(read(t, "README.md"), -1) {
		table = append(table, m[1]+"="+m[2])
	}
	for _, m := range regexp.MustCompile(`(?m)^#?([A-Z0-9_]+=.*)$`).FindAllStringSubmatch(read(t, ".env.example"), -1) {
		example = append(example, m[1])
	}
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("the README's table differs from the settings (-settings +table):\n%s", diff)
	}
	if diff := cmp.Diff(want, example); diff != "" {
		t.Errorf(".env.example differs from the settings (-settings +example):\n%s", diff)
	}
}

func TestReadme_RecordedRunIsOurs(t *testing.T) {
	t.Parallel()
	text := block(t, "text")
	for _, s := range samples() {
		if !strings.Contains(text, "  "+s.name+" ") {
			t.Errorf("the recorded run lacks sample %s: record it again", s.name)
		}
	}
	for _, want := range []string{"groupphoto dev ", "sending 6 sample updates:", "your turn, in another terminal:", "Ctrl-C ends it"} {
		if !strings.Contains(text, want) {
			t.Errorf("the recorded run lacks %q: record it again", want)
		}
	}
}

func TestReadme_GoExampleBuilds(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	source := filepath.Join(folder, "main.go")
	if err := os.WriteFile(source, []byte(block(t, "go")), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	// The overlay puts the example into the module without writing there.
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "cmd", "readme", "main.go"): source}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", list, "-o", filepath.Join(folder, "example"), "./cmd/readme")
	cmd.Dir = here
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the example does not build: %v\n%s", err, out)
	}
}

func TestReadme_HTTPExamplesWork(t *testing.T) {
	t.Parallel()
	// given a worker with a web side, and a server with a picture
	th := newTheatre(t)
	th.env["GROUPPHOTO_HTTP_TOKEN"] = "token-of-the-test"
	th.env["GROUPPHOTO_PHOTO_ALLOW"] = "127.0.0.0/8"
	url := th.work(t, "--http", "127.0.0.1:0").find(`"http":"(http://[^"]+)"`)
	pictures := httptest.NewServer(samplePage())
	t.Cleanup(pictures.Close)
	for _, tt := range []struct {
		language, program, install string
		args                       []string
	}{
		{"bash", "curl", "curl", []string{"bash"}},
		{"php", "php", "php-cli", []string{"php"}},
		{"js", "node", "nodejs", []string{"node"}},
	} {
		// One after the other: they change the same group, where the newest wins.
		t.Run(tt.language, func(t *testing.T) {
			if _, err := exec.LookPath(tt.program); err != nil {
				t.Skipf("not applicable without %s: install %s to run this example", tt.program, tt.install)
			}
			// when the README's example is run as it stands
			text := block(t, tt.language)
			text = strings.ReplaceAll(text, "http://127.0.0.1:8080", url)
			text = strings.ReplaceAll(text, "https://example.com/", pictures.URL+samplePath)
			script := file(t, "example."+tt.language, text)
			logo := picture(t)
			cmd := exec.CommandContext(t.Context(), tt.args[0], slices.Concat(tt.args[1:], []string{script})...)
			cmd.Dir = filepath.Dir(logo)
			cmd.Env = append(os.Environ(), "GROUPPHOTO_HTTP_TOKEN=token-of-the-test", "no_proxy=*")
			out, err := cmd.CombinedOutput()
			// then it tells the outcome
			if err != nil || !strings.Contains(string(out), "updated") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
