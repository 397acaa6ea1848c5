package tasks_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/tasks"
)

// constants returns the text constants that the package's files declare, by
// name, together with the type they are declared with.
func constants(t *testing.T) map[string]struct{ typ, value string } {
	t.Helper()
	found := map[string]struct{ typ, value string }{}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatalf("listing the package's source: %v", err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatalf("reading the package's source: %v", err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			decl, ok := n.(*ast.GenDecl)
			if !ok || decl.Tok != token.CONST {
				return true
			}
			for _, spec := range decl.Specs {
				vs := spec.(*ast.ValueSpec)
				for i, name := range vs.Names {
					if i >= len(vs.Values) {
						continue
					}
					if lit, ok := vs.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
						value, _ := strconv.Unquote(lit.Value) // it compiles, so it unquotes
						typ, _ := vs.Type.(*ast.Ident)
						entry := struct{ typ, value string }{value: value}
						if typ != nil {
							entry.typ = typ.Name
						}
						found[name.Name] = entry
					}
				}
			}
			return true
		})
	}
	return found
}

func TestReasons_EveryConstantIsListed(t *testing.T) {
	t.Parallel()
	checked := 0
	for name, c := range constants(t) {
		if c.typ != "Reason" {
			continue
		}
		checked++
		if r := tasks.Reason(c.value); !r.Known() {
			t.Errorf("the constant %s = %q is not in Reasons", name, r)
		}
	}
	if checked < 20 {
		t.Errorf("found %d constants of type Reason in the source; the search is broken", checked)
	}
}

func TestReasons_List(t *testing.T) {
	t.Parallel()
	word := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	seen := map[tasks.Reason]bool{}
	for _, a := range tasks.Reasons() {
		if !word.MatchString(string(a.Reason)) {
			t.Errorf("the word %q must be of a-z, 0-9 and _", a.Reason)
		}
		if seen[a.Reason] {
			t.Errorf("%s is listed twice", a.Reason)
		}
		seen[a.Reason] = true
		if a.Means == "" || a.Reason.Means() != a.Means || a.Reason.Mend() != a.Mend {
			t.Errorf("%s: Means %q, Mend %q; the list says %q, %q", a.Reason, a.Reason.Means(), a.Reason.Mend(), a.Means, a.Mend)
		}
		for _, text := range []string{a.Means, a.Mend} {
			if strings.TrimSpace(text) != text || strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q must be a clause that fits into a sentence", a.Reason, text)
			}
		}
		if strings.HasPrefix(string(a.Reason), tasks.PhotoReason) != strings.HasPrefix(a.Means, "the photo") {
			t.Errorf("%s: a photo's reason speaks of the photo, and no other does: %q", a.Reason, a.Means)
		}
	}
}

func TestReasons_UnknownWord(t *testing.T) {
	t.Parallel()
	for _, r := range []tasks.Reason{"", "later_word", tasks.PhotoReason} {
		if r.Known() || r.Means() != "" || r.Mend() != "" {
			t.Errorf("%q: known %t, means %q, mend %q; want nothing", r, r.Known(), r.Means(), r.Mend())
		}
	}
}

func TestReasons_AreACopy(t *testing.T) {
	t.Parallel()
	list := tasks.Reasons()
	first := list[0].Reason
	list[0].Reason = "changed"
	if !first.Known() || tasks.Reasons()[0].Reason != first {
		t.Error("a caller's change reached the package's list")
	}
}
