package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// systems are those that we release for; some modules are in one of them only.
var systems = []string{"linux", "darwin", "windows"}

// module is a part of the program that others wrote.
type module struct {
	Path    string
	Version string
	Dir     string // in the module cache
	Main    bool
	Replace *module
}

type licence struct {
	name string
	text []byte
}

// shipped returns the modules that the programs contain on any released system, sorted by path. Before there is a
// command, it returns what go.mod asks for.
func shipped(ctx context.Context, dir string) ([]module, error) {
	commands, err := goCommand(ctx, dir, "", "list", "-e", "-find", "-f", "{{if not .Error}}{{.ImportPath}}{{end}}", "./cmd/...")
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(commands)) == 0 {
		return required(ctx, dir)
	}
	found := map[string]module{}
	for _, system := range systems {
		out, err := goCommand(ctx, dir, system, "list", "-deps", "-json=Module", "./...")
		if err != nil {
			return nil, err
		}
		err = each(out, func(p struct{ Module *module }) {
			if p.Module != nil && !p.Module.Main {
				found[p.Module.Path] = p.Module.actual()
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return sorted(found), nil
}

func required(ctx context.Context, dir string) ([]module, error) {
	out, err := goCommand(ctx, dir, "", "mod", "edit", "-json")
	if err != nil {
		return nil, err
	}
	var mod struct{ Require []module }
	if err := json.Unmarshal(out, &mod); err != nil {
		return nil, fmt.Errorf("reading go.mod: %w", err)
	}
	found := map[string]module{}
	if len(mod.Require) == 0 {
		return nil, nil
	}
	args := []string{"mod", "download", "-json"}
	for _, m := range mod.Require {
		args = append(args, m.Path+"@"+m.Version)
	}
	out, err = goCommand(ctx, dir, "", args...)
	if err != nil {
		return nil, err
	}
	err = each(out, func(m module) { found[m.Path] = m })
	return sorted(found), err
}

func (m module) actual() module {
	if m.Replace == nil {
		return m
	}
	return module{Path: m.Path, Version: m.Replace.Version, Dir: m.Replace.Dir}
}

func sorted(found map[string]module) []module {
	modules := make([]module, 0, len(found))
	for _, m := range found {
		modules = append(modules, m)
	}
	slices.SortFunc(modules, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return modules
}

// each decodes a stream of JSON objects, as the go command prints them.
func each[T any](stream []byte, do func(T)) error {
	dec := json.NewDecoder(bytes.NewReader(stream))
	for {
		var v T
		if err := dec.Decode(&v); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading what the go command said: %w", err)
		}
		do(v)
	}
}

func goCommand(ctx context.Context, dir, system string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if system != "" {
		cmd.Env = append(cmd.Env, "GOOS="+system)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("running go %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// licenceName matches the files that carry terms: LICENSE, LICENCE.md, COPYING, NOTICE.txt, LICENSE-MIT, PATENTS.
var licenceName = regexp.MustCompile(`(?i)^(licen[sc]e|copying|notice|patents|unlicense)([-._].*)?$`)

// licenceFiles returns the licence and notice files at the top of a module, sorted by name. None is an error.
func licenceFiles(dir string) ([]licence, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []licence
	for _, e := range entries {
		if e.IsDir() || !licenceName.MatchString(e.Name()) || filepath.Ext(e.Name()) == ".go" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		found = append(found, licence{e.Name(), text})
	}
	if len(found) == 0 {
		return nil, errors.New("no licence file at its top: look at the module before it ships")
	}
	return found, nil
}

func goLicence(ctx context.Context) ([]byte, error) {
	root, err := goCommand(ctx, ".", "", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "LICENSE"))
	if err != nil {
		return nil, fmt.Errorf("the licence of the standard library: %w", err)
	}
	return text, nil
}

// writeText adds one licence as an indented block, so that nothing in it is read as Markdown.
func writeText(b *bytes.Buffer, owner, name string, text []byte) {
	fmt.Fprintf(b, "\n### %s: %s\n\n", owner, name)
	text = bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
	for line := range bytes.Lines(append(text, '\n')) {
		line = bytes.TrimRight(line, " \t\n")
		if len(line) > 0 {
			fmt.Fprintf(b, "    %s", line)
		}
		b.WriteByte('\n')
	}
}
