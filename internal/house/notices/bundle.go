package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// asynqmonPath is the module whose Go code embeds a built JavaScript application.
const asynqmonPath = "github.com/hibiken/asynqmon"

// rootless names packages whose own source maps lost their folder ("../../src/immer.ts"), by one file that only they have.
var rootless = map[string]string{
	"modules/BrowserRouter.js":     "react-router-dom",
	"modules/createNameContext.js": "react-router",
	"src/useResizeDetector.ts":     "react-resize-detector",
	"src/comparator.ts":            "fast-equals",
	"src/methods/placements.js":    "popper.js",
	"src/createGridComponent.js":   "react-window",
	"src/core/immerClass.ts":       "immer",
	"src/getDefaultMiddleware.ts":  "@reduxjs/toolkit",
	"src/performance-now.coffee":   "performance-now",
}

var (
	packageFolder = regexp.MustCompile(`node_modules/((?:@[^/]+/)?[^/]+)/`)
	lockVersion   = regexp.MustCompile(`(?m)^"?((?:@[^/@"]+/)?[^@"\s]+)@[^\n]*:\n  version "([^"]+)"`)
	comment       = regexp.MustCompile(`(?s)/\*.*?\*/`)
	// grammar matches what a parser generator leaves among the comments that the bundler kept.
	grammar = regexp.MustCompile(`^/\*! (Conditions|Production|Rule)::`)
	// licenceWords finds the licence that a source file states of itself.
	licenceWords = []struct {
		name string
		find *regexp.Regexp
	}{
		{"MIT", regexp.MustCompile(`(?i)\bMIT\b[^\n]{0,20}licen[sc]e|@license MIT\b|\bMIT Expat\b|sjs\.mit-license|MIT license|under the MIT`)},
		{"BSD 3-Clause (\"New BSD\")", regexp.MustCompile(`New BSD License`)},
		{"ISC (in part)", regexp.MustCompile(`(?i)ISC license`)},
		{"0BSD", regexp.MustCompile(`with or without fee is hereby granted`)},
	}
)

// sourceMap is the part of a JavaScript source map that names what was bundled.
type sourceMap struct {
	Sources        []string `json:"sources"`
	SourcesContent []string `json:"sourcesContent"`
}

// writeBundle adds the packages inside asynqmon's built UI: names from its source maps, versions from its lock file,
// licences as the sources and the bundler's licence file state them.
func writeBundle(b *bytes.Buffer, dir string) error {
	js := filepath.Join(dir, "ui", "build", "static", "js")
	stated, err := bundled(js)
	if err != nil {
		return err
	}
	versions, err := lockedVersions(filepath.Join(dir, "ui", "yarn.lock"))
	if err != nil {
		return err
	}
	fmt.Fprint(b, "\n## JavaScript inside the asynq web UI\n\n"+
		"`"+asynqmonPath+"` embeds a built web page. Its source maps name these packages, its `yarn.lock` their versions. The\n"+
		"licence is the one that the packages' own source files state in the bundle; \"not stated there\" means that the bundle\n"+
		"carries no statement, and that the package's own distribution has to be asked.\n\n"+
		"| package | version (every one in the lock file) | licence |\n|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(stated)) {
		fmt.Fprintf(b, "| %s | %s | %s |\n", name, strings.Join(versions[name], ", "), stated[name])
	}
	kept, err := filepath.Glob(filepath.Join(js, "*.LICENSE.txt"))
	if err != nil || len(kept) == 0 {
		return errors.Join(err, errors.New("no *.LICENSE.txt among its scripts"))
	}
	for _, file := range kept {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		writeText(b, "asynq web UI", filepath.Base(file)+" (a parser's grammar left out)", keptComments(text))
	}
	return nil
}

// bundled returns the packages in the source maps of a folder with the licence each states.
func bundled(js string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(js, "*.js.map"))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, errors.New("no source map among its scripts"))
	}
	stated := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var m sourceMap
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, fmt.Errorf("reading %s: %w", filepath.Base(file), err)
		}
		for i, source := range m.Sources {
			name := packageOf(source)
			if name == "" || name == "webpack" {
				continue
			}
			words := ""
			if i < len(m.SourcesContent) {
				words = statedLicence(m.SourcesContent[i])
			}
			if words != "" || stated[name] == "" {
				stated[name] = words
			}
		}
	}
	for name, words := range stated {
		if words == "" {
			stated[name] = "not stated there"
		}
	}
	return stated, nil
}

// packageOf returns the npm package a bundled source belongs to: the innermost, or "" for the application's own.
func packageOf(source string) string {
	if m := packageFolder.FindAllStringSubmatch(source, -1); m != nil {
		return m[len(m)-1][1]
	}
	for file, name := range rootless {
		if strings.HasPrefix(source, "../") && strings.HasSuffix(source, "/"+file) {
			return name
		}
	}
	return ""
}

// statedLicence looks for a licence in the comments of a source; code that merely says "license" does not count.
func statedLicence(text string) string {
	var said strings.Builder
	for _, c := range comment.FindAllString(text, -1) {
		said.WriteString(c)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "//") {
			said.WriteString(line)
		}
	}
	for _, w := range licenceWords {
		if w.find.MatchString(said.String()) {
			return w.name
		}
	}
	return ""
}

// lockedVersions reads a yarn.lock: package name -> its versions, in the order of the file.
func lockedVersions(file string) (map[string][]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	versions := map[string][]string{}
	for _, m := range lockVersion.FindAllStringSubmatch(string(text), -1) {
		if !slices.Contains(versions[m[1]], m[2]) {
			versions[m[1]] = append(versions[m[1]], m[2])
		}
	}
	return versions, nil
}

// keptComments drops the grammar comments, which are many and no licences.
func keptComments(text []byte) []byte {
	var out []string
	for block := range strings.SplitSeq(string(text), "\n\n") {
		if !grammar.MatchString(strings.TrimSpace(block)) {
			out = append(out, block)
		}
	}
	return []byte(strings.Join(out, "\n\n"))
}
