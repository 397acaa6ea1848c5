package web

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/tasks"
)

// The fields of a request, named as in the payload of a task.
const (
	fieldGroup   = "groupId"
	fieldPhoto   = "groupPhoto"
	fieldAlias   = "photo" // the same as groupPhoto
	fieldAccount = "account"
	fieldID      = "id"
	fieldAt      = "at"
	fieldExpires = "expiresAt"
	fieldRef     = "ref"
	fieldBy      = "by"
	fieldSkip    = "skipUnchanged"
)

var knownFields = []string{
	fieldGroup, fieldPhoto, fieldAlias, fieldAccount, fieldID, fieldAt, fieldExpires, fieldRef, fieldBy, fieldSkip,
}

// Reasons of field problems.
const (
	wrongType     = "wrong_type"
	missingField  = "missing_field"
	unknownField  = "unknown_field"
	repeatedField = "repeated_field"
	notGroup      = "not_a_group"
	notPhoto      = "not_a_photo"
	notAccount    = "not_an_account"
	notID         = "not_an_id"
	notTime       = "not_a_time"
	tooLong       = "too_long"
	otherProblem  = "not_valid"
)

// byHTTP is who asked, when the request does not say.
const byHTTP = "http"

// wish is a request that has been read.
type wish struct {
	update enqueue.Update
	id     string
	opts   []enqueue.Option
}

// reader takes the fields out of an object and collects what is wrong.
type reader struct {
	object

	found []fieldProblem
}

func (r *reader) note(field, reason, detail string) {
	if len(r.found) < maxProblems {
		r.found = append(r.found, fieldProblem{pointer(field), reason, detail})
	}
}

// readWish turns the object into an update. What only the client can judge is
// left to it: the photo's bytes, the account being known, the times' order.
func readWish(o object) (wish, []fieldProblem) {
	r := &reader{object: o}
	var w wish
	w.update.GroupID = r.group()
	w.update.Photo = r.photo()
	w.update.Account = r.checked(fieldAccount, notAccount, "must be 1 to 32 of a-z, 0-9 and -", tasks.CheckAccount)
	w.id = r.checked(fieldID, notID, "must be 1 to 64 of A-Z, a-z, 0-9, _ and -", tasks.CheckID)
	w.update.Ref = r.word(fieldRef)
	if w.update.By = r.word(fieldBy); w.update.By == "" {
		w.update.By = byHTTP
	}
	if at, ok := r.time(fieldAt); ok {
		w.opts = append(w.opts, enqueue.At(at))
	}
	if end, ok := r.time(fieldExpires); ok {
		w.opts = append(w.opts, enqueue.ExpiresAt(end))
	}
	var skip bool
	if r.read(fieldSkip, &skip, "true or false"); skip {
		w.opts = append(w.opts, enqueue.SkipUnchanged())
	}
	r.strangers()
	return w, r.found
}

// read decodes a field and reports whether it was there; null is absent.
func (r *reader) read(field string, dest any, want string) bool {
	raw, ok := r.fields[field]
	if !ok || string(raw) == "null" {
		return false
	}
	if json.Unmarshal(raw, dest) != nil {
		r.note(field, wrongType, "must be "+want)
		return false
	}
	r.fields[field] = nil // a photo's text need not stay in memory twice
	return true
}

func (r *reader) text(field string) (text string, there bool) {
	there = r.read(field, &text, "a text")
	return text, there
}

func (r *reader) has(field string) bool {
	raw, ok := r.fields[field]
	return ok && string(raw) != "null"
}

func (r *reader) group() string {
	if !r.has(fieldGroup) {
		r.note(fieldGroup, missingField, "is required, such as 120363019502650977-group")
		return ""
	}
	text, ok := r.text(fieldGroup)
	if !ok {
		return ""
	}
	if _, err := tasks.ParseGroupID(text); err != nil {
		r.note(fieldGroup, notGroup, withoutValues(err))
	}
	return text
}

func (r *reader) photo() enqueue.Photo {
	field := fieldPhoto
	switch {
	case r.has(fieldPhoto) && r.has(fieldAlias):
		r.note(fieldAlias, repeatedField, "means the same as groupPhoto; give one of them")
		return enqueue.Photo{}
	case r.has(fieldAlias):
		field = fieldAlias
	case !r.has(fieldPhoto):
		r.note(fieldPhoto, missingField, "is required: a URL, a data URI or Base64")
		return enqueue.Photo{}
	}
	text, ok := r.text(field)
	if !ok {
		return enqueue.Photo{}
	}
	const longReference = 4096
	if len(text) > longReference {
		return enqueue.Base64(text) // no URL and no reference is that long, and looking at each byte has a price
	}
	ref, err := tasks.ParsePhoto(text)
	if err != nil && shortBase64(text) {
		return enqueue.Base64(text) // the client looks into it and says what it is
	}
	if err != nil {
		r.note(field, notPhoto, withoutValues(err))
		return enqueue.Photo{}
	}
	switch ref.Kind {
	case tasks.PhotoURL:
		return enqueue.URL(text)
	case tasks.PhotoInline:
		return enqueue.Base64(text)
	default:
		return enqueue.Stored(text)
	}
}

// shortBase64 tells a text that is Base64 although it is too short for a picture,
// such as a page that says only that there is none, from a word or a file's name.
func shortBase64(text string) bool {
	const least = 16 // below that, too many words are Base64 as well
	if len(text) < least {
		return false
	}
	_, err := base64.StdEncoding.DecodeString(text)
	return err == nil
}

func (r *reader) checked(field, reason, want string, check func(string) error) string {
	text, there := r.text(field)
	if there && check(text) != nil {
		r.note(field, reason, want)
	}
	return text
}

func (r *reader) word(field string) string {
	text, _ := r.text(field)
	if len(text) > tasks.MaxRef {
		r.note(field, tooLong, fmt.Sprintf("is %d bytes long; at most %d are kept", len(text), tasks.MaxRef))
	}
	return text
}

// time reads a moment and reports whether there is one that can be used.
func (r *reader) time(field string) (time.Time, bool) {
	text, there := r.text(field)
	if !there {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		r.note(field, notTime, "must be a time such as 2026-01-31T18:00:00Z, with its zone (RFC 3339)")
	case t.Unix() <= 0: // what programs send for a time that was never set
		r.note(field, notTime, "is not after 1970-01-01T00:00:00Z; leave the field out when there is no such time")
	case time.Until(t) > enqueue.MaxAhead:
		r.note(field, notTime, "is more than a year ahead; check the year and the zone")
	default:
		return t, true
	}
	return time.Time{}, false
}

// strangers notes fields that are not known: a misspelt one must not be taken
// for left out.
func (r *reader) strangers() {
	for _, name := range r.repeated {
		r.note(name, repeatedField, "is given more than once")
	}
	names := make([]string, 0, len(r.fields))
	for name := range r.fields {
		if !slices.Contains(knownFields, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		detail := "is not a known field; known: " + strings.Join(knownFields, ", ")
		if near := sameLetters(name); near != "" {
			detail = "is not a known field; did you mean " + near + "?"
		}
		r.note(name, unknownField, detail)
	}
}

// sameLetters finds a known field that differs in case and separators only.
func sameLetters(name string) string {
	bare := strings.NewReplacer("_", "", "-", "").Replace(name)
	for _, known := range knownFields {
		if strings.EqualFold(bare, known) {
			return known
		}
	}
	return ""
}

var plainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,39}$`)

// pointer is the JSON pointer of a field. A name that could be anything, a photo
// that slipped into the place of a name for one, is not repeated.
func pointer(field string) string {
	if !plainName.MatchString(field) {
		return ""
	}
	return "/" + field
}

var quoted = regexp.MustCompile(` ?"(?:\\.|[^"\\])*"…?`)

// withoutValues takes what an error quotes out of its text: the caller knows
// what was sent, and it may be a photo in the place of something else.
func withoutValues(err error) string { return quoted.ReplaceAllString(err.Error(), "") }
