package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPackageOf_Sources(t *testing.T) {
	t.Parallel()
	tests := []struct{ source, want string }{
		{"../node_modules/react/index.js", "react"},
		{"../node_modules/@material-ui/core/esm/Button/Button.js", "@material-ui/core"},
		{"../node_modules/babel-preset-react-app/node_modules/@babel/runtime/helpers/esm/x.js", "@babel/runtime"},
		{"../../src/core/immerClass.ts", "immer"},
		{"components/QueuesTable.tsx", ""},
		{"../webpack/bootstrap", ""},
	}
	for _, tt := range tests {
		if got := packageOf(tt.source); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.source, got, tt.want)
		}
	}
}

func TestStatedLicence_Sources(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"react", "/** @license React v16\n * This source code is licensed under the MIT license found in the\n */", "MIT"},
		{"object-assign", "/*\nobject-assign\n@license MIT\n*/", "MIT"},
		{"line comment", "// MIT License\nx()", "MIT"},
		{"new BSD", "/**\n * Copyrights licensed under the New BSD License.\n */", `BSD 3-Clause ("New BSD")`},
		{"code is no statement", "const s = 'under the MIT license'", ""},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		if got := statedLicence(tt.text); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestLicenceFiles_Names(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"LICENSE", "LICENCE.md", "NOTICE.txt", "COPYING", "PATENTS", "license.go", "README.md", "licensed.txt"} {
		write(t, filepath.Join(dir, name), name)
	}
	found, err := licenceFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range found {
		got = append(got, l.name)
	}
	if diff := cmp.Diff([]string{"COPYING", "LICENCE.md", "LICENSE", "NOTICE.txt", "PATENTS"}, got); diff != "" {
		t.Errorf("licence files (-want +got):\n%s", diff)
	}
	if _, err := licenceFiles(t.TempDir()); err == nil {
		t.Error("a module without a licence must be an error")
	}
}

// given a module with the shape of asynqmon: a lock file, source maps, and a licence file full of grammar;
// when its bundle is written down;
// then packages, versions and stated licences are there, and the grammar and the application's own files are not.
func TestWriteBundle_PlantedModule(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	js := filepath.Join("ui", "build", "static", "js")
	for name, text := range map[string]string{
		filepath.Join("ui", "yarn.lock"):            "\"@a/b@^1.0.0\", \"@a/b@^1.1.0\":\n  version \"1.2.0\"\n\nreact@^16:\n  version \"16.1.0\"\n",
		filepath.Join(js, "main.js.map"):            `{"sources":["App.tsx","../node_modules/@a/b/x.js","../node_modules/react/i.js"],"sourcesContent":["/* MIT license */","x","/* @license MIT */"]}`,
		filepath.Join(js, "main.js.LICENSE.txt"):    "/** @license React */\n\n/*! Production::    $accept : expression $end */\n\n/*! decimal */\n",
		filepath.Join(js, "unrelated.js.notes.txt"): "not read",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	var b bytes.Buffer
	if err := writeBundle(&b, dir); err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(b.String(), "|---|---|---|\n")
	want := "| @a/b | 1.2.0 | not stated there |\n| react | 16.1.0 | MIT |\n" +
		"\n### asynq web UI: main.js.LICENSE.txt (a parser's grammar left out)\n\n    /** @license React */\n\n    /*! decimal */\n"
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("bundle (-want +got):\n%s", diff)
	}
}

func TestWriteBundle_NotBuilt(t *testing.T) {
	t.Parallel()
	if err := writeBundle(&bytes.Buffer{}, t.TempDir()); err == nil {
		t.Fatal("a module without scripts must be an error: its UI would ship without notices")
	}
}

func TestFirstDifference_Lines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b string
		want int
	}{{"a\nb\n", "a\nb\n", 0}, {"a\nb\n", "a\nc\n", 2}, {"a", "a\nb", 2}, {"", "a", 1}}
	for _, tt := range tests {
		if got := firstDifference([]byte(tt.a), []byte(tt.b)); got != tt.want {
			t.Errorf("%q and %q: got line %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
