// Command notices writes THIRD_PARTY_NOTICES.md: every module that ends up in a released program, with its licence files
// word for word, and the JavaScript inside the asynq web UI, which no Go tool sees. It owns the reading of licences and
// refuses to judge them: a module without a licence file is an error, for a person to look at.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	out := flag.String("out", "THIRD_PARTY_NOTICES.md", "file to write, or with -check to compare")
	check := flag.Bool("check", false, "write nothing; exit 1 when the file is not what would be written")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *out, *check)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string, check bool) error {
	want, err := generate(ctx, ".")
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(file, want, 0o644)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if line := firstDifference(got, want); line > 0 {
		return fmt.Errorf("%s is out of date from line %d on: run `make notices` and commit it", file, line)
	}
	return nil
}

// generate returns the whole notice for the module around dir.
func generate(ctx context.Context, dir string) ([]byte, error) {
	modules, err := shipped(ctx, dir)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprint(&b, header)
	fmt.Fprintf(&b, "## Go modules\n\n| module | version |\n|---|---|\n| Go standard library | as the toolchain in go.mod |\n")
	for _, m := range modules {
		fmt.Fprintf(&b, "| %s | %s |\n", m.Path, m.Version)
	}
	goroot, err := goLicence(ctx)
	if err != nil {
		return nil, err
	}
	writeText(&b, "Go standard library", "LICENSE", goroot)
	var missing []error
	for _, m := range modules {
		texts, err := licenceFiles(m.Dir)
		if err != nil {
			missing = append(missing, fmt.Errorf("%s %s: %w", m.Path, m.Version, err))
		}
		for _, t := range texts {
			writeText(&b, m.Path, t.name, t.text)
		}
		if m.Path == asynqmonPath {
			if err := writeBundle(&b, m.Dir); err != nil {
				missing = append(missing, fmt.Errorf("the web UI inside %s %s: %w", m.Path, m.Version, err))
			}
		}
	}
	return b.Bytes(), errors.Join(missing...)
}

const header = `# Third-party notices

Written by ` + "`make notices`" + `; do not edit by hand.

groupphoto is under the MIT licence (see LICENSE). Its programs contain the works named here, each under its own licence,
which is repeated word for word below.

`

// firstDifference returns the number of the first line that differs, or 0.
func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return 0
	}
	linesA, linesB := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(linesA), len(linesB)) {
		if !bytes.Equal(linesA[i], linesB[i]) {
			return i + 1
		}
	}
	return min(len(linesA), len(linesB)) + 1
}
