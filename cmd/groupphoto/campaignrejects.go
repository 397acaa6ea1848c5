package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/plugchat-go/groupphoto/internal/sheet"
)

// rejects is the file of the rows with problems. It takes its place only when it
// is whole.
type rejects struct {
	path string
	file *os.File
	w    *sheet.Writer
}

func newRejects(path string, f sheet.Format, sources ...string) (*rejects, error) {
	if info, err := os.Stat(path); err == nil {
		for _, source := range sources {
			if other, err := os.Stat(source); err == nil && os.SameFile(info, other) {
				return nil, badInput(fmt.Errorf("--rejects: %q is read by this command; give another file", clip(path, 200)))
			}
		}
	}
	file, err := createBeside(path)
	if err != nil {
		return nil, badInput(fmt.Errorf("--rejects: the file cannot be written: %w", bare(err, path)))
	}
	r := &rejects{path: path, file: file}
	if r.w, err = sheet.NewWriter(file, f, "reason"); err != nil {
		r.drop()
		return nil, fmt.Errorf("--rejects: %w", err)
	}
	return r, nil
}

func (r *rejects) write(row sheet.Row, why string) error {
	if err := r.w.Write(row, why); err != nil {
		return fmt.Errorf("--rejects: %w", err)
	}
	return nil
}

// keep puts the file in its place.
func (r *rejects) keep() error {
	err := errors.Join(r.w.Flush(), r.file.Chmod(0o644), r.file.Close())
	if err == nil {
		err = os.Rename(r.file.Name(), r.path)
	}
	if err != nil {
		return fmt.Errorf("--rejects: %w", bare(err, r.path))
	}
	return nil
}

// drop takes away what was not kept.
func (r *rejects) drop() {
	_ = r.file.Close() // closed already when it was kept
	_ = os.Remove(r.file.Name())
}
