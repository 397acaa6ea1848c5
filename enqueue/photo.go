package enqueue

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/plugchat-go/groupphoto/tasks"
)

// MaxPhoto is the most bytes a photo may have, as it is given: 10 MiB.
const MaxPhoto = 10 << 20

// Photo says which picture to show. It is made by File, URL, Bytes, Base64 or
// Stored; the zero value is no photo and is refused. Making one does no work:
// files are read and problems told when the update is enqueued. A Photo can be
// used for any number of updates and by many goroutines; printed, it shows facts
// only, never image data and never a URL's query.
type Photo struct{ source *photoSource }

type photoKind int

const (
	fromFile photoKind = iota
	fromURL
	fromBytes
	fromBase64
	fromStore
)

type photoSource struct {
	kind  photoKind
	text  string // path, URL, Base64 or reference
	bytes []byte
}

// File is the picture in a regular file of at most MaxPhoto bytes. Its bytes go
// into the photo store when the update is enqueued.
func File(path string) Photo { return Photo{&photoSource{kind: fromFile, text: path}} }

// URL is the picture that an http or https address gives to a worker, or at once
// with FetchNow. The address may be signed; it must not carry a user name.
func URL(address string) Photo { return Photo{&photoSource{kind: fromURL, text: address}} }

// Bytes is a picture of at most MaxPhoto bytes in memory. The slice must not be
// changed until the update has been enqueued.
func Bytes(picture []byte) Photo { return Photo{&photoSource{kind: fromBytes, bytes: picture}} }

// Base64 is a picture as a data URI or as bare Base64, in the standard or the
// URL alphabet, with or without padding and line breaks.
func Base64(text string) Photo { return Photo{&photoSource{kind: fromBase64, text: text}} }

// Stored is a picture that is in the photo store: sha256:<hex> or
// src:sha256:<hex>, as in Outcome.Photo and Outcome.PreviousPhoto.
func Stored(ref string) Photo { return Photo{&photoSource{kind: fromStore, text: ref}} }

// String describes the photo without image data or query strings.
func (p Photo) String() string {
	if p.source == nil {
		return "no photo"
	}
	switch s := p.source; s.kind {
	case fromFile:
		return fmt.Sprintf("file %q", s.text)
	case fromBytes:
		return fmt.Sprintf("picture of %d bytes", len(s.bytes))
	case fromBase64:
		return fmt.Sprintf("picture in Base64 (%d characters)", len(s.text))
	default:
		ref, err := tasks.ParsePhoto(s.text)
		if err != nil || ref.Kind == tasks.PhotoInline {
			return "photo reference that cannot be read"
		}
		return ref.String()
	}
}

// GoString is String, so that %#v shows no more than %v.
func (p Photo) GoString() string { return p.String() }

// LogValue is String as a slog value.
func (p Photo) LogValue() slog.Value { return slog.StringValue(p.String()) }

// reference returns the payload's form of a photo that is only referred to; ok
// is false for one that comes with bytes.
func (p Photo) reference() (ref tasks.PhotoRef, ok bool, err error) {
	if p.source == nil {
		return ref, true, fmt.Errorf("photo is missing: %w", ErrPhoto)
	}
	switch p.source.kind {
	case fromURL:
		ref, err = tasks.ParsePhoto(p.source.text)
		if err == nil && ref.Kind != tasks.PhotoURL {
			return tasks.PhotoRef{}, true, fmt.Errorf("photo: is no URL; use Base64 or Stored for it: %w", ErrPhoto)
		}
		return ref, true, err
	case fromStore:
		ref, err = tasks.ParsePhoto(p.source.text)
		if err == nil && ref.Hash() == "" {
			return tasks.PhotoRef{}, true, fmt.Errorf("photo: is no reference into the photo store (sha256:… or src:sha256:…): %w", ErrPhoto)
		}
		return ref, true, err
	}
	return ref, false, nil
}

// load returns the bytes of a photo that comes with some, checked.
func (p Photo) load() ([]byte, error) {
	s := p.source
	var (
		b    []byte
		err  error
		what = "the photo"
	)
	switch s.kind {
	case fromFile:
		what = fmt.Sprintf("photo file %q", s.text)
		b, err = readFile(what, s.text)
	case fromBase64:
		b, err = decodeBase64(s.text)
	default:
		b = s.bytes
	}
	if err != nil {
		return nil, err
	}
	if len(b) > MaxPhoto {
		return nil, tooLarge(what, int64(len(b)))
	}
	return b, checkImage(what, b)
}

func tooLarge(what string, size int64) error {
	return fmt.Errorf("%s has %d bytes; at most %d (10 MiB) are taken: %w", what, size, MaxPhoto, ErrPhotoTooLarge)
}

// readFile asks for kind and size before it reads: a pipe would never end, a
// device could hang, a wrong path could be a video of gigabytes.
func readFile(what, path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileProblem(what, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: %w", what, ErrPhoto)
	}
	if info.Size() > MaxPhoto {
		return nil, tooLarge(what, info.Size())
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileProblem(what, err)
	}
	defer f.Close()
	// The file may grow between the look and the read: one byte more tells.
	b, err := io.ReadAll(io.LimitReader(f, MaxPhoto+1))
	if err != nil {
		return nil, fileProblem(what, err)
	}
	return b, nil
}

func fileProblem(what string, err error) error {
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		err = pathErr.Err // the path is in what already
	}
	return fmt.Errorf("%s cannot be read: %w: %w", what, err, ErrPhoto)
}

var base64Alphabet = strings.NewReplacer("-", "+", "_", "/", "\r", "", "\n", "", " ", "", "\t", "")

func decodeBase64(text string) ([]byte, error) {
	// Four characters carry three bytes; a tenth more is room for line breaks.
	if len(text) > MaxPhoto/3*4*11/10+256 {
		return nil, tooLarge("the photo", int64(len(text))/4*3)
	}
	if len(text) > 5 && strings.EqualFold(text[:5], "data:") {
		head, data, found := strings.Cut(text, ",")
		if !found || !strings.HasSuffix(strings.ToLower(head), ";base64") {
			return nil, fmt.Errorf("the photo's data URI is not in Base64; write data:image/jpeg;base64,…: %w", ErrPhoto)
		}
		text = data
	}
	text = strings.TrimRight(base64Alphabet.Replace(text), "=")
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil { // its text only names a position, but the sentinel is enough
		return nil, fmt.Errorf("the photo's Base64 cannot be read; was it cut or changed on the way? %w", ErrPhoto)
	}
	return b, nil
}
