package plugchat

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDetail bounds what is quoted of a reply or a foreign error, in bytes.
const maxDetail = 200

// maxClean bounds what is looked at for a quotation: enough for any sentence, and little work for a hostile reply.
const maxClean = 8 << 10

var (
	dataURI   = regexp.MustCompile(`(?i)data:[a-z0-9.+-]*/[^\s"'<>]*`)
	userInfo  = regexp.MustCompile(`://[^\s/"'<>@]*@`)
	queryText = regexp.MustCompile(`\?[^\s"'<>]+`)
	// longRun is what tokens and Base64 look like. The longest group id has 26 characters and passes.
	longRun = regexp.MustCompile(`[A-Za-z0-9+/_=-]{32,}`)
)

// cleaner makes foreign text fit for errors and logs.
type cleaner struct {
	// mask is a function because fmt prints the fields behind a pointer for some verbs, but never what a function holds.
	mask func(text string) string
}

func newCleaner(token Secret) *cleaner {
	return &cleaner{mask: func(text string) string { return replaceFold(text, string(token), redacted) }}
}

// clean returns text as one line of at most maxDetail bytes without control characters, token, images and query strings.
func (c *cleaner) clean(text string) string {
	text = c.visible(text)
	text = dataURI.ReplaceAllString(text, "[image]")
	text = userInfo.ReplaceAllString(text, "://")
	text = queryText.ReplaceAllString(text, "?[…]")
	text = longRun.ReplaceAllString(text, "[…]")
	return shortened(text)
}

// line is clean for what people called something: all of it but control characters and the token, since nothing else in a name is a secret.
func (c *cleaner) line(text string) string { return shortened(c.visible(text)) }

// visible returns text as one line without control characters and token.
func (c *cleaner) visible(text string) string {
	if len(text) > maxClean {
		text = text[:maxClean]
	}
	text = strings.Map(printable, strings.ToValidUTF8(text, " "))
	// Line breaks inside a token or Base64 become spaces above; what is left of such pieces is removed as long runs.
	return c.mask(strings.Join(strings.Fields(text), " "))
}

// shortened cuts at maxDetail bytes without cutting a character.
func shortened(text string) string {
	if len(text) <= maxDetail {
		return text
	}
	cut := maxDetail - len("…")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// printable drops what is invisible or could repaint a terminal, so that nothing can hide a secret from the searches that follow.
func printable(r rune) rune {
	switch {
	case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
		return ' '
	case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
		return -1
	default:
		return r
	}
}

// replaceFold replaces every occurrence of old in text, in any ASCII letter case.
func replaceFold(text, old, replacement string) string {
	if old == "" {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		if len(text)-i >= len(old) && strings.EqualFold(text[i:i+len(old)], old) {
			b.WriteString(replacement)
			i += len(old)
			continue
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String()
}
