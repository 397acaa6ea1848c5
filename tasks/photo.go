package tasks

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// ErrPhoto is matched by every error of ParsePhoto.
var ErrPhoto = errors.New("not a photo reference")

// MaxURL is the longest photo URL accepted, in bytes.
const MaxURL = 2048

// PhotoKind says what a photo reference points at.
type PhotoKind int

// The kinds of photo references.
const (
	PhotoNone   PhotoKind = iota // the zero value: no photo
	PhotoURL                     // http or https
	PhotoInline                  // a data URI or bare Base64; never written by our client
	PhotoSource                  // src:sha256:<hex>: bytes as given, in the photo store
	PhotoMade                    // sha256:<hex>: the finished JPEG, in the photo store
)

const (
	madePrefix   = "sha256:"
	sourcePrefix = "src:sha256:"
)

var (
	hexHash    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	base64Text = regexp.MustCompile(`^[A-Za-z0-9+/_=\r\n-]{64,}$`)
)

// PhotoRef says which photo to show. Its String and LogValue are safe for logs
// and pages; Wire is what goes into a payload. The zero value is no photo.
type PhotoRef struct {
	Kind PhotoKind
	text string
}

// SourceRef refers to bytes as they were given, kept in the photo store under
// the lower-case hex SHA-256 of them.
func SourceRef(hash string) PhotoRef { return PhotoRef{PhotoSource, sourcePrefix + hash} }

// MadeRef refers to a finished JPEG kept in the photo store under the
// lower-case hex SHA-256 of it.
func MadeRef(hash string) PhotoRef { return PhotoRef{PhotoMade, madePrefix + hash} }

// ParsePhoto reads the text form of a photo reference: an absolute http or
// https URL of at most MaxURL bytes without user information, a data URI, bare
// Base64, or a reference into the photo store. Errors match ErrPhoto and never
// repeat image data, query strings or user information.
func ParsePhoto(text string) (PhotoRef, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return PhotoRef{}, fmt.Errorf("photo: is empty, which some back-ends take as a wish to remove the photo: %w", ErrPhoto)
	case strings.HasPrefix(text, sourcePrefix):
		return storedRef(PhotoSource, text, sourcePrefix)
	case strings.HasPrefix(text, madePrefix):
		return storedRef(PhotoMade, text, madePrefix)
	case len(text) > 5 && strings.EqualFold(text[:5], "data:"):
		return PhotoRef{PhotoInline, text}, nil
	case strings.Contains(clipBytes(text, 64), "://"):
		return urlRef(text)
	case base64Text.MatchString(text):
		return PhotoRef{PhotoInline, text}, nil
	}
	return PhotoRef{}, fmt.Errorf("photo %q: give a URL with http:// or https://, a data URI or Base64: %w", safeText(text), ErrPhoto)
}

func storedRef(kind PhotoKind, text, prefix string) (PhotoRef, error) {
	if !hexHash.MatchString(text[len(prefix):]) {
		return PhotoRef{}, fmt.Errorf("photo: %s must be followed by 64 lower-case hexadecimal digits: %w", prefix, ErrPhoto)
	}
	return PhotoRef{kind, text}, nil
}

func urlRef(text string) (PhotoRef, error) {
	fail := func(problem string) (PhotoRef, error) {
		return PhotoRef{}, fmt.Errorf("photo URL %q: %s: %w", safeText(text), problem, ErrPhoto)
	}
	if len(text) > MaxURL {
		return fail(fmt.Sprintf("is longer than %d bytes", MaxURL))
	}
	if !utf8.ValidString(text) {
		return fail("is not valid UTF-8, which JSON would change")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return fail("cannot be read as a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return fail("must begin with http:// or https://")
	case u.Hostname() == "":
		return fail("names no host")
	case u.User != nil:
		return fail("carries a user name or password; give a URL that needs none")
	}
	u.Fragment, u.RawFragment = "", ""
	if text = u.String(); len(text) > MaxURL { // writing it properly can make it longer
		return fail(fmt.Sprintf("is longer than %d bytes", MaxURL))
	}
	return PhotoRef{PhotoURL, text}, nil
}

// Hash returns the hex SHA-256 of a reference into the photo store, else "".
func (p PhotoRef) Hash() string {
	switch p.Kind {
	case PhotoSource:
		return strings.TrimPrefix(p.text, sourcePrefix)
	case PhotoMade:
		return strings.TrimPrefix(p.text, madePrefix)
	default:
		return ""
	}
}

// Wire returns the text form that ParsePhoto reads. For PhotoInline it is the
// image itself, for PhotoURL it may hold a signature: it goes into a payload
// or a request, never into a log.
func (p PhotoRef) Wire() string { return p.text }

// String describes the reference without image data, query or user name.
func (p PhotoRef) String() string {
	switch p.Kind {
	case PhotoNone:
		return "no photo"
	case PhotoURL:
		return safeText(p.text)
	case PhotoInline:
		return fmt.Sprintf("inline image (%d characters)", len(p.text))
	default:
		return p.text
	}
}

// GoString is String, so that %#v shows no more than %v.
func (p PhotoRef) GoString() string { return p.String() }

// LogValue is String as a slog value.
func (p PhotoRef) LogValue() slog.Value { return slog.StringValue(p.String()) }

// HashHex is the form in which the photo store names a SHA-256 sum.
func HashHex(sum [32]byte) string { return hex.EncodeToString(sum[:]) }

// safeText shows the beginning of a reference without what may be secret: the
// query, the fragment, user information, and anything that could be an image.
func safeText(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
		return clip(u.String(), 120)
	}
	scheme, _, ok := strings.Cut(clipBytes(text, 16), "://")
	switch {
	case ok:
		return scheme + "://…"
	case len(text) > 40 || strings.ContainsAny(text, "?#@"):
		return fmt.Sprintf("… (%d characters)", len(text))
	}
	return text
}

func clipBytes(text string, most int) string { return text[:min(most, len(text))] }
