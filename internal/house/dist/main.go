// Command dist packs built binaries into archives that are the same bytes whoever packs them: entries in a fixed order,
// one time stamp, no owner, and a SHA256SUMS beside them. It owns the archive format and refuses to know how the
// binaries are built. It is a program because tar and zip differ between Linux and macOS, and zip is often missing.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	var p packer
	epoch := flag.Int64("epoch", 0, "time stamp of every entry, in seconds since 1970 (the commit's time)")
	flag.StringVar(&p.version, "version", "dev", "version, part of the archive names")
	flag.StringVar(&p.dir, "dir", "dist", "folder with one sub-folder per system, named GOOS_GOARCH; archives are written into it")
	flag.Parse()
	p.stamp, p.extras = time.Unix(*epoch, 0).UTC(), flag.Args()
	if err := p.run(); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

type packer struct {
	version string
	dir     string
	stamp   time.Time
	extras  []string // files that go into every archive
}

// entry is one file of an archive.
type entry struct {
	name string
	mode fs.FileMode
	data []byte
}

func (p packer) run() error {
	folders, err := filepath.Glob(filepath.Join(p.dir, "*_*", "groupphoto*"))
	if err != nil {
		return err
	}
	if len(folders) == 0 {
		return fmt.Errorf("no binaries under %s: run make dist, which builds them first", p.dir)
	}
	slices.Sort(folders)
	var sums strings.Builder
	for _, binary := range folders {
		name, data, err := p.pack(binary)
		if err != nil {
			return fmt.Errorf("packing %s: %w", binary, err)
		}
		if err := os.WriteFile(filepath.Join(p.dir, name), data, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), name)
	}
	return os.WriteFile(filepath.Join(p.dir, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

// pack returns the archive of one binary and its file name: zip for Windows, tar.gz for the others.
func (p packer) pack(binary string) (string, []byte, error) {
	system := filepath.Base(filepath.Dir(binary))
	base := fmt.Sprintf("groupphoto_%s_%s", strings.TrimPrefix(p.version, "v"), system)
	entries, err := p.entries(base, binary)
	if err != nil {
		return "", nil, err
	}
	var out bytes.Buffer
	if strings.HasPrefix(system, "windows_") {
		err = writeZip(&out, p.stamp, entries)
		return base + ".zip", out.Bytes(), err
	}
	err = writeTarGz(&out, p.stamp, entries)
	return base + ".tar.gz", out.Bytes(), err
}

func (p packer) entries(base, binary string) ([]entry, error) {
	var entries []entry
	for i, file := range append([]string{binary}, p.extras...) {
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) && i > 0 {
			return nil, fmt.Errorf("%s goes into every archive and is missing: %w", file, err)
		}
		if err != nil {
			return nil, err
		}
		mode := fs.FileMode(0o644)
		if i == 0 {
			mode = 0o755
		}
		entries = append(entries, entry{base + "/" + filepath.Base(file), mode, data})
	}
	return entries, nil
}

func writeTarGz(w io.Writer, stamp time.Time, entries []entry) error {
	zw := gzip.NewWriter(w) // its header carries neither name nor time unless told
	tw := tar.NewWriter(zw)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: int64(e.mode), Size: int64(len(e.data)), ModTime: stamp, Format: tar.FormatUSTAR}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		if _, err := tw.Write(e.data); err != nil {
			return err
		}
	}
	return errors.Join(tw.Close(), zw.Close())
}

func writeZip(w io.Writer, stamp time.Time, entries []entry) error {
	if dos := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC); stamp.Before(dos) {
		stamp = dos // the oldest time a zip can hold
	}
	zw := zip.NewWriter(w)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: stamp}
		h.SetMode(e.mode)
		f, err := zw.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := f.Write(e.data); err != nil {
			return err
		}
	}
	return zw.Close()
}
