package worker_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
)

func fromLoopback(c *worker.Config) {
	c.Fetcher = fetch.New(fetch.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	c.Accounts[0].Concurrency = 16
}

// pictureServer gives one picture, or none, and counts how often it is asked.
func pictureServer(t testing.TB, picture []byte) (tasks.PhotoRef, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if picture == nil {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write(picture)
	}))
	t.Cleanup(server.Close)
	ref, err := tasks.ParsePhoto(server.URL + "/logo.png?signature=marked")
	if err != nil {
		t.Fatal(err)
	}
	return ref, &asked
}

// burst submits n updates of a photo, each of a group of its own.
func (b *bundle) burst(name string, n int, ref tasks.PhotoRef) {
	b.t.Helper()
	for i := range n {
		b.submit(name+strconv.Itoa(i), tasks.Update{GroupID: tasks.GroupID(fmt.Sprintf("12036301950%07d-group", i)), Photo: ref})
	}
}

func TestWorker_OnePhotoForManyGroups(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given 200 updates with one URL, when a worker delivers them, then the URL
		// was asked once and the photo was made once, and every call carried the same
		// one; the worker that comes after it asks and makes nothing.
		const n = 200
		ref, asked := pictureServer(t, pngOf(t, 120))
		c := answers(true)
		first := setup(t, rdb, c, fromLoopback)
		made := first.worker.CountMakings()
		first.burst("a", n, ref)
		first.start()
		var shown string
		for i := range n {
			o := first.wait("a" + strconv.Itoa(i))
			if o.State != tasks.Updated || shown != "" && o.Photo != shown {
				t.Fatalf("got %+v", o)
			}
			shown = o.Photo
		}
		if asked.Load() != 1 || made.Load() != 1 || c.count() != n {
			t.Errorf("%d fetches, %d makings, %d calls; want 1, 1, %d", asked.Load(), made.Load(), c.count(), n)
		}
		if err := first.worker.Shutdown(); err != nil {
			t.Fatal(err)
		}
		second := setup(t, rdb, c, fromLoopback)
		again := second.worker.CountMakings()
		second.start()
		second.burst("b", 3, ref)
		for i := range 3 {
			if o := second.wait("b" + strconv.Itoa(i)); o.State != tasks.Updated || o.Photo != shown {
				t.Fatalf("got %+v", o)
			}
		}
		if asked.Load() != 1 || again.Load() != 0 {
			t.Errorf("the second worker: %d fetches, %d makings; want none", asked.Load()-1, again.Load())
		}
	})
}

func TestWorker_DeadURLCostsOneFetchAndNoCall(t *testing.T) {
	t.Parallel()
	// Given 200 updates with a URL that gives nothing, when the worker takes them,
	// then all fail, the URL was asked once, and the provider was not called.
	const n = 200
	ref, asked := pictureServer(t, nil)
	c := answers(true)
	b := setup(t, redistest.Mini(t).Client(t), c, fromLoopback)
	b.burst("dead", n, ref)
	b.start()
	for i := range n {
		if o := b.wait("dead" + strconv.Itoa(i)); o.State != tasks.Failed || o.Reason != "photo_not_found" {
			t.Fatalf("got %+v", o)
		}
	}
	if asked.Load() != 1 || c.count() != 0 {
		t.Errorf("%d fetches, %d calls; want 1, 0", asked.Load(), c.count())
	}
}

// pngOf is a small picture of one shade.
func pngOf(t testing.TB, shade uint8) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 200, 240))
	for i := range img.Pix {
		img.Pix[i] = shade
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
