package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// given the same binaries in two folders, written at different times and with different permissions;
// when both are packed;
// then the archives are the same bytes, hold the program and the licences, and SHA256SUMS is right.
func TestRun_SameBytesTwice(t *testing.T) {
	t.Parallel()
	first, second := t.TempDir(), t.TempDir()
	pack(t, first, 0o700, time.Unix(1_000_000_000, 0))
	pack(t, second, 0o644, time.Unix(1_700_000_000, 0))

	names := []string{"SHA256SUMS", "groupphoto_1.2.3_linux_amd64.tar.gz", "groupphoto_1.2.3_windows_arm64.zip"}
	for _, name := range names {
		if !bytes.Equal(read(t, first, name), read(t, second, name)) {
			t.Errorf("%s differs between two runs", name)
		}
	}
	sums := ""
	for _, name := range names[1:] {
		sums += fmt.Sprintf("%x  %s\n", sha256.Sum256(read(t, first, name)), name)
	}
	if diff := cmp.Diff(sums, string(read(t, first, "SHA256SUMS"))); diff != "" {
		t.Errorf("SHA256SUMS (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"groupphoto_1.2.3_linux_amd64/groupphoto -rwxr-xr-x linux",
		"groupphoto_1.2.3_linux_amd64/LICENSE -rw-r--r-- terms",
	}, tarEntries(t, read(t, first, names[1]))); diff != "" {
		t.Errorf("tar.gz (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"groupphoto_1.2.3_windows_arm64/groupphoto.exe -rwxr-xr-x windows",
		"groupphoto_1.2.3_windows_arm64/LICENSE -rw-r--r-- terms",
	}, zipEntries(t, read(t, first, names[2]))); diff != "" {
		t.Errorf("zip (-want +got):\n%s", diff)
	}
}

func TestRun_NothingBuilt(t *testing.T) {
	t.Parallel()
	err := packer{dir: t.TempDir()}.run()
	if err == nil || !strings.Contains(err.Error(), "no binaries") {
		t.Fatalf("got %v, want it to say that there are no binaries", err)
	}
}

func TestRun_LicenceMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "linux_amd64", "groupphoto"), "linux", 0o755)
	err := packer{dir: dir, version: "v1", extras: []string{filepath.Join(dir, "LICENSE")}}.run()
	if err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Fatalf("got %v, want it to name the missing file", err)
	}
}

func pack(t *testing.T, dir string, mode os.FileMode, modified time.Time) {
	t.Helper()
	linux := filepath.Join(dir, "linux_amd64", "groupphoto")
	write(t, linux, "linux", mode)
	write(t, filepath.Join(dir, "windows_arm64", "groupphoto.exe"), "windows", mode)
	write(t, filepath.Join(dir, "LICENSE"), "terms", mode)
	if err := os.Chtimes(linux, modified, modified); err != nil {
		t.Fatal(err)
	}
	p := packer{version: "v1.2.3", dir: dir, stamp: time.Unix(1_600_000_000, 0).UTC(), extras: []string{filepath.Join(dir, "LICENSE")}}
	if err := p.run(); err != nil {
		t.Fatal(err)
	}
}

func tarEntries(t *testing.T, data []byte) []string {
	t.Helper()
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	tr := tar.NewReader(zr)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %s", h.Name, h.FileInfo().Mode(), all(t, tr)))
	}
}

func zipEntries(t *testing.T, data []byte) []string {
	t.Helper()
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range zr.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %s", f.Name, f.Mode(), all(t, r)))
	}
	return got
}

func all(t *testing.T, r io.Reader) string {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
