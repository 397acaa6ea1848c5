package main

import (
	"bytes"
	"strings"
	"testing"
)

// Each stream is what `go test -json` writes in that situation, shortened to the fields that are read.
func TestRun_Streams(t *testing.T) {
	t.Parallel()
	const (
		start   = `{"Action":"output","Package":"a/b","Test":"TestX","Output":"=== RUN   TestX\n"}` + "\n"
		said    = `{"Action":"output","Package":"a/b","Test":"TestX","Output":"    x_test.go:3: no redis-server here\n"}` + "\n"
		skipped = `{"Action":"output","Package":"a/b","Test":"TestX","Output":"--- SKIP: TestX (0.00s)\n"}` + "\n" + `{"Action":"skip","Package":"a/b","Test":"TestX"}` + "\n"
		failed  = `{"Action":"fail","Package":"a/b","Test":"TestX"}` + "\n"
		passed  = `{"Action":"pass","Package":"a/b","Test":"TestX"}` + "\n"
		okLine  = `{"Action":"output","Package":"a/b","Output":"PASS\n"}` + "\n" + `{"Action":"output","Package":"a/b","Output":"ok  \ta/b\t0.1s\n"}` + "\n" + `{"Action":"pass","Package":"a/b"}` + "\n"
		noTests = `{"Action":"output","Package":"a/c","Output":"?   \ta/c\t[no test files]\n"}` + "\n" + `{"Action":"skip","Package":"a/c"}` + "\n"
	)
	tests := []struct {
		name    string
		in      string
		fail    bool
		out     string
		problem string // part of the error; "" for none
	}{
		{"passing test says nothing", start + said + passed + okLine, true, "ok  \ta/b\t0.1s\n", ""},
		{"package without tests is no skip", noTests, true, "?   \ta/c\t[no test files]\n", ""},
		{"skip is named", start + said + skipped + okLine, false, "ok  \ta/b\t0.1s\nskipped 1 tests:\n  a/b.TestX: x_test.go:3: no redis-server here\n", ""},
		{"skip fails when it must not be", start + said + skipped + okLine, true, "ok  \ta/b\t0.1s\nskipped 1 tests:\n  a/b.TestX: x_test.go:3: no redis-server here\n", "1 tests were skipped"},
		{
			"a test that can mean nothing here may skip", start + strings.Replace(said, "no redis-server here", "not applicable to root", 1) + skipped + okLine, true,
			"ok  \ta/b\t0.1s\nskipped 1 tests:\n  a/b.TestX: x_test.go:3: not applicable to root\n", "",
		},
		{"failure shows what it said", start + said + failed, false, "    x_test.go:3: no redis-server here\n", "tests failed"},
		{"panic shows what the package said", start + said + `{"Action":"fail","Package":"a/b"}` + "\n", false, "    x_test.go:3: no redis-server here\n", "tests failed"},
		{"build failure", `{"ImportPath":"a/b","Action":"build-output","Output":"b.go:1:1: bad\n"}` + "\n" + `{"ImportPath":"a/b","Action":"build-fail"}` + "\n", false, "b.go:1:1: bad\n", "tests failed"},
		{"the go command's own words pass through", "go: cannot find main module\n", false, "go: cannot find main module\n", ""},
		{"last line without a newline", "go: stopped", false, "go: stopped", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := run(strings.NewReader(tt.in), &out, tt.fail)
			if got := out.String(); got != tt.out {
				t.Errorf("output: got %q, want %q", got, tt.out)
			}
			if tt.problem == "" && err != nil || tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)) {
				t.Errorf("error: got %v, want %q", err, tt.problem)
			}
		})
	}
}
