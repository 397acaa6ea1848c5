package worker

import (
	"net/netip"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

func TestPhotos_RedirectThatLeadsElsewhereIsSeen(t *testing.T) {
	t.Parallel()
	// Given an address that leads to a picture, and later to another that its
	// server calls by the same ETag, when its time is up, then the other is shown;
	// when it leads to the same again, nothing is sent.
	rig := newMiniRig(t)
	rig.headers.Set("ETag", `"1"`)
	rig.leads = "/v1"
	url, x := rig.url("/latest"), rig.process()
	x.shows(url, "one")
	rig.pass(silentFresh)
	x.shows(url, "one")
	rig.wantAsked(4, 3, "the same")
	x.wantMade(1, "the same")
	rig.set(func() { rig.leads, rig.picture = "/v2", []byte("two") })
	rig.pass(silentFresh)
	x.shows(url, "two")
	rig.wantAsked(2, 2, "another")
	rig.pass(silentFresh)
	rig.process().shows(url, "two")
	rig.wantAsked(2, 1, "the other again, after a restart")
}

func TestPhotos_ValidatorsOfAnOlderVersionAreNotUsed(t *testing.T) {
	t.Parallel()
	// Given an entry that doesn't say whose validators it has, when its time is up,
	// then the server is asked as if nothing were known, and from then on with them.
	rig := newMiniRig(t)
	rig.headers.Set("ETag", `"1"`)
	url, x := rig.url("/logo.png"), rig.process()
	x.shows(url, "one")
	for _, key := range rig.rdb.Keys(t.Context(), "*:url").Val() {
		rig.rdb.HDel(t.Context(), key, "of", "span")
	}
	rig.wantAsked(1, 1, "at first")
	rig.pass(silentFresh)
	x.shows(url, "one")
	rig.wantAsked(1, 1, "after the change of version")
	rig.pass(silentFresh)
	x.shows(url, "one")
	rig.wantAsked(1, 0, "after that")
}

func TestPhotos_RedirectsAreBelievedNoLongerThanTheySay(t *testing.T) {
	t.Parallel()
	for says, fresh := range map[string]time.Duration{"no-store": time.Minute, "": 5 * time.Minute, "max-age=600": 10 * time.Minute} {
		// Given a redirect that says so to a picture that may be kept for a year, when
		// it changes, then that is seen after that time, and not before.
		rig := newMiniRig(t)
		rig.headers.Set("Cache-Control", "max-age=31536000, immutable")
		rig.leads, rig.says = "/v1", says
		url, x := rig.url("/latest"), rig.process()
		x.shows(url, "one")
		rig.set(func() { rig.leads, rig.picture = "/v2", []byte("two") })
		rig.pass(fresh - time.Millisecond)
		x.shows(url, "one")
		rig.pass(time.Millisecond)
		x.shows(url, "two")
		rig.wantAsked(4, 4, "redirects that say "+says)
	}
}

func TestPhotos_SilentNotModifiedWidensNothing(t *testing.T) {
	t.Parallel()
	for says, fresh := range map[string]time.Duration{"no-cache": time.Minute, "max-age=600": 10 * time.Minute} {
		// Given a picture whose server said for how long it may be believed, when it
		// then says "not modified" and nothing else, also to another process, then the
		// time it gave holds again, every time.
		rig := newMiniRig(t)
		rig.headers.Set("ETag", `"1"`)
		rig.headers.Set("Cache-Control", says)
		url := rig.url("/logo.png")
		rig.process().shows(url, "one")
		rig.wantAsked(1, 1, says)
		rig.set(func() { rig.headers.Del("Cache-Control") })
		for range 3 {
			x := rig.process()
			rig.pass(fresh - time.Millisecond)
			x.shows(url, "one")
			rig.wantAsked(0, 0, says+", while it is fresh")
			rig.pass(time.Millisecond)
			x.shows(url, "one")
			rig.wantAsked(1, 0, says+", after its time")
		}
	}
}

func TestPhotos_StricterRulesHoldForWhatIsKnown(t *testing.T) {
	t.Parallel()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, rules := range map[string]fetch.Config{
		"no allowed network": {},
		"a list of hosts":    {Allow: loopback, Hosts: []string{"photos.example.com"}},
	} {
		// Given a URL that is known and fresh, when a process with stricter rules needs
		// it, then it is refused there, as if it had to be fetched.
		rig := newMiniRig(t)
		url := rig.url("/logo.png")
		rig.process().shows(url, "one")
		strict := rig.process(func(p *photos) { p.fetcher = fetch.New(rules) })
		strict.fails(url, fetch.RefusedAddress)
		if _, known, err := strict.memory.recall(url); !known || err == nil {
			t.Errorf("%s: it is judged for every update", name)
		}
		rig.wantAsked(1, 1, name)
	}
	// Given a process that can't judge addresses just now, then it uses what is
	// known, and judges it again in a minute.
	rig := newMiniRig(t)
	url := rig.url("/logo.png")
	rig.headers.Set("Cache-Control", "max-age=3600")
	rig.process().shows(url, "one")
	blind := rig.process(func(p *photos) { p.fetcher = fetch.New(fetch.Config{Ports: []uint16{0}}) })
	blind.shows(url, "one")
	if _, known, _ := blind.memory.recall(url); !known {
		t.Error("it is judged for every update")
	}
	rig.pass(leastFresh)
	if _, known, _ := blind.memory.recall(url); known {
		t.Error("it is not judged again")
	}
}

func TestPhotos_SlowBytesAreTriedOnceAMinute(t *testing.T) {
	t.Parallel()
	// Given bytes that take too long to decode, when two URLs give them again and
	// again and a producer stored them too, then they are tried once a minute.
	rig := newMiniRig(t)
	rig.picture = []byte("slow")
	x := rig.process()
	source := rig.stored(x, "slow")
	fail := func() {
		t.Helper()
		for range 3 {
			for _, ref := range []string{"/a.png", "/b.png"} {
				if _, err := x.resolve(t.Context(), rig.url(ref)); err == nil || permanent(err) {
					t.Fatalf("got %v; want a passing failure", err)
				}
			}
		}
		if _, err := x.resolve(t.Context(), source); err == nil || permanent(err) {
			t.Fatalf("got %v; want a passing failure", err)
		}
	}
	fail()
	x.wantMade(1, "in the first minute")
	rig.wantAsked(6, 6, "in the first minute: only the bytes are remembered")
	rig.pass(badFor)
	fail()
	x.wantMade(1, "in the second")
}
