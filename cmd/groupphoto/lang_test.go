package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
)

// said collects the texts that the campaign commands and groups say through the catalogue:
// literals given to say, text and many.
func said(t *testing.T) map[string]bool {
	t.Helper()
	texts := map[string]bool{}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, "campaign") && !strings.HasPrefix(name, "groups") && name != "lang.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"say", "text", "many"}, sel.Sel.Name) {
				return true
			}
			for i, arg := range call.Args {
				if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING && (i == 0) != (sel.Sel.Name == "many") {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					texts[text] = true
				}
			}
			return true
		})
	}
	return texts
}

func TestCatalogue_IsWhole(t *testing.T) {
	t.Parallel()
	want := said(t)
	for _, a := range sheet.Reasons() {
		want[a.Means], want[a.Mend] = true, true
	}
	for _, a := range tasks.Reasons() {
		mend := a.Mend
		if strings.HasPrefix(string(a.Reason), tasks.PhotoReason) { // also said where nothing was sent yet
			mend, _ = strings.CutSuffix(mend, ", then: groupphoto retry ID")
		}
		want[a.Means] = true
		if mend != "" {
			want[mend] = true
		}
	}
	for _, name := range []sheet.Format{{Kind: sheet.CSV, Delimiter: ','}, {Kind: sheet.CSV, Delimiter: ';'}, {Kind: sheet.CSV, Delimiter: '\t'}} {
		want[name.DelimiterName()] = true
	}
	for _, role := range []sheet.Role{sheet.GroupColumn, sheet.PhotoColumn, sheet.AccountColumn} {
		want[string(role)] = true
	}
	for name, texts := range languages {
		if texts == nil {
			continue // English needs none
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(texts))); diff != "" {
			t.Errorf("%s (-said +translated):\n%s", name, diff)
		}
		places := regexp.MustCompile(`%[a-z]|\{[a-z]+\}`)
		for english, text := range texts {
			if diff := cmp.Diff(places.FindAllString(english, -1), places.FindAllString(text, -1)); diff != "" {
				t.Errorf("%s: %q has other places for arguments (-English +%s):\n%s", name, english, name, diff)
			}
		}
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, flag string
		env        map[string]string
		want       string
	}{
		{"nothing said", "", nil, "row"},
		{"LANG", "", map[string]string{"LANG": "pt_BR.UTF-8"}, "linha"},
		{"LANG without a country", "", map[string]string{"LANG": "pt"}, "linha"},
		{"another language", "", map[string]string{"LANG": "de_DE.UTF-8"}, "row"},
		{"LC_ALL beats LANG", "", map[string]string{"LANG": "pt_BR.UTF-8", "LC_ALL": "C"}, "row"},
		{"LC_MESSAGES beats LANG", "", map[string]string{"LANG": "en_US.UTF-8", "LC_MESSAGES": "pt_PT"}, "linha"},
		{"the flag beats all", "en", map[string]string{"LC_ALL": "pt_BR.UTF-8"}, "row"},
		{"Portuguese asked for", "pt", nil, "linha"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lang, err := (&app{env: tt.env}).language(tt.flag)
			if err != nil || lang.text("row") != tt.want || lang.say("nobody translated %d", 1) != "nobody translated 1" {
				t.Errorf("got %q, %v; want %q", lang.text("row"), err, tt.want)
			}
		})
	}
}
