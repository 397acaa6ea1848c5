package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Limits of the house for files that are not tests, in lines. A function is counted from its func keyword to its closing brace.
const (
	MaxFileLines     = 400
	MaxFunctionLines = 60
)

// mayReadEnvironment lists the folders whose Go files may ask for environment variables. redistest is linked by tests
// only, and a missing redis-server must fail instead of skip when CI is set.
var mayReadEnvironment = []string{"cmd", "internal/redistest"}

// environment holds the functions that look at, or change, the process environment.
var environment = map[string][]string{
	"os":      {"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv"},
	"syscall": {"Getenv", "Environ", "Setenv", "Unsetenv", "Clearenv"},
}

// unfinished finds the marks of unfinished work; written in two halves, or this file would break its own rule.
var unfinished = regexp.MustCompile(`\b(` + "TO" + `DO|` + "FIX" + `ME|` + "XX" + `X)\b`)

// source is one parsed Go file.
type source struct {
	name   string // slash-separated, relative to the root
	isTest bool
	set    *token.FileSet
	file   *ast.File
	module string
}

// CheckSources reads every Go file, Lua script and make or CI file below the root and returns what breaks the house rules, sorted by file.
// Hidden folders but .ci, and folders named testdata, vendor, bin and dist, are left out. A file that does not parse is a violation, not an error.
func CheckSources(root fs.FS, module string) ([]Violation, error) {
	var broken []Violation
	commented := map[string]bool{} // folder -> has a package comment
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && skipFolder(entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || !isText(name):
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		broken = append(broken, checkWords(name, text)...)
		if path.Ext(name) == ".go" {
			found, hasComment := checkGo(name, module, text)
			broken = append(broken, found...)
			if !strings.HasSuffix(name, "_test.go") {
				commented[path.Dir(name)] = commented[path.Dir(name)] || hasComment
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the sources: %w", err)
	}
	for folder, ok := range commented {
		if !ok {
			broken = append(broken, Violation{folder, "no package comment: say in one file what the package owns and what it refuses to know"})
		}
	}
	slices.SortFunc(broken, func(a, b Violation) int { return strings.Compare(a.String(), b.String()) })
	return broken, nil
}

func skipFolder(name string) bool {
	if name == "." || name == ".ci" {
		return false
	}
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"testdata", "vendor", "bin", "dist"}, name)
}

func isText(name string) bool {
	return slices.Contains([]string{".go", ".lua", ".sh", ".yml", ".yaml"}, path.Ext(name)) ||
		path.Dir(name) == ".ci" || path.Base(name) == "Makefile" || path.Base(name) == "Dockerfile"
}

func checkWords(name string, text []byte) []Violation {
	var broken []Violation
	line := 0
	for l := range bytes.Lines(text) {
		line++
		if word := unfinished.Find(l); word != nil {
			broken = append(broken, Violation{at(name, line), fmt.Sprintf("%q: finish it, or open an issue and delete the mark", word)})
		}
	}
	return broken
}

func checkGo(name, module string, text []byte) (broken []Violation, packageComment bool) {
	s := source{name: name, isTest: strings.HasSuffix(name, "_test.go"), set: token.NewFileSet(), module: module}
	file, err := parser.ParseFile(s.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return []Violation{{name, "does not parse: " + err.Error()}}, true
	}
	s.file = file
	broken = append(broken, s.calls()...)
	broken = append(broken, s.importGroups()...)
	if !s.isTest {
		if lines := bytes.Count(text, []byte("\n")); lines > MaxFileLines {
			broken = append(broken, Violation{name, fmt.Sprintf("%d lines, at most %d: a file is one concept, so split it", lines, MaxFileLines)})
		}
		broken = append(broken, s.longFunctions()...)
	}
	return broken, file.Doc != nil
}

func (s source) longFunctions() []Violation {
	var broken []Violation
	ast.Inspect(s.file, func(n ast.Node) bool {
		title := ""
		switch f := n.(type) {
		case *ast.FuncDecl:
			title = "function " + f.Name.Name
		case *ast.FuncLit:
			title = "function literal"
		default:
			return true
		}
		first, last := s.set.Position(n.Pos()).Line, s.set.Position(n.End()).Line
		if lines := last - first + 1; lines > MaxFunctionLines {
			broken = append(broken, Violation{at(s.name, first), fmt.Sprintf("%s has %d lines, at most %d", title, lines, MaxFunctionLines)})
		}
		return false // what lies inside a function is counted with it
	})
	return broken
}

// calls finds time.Sleep in tests and the environment functions outside their folders.
func (s source) calls() []Violation {
	names := s.importNames()
	var broken []Violation
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, isSelector := n.(*ast.SelectorExpr)
		if !isSelector {
			return true
		}
		x, isIdent := sel.X.(*ast.Ident)
		if !isIdent {
			return true
		}
		pkg := names[x.Name]
		where := at(s.name, s.set.Position(n.Pos()).Line)
		switch {
		case pkg == "time" && sel.Sel.Name == "Sleep" && (s.isTest || inFolders(s.name, []string{"internal/redistest"})):
			broken = append(broken, Violation{where, "time.Sleep in a test: wait on a channel, or poll with a deadline"})
		case !s.isTest && slices.Contains(environment[pkg], sel.Sel.Name) && !inFolders(s.name, mayReadEnvironment):
			broken = append(broken, Violation{where, fmt.Sprintf("%s.%s: only cmd reads the environment; take the value as an argument", pkg, sel.Sel.Name)})
		}
		return true
	})
	for _, pkg := range []string{"os", "syscall", "time"} {
		if names["."+pkg] != "" {
			broken = append(broken, Violation{s.name, fmt.Sprintf("dot import of %q hides its calls from the checks: import it by name", pkg)})
		}
	}
	return broken
}

// importNames maps the names by which the file calls its imports to their paths; a dot import is under "." and its path.
func (s source) importNames() map[string]string {
	names := make(map[string]string, len(s.file.Imports))
	for _, spec := range s.file.Imports {
		imp := importPath(spec)
		switch {
		case spec.Name == nil:
			names[path.Base(imp)] = imp
		case spec.Name.Name == ".":
			names["."+imp] = imp
		default:
			names[spec.Name.Name] = imp
		}
	}
	return names
}

// importGroups holds the order of imports: standard library, others, ours, with an empty line between the groups and none inside.
func (s source) importGroups() []Violation {
	var broken []Violation
	lastGroup, lastLine := -1, 0
	for _, spec := range s.file.Imports {
		imp := importPath(spec)
		group, first := s.group(imp), s.set.Position(spec.Pos()).Line
		if spec.Doc != nil {
			first = s.set.Position(spec.Doc.Pos()).Line
		}
		if lastGroup >= 0 && (group < lastGroup || (group != lastGroup) != (first > lastLine+1)) {
			broken = append(broken, Violation{at(s.name, first), fmt.Sprintf("import %q: three groups with an empty line between them: standard library, others, ours", imp)})
		}
		lastGroup, lastLine = group, s.set.Position(spec.End()).Line
	}
	return broken
}

func (s source) group(imp string) int {
	first, _, _ := strings.Cut(imp, "/")
	switch {
	case imp == s.module || strings.HasPrefix(imp, s.module+"/"):
		return 2
	case strings.Contains(first, "."):
		return 1
	default:
		return 0
	}
}

func importPath(spec *ast.ImportSpec) string {
	imp, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value // the parser accepts only quoted paths, so this is never reached with a parsed file
	}
	return imp
}

func inFolders(name string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(name, f+"/") })
}

func at(name string, line int) string { return name + ":" + strconv.Itoa(line) }
