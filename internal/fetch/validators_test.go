package fetch_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

const lastModified = "Mon, 02 Nov 2026 10:00:00 GMT"

func TestGet_NotModified(t *testing.T) {
	t.Parallel()
	// Given a server that redirects, then answers 304 to the ETag it gave and repeats only that, changed.
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("If-None-Match") != `"v1"` || r.Header.Get("If-Modified-Since") != lastModified:
			t.Errorf("the validators didn't come with %s: %v", r.URL.Path, r.Header)
		case r.URL.Path == "/":
			http.Redirect(w, r, "/there", http.StatusFound)
		default:
			w.Header().Set("ETag", `W/"v1"`)
			w.Header().Set("Cache-Control", "max-age=60")
			w.WriteHeader(http.StatusNotModified)
		}
	})
	// When asked conditionally.
	known := fetch.Validators{ETag: `"v1"`, LastModified: lastModified}
	body, err := newClient(t, fetch.Config{Allow: loopback()}).Get(t.Context(), server.URL, known)
	// Then nothing was sent, and what the server didn't repeat still holds.
	if err != nil || !body.NotModified || body.Bytes != nil {
		t.Fatalf("got %+v, %v", body, err)
	}
	if want := (fetch.Validators{ETag: `W/"v1"`, LastModified: lastModified}); body.Validators != want {
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
	for _, unusable := range []fetch.Validators{{}, {ETag: strings.Repeat("x", 1025)}, {ETag: "a\r\nX: y"}, {LastModified: "\xff"}} {
		_, err := client.Get(t.Context(), server.URL, unusable)
		wantError(t, err, fetch.NotFound)
	}
}

func TestGet_ConditionalButChanged(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", strings.Repeat("x", 1025))
		w.Header().Set("Last-Modified", strings.Repeat("x", 1024))
		fmt.Fprint(w, "new")
	})
	body, err := newClient(t, fetch.Config{Allow: loopback()}).Get(t.Context(), server.URL, fetch.Validators{ETag: `"v1"`})
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
			if body.HasFresh != (row.want != never) || body.Fresh != max(row.want, 0) {
				t.Errorf("got %v, %s; want %s", body.HasFresh, body.Fresh, row.want)
			}
		})
	}
}
