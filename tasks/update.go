package tasks

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"
	"unicode/utf8"
)

// MaxRef is the longest Update.Ref and Update.By, in bytes.
const MaxRef = 128

// ErrPayload is matched by every error of ParseUpdate.
var ErrPayload = errors.New("not a well-formed update")

// Update is the payload of one asynq task of type TypeUpdate: "set this photo
// on this group through this account". Only the group and the photo are
// required. String, GoString and LogValue show no image data and no query.
type Update struct {
	GroupID GroupID
	Photo   PhotoRef
	// Account is the lane that carries the update out; "" is DefaultAccount.
	Account string
	// Campaign is the campaign's id, "" for a single update.
	Campaign string
	// Seq is the update's place in the account's order; a higher one is newer.
	// 0 means: drawn at the first claim (scheduled and hand-written updates).
	Seq int64
	// EnqueuedAt and ExpiresAt are kept to the millisecond, in UTC. Zero values
	// are set by the first claim.
	EnqueuedAt, ExpiresAt time.Time
	// SkipUnchanged ends the update as unchanged when the same photo was the
	// last one accepted for the group.
	SkipUnchanged bool
	// Ref and By are the caller's own words, at most MaxRef bytes each; they
	// travel to the outcome.
	Ref, By string
}

// wireUpdate fixes the JSON names, which a test pins.
type wireUpdate struct {
	GroupID       string `json:"groupId"`
	GroupPhoto    string `json:"groupPhoto"`
	Account       string `json:"account,omitempty"`
	Campaign      string `json:"campaign,omitempty"`
	Seq           int64  `json:"seq,omitempty"`
	EnqueuedAt    string `json:"enqueuedAt,omitempty"`
	ExpiresAt     string `json:"expiresAt,omitempty"`
	SkipUnchanged bool   `json:"skipUnchanged,omitempty"`
	Ref           string `json:"ref,omitempty"`
	By            string `json:"by,omitempty"`
}

// timeLayout is RFC 3339 in UTC, to the millisecond.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// Marshal returns the payload as JSON. It does not validate; Validate does.
func (u Update) Marshal() []byte {
	b, err := json.Marshal(wireUpdate{
		GroupID: string(u.GroupID), GroupPhoto: u.Photo.Wire(), Account: u.Account, Campaign: u.Campaign, Seq: u.Seq,
		EnqueuedAt: formatTime(u.EnqueuedAt), ExpiresAt: formatTime(u.ExpiresAt),
		SkipUnchanged: u.SkipUnchanged, Ref: u.Ref, By: u.By,
	})
	if err != nil {
		panic("tasks: an Update of strings and numbers did not marshal: " + err.Error()) // cannot happen: no field can fail
	}
	return b
}

// Validate reports what keeps the update from being enqueued.
func (u Update) Validate() error {
	var problems []error
	if id, err := ParseGroupID(string(u.GroupID)); err != nil {
		problems = append(problems, err)
	} else if id != u.GroupID {
		problems = append(problems, fmt.Errorf("group id %q: must be written %q: %w", clip(string(u.GroupID), 60), id, ErrGroupID))
	}
	if u.Photo.Kind == PhotoNone || u.Photo.text == "" {
		problems = append(problems, fmt.Errorf("photo is missing: %w", ErrPhoto))
	} else if ref, err := ParsePhoto(u.Photo.text); err != nil || ref != u.Photo {
		problems = append(problems, fmt.Errorf("photo %s: no such reference: %w", u.Photo, ErrPhoto))
	}
	problems = append(problems, CheckAccount(u.account()), checkText("ref", u.Ref), checkText("by", u.By),
		checkTime("enqueuedAt", u.EnqueuedAt), checkTime("expiresAt", u.ExpiresAt))
	if u.Campaign != "" && !campaignPattern.MatchString(u.Campaign) {
		problems = append(problems, fmt.Errorf("campaign id %q: must be 1 to 64 of A-Z, a-z, 0-9, _ and -", clip(u.Campaign, 70)))
	}
	if u.Seq < 0 {
		problems = append(problems, fmt.Errorf("seq %d: must not be negative", u.Seq))
	}
	return errors.Join(problems...)
}

func (u Update) account() string {
	if u.Account == "" {
		return DefaultAccount
	}
	return u.Account
}

func checkText(name, text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("%s is not valid UTF-8", name)
	}
	if len(text) > MaxRef {
		return fmt.Errorf("%s is %d bytes long; at most %d are kept", name, len(text), MaxRef)
	}
	return nil
}

// checkTime refuses years that RFC 3339 cannot write.
func checkTime(name string, t time.Time) error {
	if year := t.UTC().Year(); !t.IsZero() && (year < 1970 || year > 9999) {
		return fmt.Errorf("%s is in the year %d; must be between 1970 and 9999", name, year)
	}
	return nil
}

// ParseUpdate reads a payload that came from the queue of the given account.
// Unknown fields are ignored, a missing account is the queue's. A payload that
// is not JSON, lacks a field, has one of the wrong type or names another
// account gives an error that matches ErrPayload, names the field and never
// repeats a value that could be secret.
func ParseUpdate(payload []byte, account string) (Update, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil || fields == nil {
		return Update{}, fmt.Errorf("the payload is not a JSON object: %w", ErrPayload)
	}
	// A map keeps the exact spelling of the keys: decoding into a struct would
	// also take groupID for groupId, and hide a producer's mistake.
	d := payloadDecoder{fields: fields}
	u := Update{
		Account:       d.text("account"),
		Campaign:      d.text("campaign"),
		Seq:           d.number("seq"),
		EnqueuedAt:    d.time("enqueuedAt"),
		ExpiresAt:     d.time("expiresAt"),
		SkipUnchanged: d.boolean("skipUnchanged"),
		Ref:           d.text("ref"),
		By:            d.text("by"),
	}
	d.group(&u.GroupID)
	d.photo(&u.Photo)
	if u.Account == "" {
		u.Account = account
	}
	if u.Account != account {
		d.fail("account", fmt.Sprintf("is %q but the queue belongs to %q", clip(u.Account, 40), account))
	}
	if d.err == nil {
		d.check(u.Validate())
	}
	return u, d.err
}

// payloadDecoder reads one field after the other and keeps the first problem.
type payloadDecoder struct {
	fields map[string]json.RawMessage
	err    error
}

func (d *payloadDecoder) fail(field, problem string) {
	if d.err == nil {
		d.err = fmt.Errorf("field %s %s: %w", field, problem, ErrPayload)
	}
}

func (d *payloadDecoder) check(err error) {
	if d.err == nil && err != nil {
		d.err = fmt.Errorf("%w: %w", err, ErrPayload)
	}
}

// read decodes a field into dest and reports whether it was there at all.
func (d *payloadDecoder) read(field string, dest any, want string) bool {
	raw, ok := d.fields[field]
	if !ok || string(raw) == "null" {
		return false
	}
	if json.Unmarshal(raw, dest) != nil {
		d.fail(field, "is not "+want)
		return false
	}
	return true
}

func (d *payloadDecoder) text(field string) (s string) {
	d.read(field, &s, "a text")
	return s
}

func (d *payloadDecoder) number(field string) (n int64) {
	d.read(field, &n, "a whole number")
	return n
}

func (d *payloadDecoder) boolean(field string) (b bool) {
	d.read(field, &b, "true or false")
	return b
}

func (d *payloadDecoder) time(field string) time.Time {
	s := d.text(field)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		d.fail(field, "is not a time such as 2026-01-31T18:00:00Z")
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

func (d *payloadDecoder) group(dest *GroupID) {
	var text string
	if !d.read("groupId", &text, "a text") {
		d.fail("groupId", "is missing")
		return
	}
	id, err := ParseGroupID(text)
	d.check(err)
	*dest = id
}

func (d *payloadDecoder) photo(dest *PhotoRef) {
	var text string
	if !d.read("groupPhoto", &text, "a text") {
		d.fail("groupPhoto", "is missing")
		return
	}
	ref, err := ParsePhoto(text)
	d.check(err)
	*dest = ref
}

// Fingerprint tells whether two updates ask for the same thing: group, photo,
// account, campaign, skipUnchanged and ref. Times, seq and by do not count, so
// that a repeated call is recognised. 22 characters of URL-safe Base64.
func (u Update) Fingerprint() string {
	var room [512]byte
	text := room[:0]
	for _, part := range [...]string{
		string(u.GroupID), u.Photo.Wire(), u.account(), u.Campaign, strconv.FormatBool(u.SkipUnchanged), u.Ref,
	} {
		text = strconv.AppendInt(text, int64(len(part)), 10) // length first: no two lists of parts look alike
		text = append(append(append(text, ':'), part...), ';')
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// String describes the update without image data or query strings.
func (u Update) String() string {
	return fmt.Sprintf("update of %s with %s through %s", u.GroupID, u.Photo, u.account())
}

// GoString is String, so that %#v shows no more than %v.
func (u Update) GoString() string { return u.String() }

// LogValue gives the facts of the update as slog attributes.
func (u Update) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("group_id", string(u.GroupID)), slog.String("account", u.account()),
		slog.Any("photo", u.Photo), slog.Int64("seq", u.Seq), slog.String("campaign", u.Campaign))
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}
