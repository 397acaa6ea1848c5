package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestWorker_PhotoModeURL: the address goes to the provider as it is, after the
// checks that a fetch would make, and nothing is fetched here.
func TestWorker_PhotoModeURL(t *testing.T) {
	t.Parallel()
	// given a picture at an address that is not public
	var fetched atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
	t.Cleanup(server.Close)
	address := server.URL + "/logo.png?sig=1"
	sum := sha256.Sum256([]byte(address))
	for _, row := range []struct {
		name, allow string
		code        int
		state       string
		sent        []string
	}{
		{"allowed", "127.0.0.0/8", exitDone, "updated", []string{hex.EncodeToString(sum[:])}},
		{"not allowed", "", exitFailed, "failed", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			th := newTheatre(t)
			th.env["GROUPPHOTO_PHOTO_ALLOW"] = row.allow
			th.work(t, "--photo-mode", "url")
			// when it is sent
			r := call(t, th.env, "update", "--group", group, "--photo", address, "--wait", "20s", "-o", "json")
			// then the provider gets the address, or no call at all
			if o := object(t, r.out); r.code != row.code || o["state"] != row.state || (row.sent == nil && o["reason"] != "photo_refused_address") {
				t.Errorf("exit code %d: %s", r.code, r.out)
			}
			var sent []string
			for _, c := range th.box.Calls() {
				if strings.HasSuffix(c.Path, "/update-group-photo") {
					sent = append(sent, c.PhotoHash)
				}
			}
			if strings.Join(sent, " ") != strings.Join(row.sent, " ") {
				t.Errorf("sent %v; want %v", sent, row.sent)
			}
		})
	}
	if n := fetched.Load(); n != 0 {
		t.Errorf("%d fetches; want none", n)
	}
}
