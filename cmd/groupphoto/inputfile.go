package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const (
	// maxSecretFile bounds what is read of a file that should hold one line.
	maxSecretFile = 64 << 10
	// pipePatience is how long a pipe, such as a shell's <(command), may take to
	// give everything: the program must start, and end when it is told to.
	pipePatience = 2 * time.Second
)

// readSecret reads the one line of a secret file.
func readSecret(path string) (string, error) {
	b, err := readInput(path, maxSecretFile)
	if err != nil {
		return "", err
	}
	text := strings.TrimRight(string(b), "\r\n")
	switch {
	case len(b) > maxSecretFile:
		return "", fmt.Errorf("%q is larger than %d KiB; it must hold the secret alone", path, maxSecretFile>>10)
	case text == "":
		return "", fmt.Errorf("%q is empty; write the secret into it", path)
	case strings.ContainsAny(text, "\r\n"):
		return "", fmt.Errorf("%q has more than one line; it must hold the secret alone", path)
	}
	return text, nil
}

// readInput reads a regular file, or a pipe that gives everything soon. Of more
// than most bytes it returns one too many. It never waits longer than
// pipePatience for a pipe, and opens nothing else: to open a device can have
// effects of its own.
func readInput(path string, most int64) ([]byte, error) {
	fail := func(err error) ([]byte, error) {
		return nil, fmt.Errorf("the file cannot be read: %w", bare(err, path))
	}
	info, err := os.Stat(path)
	if err == nil {
		err = readable(info.Mode())
	}
	if err != nil {
		return fail(err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|withoutWaiting, 0)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	if info, err = f.Stat(); err == nil { // another file may stand there by now
		err = readable(info.Mode())
	}
	if err != nil {
		return fail(err)
	}
	pipe := info.Mode()&os.ModeNamedPipe != 0
	if pipe && f.SetReadDeadline(time.Now().Add(pipePatience)) != nil {
		return fail(errors.New("is a pipe, which this system cannot read without waiting; write a file"))
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fail(fmt.Errorf("is a pipe that was not written and closed within %s; write a file", short(pipePatience)))
	case err != nil:
		return fail(err)
	case pipe && len(b) == 0:
		return fail(errors.New("is a pipe into which nobody writes; write a file"))
	}
	return b, nil
}

// readable refuses what is neither a file nor a pipe, by its kind.
func readable(mode os.FileMode) error {
	switch {
	case mode.IsRegular(), mode&os.ModeNamedPipe != 0:
		return nil
	case mode.IsDir():
		return errors.New("is a folder; give the file in it")
	case mode&os.ModeSocket != 0:
		return errors.New("is a socket; write a file")
	case mode&os.ModeDevice != 0:
		return errors.New("is a device; write a file")
	default:
		return errors.New("is neither a file nor a pipe; write a file")
	}
}

// bare names the path once, in quotes, whatever the system's error looks like.
func bare(err error, path string) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%q: %w", path, err)
}
