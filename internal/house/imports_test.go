package house_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/house"
)

const module = "github.com/plugchat-go/groupphoto"

// Each row plants one import, and names the rules that must notice it.
func TestCheckImports_PlantedImport(t *testing.T) {
	t.Parallel()
	const m = module + "/"
	tests := []struct {
		name    string
		pkg     string
		direct  []string
		through []string
		want    []string // part of each violation, in the rules' order
	}{
		{name: "tasks imports ours", pkg: "tasks", direct: []string{m + "internal/ledger"}, want: []string{"tasks imports nothing of ours"}},
		{name: "tasks imports a package below itself", pkg: "tasks", direct: []string{m + "tasks/names"}},
		{name: "tasks opens sockets", pkg: "tasks", direct: []string{"net/http"}, want: []string{"tasks does no I/O"}},
		{name: "tasks gets net/http through another", pkg: "tasks", through: []string{"net/http"}},
		{name: "tasks knows Redis", pkg: "tasks", direct: []string{"github.com/redis/go-redis/v9"}, want: []string{"tasks does no I/O"}},
		{name: "the reader of sheets opens files", pkg: "internal/sheet", direct: []string{"os"}, want: []string{"internal/sheet reads text"}},
		{name: "the reader of sheets knows groups", pkg: "internal/sheet", direct: []string{m + "tasks"}},
		{name: "the reader of sheets makes photos", pkg: "internal/sheet", direct: []string{m + "worker/photo"}, want: []string{"internal/sheet reads text"}},
		{name: "enqueue imports worker", pkg: "enqueue", direct: []string{m + "worker"}, want: []string{"enqueue never imports worker"}},
		{name: "enqueue imports the HTTP call", pkg: "enqueue", direct: []string{m + "worker/plugchat"}, want: []string{"enqueue never imports worker"}},
		{name: "enqueue gets worker through another", pkg: "enqueue", through: []string{m + "worker"}, want: []string{"through another package"}},
		{name: "enqueuetest imports worker", pkg: "enqueue/enqueuetest", direct: []string{m + "worker"}, want: []string{"enqueue never imports worker"}},
		{name: "worker imports enqueue", pkg: "worker", direct: []string{m + "enqueue"}, want: []string{"worker never imports enqueue"}},
		{name: "worker imports its parts", pkg: "worker", direct: []string{m + "worker/photo", m + "worker/plugchat", m + "tasks", m + "internal/ledger"}},
		{name: "a folder whose name only begins like worker", pkg: "enqueue", direct: []string{m + "workerless"}},
		{name: "photo imports plugchat", pkg: "worker/photo", direct: []string{m + "worker/plugchat"}, want: []string{"worker/photo imports neither"}},
		{name: "photo imports tasks", pkg: "worker/photo", direct: []string{m + "tasks"}, want: []string{"worker/photo imports neither"}},
		{name: "photo imports the guarded fetch", pkg: "worker/photo", direct: []string{m + "internal/fetch", "image/jpeg"}},
		{name: "plugchat imports photo", pkg: "worker/plugchat", direct: []string{m + "worker/photo"}, want: []string{"standard library only"}},
		{name: "plugchat imports a module", pkg: "worker/plugchat", direct: []string{"github.com/sethvargo/go-retry"}, want: []string{"standard library only"}},
		{name: "plugchat imports the standard library", pkg: "worker/plugchat", direct: []string{"net/http"}, through: []string{"unsafe"}},
		{name: "sandbox imports plugchat", pkg: "internal/sandbox", direct: []string{m + "worker/plugchat"}, want: []string{"the sandbox judges plugchat"}},
		{name: "producer gets a JPEG decoder", pkg: "enqueue", through: []string{"image/jpeg"}, want: []string{"a producer gets no image decoder"}},
		{name: "producer gets a WebP decoder", pkg: "enqueue", through: []string{"golang.org/x/image/webp"}, want: []string{"a producer gets no image decoder"}},
		{name: "producer gets asynqmon", pkg: "enqueue", through: []string{"github.com/hibiken/asynqmon"}, want: []string{"a producer gets no image decoder"}},
		{name: "producer gets miniredis", pkg: "enqueue", through: []string{"github.com/alicebob/miniredis/v2"}, want: []string{"a producer gets no image decoder"}},
		{name: "producer gets cobra", pkg: "enqueue", through: []string{"github.com/spf13/cobra"}, want: []string{"a producer gets no image decoder"}},
		{name: "producer gets cast, which asynq needs", pkg: "enqueue", through: []string{"github.com/spf13/cast"}},
		{name: "redisconn gets miniredis", pkg: "internal/redisconn", through: []string{"github.com/alicebob/miniredis/v2"}, want: []string{"carries no embedded Redis"}},
		{name: "embedded is the one with miniredis", pkg: "internal/redisconn/embedded", direct: []string{"github.com/alicebob/miniredis/v2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pkgs := []house.Package{
				{ImportPath: m + tt.pkg, Imports: tt.direct, Deps: append(tt.through, tt.direct...)},
				{ImportPath: "net/http", Standard: true, DepOnly: true},
			}
			broken, _ := house.CheckImports(module, pkgs, house.Rules())
			if len(broken) != len(tt.want) {
				t.Fatalf("got %d violations, want %d: %v", len(broken), len(tt.want), broken)
			}
			for i, want := range tt.want {
				if !strings.Contains(broken[i].String(), want) {
					t.Errorf("violation %d: got %q, want it to say %q", i, broken[i], want)
				}
			}
		})
	}
}

func TestCheckImports_RuleWithoutPackageIsIdle(t *testing.T) {
	t.Parallel()
	pkgs := []house.Package{
		{ImportPath: module + "/tasks"},
		{ImportPath: module + "/enqueue", DepOnly: true, Deps: []string{module + "/worker"}},
	}
	rules := []house.Rule{{Name: "a", Package: "tasks/...", NoneOfOurs: true}, {Name: "b", Package: "enqueue/...", Forbidden: []string{"./worker/..."}}}
	broken, idle := house.CheckImports(module, pkgs, rules)
	if len(broken) != 0 {
		t.Errorf("got violations %v, want none: enqueue was not asked for", broken)
	}
	if diff := cmp.Diff(rules[1:], idle); diff != "" {
		t.Errorf("idle rules (-want +got):\n%s", diff)
	}
}

// given a whole module on disk in which enqueue reaches worker through a third package, only when built for Windows;
// when it is loaded with the go command for Linux and for Windows;
// then the violation is found for Windows, and only there.
func TestCheckImports_PlantedModule(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	plant(t, root, map[string]string{
		"go.mod":                          "module " + module + "\n\ngo 1.26\n",
		"worker/worker.go":                "package worker\n",
		"internal/helper/none.go":         "package helper\n",
		"internal/helper/help_windows.go": "package helper\n\nimport _ \"" + module + "/worker\"\n",
		"enqueue/enqueue.go":              "package enqueue\n\nimport _ \"" + module + "/internal/helper\"\n",
	})
	for _, tt := range []struct {
		goos string
		want int
	}{{"linux", 0}, {"windows", 1}} {
		pkgs, err := house.Load(t.Context(), root, tt.goos, "./...")
		if err != nil {
			t.Fatal(err)
		}
		broken, _ := house.CheckImports(module, pkgs, house.Rules())
		if len(broken) != tt.want {
			t.Errorf("%s: got %v, want %d violations", tt.goos, broken, tt.want)
		}
	}
}

func TestModule_OutsideOne(t *testing.T) {
	t.Parallel()
	if _, root, err := house.Module(t.Context(), t.TempDir()); err == nil {
		t.Fatalf("got root %q, want an error", root)
	}
}

func plant(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
