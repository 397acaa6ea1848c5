package worker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/photo"
)

// stored puts a source into the photo store.
func (r *photoRig) stored(x *process, bytes string) tasks.PhotoRef {
	r.t.Helper()
	ref, err := x.ledger.StorePhoto(r.t.Context(), tasks.PhotoSource, []byte(bytes), r.now().Add(time.Hour))
	if err != nil {
		r.t.Fatal(err)
	}
	return ref
}

// fill takes every slot and returns how to give one back.
func (x *process) fill() (giveBack func()) {
	for range cap(x.slots) {
		x.slots <- struct{}{}
	}
	return func() { <-x.slots }
}

var largePicture = strings.Repeat("x", 64<<10+1)

func TestPhotos_SlowServersKeepNobodyElse(t *testing.T) {
	t.Parallel()
	// Given a server that begins 30 photos and ends none, when another server's
	// photo is needed, then it is there at once.
	rig := newMiniRig(t)
	arrived, release := make(chan struct{}, 30), make(chan struct{})
	drip := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("x"))
		_ = http.NewResponseController(w).Flush()
		arrived <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(drip.Close)
	at, err := url.Parse(drip.URL)
	if err != nil {
		t.Fatal(err)
	}
	x := rig.process()
	var slow sync.WaitGroup
	for i := range 30 {
		ref, err := tasks.ParsePhoto(fmt.Sprintf("http://localhost:%s/%d.png", at.Port(), i))
		if err != nil {
			t.Fatal(err)
		}
		slow.Go(func() {
			if _, err := x.resolve(t.Context(), ref); err != nil {
				t.Errorf("the slow ones, in the end: %v", err)
			}
		})
	}
	for range 4 { // as many as are fetched from one host at once
		<-arrived
	}
	if n := len(x.slots); n != 0 {
		t.Errorf("they hold %d slots", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := x.resolve(ctx, rig.url("/quick.png")); err != nil {
		t.Errorf("the quick one: %v", err)
	}
	close(release)
	slow.Wait()
}

func TestPhotos_OnlyLargeSourcesTakeASlot(t *testing.T) {
	t.Parallel()
	// Given photos from URLs and from the store, when they are made, then the large
	// ones and those of the store hold a slot, and afterwards none does.
	rig := newMiniRig(t)
	x := rig.process()
	whole, held := x.make, 0
	x.make = func(ctx context.Context, source []byte) (photo.Photo, error) {
		held = len(x.slots)
		return whole(ctx, source)
	}
	small, large := rig.url("/small.png"), rig.url("/large.png")
	x.shows(small, "one")
	if held != 0 {
		t.Errorf("a small one holds %d slots", held)
	}
	rig.set(func() { rig.picture = []byte(largePicture) })
	x.shows(large, largePicture)
	if held != 1 {
		t.Errorf("a large one holds %d slots", held)
	}
	x.shows(rig.stored(x, "two"), "two")
	if held != 1 {
		t.Errorf("a stored one holds %d slots", held)
	}
	if n := len(x.slots); n != 0 {
		t.Errorf("%d slots are never given back", n)
	}
}

func TestPhotos_WithoutASlot(t *testing.T) {
	t.Parallel()
	// Given a process whose slots are all taken, when a small photo is needed, then
	// it is made; a large one is given up after the time of a fetch, which neither
	// costs the update anything nor is held against the server; it is made as soon
	// as there is a slot.
	rig := newMiniRig(t)
	x := rig.process(func(p *photos) {
		p.fetcher = fetch.New(fetch.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 300 * time.Millisecond})
	})
	giveBack := x.fill()
	x.shows(rig.url("/small.png"), "one")
	rig.set(func() { rig.picture = []byte(largePicture) })
	large := rig.url("/large.png")
	for range 6 {
		_, err := x.resolve(t.Context(), large)
		var b budget
		if c := (Policy{}).withDefaults().afterPhoto(err, &b); !errors.Is(err, errBusy) || c.end != "" || b != (budget{}) || !strings.Contains(c.detail, "large photos") {
			t.Fatalf("%v leads to %+v, %+v", err, c, b)
		}
	}
	if n := len(x.slots); n != cap(x.slots) {
		t.Fatalf("%d slots are taken; want %d", n, cap(x.slots))
	}
	giveBack()
	x.shows(large, largePicture)
}

func TestPhotos_StoredSourcesWaitForASlot(t *testing.T) {
	t.Parallel()
	// Given a process whose slots are all taken, when a stored photo is needed, then
	// it waits; and is made when there is a slot.
	rig := newMiniRig(t)
	x := rig.process()
	source, giveBack := rig.stored(x, "two"), x.fill()
	ctx, giveUp := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer giveUp()
	if _, err := x.resolve(ctx, source); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	giveBack()
	x.shows(source, "two")
}
