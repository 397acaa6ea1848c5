package house

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// Package is what `go list` knows of one package, test files left out.
type Package struct {
	ImportPath string
	Dir        string
	Standard   bool     // part of the standard library
	DepOnly    bool     // listed only because another package needs it
	Imports    []string // direct imports
	Deps       []string // direct and indirect imports
}

// Violation is one broken rule: where, and what to do about it.
type Violation struct {
	Where string // import path, or file:line
	What  string // the rule in words, with what broke it
}

// String returns the violation as one line.
func (v Violation) String() string { return v.Where + ": " + v.What }

// Module returns the module path and the root folder of the module that dir lies in.
// A dir outside every module is an error.
func Module(ctx context.Context, dir string) (path, root string, err error) {
	out, err := goList(ctx, dir, "", "-m", "-f", "{{.Path}}\n{{.Dir}}")
	if err != nil {
		return "", "", err
	}
	path, root, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	if root == "" {
		return "", "", fmt.Errorf("no module around %s: run inside the checkout", dir)
	}
	return path, root, nil
}

// Load lists the packages that match the patterns, and all they need, as they are built for goos ("" is this machine's).
// A package that does not compile is listed as far as it could be read; a pattern that matches nothing gives none.
func Load(ctx context.Context, root, goos string, patterns ...string) ([]Package, error) {
	args := append([]string{"-e", "-deps", "-json=ImportPath,Dir,Standard,DepOnly,Imports,Deps"}, patterns...)
	out, err := goList(ctx, root, goos, args...)
	if err != nil {
		return nil, err
	}
	var pkgs []Package
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p Package
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading the answer of go list: %w", err)
		}
		pkgs = append(pkgs, p)
	}
}

func goList(ctx context.Context, dir, goos string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list"}, args...)...)
	cmd.Dir = dir
	// The rules are about what ships, and what ships is built without cgo.
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if goos != "" {
		cmd.Env = append(cmd.Env, "GOOS="+goos)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("running go list in %s: %w: %s", dir, err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}
