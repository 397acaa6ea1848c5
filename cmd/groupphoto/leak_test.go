package main

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/sandbox"
)

const (
	markedHTTPToken = "marked-http-token-55e0"
	markedQuery     = "marked-query-91ab"
)

// markedPicture is a PNG whose bytes no other file has, and the texts by which
// it would be known anywhere: raw, hexadecimal and Base64 of its middle.
func markedPicture(t *testing.T) (picture []byte, marks []string) {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 220, 220))
	noise := rand.New(rand.NewPCG(1, 2)) // the same picture every time
	for i := range img.Pix {
		img.Pix[i] = uint8(noise.UintN(256))
	}
	img.Set(0, 0, color.White)
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	middle := b.Bytes()[3000:3300]
	coded := base64.StdEncoding.EncodeToString(middle)
	return b.Bytes(), []string{string(middle[:24]), coded[4:40]}
}

// TestSecrets_StayWhereTheyBelong sends marked updates the good and the bad way
// through everything there is, and then looks for the marks everywhere.
func TestSecrets_StayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	// Given a marked token, a marked picture and a marked query string
	server := redistest.Real(t)
	box := sandbox.New(sandbox.Config{Tokens: []string{markedToken}})
	th := newTheatreOn(t, server.URL(), box)
	th.env["GROUPPHOTO_HTTP_TOKEN"] = markedHTTPToken
	w := th.work(t, "--http", "127.0.0.1:0")
	base := w.find(`"http":"(http://[^"]+)"`)
	raw, marks := markedPicture(t)
	name := filepath.Join(t.TempDir(), "marked.png")
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	bad := "http://169.254.169.254/photo.png?signature=" + markedQuery
	seen := map[string]string{}
	note := func(what string, r result) {
		seen[what+", stdout"], seen[what+", stderr"] = r.out, r.err
	}
	// when updates go well, are refused, fail on their photo, at the account and
	// with an unreadable answer, from the command line and over HTTP
	note("update", call(t, th.env, "update", "--group", group, "--photo", name, "--id", "fine", "--wait", "30s"))
	setDial(t, box, "false:n=1")
	note("refused", call(t, th.env, "update", "--group", group, "--photo", name, "--id", "no", "--wait", "30s", "-o", "json"))
	note("bad photo", call(t, th.env, "update", "--group", group, "--photo", bad, "--id", "bad", "--wait", "30s"))
	setDial(t, box, "html:n=1", "401:n=1")
	note("trouble", call(t, th.env, "update", "--group", group, "--photo", name, "--id", "trouble", "--wait", "1500ms"))
	note("wrong group", call(t, th.env, "update", "--group", "5511999999999", "--photo", bad))
	note("doctor", call(t, th.env, "doctor"))
	note("doctor json", call(t, th.env, "doctor", "-o", "json"))
	inline := "data:image/png;base64," + base64.StdEncoding.EncodeToString(raw)
	for what, body := range map[string]string{
		"API":            `{"groupId":"` + group + `","groupPhoto":"` + inline + `","id":"api"}`,
		"API, bad group": `{"groupId":"nobody","groupPhoto":"` + inline + `"}`,
		"API, bad URL":   `{"groupId":"` + group + `","groupPhoto":"ftp://x/y?` + markedQuery + `"}`,
		"API, cut short": `{"groupId":"` + group + `","groupPhoto":"` + inline,
	} {
		seen[what] = ask(t, http.MethodPost, base+"/v1/updates", body)
	}
	for _, path := range []string{
		"/v1/updates/fine", "/v1/updates/bad?wait=10s", "/v1/updates/api?wait=10s", "/", "/readyz", "/monitoring/",
		"/monitoring/api/queues", "/monitoring/api/queues/photo.main/completed_tasks", "/monitoring/api/queues/photo.main/archived_tasks",
		"/monitoring/api/queues/photo.main/retry_tasks", "/monitoring/api/queues/photo.main/tasks/fine", "/monitoring/api/servers",
	} {
		seen["GET "+path] = ask(t, http.MethodGet, base+path, "")
	}
	w.stop()
	seen["the worker's log"] = w.text.String()
	dump, err := server.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// then the picture is in the photo store only, and the rest nowhere
	stored := false
	for key, value := range dump {
		if strings.HasPrefix(key, "groupphoto:photo:") {
			stored = stored || strings.Contains(value, marks[0])
			continue
		}
		seen["Redis key "+key] = key + value
	}
	if !stored {
		t.Error("the marked picture is not in the photo store: the marks prove nothing")
	}
	for what, text := range seen {
		for _, mark := range append(marks, markedToken, markedHTTPToken) {
			if strings.Contains(text, mark) {
				t.Errorf("%s shows %q:\n%.2000s", what, mark, text)
			}
		}
		if strings.Contains(text, markedQuery) && !mayHoldURL(what) {
			t.Errorf("%s shows the query string:\n%.2000s", what, text)
		}
	}
}

// mayHoldURL: the payload must hold the URL as it was given, or nobody could
// fetch the photo. It stands in asynq's task and in the ledger's record of it.
func mayHoldURL(what string) bool {
	return what == "Redis key asynq:{photo.main}:t:bad" || what == "Redis key groupphoto:{main}:u:bad"
}

func newTheatreOn(t *testing.T, redis string, box *sandbox.Sandbox) theatre {
	t.Helper()
	th := newTheatre(t)
	th.box, th.env["REDIS_URL"] = box, redis
	provider := httptest.NewServer(box)
	t.Cleanup(provider.Close)
	th.env["PLUGCHAT_BASE_URL"] = provider.URL
	return th
}

func setDial(t *testing.T, box *sandbox.Sandbox, texts ...string) {
	t.Helper()
	rules, err := parseRules(texts)
	if err != nil {
		t.Fatal(err)
	}
	box.SetDial(rules...)
}

// ask makes a request with the marked login and returns everything of the answer.
func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+markedHTTPToken)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	_ = resp.Header.Write(&text)
	return resp.Status + "\n" + text.String() + string(b)
}
