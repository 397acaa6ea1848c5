package enqueue

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	// DefaultExpiry is the life of an update from its due time when nothing
	// else is asked for.
	DefaultExpiry = 24 * time.Hour
	// MaxAhead is how far from now an update may be due or expire.
	MaxAhead = 366 * 24 * time.Hour
)

// Update is one wish: show this photo in this group.
type Update struct {
	// GroupID is the group in any of the forms people meet:
	// 120363019502650977-group, 5511999999999-1623281429, either with @g.us, or
	// the bare 120363… number.
	GroupID string
	// Photo is what to show.
	Photo Photo
	// Account is the provider's account that carries it out; "" is "main".
	Account string
	// Ref and By are the caller's own words, at most 128 bytes each; they
	// travel to the outcome. The options Ref and By set them as well; given both
	// ways, they must agree.
	Ref, By string
}

// Prepared is an update that has passed every check that needs no Redis.
type Prepared struct {
	ID string
	// Update is what goes into the ledger. Its photo is always a reference.
	Update tasks.Update
	// Due is when a scheduled update is to run; zero is now.
	Due time.Time
	// Picture is what has to be stored under Update.Photo; nil for a photo that
	// is only referred to.
	Picture []byte
}

// Prepare checks an update as UpdateGroupPhoto does, reading a photo's file but
// touching neither Redis nor the network, and returns what would be entered,
// with the default expiry. Every problem that can be found is in the error.
// FetchNow and AllowUnknownAccount have no effect here.
func Prepare(u Update, opts ...Option) (Prepared, error) {
	d, err := newDraft(u, opts, rules{expiry: DefaultExpiry, now: time.Now()})
	if err == nil && d.picture() {
		var b []byte
		if b, err = u.Photo.load(); err == nil {
			return d.with(tasks.SourceRef(tasks.HashHex(sha256.Sum256(b))), b), nil
		}
	}
	return d.Prepared, err
}

// rules are what the client adds to an update.
type rules struct {
	expiry time.Duration
	by     string
	now    time.Time
}

// draft is a Prepared whose picture may not be loaded yet.
type draft struct {
	Prepared

	photo        Photo
	fetchNow     bool
	allowUnknown bool
}

// picture reports whether the photo comes with bytes that must be loaded.
func (d draft) picture() bool { return d.Update.Photo.Kind == tasks.PhotoNone }

func (d draft) with(ref tasks.PhotoRef, picture []byte) Prepared {
	d.Update.Photo, d.Picture = ref, picture
	return d.Prepared
}

// newDraft checks everything but the photo's bytes. It collects all problems.
func newDraft(u Update, opts []Option, r rules) (draft, error) {
	s := collect(opts)
	problems := s.problems
	note := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	now := r.now.UTC().Truncate(time.Millisecond)
	d := draft{photo: u.Photo, fetchNow: s.fetchNow, allowUnknown: s.allowUnknown}
	d.Update = tasks.Update{Account: u.Account, EnqueuedAt: now, SkipUnchanged: s.skipUnchanged}
	if d.Update.Account == "" {
		d.Update.Account = tasks.DefaultAccount
	}
	var err error
	d.Update.GroupID, err = tasks.ParseGroupID(u.GroupID)
	note(err)
	d.Update.Photo, _, err = u.Photo.reference()
	note(err)
	d.ID, err = updateID(s.id)
	note(err)
	note(invalid(tasks.CheckAccount(d.Update.Account)))
	d.Update.Ref, err = word("ref", u.Ref, s.ref, "")
	note(err)
	d.Update.By, err = word("by", u.By, s.by, r.by)
	note(err)
	note(d.times(s, r.expiry, now))
	return d, errors.Join(problems...)
}

func updateID(id given[string]) (string, error) {
	if !id.set {
		return freshID(), nil
	}
	if err := tasks.CheckID(id.value); err != nil {
		return id.value, fmt.Errorf("%w: %w", err, ErrID)
	}
	return id.value, nil
}

// freshID draws 26 characters that carry at least 128 random bits.
func freshID() string { return strings.ToLower(rand.Text()) }

func invalid(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", err, ErrInvalid)
}

// word settles a text that may come from the update, an option or the client.
func word(name, field string, option given[string], preset string) (string, error) {
	text := field
	if option.set {
		text = option.value
		if field != "" && field != option.value {
			return "", fmt.Errorf("%s is given twice, in the update and as an option, and differs: %w", name, ErrInvalid)
		}
	}
	if text == "" {
		text = preset
	}
	switch {
	case len(text) > tasks.MaxRef:
		return "", fmt.Errorf("%s is %d bytes long; at most %d are kept: %w", name, len(text), tasks.MaxRef, ErrInvalid)
	case !utf8.ValidString(text):
		return "", fmt.Errorf("%s is not valid UTF-8: %w", name, ErrInvalid)
	}
	return text, nil
}

// times settles when the update is due and when it expires.
func (d *draft) times(s settings, expiry time.Duration, now time.Time) error {
	latest := now.Add(MaxAhead)
	due := now
	switch {
	case s.in.set && (s.in.value < 0 || s.in.value > MaxAhead):
		return fmt.Errorf("option In %s: must be from 0 to %s: %w", s.in.value, MaxAhead, ErrInvalid)
	case s.in.set:
		due = now.Add(s.in.value)
	case s.at.set:
		due = s.at.value.UTC().Truncate(time.Millisecond)
	}
	if due.After(latest) {
		return fmt.Errorf("it is due %s, more than a year ahead; check the unit and the zone: %w", stamp(due), ErrInvalid)
	}
	if due.After(now) {
		d.Due = due
	} else {
		due = now
	}
	expires := due.Add(expiry)
	switch {
	case s.expiresIn.set:
		expires = due.Add(min(s.expiresIn.value, 2*MaxAhead)) // the sum cannot overflow, and is refused below
	case s.expiresAt.set:
		expires = s.expiresAt.value.UTC().Truncate(time.Millisecond)
	}
	switch {
	case !expires.After(due):
		return fmt.Errorf("it would expire %s and is due %s: %w", stamp(expires), stamp(due), ErrExpired)
	case expires.After(latest) && (s.expiresIn.set || s.expiresAt.set):
		return fmt.Errorf("it would expire %s, more than a year ahead; check the unit and the zone: %w", stamp(expires), ErrInvalid)
	}
	d.Update.ExpiresAt = expires.Truncate(time.Millisecond)
	return nil
}

// stamp prints a time for an error; years beyond 9999 have no such form.
func stamp(t time.Time) string { return t.Format(time.RFC3339) }
