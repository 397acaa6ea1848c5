// Command skips stands behind `go test -json`: it prints what go test prints without -v, and then names every skipped
// test with its reason, because a skipped test otherwise looks like a passed one. With -fail a skip is a failure, unless
// its reason says "not applicable": that is for tests that cannot mean anything on this system, not for missing tools.
// It owns the reading of test events and refuses to know any test.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	fail := flag.Bool("fail", false, `exit 1 when a test was skipped whose reason does not say "not applicable"`)
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *fail); err != nil {
		fmt.Fprintln(os.Stderr, "skips:", err)
		os.Exit(1)
	}
}

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of a build event
	Test       string
	Output     string
}

// run copies the normal output from r to w and ends with an error when a test failed or, with fail, was skipped for no good reason.
func run(r io.Reader, w io.Writer, fail bool) error {
	rep := report{w: w, said: map[string][]string{}}
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			rep.line(line)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading test events: %w", err)
		}
	}
	return rep.end(fail)
}

type report struct {
	w       io.Writer
	said    map[string][]string // package and test -> its output so far
	skipped []string
	idle    int // skips that are fine
	failed  int
}

func (r *report) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(r.w, line) // what the go command says itself
		return
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.w, e.Output)
	case "build-fail":
		r.failed++
	case "output":
		r.output(key, e)
	case "skip":
		if e.Test != "" {
			r.skip(e, strings.Join(r.said[key], ""))
		}
		delete(r.said, key)
	case "pass":
		delete(r.said, key)
	case "fail":
		r.failed++
		if e.Test == "" {
			r.flush(e.Package) // a package that ended by panic or time-out: its tests have no end event
			return
		}
		fmt.Fprint(r.w, strings.Join(r.said[key], ""))
		delete(r.said, key)
	}
}

func (r *report) output(key string, e event) {
	if e.Test != "" {
		// Lines such as "=== PAUSE" tell of scheduling; a failure reads better without them.
		if !strings.HasPrefix(e.Output, "=== ") {
			r.said[key] = append(r.said[key], e.Output)
		}
		return
	}
	if e.Output != "PASS\n" && !strings.HasPrefix(e.Output, "-test.shuffle") {
		fmt.Fprint(r.w, e.Output)
	}
}

func (r *report) flush(pkg string) {
	for key, out := range r.said {
		if strings.HasPrefix(key, pkg+" ") {
			fmt.Fprint(r.w, strings.Join(out, ""))
			delete(r.said, key)
		}
	}
}

func (r *report) skip(e event, said string) {
	var reason []string
	for l := range strings.Lines(said) {
		l = strings.TrimSpace(l)
		if l != "" && !strings.HasPrefix(l, "--- SKIP") {
			reason = append(reason, l)
		}
	}
	text := strings.Join(reason, " ")
	if strings.Contains(text, "not applicable") {
		r.idle++
	}
	r.skipped = append(r.skipped, fmt.Sprintf("%s.%s: %s", e.Package, e.Test, text))
}

func (r *report) end(fail bool) error {
	if len(r.skipped) > 0 {
		fmt.Fprintf(r.w, "skipped %d tests:\n  %s\n", len(r.skipped), strings.Join(r.skipped, "\n  "))
	}
	switch bad := len(r.skipped) - r.idle; {
	case r.failed > 0:
		return errors.New("tests failed, see above")
	case fail && bad > 0:
		return fmt.Errorf("%d tests were skipped, and here they must run: install what they name", bad)
	}
	return nil
}
