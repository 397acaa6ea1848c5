package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/worker/photo"
)

// workshop makes photos outside of a worker.
type workshop struct {
	*app
	config  config
	maker   *photo.Maker
	fetcher *fetch.Client
}

// shown is what became of one source.
type shown struct {
	source     string // as it may be shown: no query strings, no data
	name       string // the ending of the file's name, to be compared with what is in it
	how        string // how the bytes were had
	made       photo.Photo
	out, round string // files written
	took       time.Duration
	peak       int64 // most memory this process has had so far, in bytes; 0 where the system doesn't tell
	err        error // as it is told, with the source's name
	cause      error
	code       int // exit code of err
}

// show makes the photo of one source and writes it.
func (w workshop) show(ctx context.Context, source, target string, round bool) shown {
	began := time.Now()
	s := shown{source: sourceName(source), name: strings.ToLower(filepath.Ext(source))}
	fail := func(code int, err error) shown {
		s.code, s.cause, s.err, s.took = code, err, fmt.Errorf("%s: %w", s.source, sourceError(err)), time.Since(began)
		return s
	}
	b, how, err := w.load(ctx, source)
	if e, ok := errors.AsType[*fileError](err); ok { // names the file itself
		s.code, s.cause, s.err, s.took = exitUsage, e, e, time.Since(began)
		return s
	}
	if err != nil {
		return fail(sourceCode(err), err)
	}
	s.how = fmt.Sprintf("%s %s in %s", how, sized(int64(len(b))), short(time.Since(began)))
	if s.made, err = w.maker.Make(ctx, b); err != nil {
		return fail(sourceCode(err), err)
	}
	s.took, s.peak = time.Since(began), peakResident()
	if target == "-" {
		if _, err := w.out.Write(s.made.JPEG); err != nil {
			return fail(exitFailure, fmt.Errorf("writing to stdout: %w", err))
		}
	} else if target != "" {
		if s.out, err = writePhoto(target, s.made.JPEG); err != nil {
			return fail(exitFailure, err)
		}
	}
	if round {
		if s.round, err = writeRound(target, s.made.JPEG); err != nil {
			return fail(exitFailure, err)
		}
	}
	return s
}

// load gets the bytes of a source, and says in a word how.
func (w workshop) load(ctx context.Context, source string) ([]byte, string, error) {
	switch {
	case source == "-":
		b, err := w.readStdin(ctx)
		if err != nil {
			return nil, "", err
		}
		return b, "read", tooLong(b)
	case strings.HasPrefix(source, "sha256:"), strings.HasPrefix(source, "src:sha256:"):
		return nil, "", errors.New("is in the photo store, which this command does not open; give the file or the URL")
	case len(source) >= 5 && strings.EqualFold(source[:5], "data:"):
		b, err := photo.DecodeInline(source, enqueue.MaxPhoto)
		return b, "decoded", err
	case strings.Contains(source[:min(len(source), 64)], "://"):
		body, err := w.fetcher.Get(ctx, source, fetch.Validators{})
		return body.Bytes, "fetched", err
	}
	if err := meantURL(source); err != nil {
		return nil, "", &fileError{err}
	}
	b, err := readInput(source, enqueue.MaxPhoto)
	if err != nil {
		return nil, "", &fileError{err}
	}
	return b, "read", tooLong(b)
}

// fileError is about a file that it names.
type fileError struct{ error }

// readStdin reads a picture from stdin, one byte more than a photo may have at
// most. A person who gives up need not end the input first: what reads it is then
// left behind, until the process ends.
func (a *app) readStdin(ctx context.Context) ([]byte, error) {
	type read struct {
		b   []byte
		err error
	}
	done := make(chan read, 1)
	go func() {
		b, err := io.ReadAll(io.LimitReader(a.in, enqueue.MaxPhoto+1))
		done <- read{b, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, fmt.Errorf("reading stdin: %w", r.err)
		}
		return r.b, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("reading stdin: %w", context.Cause(ctx))
	}
}

func tooLong(b []byte) error {
	if len(b) > enqueue.MaxPhoto {
		return fmt.Errorf("is larger than %s; make it smaller", sized(enqueue.MaxPhoto))
	}
	return nil
}

// sourceName is what a source may be called on a screen.
func sourceName(source string) string {
	switch {
	case source == "-":
		return "stdin"
	case len(source) >= 5 && strings.EqualFold(source[:5], "data:"):
		return "data URI"
	case strings.Contains(source[:min(len(source), 64)], "://"):
		return bareURL(source)
	case schemeLike.MatchString(source), hostLike.MatchString(source):
		source, _, _ = strings.Cut(source, "?") // a URL that was meant as one may be signed,
		if _, host, found := strings.Cut(source, "@"); found {
			source = "…@" + host // or carry a password
		}
	}
	return clip(source, 200)
}

// bareURL leaves out what may be secret: user name, password, query.
func bareURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "URL"
	}
	return clip((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String(), 200)
}

// sourceCode tells what cannot work from what cannot be had now.
func sourceCode(err error) int {
	permanent, ok := errors.AsType[interface {
		error
		Permanent() bool
	}](err)
	switch {
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case ok && !permanent.Permanent():
		return exitFailure
	}
	return exitUsage
}

// sourceError leaves out what the source's name says already.
func sourceError(err error) error {
	if e, ok := errors.AsType[*photo.Error](err); ok {
		return fmt.Errorf("%s: %s", e.Reason, e.Detail)
	}
	if e, ok := errors.AsType[*fetch.Error](err); ok {
		if e.Status != 0 {
			return fmt.Errorf("%s (HTTP %d): %s", e.Reason, e.Status, e.Detail)
		}
		return fmt.Errorf("%s: %s", e.Reason, e.Detail)
	}
	return err
}

// writePhoto puts the file in place as a whole: a program that reads it never
// finds half of it.
func writePhoto(path string, b []byte) (string, error) {
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("writing the photo: %w", bare(err, path))
	}
	f, err := createBeside(path)
	if err != nil {
		return fail(err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the reason for giving up is the one worth telling
		return fail(err)
	}
	return path, nil
}

// createBeside makes a new file in the folder of path, to be renamed to it.
func createBeside(path string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(path), ".groupphoto-*")
}
