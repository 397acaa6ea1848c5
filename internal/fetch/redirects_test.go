package fetch_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
)

func TestGet_ValidatorsStayWithTheirResource(t *testing.T) {
	t.Parallel()
	// Given an address that leads to one version and later to another, both of which their server calls "1".
	version := "/v1"
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/latest" {
			http.Redirect(w, r, version, http.StatusFound)
			return
		}
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, "the photo of "+r.URL.Path)
	})
	client := newClient(t, fetch.Config{Allow: loopback()})
	var known fetch.Validators
	for _, row := range []struct {
		leadsTo string
		same    bool
	}{{"/v1", false}, {"/v1", true}, {"/v2", false}, {"/v2", true}, {"/v2?signature=2", false}, {"/v1", false}} {
		// When asked with the validators of the time before; then only where they come from they save the photo.
		version = row.leadsTo
		body, err := client.Get(t.Context(), server.URL+"/latest", known)
		if err != nil || body.NotModified != row.same {
			t.Fatalf("%s: got %+v, %v", row.leadsTo, body, err)
		}
		known = body.Validators
	}
}

func TestGet_FreshOverAllHops(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	type hop struct {
		status int
		says   string // Cache-Control
	}
	for _, row := range []struct {
		name string
		hops []hop
		last string
		says bool
		want time.Duration
	}{
		{"nobody redirects", nil, "max-age=31536000", true, year},
		{"a redirect that must not be kept", []hop{{302, "no-store"}}, "max-age=31536000", true, 0},
		{"one that says less", []hop{{302, "max-age=60"}}, "max-age=600", true, time.Minute},
		{"one that says more", []hop{{302, "max-age=600"}}, "max-age=60", true, time.Minute},
		{"one that says more than 5 minutes", []hop{{307, "max-age=3600"}}, "max-age=31536000", true, time.Hour},
		{"302 says nothing", []hop{{302, ""}}, "max-age=31536000", true, 5 * time.Minute},
		{"303 says nothing", []hop{{303, "private"}}, "max-age=31536000", true, 5 * time.Minute},
		{"307 says nothing", []hop{{307, ""}}, "max-age=31536000", true, 5 * time.Minute},
		{"301 says nothing", []hop{{301, ""}}, "max-age=31536000", true, year},
		{"308 says nothing", []hop{{308, ""}}, "max-age=31536000", true, year},
		{"301 says something", []hop{{301, "max-age=60"}}, "max-age=31536000", true, time.Minute},
		{"the first of three", []hop{{301, "max-age=60"}, {308, ""}, {302, ""}}, "max-age=31536000", true, time.Minute},
		{"the last of three", []hop{{301, ""}, {302, ""}, {308, "no-cache"}}, "max-age=31536000", true, 0},
		{"the photo's server says nothing", []hop{{302, "max-age=60"}}, "", false, time.Minute},
		{"neither does", []hop{{302, ""}}, "", false, 5 * time.Minute},
		{"neither does, for good", []hop{{301, ""}}, "", false, unbounded},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				n, _ := strconv.Atoi(r.URL.Query().Get("hop"))
				if n == len(row.hops) {
					w.Header().Set("Cache-Control", row.last)
					return
				}
				w.Header().Set("Cache-Control", row.hops[n].says)
				w.Header().Set("Location", fmt.Sprintf("/?hop=%d", n+1))
				w.WriteHeader(row.hops[n].status)
			})
			body, err := newClient(t, fetch.Config{Allow: loopback()}).Get(t.Context(), server.URL, fetch.Validators{})
			if err != nil || body.HasFresh != row.says || body.Fresh != row.want {
				t.Errorf("got %v, %s, %v; want %v, %s", body.HasFresh, body.Fresh, err, row.says, row.want)
			}
		})
	}
}
