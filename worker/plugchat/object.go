package plugchat

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// member is one key of a JSON object with its value as it was written.
type member struct {
	key string
	raw json.RawMessage
}

// object keeps every member in order. encoding/json's own decoding would match keys in any letter case and hide repeated ones, and both hide wrong answers.
type object []member

// readObject reads exactly one JSON object; anything before or after it, and any other value, is false.
func readObject(body []byte) (object, bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	first, err := dec.Token()
	if err != nil || first != json.Delim('{') {
		return nil, false
	}
	var members object
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, false
		}
		name, isText := key.(string)
		var raw json.RawMessage
		if !isText || dec.Decode(&raw) != nil {
			return nil, false
		}
		members = append(members, member{name, raw})
	}
	if _, err := dec.Token(); err != nil {
		return nil, false
	}
	_, err = dec.Token()
	return members, errors.Is(err, io.EOF)
}

// last returns the value of a key in exactly this letter case, nil if there is none, and whether the key stands there twice with different values.
func (o object) last(key string) (raw json.RawMessage, contradictory bool) {
	for _, m := range o {
		if m.key != key {
			continue
		}
		contradictory = contradictory || raw != nil && !bytes.Equal(raw, m.raw)
		raw = m.raw
	}
	return raw, contradictory
}

// text returns the value of a key if it is a JSON string, else "".
func (o object) text(key string) string {
	raw, _ := o.last(key)
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// textKeys are the members in which services explain themselves. Others may echo a group's name, and prove nothing.
var textKeys = []string{"error", "message", "reason", "detail", "details", "description", "msg", "title"}

// explanation returns what a reply says in words: the texts of an object, one level of nesting included, or a reply that is plain text. An HTML page says nothing.
func explanation(body []byte) string {
	members, ok := readObject(body)
	if ok {
		return strings.Join(members.explanations(1), ", ")
	}
	var text string
	if json.Unmarshal(body, &text) == nil {
		return text
	}
	if json.Valid(body) || isHTML(body) {
		return ""
	}
	return string(bytes.TrimSpace(body))
}

func (o object) explanations(deeper int) []string {
	var texts []string
	for _, key := range textKeys {
		raw, _ := o.last(key)
		if raw == nil {
			continue
		}
		if text := o.text(key); text != "" {
			texts = append(texts, text)
			continue
		}
		if inner, ok := readObject(raw); ok && deeper > 0 {
			texts = append(texts, inner.explanations(deeper-1)...)
		}
	}
	return texts
}

func isHTML(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }

// inPieces says whether a body begins as JSON and is none.
func inPieces(body []byte) bool {
	trimmed := bytes.TrimSpace(body)
	return len(trimmed) > 0 && strings.IndexByte("{[", trimmed[0]) >= 0 && !json.Valid(trimmed)
}
