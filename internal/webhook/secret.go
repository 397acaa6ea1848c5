package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The names and forms of Standard Webhooks.
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"

	secretPrefix = "whsec_"
	leastSecret  = 24 // bytes
	mostSecret   = 64
	versionOne   = "v1,"
)

// Tolerance is how far the time of a sending may be from the receiver's clock, either way.
const Tolerance = 5 * time.Minute

// The ways in which Verify refuses a request.
var (
	// ErrHeaders means that a header is missing, or that the time in it is none.
	ErrHeaders = errors.New("webhook: the headers webhook-id, webhook-timestamp and webhook-signature must be there once each")
	// ErrStale means that the request was signed too long ago, or in the future.
	ErrStale = errors.New("webhook: the request was not signed within the last 5 minutes; check both clocks")
	// ErrSignature means that no signature is the secret's for this id, time and body.
	ErrSignature = errors.New("webhook: no signature is right; check the secret, and that the body is the bytes that came")
)

// Secret signs requests. However it is printed or logged it shows as "[redacted]", and nothing gives its text again. The
// zero value is none.
type Secret struct {
	// sum is a function, so that no way of printing can reach the key inside.
	sum func(id, stamp string, body []byte) []byte
}

// ParseSecret reads a secret in the form whsec_ and Base64 of 24 to 64 bytes. The error never quotes it.
func ParseSecret(text string) (Secret, error) {
	coded, ok := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.Strict().DecodeString(coded)
	if !ok || err != nil || len(key) < leastSecret || len(key) > mostSecret || strings.ContainsAny(text, "\r\n") {
		return Secret{}, fmt.Errorf("must be %s and the Base64 of %d to %d random bytes; make one with: echo %s$(openssl rand -base64 32)", secretPrefix, leastSecret, mostSecret, secretPrefix)
	}
	return Secret{sum: func(id, stamp string, body []byte) []byte {
		mac := hmac.New(sha256.New, key)
		_, _ = io.WriteString(mac, id+"."+stamp+".") // a hash takes everything
		_, _ = mac.Write(body)
		return mac.Sum(nil)
	}}, nil
}

func (s Secret) isZero() bool { return s.sum == nil }

// signature returns what stands in the header for this secret.
func (s Secret) signature(id, stamp string, body []byte) string {
	return versionOne + base64.StdEncoding.EncodeToString(s.sum(id, stamp, body))
}

// Format writes "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "[redacted]") // fmt's own buffer
}

// LogValue returns "[redacted]", for log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalText returns "[redacted]" and never an error.
func (Secret) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// Verify is what a receiver does: it is nil when the request carries a signature by the secret that is not older than
// Tolerance at the time now. body is the request's body, byte for byte. The error is one of ErrHeaders, ErrStale and
// ErrSignature.
func Verify(secret Secret, header http.Header, body []byte, now time.Time) error {
	id, stamp, signatures := once(header, headerID), once(header, headerTimestamp), once(header, headerSignature)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || signatures == "" || err != nil {
		return ErrHeaders
	}
	if secret.isZero() {
		return ErrSignature
	}
	// Compared as seconds: a Duration overflows.
	if early, late := now.Add(-Tolerance).Unix(), now.Add(Tolerance).Unix(); seconds < early || seconds > late {
		return ErrStale
	}
	want := secret.sum(id, stamp, body)
	for signature := range strings.FieldsSeq(signatures) {
		coded, ok := strings.CutPrefix(signature, versionOne)
		got, err := base64.StdEncoding.DecodeString(coded)
		if ok && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return ErrSignature
}

// once returns the value of a header that came once, else "".
func once(header http.Header, name string) string {
	if values := header.Values(name); len(values) == 1 {
		return values[0]
	}
	return ""
}
