package fetch_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

// unbounded is how long an answer may be believed of which nobody says it.
const unbounded = 10 * 365 * 24 * time.Hour

const lastModified = "Mon, 02 Nov 2026 10:00:00 GMT"

func TestGet_NotModified(t *testing.T) {
	t.Parallel()
	// Given a server that redirects, then gives a photo, and after that answers 304 to its ETag and repeats only that, changed.
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		etag, date := r.Header.Get("If-None-Match"), r.Header.Get("If-Modified-Since")
		switch {
		case r.URL.Path == "/":
			if etag+date != "" {
				t.Errorf("validators came with the redirect: %v", r.Header)
			}
			http.Redirect(w, r, "/there", http.StatusFound)
		case etag+date == "":
			w.Header().Set("ETag", `"v1"`)
			w.Header().Set("Last-Modified", lastModified)
		case etag != `"v1"` || date != lastModified:
			t.Errorf("not the validators given: %v", r.Header)
		default:
			w.Header().Set("ETag", `W/"v1"`)
			w.Header().Set("Cache-Control", "max-age=60")
			w.WriteHeader(http.StatusNotModified)
		}
	})
	// When asked conditionally.
	client := newClient(t, fetch.Config{Allow: loopback()})
	first, err := client.Get(t.Context(), server.URL, fetch.Validators{})
	if err != nil || first.NotModified {
		t.Fatalf("got %+v, %v", first, err)
	}
	known := first.Validators
	body, err := client.Get(t.Context(), server.URL, known)
	// Then nothing was sent, and what the server didn't repeat still holds.
	if err != nil || !body.NotModified || body.Bytes != nil {
		t.Fatalf("got %+v, %v", body, err)
	}
	if want := (fetch.Validators{ETag: `W/"v1"`, LastModified: lastModified, Of: known.Of}); body.Validators != want || len(known.Of) != 64 {
		t.Errorf("got %+v, want %+v", body.Validators, want)
	}
	if !body.HasFresh || body.Fresh != time.Minute {
		t.Errorf("got fresh = %v, %s", body.HasFresh, body.Fresh)
	}
}

func TestGet_NotModifiedUnasked(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Modified-Since") != "" {
			t.Errorf("a condition was sent: %v", r.Header)
		}
		w.WriteHeader(http.StatusNotModified)
	})
	client := newClient(t, fetch.Config{Allow: loopback()})
	of := fetch.Resource(server.URL)
	for _, unusable := range []fetch.Validators{
		{}, {Of: of}, {ETag: strings.Repeat("x", 1025), Of: of}, {ETag: "a\r\nX: y", Of: of}, {LastModified: "\xff", Of: of},
		{ETag: `"v1"`, LastModified: lastModified}, {ETag: `"v1"`, Of: fetch.Resource(server.URL + "/other")}, {ETag: `"v1"`, Of: server.URL},
	} {
		_, err := client.Get(t.Context(), server.URL, unusable)
		wantError(t, err, fetch.NotFound)
	}
}

func TestGet_ConditionalButChanged(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != `"v1"` {
			t.Errorf("no condition was sent: %v", r.Header)
		}
		w.Header().Set("ETag", strings.Repeat("x", 1025))
		w.Header().Set("Last-Modified", strings.Repeat("x", 1024))
		fmt.Fprint(w, "new")
	})
	body, err := newClient(t, fetch.Config{Allow: loopback()}).Get(t.Context(), server.URL, fetch.Validators{ETag: `"v1"`, Of: fetch.Resource(server.URL)})
	if err != nil || body.NotModified || string(body.Bytes) != "new" {
		t.Fatalf("got %+v, %v", body, err)
	}
	if body.Validators.ETag != "" || len(body.Validators.LastModified) != 1024 {
		t.Errorf("got validators of %d and %d bytes", len(body.Validators.ETag), len(body.Validators.LastModified))
	}
}

func TestGet_FreshTable(t *testing.T) {
	t.Parallel()
	const never = -1
	for _, row := range []struct {
		cacheControl, age string
		want              time.Duration
	}{
		{"", "", never},
		{"", "5", never},
		{"public, immutable", "", never},
		{"s-maxage=600", "", never},
		{"max-age=600", "", 600 * time.Second},
		{"Public, MAX-AGE = 600", "", 600 * time.Second},
		{`max-age="600"`, "", 600 * time.Second},
		{"max-age=600, s-maxage=5", "", 600 * time.Second},
		{"max-age=600", "100", 500 * time.Second},
		{"max-age=600", "700", 0},
		{"max-age=600", "-5", 600 * time.Second},
		{"max-age=600", "x", 600 * time.Second},
		{"max-age=600", strings.Repeat("9", 200), 0},
		{"max-age=0, must-revalidate", "", 0},
		{"no-cache", "", 0},
		{"max-age=600, no-store", "", 0},
		{"No-Cache, max-age=600", "", 0},
		{`no-cache="Set-Cookie", max-age=600`, "", 0},
		{"max-age=600, max-age=60", "", time.Minute},
		{"max-age=600\nmax-age=60", "", time.Minute},
		{"max-age", "", 0},
		{"max-age=", "", 0},
		{"max-age=-1", "", 0},
		{"max-age=1.5", "", 0},
		{"max-age=" + strings.Repeat("9", 200), "", 10 * 365 * 24 * time.Hour},
		{"max-age=18446744073709551616", "", 10 * 365 * 24 * time.Hour},
	} {
		t.Run(row.cacheControl+"/"+row.age, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for line := range strings.SplitSeq(row.cacheControl, "\n") {
					w.Header().Add("Cache-Control", line)
				}
				w.Header().Set("Age", row.age)
			})
			body, err := newClient(t, fetch.Config{Allow: loopback()}).Get(t.Context(), server.URL, fetch.Validators{})
			if err != nil {
				t.Fatal(err)
			}
			want := row.want
			if want == never {
				want = unbounded
			}
			if body.HasFresh != (row.want != never) || body.Fresh != want {
				t.Errorf("got %v, %s; want %s", body.HasFresh, body.Fresh, row.want)
			}
		})
	}
}
