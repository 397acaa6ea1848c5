package main

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// smallSide makes photos that cost little, where many are made.
const smallSide = "64"

func TestAccountCheck_LiveShowsTheExchange(t *testing.T) {
	t.Parallel()
	raw, marks := markedPicture(t)
	name := filepath.Join(t.TempDir(), "marked.png")
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	// what is sent of it
	made := filepath.Join(t.TempDir(), "out.jpg")
	call(t, nil, "photo", name, "--out", made, "--side", smallSide)
	jpeg, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	marks = append(marks, base64.StdEncoding.EncodeToString(jpeg[1500:1530]), string(jpeg[1500:1530]), markedToken)
	for _, tt := range []struct {
		name, dial string
		code       int
		state      string
		class      string
		status     string // of the answer
		worker     string
		mend       string
	}{
		{"updated", "", exitDone, "updated", "", "HTTP/1.1 200 OK", "record it as updated, and not call again", ""},
		{"refused", "false", exitRefused, "refused", "", "HTTP/1.1 200 OK", "record it as refused, and not call again", "see that the number may change this group's photo"},
		{"refused with a text", "false-text", exitRefused, "refused", "refused", "HTTP/1.1 200 OK", "record it as refused, and not call again", "make the number an admin"},
		{"wrong token", "401", exitFailed, "failed", "account", "HTTP/1.1 401 Unauthorized", "ask /status, then let another update go first; when either says the same, hold the account for 30 s, doubling to 5 min; no attempt is spent", "check PLUGCHAT_TOKEN and PLUGCHAT_AUTH_SCHEME"},
		{"rejected", "400", exitFailed, "failed", "permanent", "HTTP/1.1 400 Bad Request", "record it as failed, and not call again", "check the group id and the photo"},
		{"not available", "503", exitFailed, "failed", "transient", "HTTP/1.1 503 Service Unavailable", "call again after about 0.5 s, 10 attempts at most, and record it as failed if it stays so", "see the network and the provider's status"},
		{"broken", "500", exitFailed, "failed", "ambiguous", "HTTP/1.1 500 Internal Server Error", "call again after about 15 s, 3 attempts at most, and record it as failed if it stays so", "see the provider's status"},
		{"a web page", "html", exitFailed, "failed", "unclear", "HTTP/1.1 200 OK", "call again after about 15 s, 3 attempts at most, and record it as failed if it stays so", "check PLUGCHAT_BASE_URL"},
		{"moved", "redirect", exitFailed, "failed", "account", "HTTP/1.1 301 Moved Permanently", "ask /status, then let another update go first; when either says the same, hold the account for 30 s, doubling to 5 min; no attempt is spent", "set PLUGCHAT_BASE_URL to the address that answers itself"},
		{"no answer", "reset", exitFailed, "failed", "lost", "", "call again after about 15 s, 10 attempts at most, and record it as failed if it stays so", "look at the group"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// given a provider that answers as the dial says
			var dial []string
			if tt.dial != "" {
				dial = append(dial, tt.dial)
			}
			th := newTheatre(t, dial...)
			th.env["GROUPPHOTO_PHOTO_SIDE"] = smallSide
			// when a real change is tried, for people and as JSON
			args := []string{"account", "check", "main", "--live", "--yes", "--group", group, "--photo", name}
			text := call(t, th.env, args...)
			got := call(t, th.env, append(args, "-o", "json")...)
			// then both tell what went over the wire, and what it means
			o := object(t, got.out)
			end, _ := o["outcome"].(map[string]any)
			if text.code != tt.code || got.code != tt.code || th.posts() != 2 {
				t.Errorf("exit codes %d and %d, %d calls; want %d and 2: %s", text.code, got.code, th.posts(), tt.code, text.err)
			}
			if end["state"] != tt.state || o["class"] != tt.class || o["worker"] != tt.worker || o["mend"] != tt.mend || o["recorded"] != true || end["attempts"] != 1.0 {
				t.Errorf("got %s", got.out)
			}
			answer, _ := o["exchange"].(map[string]any)["answer"].(map[string]any)
			if status, _ := answer["line"].(string); status != tt.status {
				t.Errorf("answer %q; want %q", status, tt.status)
			}
			for _, want := range []string{
				`^request\n  POST /api/whatsapp/update-group-photo HTTP/1\.1\n  Accept: application/json\n  Authorization: \[redacted\]\n  Content-Length: \d+\n  Content-Type: application/json\n  Host: 127\.0\.0\.1:\d+\n  User-Agent: groupphoto/dev\n\n`,
				`\n  \{"groupId":"` + group + `","groupPhoto":"data:image/jpeg;base64,… \(\d+ bytes\)"\}\n\n`,
				`(?m)^` + tt.state + ` +` + group + ` through main at http://`, `(?m)^took +`, `(?m)^a worker would +` + regexp.QuoteMeta(tt.worker) + `$`,
				regexp.QuoteMeta(tt.status),
			} {
				if !regexp.MustCompile(want).MatchString(text.out) {
					t.Errorf("stdout lacks %s:\n%s", want, text.out)
				}
			}
			// and it is found like any other update
			id, _ := end["id"].(string)
			if found := call(t, th.env, "outcome", id, "--account", "main", "-o", "json"); found.code != exitDone || object(t, found.out)["state"] != tt.state {
				t.Errorf("outcome %s: exit code %d: %s", id, found.code, found.out)
			}
			noneOf(t, marks, text, got)
		})
	}
}

// noneOf looks for marks in everything that command lines said.
func noneOf(t *testing.T, marks []string, results ...result) {
	t.Helper()
	for _, r := range results {
		for _, mark := range marks {
			if strings.Contains(r.out+r.err, mark) {
				t.Errorf("%q is shown:\n%.3000s%.3000s", mark, r.out, r.err)
			}
		}
	}
}

func TestAccountCheck_LiveAnEchoShowsNothing(t *testing.T) {
	t.Parallel()
	raw, marks := markedPicture(t)
	marks = append(marks, markedToken, markedQuery, "\x1b")
	name := filepath.Join(t.TempDir(), "marked.png")
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		echo func(body string) string
	}{
		{"as it is", func(body string) string { return body }},
		{"with escaped slashes", func(body string) string { return strings.ReplaceAll(body, "/", `\/`) }},
		{"the photo alone", func(body string) string {
			_, data, _ := strings.Cut(body, "base64,")
			return "\x1b[2J" + data
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// given a server that gives back whatever it is sent, in body and headers
			sent := make(chan string, 2)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				sent <- string(b)
				w.Header().Set("Location", "https://moved.example/?sig="+markedQuery)
				w.Header().Set("Server", r.Header.Get("Authorization"))
				w.Header().Set("X-Secret", r.Header.Get("Authorization"))
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, r.Header.Get("Authorization")+" "+tt.echo(string(b)))
			}))
			t.Cleanup(server.Close)
			th := newTheatre(t)
			th.env["GROUPPHOTO_PHOTO_SIDE"] = smallSide
			th.env["PLUGCHAT_BASE_URL"], th.env["PLUGCHAT_AUTH_SCHEME"] = server.URL, "Bearer"
			// when a change is tried
			args := []string{"account", "check", "main", "--live", "--yes", "--group", group, "--photo", name}
			text := call(t, th.env, args...)
			got := call(t, th.env, append(args, "-o", "json")...)
			// then neither token nor photo nor query is shown
			if text.code != exitFailed || got.code != exitFailed || !strings.Contains(text.out, "Authorization: Bearer [redacted]\n") || !strings.Contains(text.out, "Location: https://moved.example/?[…]\n") {
				t.Errorf("exit codes %d and %d:\n%s", text.code, got.code, text.out)
			}
			_, data, _ := strings.Cut(<-sent, "base64,")
			noneOf(t, append(marks, data[:24], data[2000:2024]), text, got)
			if strings.Contains(text.out, "X-Secret") {
				t.Errorf("a header that tells nothing is shown:\n%s", text.out)
			}
		})
	}
}
