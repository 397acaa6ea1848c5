//go:build unix

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/redistest"
)

// fifo makes a named pipe.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// writer opens a named pipe for writing without waiting for a reader, as a
// process does that stands ready to write.
func writer(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// substituted is a pipe as a shell's <(command) hands it over, with the text in it.
func substituted(t *testing.T, text string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if _, err := w.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/dev/fd/%d", r.Fd())
}

func socket(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "gp") // a socket's name must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	path := filepath.Join(folder, "s")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return path
}

func TestReadSecret_WhatIsNoFile(t *testing.T) {
	t.Parallel()
	silent := fifo(t)
	writer(t, silent)
	for _, tt := range []struct {
		name, path, want, problem string
	}{
		{"a shell's substitution", substituted(t, "secret\n"), "secret", ""},
		{"an empty substitution", substituted(t, ""), "", "is a pipe into which nobody writes; write a file"},
		{"too much in a pipe", substituted(t, strings.Repeat("x", 60<<10)+"\nx"), "", "has more than one line"},
		{"a pipe nobody writes into", fifo(t), "", "is a pipe into which nobody writes; write a file"},
		{"a pipe that stays silent", silent, "", "is a pipe that was not written and closed within 2 s; write a file"},
		{"a device", os.DevNull, "", "is a device; write a file"},
		{"a folder", t.TempDir(), "", "is a folder; give the file in it"},
		{"a socket", socket(t), "", "is a socket; write a file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			got, err := readSecret(tt.path)
			if took := time.Since(began); took > 10*pipePatience {
				t.Errorf("it took %s", took)
			}
			if got != tt.want || (err == nil) != (tt.problem == "") {
				t.Fatalf("got %d bytes, %v; want %q", len(got), err, tt.want)
			}
			if err != nil && (!strings.Contains(err.Error(), tt.problem) || !strings.Contains(err.Error(), tt.path)) {
				t.Errorf("got %v; want the path and %q", err, tt.problem)
			}
		})
	}
}

// given somebody who waits until the pipe is read, and writes then;
// when the secret is read;
// then it is what was written.
func TestReadSecret_WriterThatWaitsForUs(t *testing.T) {
	t.Parallel()
	path := fifo(t)
	done := make(chan error, 1)
	go func() { done <- os.WriteFile(path, []byte("secret\n"), 0o600) }() // waits in open for a reader
	var got string
	redistest.Eventually(t, 20*time.Second, func() bool {
		got, _ = readSecret(path) // until the writer is there, nobody writes
		return got == "secret"
	}, "the secret was never read")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestBinary_PipesInThePlaceOfFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"PLUGCHAT_TOKEN_FILE", "GROUPPHOTO_ACCOUNTS_FILE"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// given a pipe that somebody holds open in the place of a file
			path := fifo(t)
			writer(t, path)
			// when a worker starts
			p := start(t, map[string]string{name: path, "REDIS_URL": "redis://127.0.0.1:1"}, "worker")
			// then it ends by itself and says why
			if state := p.ends(t); state.ExitCode() != exitUsage || !strings.Contains(p.text.String(), name+": the file cannot be read: ") {
				t.Errorf("%s: %s", state, p.text)
			}
		})
	}
}

func TestBinary_ProcessSubstitution(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("not applicable without bash: install bash to run this test")
	}
	path, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bash, "-c", `PLUGCHAT_TOKEN_FILE=<(echo marked-secret) "$0" doctor --offline`, path)
	cmd.Env = []string{}
	out, err := cmd.CombinedOutput()
	if text := string(out); err != nil || !strings.Contains(text, "account main: is configured") || strings.Contains(text, "marked-") {
		t.Errorf("%v: %s", err, text)
	}
}
