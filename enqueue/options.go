package enqueue

import (
	"fmt"
	"time"
)

// Option changes how one update is enqueued. Giving the same option twice, or
// two that contradict each other, is an error that matches ErrInvalid.
type Option struct{ apply func(*settings) }

// settings are the options of one call, with what was wrong about them.
type settings struct {
	id, ref, by   given[string]
	at, expiresAt given[time.Time]
	in, expiresIn given[time.Duration]
	skipUnchanged bool
	fetchNow      bool
	allowUnknown  bool
	problems      []error
}

// given tells an option that was given from the zero value of one that was not.
type given[T any] struct {
	value T
	set   bool
}

func once[T any](name string, field func(*settings) *given[T], value T) Option {
	return Option{func(s *settings) {
		f := field(s)
		if f.set {
			s.problems = append(s.problems, fmt.Errorf("option %s is given twice: %w", name, ErrInvalid))
		}
		*f = given[T]{value, true}
	}}
}

func collect(opts []Option) settings {
	var s settings
	for _, o := range opts {
		if o.apply != nil { // the zero Option changes nothing
			o.apply(&s)
		}
	}
	if s.at.set && s.in.set {
		s.problems = append(s.problems, fmt.Errorf("options At and In contradict each other; give one: %w", ErrInvalid))
	}
	if s.expiresAt.set && s.expiresIn.set {
		s.problems = append(s.problems, fmt.Errorf("options ExpiresAt and ExpiresIn contradict each other; give one: %w", ErrInvalid))
	}
	return s
}

// ID names the update: 1 to 64 of A-Z, a-z, 0-9, "_" and "-", unique in its
// account. With an id of the caller's own a call can be repeated safely; without
// one a fresh random id is drawn and every call is an update of its own.
func ID(id string) Option {
	return once("ID", func(s *settings) *given[string] { return &s.id }, id)
}

// At schedules the update; a moment that has passed means now, as does leaving
// it out. A scheduled update takes its place in the group's order when it is
// due. At most MaxAhead from now.
func At(due time.Time) Option {
	return once("At", func(s *settings) *given[time.Time] { return &s.at }, due)
}

// In schedules the update for a while from now; without it, or with 0, the
// update is due at once. It must not be negative nor longer than MaxAhead.
func In(wait time.Duration) Option {
	return once("In", func(s *settings) *given[time.Duration] { return &s.in }, wait)
}

// ExpiresAt is the moment after which the update is not sent any more; it then
// ends as expired. Without it, it is the client's expiry (24 hours) after the
// due time. At most MaxAhead from now.
func ExpiresAt(end time.Time) Option {
	return once("ExpiresAt", func(s *settings) *given[time.Time] { return &s.expiresAt }, end)
}

// ExpiresIn is ExpiresAt counted from the due time; without it the client's
// expiry (24 hours) holds.
func ExpiresIn(life time.Duration) Option {
	return once("ExpiresIn", func(s *settings) *given[time.Duration] { return &s.expiresIn }, life)
}

// Ref is the caller's own word for the update, at most 128 bytes; it travels to
// the outcome. Without it, Update.Ref holds.
func Ref(ref string) Option {
	return once("Ref", func(s *settings) *given[string] { return &s.ref }, ref)
}

// By says who asked for the update, at most 128 bytes. Without it, Update.By
// holds, and without that the client's WithBy.
func By(who string) Option {
	return once("By", func(s *settings) *given[string] { return &s.by }, who)
}

// SkipUnchanged ends the update as unchanged, without a call, when its photo is
// the one last accepted for the group. Without it the photo is sent anyway.
func SkipUnchanged() Option { return Option{func(s *settings) { s.skipUnchanged = true }} }

// FetchNow downloads the photo of a URL before the call returns and stores it,
// so that the group gets what the URL gave now. What may be asked is said by
// WithFetchRules. Without it a worker fetches the URL when the
// update's turn comes. For other photos there is nothing to fetch. A repeated
// call with the same id is a duplicate only while the URL gives the same bytes.
func FetchNow() Option { return Option{func(s *settings) { s.fetchNow = true }} }

// AllowUnknownAccount accepts an account that no worker has ever served; the
// update then waits until one does, or expires. Without it such an account is
// refused with ErrUnknownAccount, unless no account has ever been served at all.
func AllowUnknownAccount() Option { return Option{func(s *settings) { s.allowUnknown = true }} }

// AllowsUnknownAccount reports whether AllowUnknownAccount is among the options,
// for doubles of Client.
func AllowsUnknownAccount(opts ...Option) bool { return collect(opts).allowUnknown }
