package worker

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/photo"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// together resolves every reference at the same time and waits for all.
func (x *process) together(refs ...tasks.PhotoRef) []ready {
	x.t.Helper()
	got, errs := make([]ready, len(refs)), make([]error, len(refs))
	var all sync.WaitGroup
	for i, ref := range refs {
		all.Go(func() { got[i], errs[i] = x.resolve(x.t.Context(), ref) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		x.t.Fatal(err)
	}
	return got
}

func TestPhotos_OneFetchAndOneMakingForMany(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given 200 callers for one URL at once, when they are served, then it was
		// fetched once and made once, and all have the same photo; another process
		// fetches and makes nothing.
		rig := newPhotoRig(t, rdb)
		refs := make([]tasks.PhotoRef, 200)
		for i := range refs {
			refs[i] = rig.url("/logo.png")
		}
		x, y := rig.process(), rig.process()
		for _, r := range x.together(refs...) {
			if r.ref.Kind != tasks.PhotoMade || r != x.shows(refs[0], "one") {
				t.Fatalf("got %s", r.ref)
			}
		}
		rig.wantAsked(1, 1, "by the first process")
		x.wantMade(1, "by the first process")
		y.together(refs...)
		y.shows(refs[0], "one")
		rig.wantAsked(0, 0, "by the second process")
		y.wantMade(0, "by the second process")
	})
}

func TestPhotos_TwoURLsWithTheSameBytes(t *testing.T) {
	t.Parallel()
	// Given two URLs and a stored source of the same bytes, when they are needed at
	// once, then each URL is fetched once, and one photo is made and held.
	rig := newMiniRig(t)
	x := rig.process()
	source, err := x.ledger.StorePhoto(t.Context(), tasks.PhotoSource, []byte("one"), rig.now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	got := x.together(rig.url("/a.png"), rig.url("/b.png"), source, rig.url("/a.png"), rig.url("/b.png"), source)
	for _, r := range got {
		if r.ref != got[0].ref {
			t.Errorf("%s and %s", r.ref, got[0].ref)
		}
	}
	rig.wantAsked(2, 2, "in all")
	x.wantMade(1, "in all")
	if n := x.memory.photos.order.Len(); n != 1 {
		t.Errorf("%d photos are held", n)
	}
}

func TestPhotos_WhoComesAfterAFlightIsNotTooLate(t *testing.T) {
	t.Parallel()
	// Given a caller who found nothing in memory and then began his own work only
	// when that of another had just ended, when he goes on, then he has the other's
	// photo, or his failure.
	rig := newMiniRig(t)
	url, x := rig.url("/logo.png"), rig.process()
	r := x.shows(url, "one")
	if late, err := x.findOnce(url); err != nil || late != r {
		t.Errorf("got %s, %v", late.ref, err)
	}
	source := tasks.SourceRef(tasks.HashHex(sha256.Sum256([]byte("one"))))
	if late, err := x.makeOnce(t.Context(), source, []byte("one")); err != nil || late != r {
		t.Errorf("got %s, %v", late.ref, err)
	}
	rig.set(func() { rig.status = http.StatusNotFound })
	dead := rig.url("/dead.png")
	x.fails(dead, fetch.NotFound)
	if _, err := x.findOnce(dead); !permanent(err) {
		t.Errorf("got %v", err)
	}
	rig.wantAsked(2, 2, "in all")
	x.wantMade(1, "in all")
}

func TestPhotos_OneMakingAtATimeOfTheSameBytes(t *testing.T) {
	t.Parallel()
	// Given bytes that are being made, when they come from another URL meanwhile,
	// then they are not made a second time, and both have the same failure.
	synctest.Test(t, func(t *testing.T) {
		release, began := make(chan struct{}), atomic.Int32{}
		p := &photos{memory: newMemory(1 << 20), make: func(context.Context, []byte) (photo.Photo, error) {
			began.Add(1)
			<-release
			return photo.Photo{}, &photo.Error{Reason: photo.TooSlow}
		}}
		ends := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := p.makeOnce(t.Context(), tasks.SourceRef(strings.Repeat("a", 64)), []byte("one"))
				ends <- err
			}()
		}
		synctest.Wait()
		if n := began.Load(); n != 1 {
			t.Errorf("made %d times at once", n)
		}
		close(release)
		if first, second := <-ends, <-ends; first == nil || !errors.Is(first, second) {
			t.Errorf("got %v and %v", first, second)
		}
	})
}

func TestPhotos_WhoGivesUpDoesNotEndItForOthers(t *testing.T) {
	t.Parallel()
	// Given two callers that wait for one fetch, when the one who began it gives up,
	// then he has his cause at once, and the other has the photo of that fetch.
	rig := newMiniRig(t)
	rig.hold = make(chan struct{})
	url, x := rig.url("/logo.png"), rig.process()
	cause := errors.New("the worker stops")
	ctx, giveUp := context.WithCancelCause(t.Context())
	gone := make(chan error)
	go func() {
		_, err := x.resolve(ctx, url)
		gone <- err
	}()
	redistest.Eventually(t, 10*time.Second, func() bool {
		rig.mu.Lock()
		defer rig.mu.Unlock()
		return rig.asked == 1
	}, "the server was not asked")
	served := make(chan ready)
	go func() {
		r, _ := x.resolve(t.Context(), url)
		served <- r
	}()
	giveUp(cause)
	if err := <-gone; !errors.Is(err, cause) {
		t.Errorf("got %v; want the cause", err)
	}
	close(rig.hold)
	if r := <-served; r.ref.Kind != tasks.PhotoMade {
		t.Errorf("the other got %s", r.ref)
	}
	rig.wantAsked(1, 1, "in all")
}

func TestPhotos_MemoryStaysBounded(t *testing.T) {
	t.Parallel()
	// Given a memory for about three photos, when ten are used one after the other
	// and over again, then it is never over its bound, and what had to go comes from
	// the store and is not made again.
	rig := newMiniRig(t)
	x := rig.process(func(p *photos) { p.memory = newMemory(32 << 10); p.memory.now = rig.now })
	var refs []tasks.PhotoRef
	for i := range 10 {
		ref, err := x.ledger.StorePhoto(t.Context(), tasks.PhotoSource, []byte(strconv.Itoa(i)+strings.Repeat("x", 4<<10)), rig.now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref)
	}
	for range 2 {
		for i, ref := range refs {
			x.shows(ref, strconv.Itoa(i)+strings.Repeat("x", 4<<10))
			if held := x.memory.photos; held.weight > 32<<10 || held.order.Len() > 3 || held.order.Len() == 0 {
				t.Fatalf("%d photos of %d bytes are held", held.order.Len(), held.weight)
			}
		}
	}
	x.wantMade(10, "in all")
}

func TestPhotos_PassedURLsAreChecked(t *testing.T) {
	t.Parallel()
	// Given the mode that passes URLs through, when a URL may be fetched, then it is
	// the photo and its server is not asked; when it may not, or is no address that
	// photos are fetched from, then it is refused, and believed to be for a minute;
	// stored photos are sent as pictures.
	rig := newMiniRig(t)
	x := rig.process(func(p *photos) { p.passURL = true })
	url := rig.url("/logo.png?signature=x")
	r, err := x.resolve(t.Context(), url)
	if err != nil || r.ref != url || r.photo.String() != plugchat.URL(url.Wire()).String() {
		t.Fatalf("got %s, %v", r.ref, err)
	}
	again, known, err := x.memory.recall(url)
	if err != nil || !known || again != r {
		t.Errorf("it is checked for every update: %v, %v", known, err)
	}
	rig.pass(leastFresh)
	if _, known, _ := x.memory.recall(url); known {
		t.Error("it is checked once and for ever")
	}
	rig.wantAsked(0, 0, "in all")
	for text, reason := range map[string]fetch.Reason{
		"http://169.254.169.254/latest/meta-data": fetch.RefusedAddress,
		"http://10.0.0.1/logo.png":                fetch.RefusedAddress,
		"http://8.8.8.8:6379/":                    fetch.RefusedAddress,
		"http://[fe80::1%25lo]/":                  fetch.RefusedAddress,
	} {
		bad, err := tasks.ParsePhoto(text)
		if err != nil {
			t.Fatal(err)
		}
		x.fails(bad, reason)
		if _, known, err := x.memory.recall(bad); !known || err == nil {
			t.Errorf("%s is checked for every update", text)
		}
	}
	source, err := x.ledger.StorePhoto(t.Context(), tasks.PhotoSource, []byte("one"), rig.now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	made := x.shows(source, "one")
	x.shows(made.ref, "one")
}

func TestPhotos_RedisTroubleCostsNothing(t *testing.T) {
	t.Parallel()
	// Given a Redis that answers nothing but errors, when photos are needed, then
	// the update waits, as for any trouble with Redis, and its budget is untouched;
	// afterwards the photo is there.
	rig := newMiniRig(t)
	x := rig.process()
	url, source := rig.url("/logo.png"), tasks.SourceRef(strings.Repeat("a", 64))
	rig.mini.SetError("LOADING the data set")
	for _, ref := range []tasks.PhotoRef{url, source, tasks.MadeRef(strings.Repeat("b", 64))} {
		_, err := x.resolve(t.Context(), ref)
		var b budget
		if c := (Policy{}).withDefaults().afterPhoto(err, &b); err == nil || c.end != "" || c.reason != tasks.Interrupted || b != (budget{}) {
			t.Errorf("%s: %v leads to %+v, %+v", ref, err, c, b)
		}
	}
	rig.wantAsked(0, 0, "while Redis is in trouble")
	rig.mini.SetError("")
	x.shows(url, "one")
}

func TestPhotos_ABugInMakingEndsOneUpdateOnly(t *testing.T) {
	t.Parallel()
	// Given a maker that panics over one picture, when two URLs of it and another
	// picture are needed, then those fail with an error and the other is made.
	rig := newMiniRig(t)
	x := rig.process()
	whole := x.make
	x.make = func(ctx context.Context, source []byte) (photo.Photo, error) {
		if string(source) == "one" {
			panic("a bug")
		}
		return whole(ctx, source)
	}
	for _, path := range []string{"/a.png", "/b.png"} {
		if _, err := x.resolve(t.Context(), rig.url(path)); !permanent(err) {
			t.Fatalf("got %v", err)
		}
	}
	rig.set(func() { rig.picture = []byte("two") })
	x.shows(rig.url("/c.png"), "two")
}
