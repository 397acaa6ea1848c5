package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	// maxShown is the longest text of a payload or result in the web UI.
	maxShown = 2 << 10
	// maxMasked is the largest payload that is looked into: a page shows a
	// hundred of them, and each costs time.
	maxMasked = 256 << 10
	hidden    = "[hidden]"
)

// shownUpdate is an update as the web UI shows it.
type shownUpdate struct {
	GroupID       tasks.GroupID `json:"groupId"`
	GroupPhoto    string        `json:"groupPhoto"`
	Account       string        `json:"account"`
	Campaign      string        `json:"campaign,omitempty"`
	Seq           int64         `json:"seq,omitempty"`
	EnqueuedAt    string        `json:"enqueuedAt,omitempty"`
	ExpiresAt     string        `json:"expiresAt,omitempty"`
	SkipUnchanged bool          `json:"skipUnchanged,omitempty"`
	Ref           string        `json:"ref,omitempty"`
	By            string        `json:"by,omitempty"`
}

// showPayload is what the web UI shows of a task's payload: at most maxShown
// bytes, without image data, query strings and what looks like a secret.
func showPayload(taskType string, payload []byte) string {
	if taskType == tasks.TypeUpdate && len(payload) <= maxMasked {
		var named struct {
			Account    string `json:"account"`
			EnqueuedAt string `json:"enqueuedAt"`
			ExpiresAt  string `json:"expiresAt"`
		}
		// What is no update fails in the line below, and is masked like any other.
		_ = json.Unmarshal(payload, &named)
		if named.Account == "" {
			named.Account = tasks.DefaultAccount // only so that it can be read: the queue says whose it is
		}
		if u, err := tasks.ParseUpdate(payload, named.Account); err == nil {
			return shorten(marshal(shownUpdate{
				u.GroupID, u.Photo.String(), named.Account, u.Campaign, u.Seq, named.EnqueuedAt, named.ExpiresAt,
				u.SkipUnchanged, maskText(u.Ref), maskText(u.By),
			}))
		}
	}
	return showAny(payload)
}

// showResult is what the web UI shows of a task's result, within the same bounds.
func showResult(taskType string, result []byte) string {
	var o tasks.Outcome
	if taskType == tasks.TypeUpdate && len(result) <= maxMasked && json.Unmarshal(result, &o) == nil {
		o.Ref, o.By, o.Detail, o.Photo, o.PreviousPhoto = maskText(o.Ref), maskText(o.By), maskText(o.Detail), maskText(o.Photo), maskText(o.PreviousPhoto)
		return shorten(marshal(o))
	}
	return showAny(result)
}

// showAny masks what is not known to us.
func showAny(b []byte) string {
	if len(b) > maxMasked {
		return fmt.Sprintf("%d bytes, which is too much to show", len(b))
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber() // a long id must not be rounded
	var v any
	if err := dec.Decode(&v); err == nil && !dec.More() {
		return shorten(marshal(maskValue(v)))
	}
	if !isPrintable(b) {
		return fmt.Sprintf("%d bytes that are no text", len(b))
	}
	return shorten(maskText(string(b)))
}

func maskValue(v any) any {
	switch v := v.(type) {
	case string:
		return maskText(v)
	case []any:
		for i := range v {
			v[i] = maskValue(v[i])
		}
	case map[string]any:
		masked := make(map[string]any, len(v))
		for name, value := range v {
			if secretName.MatchString(name) {
				value = hidden
			}
			masked[maskText(name)] = maskValue(value)
		}
		return masked
	}
	return v
}

var (
	secretName = regexp.MustCompile(`(?i)token|secret|passw|authori[sz]ation|credential|cookie|api_?-?key`)
	secretPair = regexp.MustCompile(`(?i)((?:token|secret|passw\w*|authori[sz]ation|credentials?|cookie|api_?-?key)["']?\s*[:=]\s*)(?:"[^"]*"?|\S+)`)
	bearerText = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}`)
	dataURI    = regexp.MustCompile(`(?i)data:[a-z0-9.+/;=_-]*,[^\s"'<>]*`)
	anyURL     = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s"'<>]+`)
	longRun    = regexp.MustCompile(`[A-Za-z0-9+/_=-]{64,}`)
	sha256Hex  = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// maskText hides image data, queries and user names of URLs, and what looks like
// a secret or like Base64.
func maskText(text string) string {
	text = dataURI.ReplaceAllStringFunc(text, func(s string) string {
		return fmt.Sprintf("[data URI of %d characters]", len(s))
	})
	text = anyURL.ReplaceAllStringFunc(text, maskURL)
	text = bearerText.ReplaceAllString(text, "$1 "+hidden)
	text = secretPair.ReplaceAllString(text, "$1"+hidden)
	return longRun.ReplaceAllStringFunc(text, func(s string) string {
		if sha256Hex.MatchString(s) {
			return s // the name of a stored photo
		}
		return fmt.Sprintf("[%d characters]", len(s))
	})
}

func maskURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		scheme, _, _ := strings.Cut(text, "://")
		return scheme + "://" + hidden
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return u.String()
}

func isPrintable(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return !unicode.IsPrint(r) && !unicode.IsSpace(r) })
}

func shorten(text string) string {
	if len(text) <= maxShown {
		return text
	}
	const dots = "…"
	return strings.ToValidUTF8(text[:maxShown-len(dots)], "") + dots
}

func marshal(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // the page shows it as text
	if err := enc.Encode(v); err != nil {
		return "what cannot be shown"
	}
	return strings.TrimSpace(b.String())
}
