package ledger_test

import (
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

const version = "v3-592-80"

var (
	source1 = tasks.SourceRef(strings.Repeat("a", 64))
	made1   = tasks.MadeRef(strings.Repeat("1", 64))
	made2   = tasks.MadeRef(strings.Repeat("2", 64))
	asKey   = "groupphoto:photo:{" + source1.Hash() + "}:as:" + version
)

func address(t testing.TB, url string) (tasks.PhotoRef, string) {
	t.Helper()
	ref, err := tasks.ParsePhoto(url)
	if err != nil {
		t.Fatal(err)
	}
	return ref, "groupphoto:photo:{" + tasks.HashHex(sha256.Sum256([]byte(url))) + "}:url"
}

func TestMadeAs_OneForEveryVersion(t *testing.T) {
	t.Parallel()
	// Given what two versions made of a source, when asked, then each version gets
	// its own, the last one noted; another version and another source get none.
	each(t, func(t *testing.T, e *env) {
		until := e.clock(t).Add(time.Hour)
		for _, note := range []struct {
			version string
			made    tasks.PhotoRef
		}{{version, made2}, {version, made1}, {"v4", made2}} {
			if err := e.NoteMade(t.Context(), source1, note.version, note.made, time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		for v, want := range map[string]tasks.PhotoRef{version: made1, "v4": made2} {
			if got, err := e.MadeAs(t.Context(), source1, v, until); err != nil || got != want {
				t.Errorf("%s: %s, %v; want %s", v, got, err, want)
			}
		}
		for _, ask := range []struct {
			source  tasks.PhotoRef
			version string
		}{{source1, "v5"}, {tasks.SourceRef(strings.Repeat("b", 64)), version}} {
			if got, err := e.MadeAs(t.Context(), ask.source, ask.version, until); !errors.Is(err, ledger.ErrNoPhoto) {
				t.Errorf("%s, %s: %s, %v; want ErrNoPhoto", ask.source, ask.version, got, err)
			}
		}
	})
}

func TestMadeAs_AskingProlongs(t *testing.T) {
	t.Parallel()
	// Given an entry kept for an hour, when it is asked for with a longer wish,
	// then it lives longer; with a shorter one, as long as before.
	each(t, func(t *testing.T, e *env) {
		if err := e.NoteMade(t.Context(), source1, version, made1, time.Hour); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct{ ask, want time.Duration }{{time.Minute, time.Hour}, {2 * time.Hour, 2 * time.Hour}} {
			if _, err := e.MadeAs(t.Context(), source1, version, e.clock(t).Add(step.ask)); err != nil {
				t.Fatal(err)
			}
			if got := e.rdb.PTTL(t.Context(), asKey).Val(); got > step.want || got < step.want-time.Minute {
				t.Errorf("asked for %s it lives %s; want %s", step.ask, got, step.want)
			}
		}
	})
}

func TestPhotoAt_WhatWasNoted(t *testing.T) {
	t.Parallel()
	// Given what a signed URL gave, when asked for, then it comes back with the
	// time left; a second note replaces all of the first; the URL is nowhere.
	each(t, func(t *testing.T, e *env) {
		url, key := address(t, "https://example.com/markedpath/logo.png?signature=marked")
		if _, err := e.PhotoAt(t.Context(), url); !errors.Is(err, ledger.ErrNoPhoto) || strings.Contains(err.Error(), "marked") {
			t.Fatalf("before: %v", err)
		}
		first := ledger.Fetched{Source: source1, ETag: `"one"`, LastModified: "Tue, 01 Jan 2030 00:00:00 GMT", Of: strings.Repeat("f", 64), Fresh: 5 * time.Minute}
		second := ledger.Fetched{Source: tasks.SourceRef(strings.Repeat("b", 64)), Fresh: time.Hour}
		for _, want := range []ledger.Fetched{first, second} {
			if err := e.NotePhotoAt(t.Context(), url, want); err != nil {
				t.Fatal(err)
			}
			got, err := e.PhotoAt(t.Context(), url)
			e.left(t, "what is fresh", got.Fresh, want.Fresh)
			got.Fresh, want.Span = want.Fresh, want.Fresh
			if err != nil || got != want {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		}
		e.ttlAtLeast(t, key, keep)
		all, err := redistest.Dump(t.Context(), e.rdb)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range all {
			if strings.Contains(k+v, "marked") || strings.Contains(k+v, "example.com") {
				t.Errorf("the URL stands in %s: %s", k, v)
			}
		}
	})
}

func TestPhotoAt_FreshnessRunsDownAndIsBounded(t *testing.T) {
	t.Parallel()
	// Given a note that is fresh for a minute, when the minute has passed on Redis'
	// clock, then it is known and no longer fresh; one noted for a week is fresh
	// for a day; and so is one whose time lies in a far future, from then on.
	e := newMini(t)
	url, key := address(t, "https://example.com/logo.png")
	var span time.Duration
	ask := func(want time.Duration) {
		t.Helper()
		if got, err := e.PhotoAt(t.Context(), url); err != nil || got.Fresh != want || got.Span != span {
			t.Fatalf("fresh for %s of %s, %v; want %s of %s", got.Fresh, got.Span, err, want, span)
		}
	}
	note := func(fresh time.Duration) {
		t.Helper()
		span = min(fresh, ledger.MaxFresh)
		if err := e.NotePhotoAt(t.Context(), url, ledger.Fetched{Source: source1, Fresh: fresh, Span: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	note(time.Minute)
	e.pass(t, time.Minute-time.Millisecond)
	ask(time.Millisecond)
	e.pass(t, time.Second)
	ask(0)
	note(7 * 24 * time.Hour)
	ask(ledger.MaxFresh)
	e.put(t, key, "fresh", ms(e.at.Add(1000*time.Hour)))
	ask(ledger.MaxFresh)
	e.pass(t, time.Hour)
	ask(ledger.MaxFresh - time.Hour)
}

func TestPhotoIndex_NonsenseIsNothing(t *testing.T) {
	t.Parallel()
	// Given entries that somebody else wrote, when asked for, then there is none,
	// or one that is not fresh; what is noted then replaces them.
	each(t, func(t *testing.T, e *env) {
		url, key := address(t, "https://example.com/logo.png")
		good := ledger.Fetched{Source: source1, Fresh: time.Minute}
		for name, spoil := range map[string]func(){
			"a text":         func() { e.rdb.Set(t.Context(), key, "x", 0) },
			"a list":         func() { e.rdb.RPush(t.Context(), key, "x") },
			"no hash":        func() { e.put(t, key, "source", "../../etc/passwd", "fresh", ms(e.clock(t).Add(time.Minute))) },
			"no source":      func() { e.put(t, key, "fresh", ms(e.clock(t).Add(time.Minute))) },
			"long validator": func() { e.put(t, key, "source", source1.Hash(), "etag", strings.Repeat("x", 5000)) },
			"long name":      func() { e.put(t, key, "source", source1.Hash(), "of", strings.Repeat("x", 5000)) },
		} {
			e.rdb.Del(t.Context(), key)
			spoil()
			if got, err := e.PhotoAt(t.Context(), url); !errors.Is(err, ledger.ErrNoPhoto) {
				t.Errorf("%s: %+v, %v; want ErrNoPhoto", name, got, err)
			}
			if err := e.NotePhotoAt(t.Context(), url, good); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got, err := e.PhotoAt(t.Context(), url); err != nil || got.Source != source1 {
				t.Errorf("after %s: %+v, %v", name, got, err)
			}
		}
		for _, fresh := range []string{"", "soon", "nan", "-inf", "-5", "1e999x"} {
			e.put(t, key, "source", source1.Hash(), "fresh", fresh)
			if got, err := e.PhotoAt(t.Context(), url); err != nil || got.Fresh != 0 {
				t.Errorf("fresh %q: %s, %v; want 0", fresh, got.Fresh, err)
			}
		}
		for span, want := range map[string]time.Duration{"": 0, "soon": 0, "-5": 0, "1e9": 0, "60000": time.Minute, "999999999999": ledger.MaxFresh} {
			e.put(t, key, "source", source1.Hash(), "span", span)
			if got, err := e.PhotoAt(t.Context(), url); err != nil || got.Span != want {
				t.Errorf("span %q: %s, %v; want %s", span, got.Span, err, want)
			}
		}
		for name, spoil := range map[string]func(){
			"no hash": func() { e.rdb.Set(t.Context(), asKey, "GGGG", 0) },
			"a list":  func() { e.rdb.RPush(t.Context(), asKey, "x") },
		} {
			e.rdb.Del(t.Context(), asKey)
			spoil()
			if got, err := e.MadeAs(t.Context(), source1, version, e.clock(t).Add(time.Hour)); !errors.Is(err, ledger.ErrNoPhoto) {
				t.Errorf("%s: %s, %v; want ErrNoPhoto", name, got, err)
			}
			if err := e.NoteMade(t.Context(), source1, version, made1, time.Hour); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestNotePhotoAt_LongValidatorsAreDropped(t *testing.T) {
	t.Parallel()
	e := newMini(t)
	url, _ := address(t, "https://example.com/logo.png")
	note := ledger.Fetched{
		Source: source1, ETag: strings.Repeat("x", 1025), LastModified: "yesterday", Of: strings.Repeat("y", 1025), Fresh: time.Minute,
	}
	if err := e.NotePhotoAt(t.Context(), url, note); err != nil {
		t.Fatal(err)
	}
	note.ETag, note.Of, note.Span = "", "", time.Minute
	if got, err := e.PhotoAt(t.Context(), url); err != nil || got != note {
		t.Errorf("got %+v, %v; want %+v", got, err, note)
	}
}

func TestPhotoAt_WhatAnOlderVersionNoted(t *testing.T) {
	t.Parallel()
	// Given an entry of a version that noted neither whose the validators are nor
	// for how long it was fresh, when asked for, then it is known, without those.
	each(t, func(t *testing.T, e *env) {
		url, key := address(t, "https://example.com/logo.png")
		e.put(t, key, "source", source1.Hash(), "etag", `"1"`, "modified", "", "fresh", ms(e.clock(t)))
		if got, err := e.PhotoAt(t.Context(), url); err != nil || got != (ledger.Fetched{Source: source1, ETag: `"1"`}) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}
