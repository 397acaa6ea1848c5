package web

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// maxBody is room for a photo of 10 MiB in Base64 and the fields around it.
	maxBody = 14 << 20
	// A body above largeBody takes one of largeBodies slots: while it is read and
	// decoded it costs several times its size in memory.
	largeBody    = 1 << 20
	largeBodies  = 4
	slotPatience = 10 * time.Second
	// maxProblems bounds what a body of nothing but mistakes is answered.
	maxProblems = 20
)

const bom = "\xef\xbb\xbf" // some editors and shells begin every text with it

// object is a JSON object as it was sent.
type object struct {
	fields   map[string]json.RawMessage
	repeated []string
}

// checkHeaders refuses a body before a byte of it is read.
func checkHeaders(r *http.Request) *refusal {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	switch {
	case err != nil || media != "application/json":
		return notJSON.because("send the header Content-Type: application/json")
	case charset != "" && !strings.EqualFold(charset, "utf-8"):
		return notJSON.because("the body must be in UTF-8")
	case !slices.Contains([]string{"", "identity"}, strings.ToLower(r.Header.Get("Content-Encoding"))):
		return notJSON.because("the body must not be compressed")
	case r.ContentLength > maxBody:
		return bodyTooLarge()
	}
	return nil
}

func bodyTooLarge() *refusal {
	return tooLarge.because(fmt.Sprintf("the body may have %d bytes (14 MiB), which is a photo of 10 MiB in Base64; give a smaller photo or its URL", maxBody))
}

// slot waits for room for a large body; release must be called in any case.
func (s *Server) slot(r *http.Request) (release func(), busyNow *refusal) {
	if r.ContentLength >= 0 && r.ContentLength <= largeBody {
		return func() {}, nil
	}
	patience := time.NewTimer(slotPatience)
	defer patience.Stop()
	select {
	case s.large <- struct{}{}:
		return func() { <-s.large }, nil
	case <-patience.C:
	case <-r.Context().Done():
	case <-s.stopping.Done():
	}
	return func() {}, busy.because("too many large photos arrive at the same time; try again, or give URLs")
}

// readObject reads the body as one JSON object. The values stay as they were
// sent, so that a photo is not copied more often than it must be.
func readObject(w http.ResponseWriter, r *http.Request) (object, *refusal) {
	in := bufio.NewReader(http.MaxBytesReader(w, r.Body, maxBody))
	if head, _ := in.Peek(len(bom)); string(head) == bom { // an error shows up again below
		_, _ = in.Discard(len(bom))
	}
	dec := json.NewDecoder(in)
	o, err := decodeObject(dec)
	if err != nil {
		return object{}, unreadable(err, dec.InputOffset())
	}
	return o, nil
}

// Mistakes that are JSON, or nearly, and still cannot be used.
var (
	errNoObject = errors.New("the body must be one JSON object, such as {\"groupId\": …, \"groupPhoto\": …}")
	errTrailing = errors.New("something follows the JSON object")
	errNotUTF8  = errors.New("the body has bytes that are not UTF-8")
)

func decodeObject(dec *json.Decoder) (object, error) {
	o := object{fields: map[string]json.RawMessage{}}
	opening, err := dec.Token()
	if err != nil {
		return o, err
	}
	if opening != json.Delim('{') {
		return o, errNoObject
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return o, err
		}
		name, _ := key.(string) // within an object it is nothing else
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return o, err
		}
		if !utf8.Valid(value) || strings.ContainsRune(name, utf8.RuneError) {
			return o, errNotUTF8
		}
		if _, twice := o.fields[name]; twice && len(o.repeated) < maxProblems {
			o.repeated = append(o.repeated, name)
		}
		o.fields[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return o, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errTrailing
		}
		return o, err
	}
	return o, nil
}

// unreadable says where the body went wrong, in our own words: the library's
// repeat a character of it.
func unreadable(err error, offset int64) *refusal {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return bodyTooLarge()
	}
	// The library counts from where its last look began and may be a few off.
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return malformed.because(fmt.Sprintf("not JSON near byte %d of the body", max(syntax.Offset, offset)))
	}
	switch {
	case errors.Is(err, errNoObject), errors.Is(err, errTrailing), errors.Is(err, errNotUTF8):
		return malformed.because(fmt.Sprintf("%v (byte %d)", err, offset))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return tooSlow.because(fmt.Sprintf("the body must arrive within %s", readTimeout))
	case errors.Is(err, io.EOF) && offset == 0:
		return malformed.because("the body is empty; send one JSON object")
	}
	return malformed.because(fmt.Sprintf("the body ends before its JSON does, at byte %d or later", offset))
}
