package house_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/house"
)

// The repository as it stands keeps the rules. What is judged on three systems is what is released on three systems.
func TestRepository_ImportRules(t *testing.T) {
	t.Parallel()
	module, root, err := house.Module(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		t.Run(goos, func(t *testing.T) {
			t.Parallel()
			pkgs, err := house.Load(t.Context(), root, goos, "./...")
			if err != nil {
				t.Fatal(err)
			}
			broken, idle := house.CheckImports(module, pkgs, house.Rules())
			for _, v := range broken {
				t.Error(v)
			}
			for _, rule := range idle {
				t.Logf("NOT CHECKED YET, %s DOES NOT EXIST: %s", rule.Package, rule.Name)
			}
		})
	}
}

func TestRepository_SourceRules(t *testing.T) {
	t.Parallel()
	module, root, err := house.Module(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	broken, err := house.CheckSources(os.DirFS(root), module)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range broken {
		t.Error(v)
	}
}

// A rule that names a folder which never comes to be would be idle for ever; so every folder named in a rule is one of the design's.
func TestRules_NameFoldersOfTheDesign(t *testing.T) {
	t.Parallel()
	design := []string{"tasks", "enqueue", "worker", "worker/photo", "worker/plugchat", "internal/redisconn", "internal/sandbox", "internal/fetch", "internal/webhook", "internal/sheet", "internal/engine"}
	for _, rule := range house.Rules() {
		folders := append([]string{rule.Package}, rule.Except...)
		for _, f := range rule.Forbidden {
			if ours, ok := strings.CutPrefix(f, "./"); ok {
				folders = append(folders, ours)
			}
		}
		for _, folder := range folders {
			if name := strings.TrimSuffix(folder, "/..."); !slices.Contains(design, name) {
				t.Errorf("rule %q names %q, which the design does not know", rule.Name, name)
			}
		}
	}
}
