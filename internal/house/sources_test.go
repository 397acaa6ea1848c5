package house_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plugchat-go/groupphoto/internal/house"
)

func TestCheckSources_PlantedViolation(t *testing.T) {
	t.Parallel()
	const head = "// Package x is x.\npackage x\n\n"
	mark := "TO" + "DO" // written in two halves: this file is judged too
	tests := []struct {
		name string
		file string
		text string
		want string // part of the one violation; "" for none
	}{
		{"clean", "x/x.go", head + "func f() {}\n", ""},
		{"no package comment", "x/x.go", "package x\n", "x: no package comment"},
		{"a command without package comment", "cmd/groupphoto/main.go", "package main\n", "cmd/groupphoto: no package comment"},
		{"a folder of tests needs no package comment", "x/x_test.go", "package x_test\n", ""},
		{"file of 400 lines", "x/x.go", head + strings.Repeat("\n", 397), ""},
		{"file of 401 lines", "x/x.go", head + strings.Repeat("\n", 398), "401 lines, at most 400"},
		{"long test file", "x/x_test.go", head + strings.Repeat("\n", 900), ""},
		{"function of 60 lines", "x/x.go", head + "func f() {" + strings.Repeat("\n", 59) + "}\n", ""},
		{"function of 61 lines", "x/x.go", head + "func f() {" + strings.Repeat("\n", 60) + "}\n", "x/x.go:4: function f has 61 lines"},
		{"literal of 61 lines", "x/x.go", head + "var f = func() {" + strings.Repeat("\n", 60) + "}\n", "function literal has 61 lines"},
		{"long test function", "x/x_test.go", head + "func f() {" + strings.Repeat("\n", 90) + "}\n", ""},
		{"sleep in a test", "x/x_test.go", head + "import \"time\"\n\nfunc f() { time.Sleep(1) }\n", "x/x_test.go:6: time.Sleep in a test"},
		{"sleep under another name", "x/x_test.go", head + "import clock \"time\"\n\nvar f = clock.Sleep\n", "time.Sleep in a test"},
		{"sleep through a dot import", "x/x_test.go", head + "import . \"time\"\n\nfunc f() { Sleep(1) }\n", "dot import of \"time\""},
		{"sleep in a test helper", "internal/redistest/r.go", head + "import \"time\"\n\nfunc f() { time.Sleep(1) }\n", "time.Sleep in a test"},
		{"sleep of something else", "x/x_test.go", head + "var f = time.Sleep\n", ""},
		{"environment below main", "x/x.go", head + "import \"os\"\n\nvar v = os.Getenv(\"A\")\n", "os.Getenv: only cmd reads the environment"},
		{"environment as a value", "x/x.go", head + "import \"os\"\n\nvar f = os.LookupEnv\n", "os.LookupEnv"},
		{"whole environment", "x/x.go", head + "import \"os\"\n\nvar f = os.Environ()\n", "os.Environ"},
		{"environment by syscall", "x/x.go", head + "import \"syscall\"\n\nvar f = syscall.Environ()\n", "syscall.Environ"},
		{"environment in cmd", "cmd/groupphoto/env.go", head + "import \"os\"\n\nvar f = os.LookupEnv\n", ""},
		{"environment in a folder that begins like cmd", "cmdline/env.go", head + "import \"os\"\n\nvar f = os.LookupEnv\n", "os.LookupEnv"},
		{"environment in a test", "x/x_test.go", head + "import \"os\"\n\nvar f = os.Getenv\n", ""},
		{"files of os", "x/x.go", head + "import \"os\"\n\nvar f = os.Open\n", ""},
		{"unfinished work", "x/x.go", head + "// " + mark + " later\n", "x/x.go:4: \"" + mark + "\""},
		{"unfinished script", "x/claim.lua", "-- " + "FIX" + "ME\n", "x/claim.lua:1"},
		{"unfinished Makefile", "Makefile", "# " + mark + "\n", "Makefile:1"},
		{"a word that holds the mark", "x/x.go", head + "var X" + mark + "S = 1\n", ""},
		{"does not parse", "x/x.go", "package\n", "does not parse"},
		{"not ours to judge", "x/testdata/bad.go", "package\n", ""},
		{"tools we did not write", ".bin/x.go", "package\n", ""},
		{"three groups", "x/x.go", head + "import (\n\t\"os\"\n\n\t\"a.example/b\"\n\n\t\"" + module + "/tasks\"\n)\n", ""},
		{"groups not separated", "x/x.go", head + "import (\n\t\"os\"\n\t\"a.example/b\"\n)\n", "import \"a.example/b\": three groups"},
		{"groups out of order", "x/x.go", head + "import (\n\t\"a.example/b\"\n\n\t\"os\"\n)\n", "import \"os\": three groups"},
		{"ours among others", "x/x.go", head + "import (\n\t\"a.example/b\"\n\t\"" + module + "/tasks\"\n)\n", "three groups"},
		{"a group torn apart", "x/x.go", head + "import (\n\t\"io\"\n\n\t\"os\"\n)\n", "import \"os\": three groups"},
		{"a commented import", "x/x.go", head + "import (\n\t\"io\"\n\t// why\n\t_ \"embed\"\n)\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := house.CheckSources(fstest.MapFS{tt.file: {Data: []byte(tt.text)}}, module)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case tt.want == "" && len(got) > 0:
				t.Errorf("got %v, want no violation", got)
			case tt.want != "" && (len(got) != 1 || !strings.Contains(got[0].String(), tt.want)):
				t.Errorf("got %v, want one that says %q", got, tt.want)
			}
		})
	}
}
