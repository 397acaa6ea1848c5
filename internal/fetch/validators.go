package fetch

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxValidator = 1 << 10 // a validator beyond this is not worth keeping
	// The longest life that is believed to be meant; it also keeps seconds from overflowing a Duration.
	maxFresh = 10 * 365 * 24 * time.Hour
)

// Validators name one version of a photo, as the server sent them. Each is empty when it was missing, longer than 1 KiB,
// or not plain text. The zero value knows no version.
type Validators struct{ ETag, LastModified string }

func validatorsOf(header http.Header) Validators {
	return Validators{ETag: validator(header.Get("ETag")), LastModified: validator(header.Get("Last-Modified"))}
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

// or fills what a 304 did not repeat from what was known.
func (v Validators) or(known Validators) Validators {
	if v.ETag == "" {
		v.ETag = validator(known.ETag)
	}
	if v.LastModified == "" {
		v.LastModified = validator(known.LastModified)
	}
	return v
}

// freshness returns how long an answer may be believed by its Cache-Control, less its Age, and whether the server says
// anything about it at all. A max-age that can't be read is 0, as RFC 9111 advises; of several the shortest counts.
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
		return 0, false
	}
	if age, ok := seconds(strings.TrimSpace(header.Get("Age"))); ok {
		fresh -= age
	}
	return max(fresh, 0), true
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
