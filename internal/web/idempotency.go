package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	keyHeader      = "Idempotency-Key"
	replayedHeader = "Idempotent-Replayed"
	maxKey         = 255
	hashedPrefix   = "key-"
)

// idempotencyKey reads the header, as a quoted structured string or bare; "" is
// no header.
func idempotencyKey(h http.Header) (string, *refusal) {
	lines := h.Values(keyHeader)
	if len(lines) == 0 {
		return "", nil
	}
	key, ok := unquote(strings.TrimSpace(lines[0]))
	if len(lines) > 1 || !ok || key == "" || len(key) > maxKey {
		return "", badKey.because("give the Idempotency-Key once: 1 to 255 printable ASCII characters, with or without quotes around them")
	}
	return key, nil
}

// unquote reads a structured field's string (RFC 9651), or takes the value bare.
func unquote(value string) (string, bool) {
	body, isQuoted := strings.CutPrefix(value, `"`)
	var b strings.Builder
	escaped, closed := false, false
	for _, c := range []byte(body) {
		switch {
		case closed || c < ' ' || c > '~':
			return "", false
		case escaped:
			if c != '"' && c != '\\' {
				return "", false
			}
			escaped = false
			b.WriteByte(c)
		case isQuoted && c == '\\':
			escaped = true
		case isQuoted && c == '"':
			closed = true
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), closed == isQuoted
}

// keyID makes an update's id of a key: the key itself where it can be one, else
// a hash of it that is always the same.
func keyID(key string) string {
	if tasks.CheckID(key) == nil {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return hashedPrefix + hex.EncodeToString(sum[:20])
}
