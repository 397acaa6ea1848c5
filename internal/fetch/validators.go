package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxValidator = 1 << 10 // a validator beyond this is not worth keeping
	// The longest life that is believed to be meant; it also keeps seconds from overflowing a Duration.
	maxFresh = 10 * 365 * 24 * time.Hour
	// The longest that a temporary redirect which says nothing about it is believed. Strictly it holds for one request,
	// but then no address behind one could ever be kept.
	temporaryFresh = 5 * time.Minute
)

// Validators name one version of a photo, as the server sent them. ETag and LastModified are each empty when missing,
// longer than 1 KiB, or not plain text. The zero value knows no version.
type Validators struct {
	ETag, LastModified string
	// Of names the resource that gave them: the SHA-256, in hex, of the URL at the end of the redirects. Two resources
	// may both call their first version "1", so to any other one they mean nothing. Empty when both are empty.
	Of string
}

func validatorsOf(resource *url.URL, header http.Header) Validators {
	v := Validators{ETag: validator(header.Get("ETag")), LastModified: validator(header.Get("Last-Modified"))}
	if v.ETag != "" || v.LastModified != "" {
		v.Of = nameless(resource)
	}
	return v
}

// nameless tells URLs apart without telling them: they may be signed.
func nameless(u *url.URL) string {
	sum := sha256.Sum256([]byte(u.String()))
	return hex.EncodeToString(sum[:])
}

// heldBy returns the validators if the resource gave them, else none.
func (v Validators) heldBy(resource *url.URL) Validators {
	if v.Of == "" || v.Of != nameless(resource) {
		return Validators{}
	}
	return v
}

// validator drops what can't be sent back in a header.
func validator(value string) string {
	notPlain := func(r rune) bool { return r < ' ' || r > '~' }
	if len(value) > maxValidator || strings.ContainsFunc(value, notPlain) {
		return ""
	}
	return value
}

// apply makes the request conditional. Both are sent when both are known: servers that know ETags ignore the date.
func (v Validators) apply(header http.Header) {
	if etag := validator(v.ETag); etag != "" {
		header.Set("If-None-Match", etag)
	}
	if date := validator(v.LastModified); date != "" {
		header.Set("If-Modified-Since", date)
	}
}

// usable reports whether a 304 can have been asked for with them.
func (v Validators) usable() bool { return validator(v.ETag) != "" || validator(v.LastModified) != "" }

// or fills what a 304 did not repeat from what was known of the same resource.
func (v Validators) or(known Validators) Validators {
	v.Of = known.Of
	if v.ETag == "" {
		v.ETag = validator(known.ETag)
	}
	if v.LastModified == "" {
		v.LastModified = validator(known.LastModified)
	}
	return v
}

// freshness returns how long an answer may be believed by its Cache-Control, less its Age, and whether the server says
// anything about it at all: if not, nothing bounds it but maxFresh. A max-age that can't be read is 0, as RFC 9111
// advises; of several the shortest counts.
func freshness(header http.Header) (time.Duration, bool) {
	fresh, said := maxFresh, false
	for _, line := range header.Values("Cache-Control") {
		for directive := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "no-store", "no-cache":
				return 0, true
			case "max-age":
				age, _ := seconds(strings.Trim(strings.TrimSpace(value), `"`))
				fresh, said = min(fresh, age), true
			}
		}
	}
	if !said {
		return maxFresh, false
	}
	if age, ok := seconds(strings.TrimSpace(header.Get("Age"))); ok {
		fresh -= age
	}
	return max(fresh, 0), true
}

// redirectFreshness returns for how long a redirect may be believed to lead where it leads now.
func redirectFreshness(status int, header http.Header) time.Duration {
	fresh, said := freshness(header)
	permanent := status == http.StatusMovedPermanently || status == http.StatusPermanentRedirect
	if !said && !permanent {
		return temporaryFresh
	}
	return fresh
}

// seconds reads a count of seconds, 0 when it is none; one beyond maxFresh, however long its text, is maxFresh.
func seconds(text string) (time.Duration, bool) {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || time.Duration(n)*time.Second > maxFresh {
		return maxFresh, true
	}
	return time.Duration(n) * time.Second, true
}
