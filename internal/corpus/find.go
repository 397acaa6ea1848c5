package corpus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// endings are those of files that people send when they mean a picture.
var endings = []string{
	".jpg", ".jpeg", ".png", ".apng", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".avifs", ".jp2",
	".svg", ".pdf", ".pbm", ".pgm", ".ppm", ".pam", ".arw", ".cr2", ".dng", ".nef", ".pef",
}

// File is one picture.
type File struct {
	Name string // name of its set and the path in it, with slashes
	Path string // on this machine
}

// ErrSum means that a module is not the one that Sets names: its files have changed.
var ErrSum = errors.New("the module's sum is not the expected one")

// Find returns the pictures of the sets in the order of their names. Modules that are not in the module cache are
// downloaded by the go command, which keeps to the user's proxy and checksum database; what it gives must also have the
// sum of the set, else the error is ErrSum, wrapped. Find fails as a whole when one set can't be had.
func Find(ctx context.Context, sets []Set) ([]File, error) {
	folders, err := download(ctx, sets)
	if err != nil {
		return nil, err
	}
	var files []File
	for i, set := range sets {
		found, err := pictures(set, folders[i])
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files, nil
}

// download returns the folder of every set.
func download(ctx context.Context, sets []Set) ([]string, error) {
	folders := make([]string, len(sets))
	args := []string{"mod", "download", "-json"}
	for i, set := range sets {
		if set.Module != "" {
			args = append(args, set.Module+"@"+set.Version)
			continue
		}
		root, err := goCommand(ctx, "env", "GOROOT")
		if err != nil {
			return nil, err
		}
		folders[i] = filepath.Join(strings.TrimSpace(string(root)), "src", "image")
	}
	out, failed := goCommand(ctx, args...)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Path, Version, Dir, Sum, Error string }
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("reading the answer of go mod download: %w", errors.Join(err, failed))
		}
		i := slices.IndexFunc(sets, func(s Set) bool { return s.Module == m.Path && s.Version == m.Version })
		switch {
		case i < 0:
			return nil, fmt.Errorf("go mod download gave %s@%s, which nobody asked for", m.Path, m.Version)
		case m.Error != "":
			return nil, fmt.Errorf("downloading %s@%s: %s", m.Path, m.Version, m.Error)
		case m.Sum != sets[i].Sum:
			return nil, fmt.Errorf("%s@%s: %w: it has %s and sets.go names %s", m.Path, m.Version, ErrSum, m.Sum, sets[i].Sum)
		}
		folders[i] = m.Dir
	}
	if i := slices.Index(folders, ""); i >= 0 {
		return nil, fmt.Errorf("go mod download did not give %s: %w", sets[i].Module, failed)
	}
	return folders, nil
}

// goCommand returns what it could read also when the command failed. It runs outside every module, so that the
// pictures' modules enter nobody's go.mod.
func goCommand(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = os.TempDir()
	cmd.Env = append(cmd.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("go %s: %w: %s", strings.Join(args[:2], " "), err, strings.TrimSpace(stderr.String()))
	}
	return out, err
}

func pictures(set Set, folder string) ([]File, error) {
	var files []File
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && slices.Contains(endings, strings.ToLower(path.Ext(name))) {
			files = append(files, File{Name: set.Name + "/" + name, Path: filepath.Join(folder, filepath.FromSlash(name))})
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no pictures in %s", folder)
	}
	return files, err
}
