package worker

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestFreshFor(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, row := range []struct {
		says, same bool          // the server says something; the photo is not modified
		long       time.Duration // what is allowed at most
		span       time.Duration // of the answer before
		want       time.Duration
	}{
		{false, false, 1000 * day, 0, 5 * time.Minute},
		{false, false, time.Hour, day, 5 * time.Minute},
		{false, false, 2 * time.Minute, day, 2 * time.Minute},
		{false, false, 0, day, time.Minute},
		{true, false, 0, day, time.Minute},
		{true, false, time.Hour, 0, time.Hour},
		{true, false, 48 * time.Hour, 0, day},
		{false, true, 1000 * day, time.Minute, time.Minute},
		{false, true, 1000 * day, time.Hour, time.Hour},
		{false, true, 1000 * day, 0, time.Minute},
		{false, true, time.Minute, time.Hour, time.Minute},
		{true, true, time.Hour, time.Minute, time.Hour},
	} {
		if got := freshFor(fetch.Body{HasFresh: row.says, NotModified: row.same, Fresh: row.long}, row.span); got != row.want {
			t.Errorf("%+v: %s", row, got)
		}
	}
}

func TestPhotos_URLIsAskedAgainWhenItsTimeIsUp(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		says  string // Cache-Control
		fresh time.Duration
	}{
		{"", 5 * time.Minute},
		{"public", 5 * time.Minute},
		{"max-age=600", 10 * time.Minute},
		{"max-age=1", time.Minute},
		{"max-age=0", time.Minute},
		{"no-cache", time.Minute},
		{"no-store", time.Minute},
		{"max-age=31536000, immutable", 24 * time.Hour},
	} {
		t.Run(row.says, func(t *testing.T) {
			t.Parallel()
			// Given a server that says so, when the photo is needed up to then, then
			// nobody asks again, in no process; afterwards the first one asks, once
			// for all, and what was overwritten meanwhile is seen.
			rig := newMiniRig(t)
			if row.says != "" {
				rig.headers.Set("Cache-Control", row.says)
			}
			url, first, second := rig.url("/logo.png"), rig.process(), rig.process()
			first.shows(url, "one")
			rig.set(func() { rig.picture = []byte("two") })
			rig.pass(row.fresh - time.Millisecond)
			first.shows(url, "one")
			second.shows(url, "one")
			rig.wantAsked(1, 1, "while it is fresh")
			second.wantMade(0, "in the second process")
			rig.pass(time.Millisecond)
			second.shows(url, "two")
			first.shows(url, "two")
			rig.wantAsked(1, 1, "after that")
			first.wantMade(1, "in the first process")
			second.wantMade(1, "in the second process, the new one")
		})
	}
}

func TestPhotos_UnchangedIsNeitherSentNorMade(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		// Given a photo with an ETag whose time is up, when it is needed in the same
		// process or after a restart, then the server is asked with it, and its
		// "not modified" holds as long as the first answer; a changed one is made.
		rig := newMiniRig(t)
		rig.headers.Set("ETag", `"1"`)
		url, x := rig.url("/logo.png"), rig.process()
		x.shows(url, "one")
		rig.wantAsked(1, 1, "at first")
		x.wantMade(1, "at first")
		for range 3 {
			rig.pass(silentFresh)
			if restart {
				x = rig.process()
			}
			x.shows(url, "one")
			x.shows(url, "one")
			rig.wantAsked(1, 0, "after its time")
			x.wantMade(0, "unchanged")
		}
		rig.pass(silentFresh)
		rig.set(func() { rig.picture = []byte("two"); rig.headers.Set("ETag", `"2"`) })
		x.shows(url, "two")
		rig.wantAsked(1, 0, "after the change")
		x.wantMade(1, "after the change")
	}
}

func TestPhotos_SameBytesAreNotMadeAgain(t *testing.T) {
	t.Parallel()
	// Given a server without validators, when its photo's time is up, then the same
	// bytes are fetched and not made again, also after a restart.
	rig := newMiniRig(t)
	url, x := rig.url("/logo.png"), rig.process()
	x.shows(url, "one")
	rig.pass(silentFresh)
	x.shows(url, "one")
	x.wantMade(1, "in one process")
	rig.pass(silentFresh)
	y := rig.process()
	y.shows(url, "one")
	y.wantMade(0, "after a restart")
	rig.wantAsked(3, 3, "in all")
}

func TestPhotos_LostPhotoIsFetchedWithoutValidators(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given a URL with an ETag that is known, when the finished photo is not
		// there (deleted, spoiled, forgotten, or made with other parameters), then
		// another process asks as if nothing were known, and shows it.
		for name, spoil := range map[string]func(*process, ready){
			"deleted": func(x *process, r ready) { rdb.Del(x.t.Context(), "groupphoto:photo:{"+r.ref.Hash()+"}:made") },
			"spoiled": func(x *process, r ready) {
				rdb.Set(x.t.Context(), "groupphoto:photo:{"+r.ref.Hash()+"}:made", "nonsense", 0)
			},
			"forgotten": func(x *process, _ ready) {
				for _, key := range rdb.Keys(x.t.Context(), "*:as:v").Val() {
					rdb.Del(x.t.Context(), key)
				}
			},
			"the index is nonsense": func(x *process, _ ready) {
				for _, key := range append(rdb.Keys(x.t.Context(), "*:as:v").Val(), rdb.Keys(x.t.Context(), "*:url").Val()...) {
					rdb.Set(x.t.Context(), key, "nonsense", 0)
				}
			},
			"another version": func(x *process, _ ready) { x.version = "w" },
		} {
			if err := rdb.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			rig := newPhotoRig(t, rdb)
			rig.headers.Set("ETag", `"1"`)
			url, x, y := rig.url("/logo.png"), rig.process(), rig.process()
			spoil(y, x.shows(url, "one"))
			y.shows(url, "one")
			rig.wantAsked(2, 2, name)
			y.wantMade(1, name)
			z := rig.process(func(p *photos) { p.version = y.version })
			z.shows(url, "one")
			rig.wantAsked(0, 0, name+", and a third process")
			z.wantMade(0, name+", and a third process")
		}
	})
}

func TestPhotos_StoreKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	// Given a photo that is used every day from the process's memory, when the time
	// that outcomes are kept has passed, then the store still has it; and when Redis
	// has lost it, then it is stored again within the hour.
	rig := newMiniRig(t)
	x := rig.process()
	source, err := x.ledger.StorePhoto(t.Context(), tasks.PhotoSource, []byte("one"), rig.now().Add(365*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	r := x.shows(source, "one")
	for passed := time.Duration(0); passed < 2*x.keep; passed += 24 * time.Hour {
		rig.pass(24 * time.Hour)
		x.shows(source, "one")
	}
	if left := rig.rdb.PTTL(t.Context(), "groupphoto:photo:{"+r.ref.Hash()+"}:made").Val(); left < x.keep {
		t.Errorf("the store keeps it for %s; want at least %s", left, x.keep)
	}
	rig.rdb.FlushAll(t.Context())
	rig.pass(renewAfter)
	x.shows(source, "one")
	x.shows(r.ref, "one")
	x.wantMade(1, "in all")
}

func TestPhotos_DeadURLIsAskedOnceAMinute(t *testing.T) {
	t.Parallel()
	// Given a URL that gives nothing, or no picture, when it is needed often, then
	// its server is asked once a minute; mended, it works within one.
	for _, status := range []int{http.StatusNotFound, 0} {
		rig := newMiniRig(t)
		rig.status, rig.picture = status, []byte("bad")
		url, other, x := rig.url("/logo.png"), rig.url("/copy.png"), rig.process()
		fail := func(ref tasks.PhotoRef) {
			t.Helper()
			if _, err := x.resolve(t.Context(), ref); !permanent(err) {
				t.Fatalf("got %v; want a permanent failure", err)
			}
		}
		for range 100 {
			fail(url)
		}
		fail(other)
		rig.wantAsked(2, 2, "in the first minute")
		x.wantMade(map[int]int{http.StatusNotFound: 0, 0: 1}[status], "of two URLs with the same bytes")
		rig.pass(badFor - time.Millisecond)
		fail(url)
		rig.wantAsked(0, 0, "just before the minute is up")
		rig.pass(time.Millisecond)
		fail(url)
		rig.wantAsked(1, 1, "after a minute")
		rig.set(func() { rig.status, rig.picture = 0, []byte("one") })
		rig.pass(badFor)
		x.shows(url, "one")
	}
}

func TestPhotos_PassingFailuresAreNotBelieved(t *testing.T) {
	t.Parallel()
	// Given a server that is busy, when asked twice, then it is asked twice; and
	// bytes that were missing in the store are found as soon as they are there.
	rig := newMiniRig(t)
	rig.status = http.StatusServiceUnavailable
	url, x := rig.url("/logo.png"), rig.process()
	x.fails(url, "unavailable")
	x.fails(url, "unavailable")
	rig.wantAsked(2, 2, "while it is busy")
	rig.set(func() { rig.status = 0 })
	x.shows(url, "one")
	late := []byte("two")
	source, err := x.ledger.StorePhoto(t.Context(), tasks.PhotoSource, late, rig.now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	rig.rdb.Del(t.Context(), "groupphoto:photo:{"+source.Hash()+"}:src")
	if _, err := x.resolve(t.Context(), source); err == nil || !strings.Contains(err.Error(), "not in the photo store") {
		t.Fatalf("got %v", err)
	}
	if _, err := x.ledger.StorePhoto(t.Context(), tasks.PhotoSource, late, rig.now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	x.shows(source, "two")
}
