package main

import (
	"context"
	"errors"
	"os"

	"github.com/plugchat-go/groupphoto/worker/photo"
)

const makeTask = "make"

// makePhotos makes the files that are its arguments into photos, one after the other, as the worker does. All go to the
// first argument.
func makePhotos(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return errors.New("make takes the file to write and the files to read")
	}
	maker, err := photo.New(photo.Options{})
	if err != nil {
		return err
	}
	for _, name := range args[1:] {
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		made, err := maker.Make(ctx, src)
		if err != nil {
			return err
		}
		if err := os.WriteFile(args[0], made.JPEG, 0o600); err != nil {
			return err
		}
	}
	return nil
}
