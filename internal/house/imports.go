package house

import (
	"fmt"
	"slices"
	"strings"
)

// Rule is one sentence of the design about imports. It applies to every package in a folder.
type Rule struct {
	Name string // the sentence
	// Package is the folder, relative to the module root. A trailing "/..." includes the folders below it.
	Package string
	// Direct looks at the imports the package writes itself; otherwise all it ends up with is looked at.
	Direct bool
	// StdOnly allows nothing but the standard library.
	StdOnly bool
	// NoneOfOurs forbids every package of this module but those in Except.
	NoneOfOurs bool
	// Except lists folders of ours that NoneOfOurs allows, with the same "/..." as Package.
	Except []string
	// Forbidden lists folders of ours ("./worker/...") and import paths of others ("image/jpeg", "github.com/x/y/...").
	Forbidden []string
}

// decoders are the packages that turn image bytes into pixels. A producer has no use for them, and each registers
// itself for image.Decode in every program that links it.
var decoders = []string{"image/jpeg", "image/png", "image/gif", "golang.org/x/image/..."}

// Rules returns the import rules of the design, section 4. The slice is the caller's.
func Rules() []Rule {
	return []Rule{
		{Name: "tasks imports nothing of ours", Package: "tasks/...", Direct: true, NoneOfOurs: true, Except: []string{"tasks/..."}},
		{Name: "tasks does no I/O and knows no Redis", Package: "tasks/...", Direct: true, Forbidden: []string{
			"net", "net/http", "os", "github.com/redis/go-redis/...", "github.com/hibiken/...",
		}},
		{Name: "tasks leaves it to the program whether time zones come along", Package: "tasks/...", Forbidden: []string{"time/tzdata"}},
		{Name: "enqueue never imports worker", Package: "enqueue/...", Forbidden: []string{"./worker/..."}},
		{Name: "worker never imports enqueue", Package: "worker/...", Forbidden: []string{"./enqueue/..."}},
		{
			Name: "worker/photo imports neither plugchat nor anything above it, and knows no Redis", Package: "worker/photo/...",
			NoneOfOurs: true, Except: []string{"worker/photo/...", "internal/fetch/..."},
			Forbidden: []string{"github.com/redis/go-redis/...", "github.com/hibiken/..."},
		},
		{Name: "worker/plugchat uses the standard library only", Package: "worker/plugchat/...", StdOnly: true},
		{
			Name: "internal/webhook takes nothing of ours but the address guard, and knows no Redis", Package: "internal/webhook/...",
			NoneOfOurs: true, Except: []string{"internal/webhook/...", "internal/fetch/..."},
			Forbidden: []string{"github.com/redis/go-redis/...", "github.com/hibiken/..."},
		},
		{Name: "the sandbox judges plugchat, so it shares no code with it", Package: "internal/sandbox/...", Forbidden: []string{"./worker/..."}},
		{
			Name: "a producer gets no image decoder, web UI, embedded Redis, time zones or CLI library", Package: "enqueue/...",
			Forbidden: append([]string{
				"github.com/hibiken/asynqmon/...", "github.com/alicebob/miniredis/...",
				"github.com/spf13/cobra/...", "github.com/spf13/pflag/...", "time/tzdata",
			}, decoders...),
		},
		{
			Name: "internal/sheet reads text: no Redis, no HTTP, no files, and of ours nothing but tasks", Package: "internal/sheet/...", Direct: true,
			NoneOfOurs: true, Except: []string{"internal/sheet/...", "tasks/..."},
			Forbidden: []string{"net", "net/http", "os", "github.com/redis/go-redis/...", "github.com/hibiken/..."},
		},
		{
			Name: "internal/engine hands over tasks: of ours nothing but tasks", Package: "internal/engine",
			NoneOfOurs: true, Except: []string{"internal/engine/...", "tasks/..."},
		},
		{Name: "producers open Redis through it, so it carries no embedded Redis", Package: "internal/redisconn", Forbidden: []string{"github.com/alicebob/miniredis/..."}},
	}
}

// CheckImports returns how pkgs break the rules, and the rules that found no package to judge.
// The module path tells ours from others'; pkgs must include what the judged packages need, as Load gives it.
func CheckImports(module string, pkgs []Package, rules []Rule) (broken []Violation, idle []Rule) {
	standard := map[string]bool{"C": true, "unsafe": true}
	for _, p := range pkgs {
		standard[p.ImportPath] = p.Standard
	}
	for _, rule := range rules {
		judged := 0
		for _, p := range pkgs {
			if p.DepOnly || !matches(module+"/"+rule.Package, p.ImportPath) {
				continue
			}
			judged++
			broken = append(broken, rule.judge(module, p, standard)...)
		}
		if judged == 0 {
			idle = append(idle, rule)
		}
	}
	return broken, idle
}

func (r Rule) judge(module string, p Package, standard map[string]bool) []Violation {
	imports := p.Deps
	if r.Direct {
		imports = p.Imports
	}
	var broken []Violation
	for _, imp := range imports {
		if r.allows(module, imp, standard[imp]) {
			continue
		}
		broken = append(broken, Violation{Where: p.ImportPath, What: fmt.Sprintf("%s, but it imports %s%s", r.Name, imp, via(p, imp))})
	}
	return broken
}

func (r Rule) allows(module, imp string, std bool) bool {
	ours := imp == module || strings.HasPrefix(imp, module+"/")
	inFolder := func(folder string) bool { return matches(module+"/"+folder, imp) }
	if r.StdOnly && !std && !inFolder(r.Package) {
		return false
	}
	if r.NoneOfOurs && ours && !slices.ContainsFunc(r.Except, inFolder) {
		return false
	}
	return !slices.ContainsFunc(r.Forbidden, func(pattern string) bool {
		if folder, isOurs := strings.CutPrefix(pattern, "./"); isOurs {
			return inFolder(folder)
		}
		return matches(pattern, imp)
	})
}

// via says whether the package wrote the import itself, because the mend differs.
func via(p Package, imp string) string {
	if slices.Contains(p.Imports, imp) {
		return ""
	}
	return " (through another package; `go mod why` or `go list -deps` shows the way)"
}

// matches reports whether path is named by pattern; a trailing "/..." means the folder and all below it.
// Versions of a module ("/v2") count as below.
func matches(pattern, path string) bool {
	folder, below := strings.CutSuffix(pattern, "/...")
	return path == folder || below && strings.HasPrefix(path, folder+"/")
}
