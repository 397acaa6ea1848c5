package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

var binaryFolder string

// buildBinary builds the program once for all tests that need a process.
var buildBinary = sync.OnceValues(func() (string, error) {
	var err error
	if binaryFolder, err = os.MkdirTemp("", "groupphoto-test-"); err != nil {
		return "", err
	}
	path := filepath.Join(binaryFolder, "groupphoto")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
})

// removeBinary is called after all tests.
func removeBinary() {
	if binaryFolder != "" {
		_ = os.RemoveAll(binaryFolder)
	}
}

func TestBinary_ExitCodes(t *testing.T) {
	t.Parallel()
	path, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
	}{
		{"done", []string{"version"}, exitDone},
		{"could not do it", []string{"outcome", "a", "--redis", "redis://127.0.0.1:1"}, exitFailure},
		{"usage", []string{"nonsense"}, exitUsage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), path, tt.args...)
			cmd.Env = []string{}
			_ = cmd.Run() // the exit code is looked at
			if got := cmd.ProcessState.ExitCode(); got != tt.code {
				t.Errorf("exit code %d; want %d", got, tt.code)
			}
		})
	}
}

// TestBinary_BringsItsZones: neither Windows nor the container has a list of time
// zones, and GROUPPHOTO_TZ must work there.
func TestBinary_BringsItsZones(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Fields(string(out)), "time/tzdata") {
		t.Error("time/tzdata is not in the program")
	}
}
