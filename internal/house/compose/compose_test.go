package compose_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../../.."

// The chain that keeps a sent call from being cut off: HTTP time-out < shutdown time-out < grace of the container.
// The first two are the design's; where the sources state them, those count.
const (
	httpTimeout     = 90 * time.Second
	shutdownTimeout = 120 * time.Second
)

func load(t *testing.T, files ...string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions(files, cli.WithProfiles([]string{"*"}), cli.WithWorkingDirectory(filepath.Dir(files[0])))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(t.Context())
}

func project(t *testing.T) *types.Project {
	t.Helper()
	p, err := load(t, filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatalf("docker-compose.yml does not load: %v", err)
	}
	return p
}

func TestComposeFile_Loads(t *testing.T) {
	t.Parallel()
	got := project(t).ServiceNames()
	slices.Sort(got)
	if want := []string{"redis", "sandbox", "worker", "worker-sandbox"}; !slices.Equal(got, want) {
		t.Errorf("services: got %v, want %v", got, want)
	}
}

func TestComposeFile_GraceOutlastsTheLongestCall(t *testing.T) {
	t.Parallel()
	p := project(t)
	call := stated(t, "worker/plugchat", `(?m)^\s*(?:const )?[dD]efaultTimeout\b[^=\n]*=\s*(\d+) \* time\.Second`, httpTimeout)
	shutdown := stated(t, "worker", `(?m)^\s*(?:const )?(?:[dD]efault)?[sS]hutdownTimeout\b[^=\n]*=\s*(\d+) \* time\.Second`, shutdownTimeout)
	if call >= shutdown {
		t.Errorf("an HTTP call may take %s, but shutdown waits only %s", call, shutdown)
	}
	for _, name := range []string{"worker", "worker-sandbox"} {
		grace := p.Services[name].StopGracePeriod
		if grace == nil || time.Duration(*grace) <= shutdown {
			t.Errorf("%s: stop_grace_period is %v, want more than the shutdown time-out of %s", name, grace, shutdown)
		}
	}
}

// stated reads a time-out from the sources of a folder; while the folder does not state it, the design's counts.
func stated(t *testing.T, folder, pattern string, design time.Duration) time.Duration {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(pattern).FindSubmatch(text); m != nil {
			seconds, err := strconv.Atoi(string(m[1]))
			if err != nil {
				t.Fatal(err)
			}
			return time.Duration(seconds) * time.Second
		}
	}
	t.Logf("NOT CHECKED AGAINST THE SOURCES: %s states no such constant; the design's %s is used", folder, design)
	return design
}

func TestComposeFile_Hardened(t *testing.T) {
	t.Parallel()
	p := project(t)
	for _, name := range []string{"worker", "worker-sandbox", "sandbox"} {
		s := p.Services[name]
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) || s.User != "65532:65532" {
			t.Errorf("%s: want a read-only file system, no capabilities, no new privileges and uid 65532", name)
		}
	}
	for name, s := range p.Services {
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %s on %q, want 127.0.0.1 only", name, port.Published, port.HostIP)
			}
		}
		if name != "sandbox" && (s.HealthCheck == nil || s.HealthCheck.Disable) {
			t.Errorf("%s has no health check", name)
		}
	}
}

// The variant for trying things out starts with no secret file, and never meets the live worker's queue or port.
func TestComposeFile_SandboxIsApart(t *testing.T) {
	t.Parallel()
	p := project(t)
	live, trial := p.Services["worker"], p.Services["worker-sandbox"]
	if len(trial.Secrets) != 0 {
		t.Errorf("worker-sandbox needs the secrets %v, want none", trial.Secrets)
	}
	if len(live.Secrets) != 2 {
		t.Errorf("worker has %d secrets, want its PlugChat token and its login", len(live.Secrets))
	}
	value := func(s types.ServiceConfig, name string) string {
		if v := s.Environment[name]; v != nil {
			return *v
		}
		return ""
	}
	if a, b := value(live, "REDIS_URL"), value(trial, "REDIS_URL"); a == "" || a == b {
		t.Errorf("both workers use Redis at %q, want two databases", a)
	}
	if got := value(trial, "PLUGCHAT_BASE_URL"); got != "http://sandbox:8088" {
		t.Errorf("worker-sandbox calls %q, want the sandbox", got)
	}
	if live.Ports[0].Published == trial.Ports[0].Published {
		t.Errorf("both workers publish port %s", live.Ports[0].Published)
	}
	if len(live.Profiles) != 0 || !slices.Equal(trial.Profiles, []string{"sandbox"}) {
		t.Errorf("profiles: worker %v, worker-sandbox %v; want none and sandbox", live.Profiles, trial.Profiles)
	}
}

// The loader itself notices what this test relies on it to notice.
func TestLoader_RefusesAPlantedFault(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text string }{
		{"unknown dependency", "services: {a: {image: x, depends_on: [b]}}\n"},
		{"misspelt key", "services: {a: {image: x, stop_grace_perod: 1s}}\n"},
		{"undefined secret", "services: {a: {image: x, secrets: [s]}}\n"},
		{"missing variable", "services: {a: {image: '${GROUPPHOTO_NOT_SET:?must be set}'}}\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "docker-compose.yml")
			if err := os.WriteFile(file, []byte("name: planted\n"+tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := load(t, file); err == nil {
				t.Error("the planted fault was not noticed")
			}
		})
	}
}
