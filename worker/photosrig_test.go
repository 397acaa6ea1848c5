package worker

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/photo"
)

// photoRig is a Redis, a server with one picture, and processes that share them.
// Its clock is also that of a simulated Redis, and stands still but for pass.
type photoRig struct {
	t    *testing.T
	rdb  redis.UniversalClient
	mini *redistest.MiniServer // nil on a real server

	mu sync.Mutex
	at time.Time

	server  *httptest.Server
	headers http.Header // of the server's answers
	status  int         // 0: 200 or 304
	picture []byte
	asked   int
	plain   int           // of those, without validators
	hold    chan struct{} // answers wait for it when it is not nil
	leads   string        // where /latest leads to
	says    string        // Cache-Control of that redirect
}

func newPhotoRig(t *testing.T, rdb redis.UniversalClient) *photoRig {
	t.Helper()
	r := &photoRig{t: t, rdb: rdb, at: time.Now(), headers: http.Header{}, picture: []byte("one")}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	return r
}

func newMiniRig(t *testing.T) *photoRig {
	t.Helper()
	m := redistest.Mini(t)
	r := newPhotoRig(t, m.Client(t))
	r.mini = m
	m.SetTime(r.at)
	m.ClockTTL(true)
	return r
}

// ServeHTTP gives the picture, or says that it has not changed.
func (r *photoRig) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.asked++
	tag := req.Header.Get("If-None-Match")
	if tag == "" && req.Header.Get("If-Modified-Since") == "" {
		r.plain++
	}
	hold, status, picture := r.hold, r.status, r.picture
	leads, says := r.leads, r.says
	maps.Copy(w.Header(), r.headers)
	r.mu.Unlock()
	if req.URL.Path == "/latest" {
		w.Header().Set("Cache-Control", says)
		http.Redirect(w, req, leads, http.StatusFound)
		return
	}
	if hold != nil {
		<-hold
	}
	switch {
	case status != 0:
		w.WriteHeader(status)
	case tag != "" && tag == w.Header().Get("ETag"):
		w.WriteHeader(http.StatusNotModified)
	default:
		_, _ = w.Write(picture)
	}
}

// set changes the server's answers.
func (r *photoRig) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

func (r *photoRig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

// pass lets d go by for every process and for Redis.
func (r *photoRig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = r.at.Add(d)
	r.mini.SetTime(r.at)
}

// wantAsked checks how often the server was asked since the last look.
func (r *photoRig) wantAsked(all, plain int, when string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked != all || r.plain != plain {
		r.t.Errorf("%s: the server was asked %d times, %d of them without validators; want %d and %d", when, r.asked, r.plain, all, plain)
	}
	r.asked, r.plain = 0, 0
}

func (r *photoRig) url(path string) tasks.PhotoRef {
	r.t.Helper()
	ref, err := tasks.ParsePhoto(r.server.URL + path)
	if err != nil {
		r.t.Fatal(err)
	}
	return ref
}

// process is one worker's photos, with a maker that counts.
type process struct {
	*photos
	t    *testing.T
	mu   sync.Mutex
	made int
}

func (r *photoRig) process(change ...func(*photos)) *process {
	r.t.Helper()
	maker, err := photo.New(photo.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	life, end := context.WithCancel(context.Background())
	x := &process{t: r.t, photos: newPhotos(life, ledger.New(r.rdb, 0), Config{
		Maker: maker, Fetcher: fetch.New(fetch.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
		Logger: slog.New(slog.DiscardHandler), PhotoCache: DefaultPhotoCache,
	})}
	x.memory.now, x.version = r.now, "v"
	x.make = func(_ context.Context, source []byte) (photo.Photo, error) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.made++
		if bytes.HasPrefix(source, []byte("bad")) {
			return photo.Photo{}, &photo.Error{Reason: photo.NotAnImage, Detail: "it is no picture"}
		}
		if bytes.HasPrefix(source, []byte("slow")) {
			return photo.Photo{}, &photo.Error{Reason: photo.TooSlow, Detail: "it takes too long"}
		}
		return photo.Photo{JPEG: append([]byte{0xff, 0xd8, 0xff}, source...)}, nil
	}
	for _, f := range change {
		f(x.photos)
	}
	r.t.Cleanup(func() { end(); x.running.Wait() })
	return x
}

// wantMade checks how often a photo was made since the last look.
func (x *process) wantMade(n int, when string) {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.made != n {
		x.t.Errorf("%s: made %d times; want %d", when, x.made, n)
	}
	x.made = 0
}

// shows resolves a reference and wants the photo made of a source.
func (x *process) shows(ref tasks.PhotoRef, source string) ready {
	x.t.Helper()
	r, err := x.resolve(x.t.Context(), ref)
	if err != nil {
		x.t.Fatalf("resolving: %v", err)
	}
	jpeg, err := x.ledger.Photo(x.t.Context(), r.ref)
	if err != nil || string(jpeg[3:]) != source {
		x.t.Fatalf("it shows %q, %v; want %q", jpeg, err, source)
	}
	return r
}

// fails resolves a reference and wants an error of a reason.
func (x *process) fails(ref tasks.PhotoRef, reason fetch.Reason) {
	x.t.Helper()
	_, err := x.resolve(x.t.Context(), ref)
	if e, ok := errors.AsType[*fetch.Error](err); !ok || e.Reason != reason {
		x.t.Fatalf("got %v; want %s", err, reason)
	}
}
