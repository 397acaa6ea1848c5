package plugchat_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

const (
	group = "120363019502650977-group"
	token = "tok-MARKEDTOKEN-1"
)

var jpeg = []byte("\xFF\xD8\xFF\xE0MARKEDPHOTO and more of the photo, long enough to be seen as a run of Base64\xFF\xD9")

// roundTripFunc answers without a network.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering reads the whole request, as a connection would, and gives one fixed reply.
func answering(status int, header http.Header, body string) roundTripFunc {
	return func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return nil, err
			}
		}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func newClient(t testing.TB, cfg plugchat.Config) *plugchat.Client {
	t.Helper()
	if cfg.Token == "" {
		cfg.Token = token
	}
	c, err := plugchat.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

func call() plugchat.Call { return plugchat.Call{GroupID: group, Photo: plugchat.JPEG(jpeg)} }

func failureOf(t testing.TB, err error) *plugchat.Error {
	t.Helper()
	e, ok := errors.AsType[*plugchat.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *plugchat.Error", err)
	}
	return e
}

// end is the part of an outcome that tables compare.
type end struct {
	Value  bool
	Class  string
	Reason string
}

func ask(t testing.TB, status int, header http.Header, body string) (end, *plugchat.Error) {
	t.Helper()
	value, err := newClient(t, plugchat.Config{Transport: answering(status, header, body)}).UpdateGroupPhoto(t.Context(), call())
	if err == nil {
		return end{Value: value}, nil
	}
	e := failureOf(t, err)
	if e.Status != status || !e.Sent {
		t.Errorf("status and sent: got %d, %t, want %d, true", e.Status, e.Sent, status)
	}
	return end{value, e.Class.String(), e.Reason}, e
}

// TestStatus_EveryRegistered holds the meaning of every status that net/http or Cloudflare gives a name, with a body that says nothing.
func TestStatus_EveryRegistered(t *testing.T) {
	t.Parallel()
	unclear := end{Class: "unclear", Reason: "unclear_answer"}
	redirected := end{Class: "account", Reason: "redirected"}
	rejects := end{Class: "permanent", Reason: "provider_rejects"}
	throttled := end{Class: "throttled", Reason: "throttled"}
	failed := end{Class: "ambiguous", Reason: "provider_error"}
	lost := end{Class: "lost", Reason: "no_answer"}
	table := map[int]end{
		100: unclear, 101: unclear, 102: unclear, 103: unclear,
		200: unclear, 201: unclear, 202: unclear, 203: unclear, 204: unclear, 205: unclear, 206: unclear, 207: unclear, 208: unclear, 226: unclear,
		300: redirected, 301: redirected, 302: redirected, 303: redirected, 304: redirected, 305: redirected, 307: redirected, 308: redirected,
		400: rejects, 401: {Class: "account", Reason: "credentials"}, 402: {Class: "account", Reason: "subscription"},
		403: {Class: "account", Reason: "not_allowed"}, 404: rejects, 405: {Class: "account", Reason: "wrong_method"}, 406: rejects,
		407: {Class: "account", Reason: "proxy_login"}, 408: throttled, 409: rejects, 410: rejects, 411: rejects, 412: rejects, 413: rejects, 414: rejects,
		415: {Class: "account", Reason: "wrong_content_type"}, 416: rejects, 417: rejects, 418: rejects, 421: rejects, 422: rejects, 423: rejects,
		424: rejects, 425: throttled, 426: rejects, 428: rejects, 429: throttled, 431: rejects, 451: rejects,
		500: failed, 501: failed, 502: lost, 503: {Class: "transient", Reason: "unavailable"}, 504: lost, 505: failed, 506: failed, 507: failed,
		508: failed, 510: failed, 511: failed, 520: lost, 521: lost, 522: lost, 523: lost, 524: lost,
	}
	for status := 100; status < 600; status++ {
		want, ok := table[status]
		if !ok && http.StatusText(status) != "" {
			t.Errorf("%d %s: registered but not in the table", status, http.StatusText(status))
		}
		if !ok {
			continue
		}
		if got, _ := ask(t, status, nil, ""); got != want {
			t.Errorf("%d %s: got %+v, want %+v", status, http.StatusText(status), got, want)
		}
	}
}

func TestAnswer_ByBody(t *testing.T) {
	t.Parallel()
	unclear := end{Class: "unclear", Reason: "unclear_answer"}
	subscription := end{Class: "account", Reason: "subscription"}
	disconnected := end{Class: "account", Reason: "disconnected"}
	throttled := end{Class: "throttled", Reason: "throttled"}
	refused := end{Class: "refused", Reason: "not_admin"}
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   end
	}{
		{"true", 200, `{"value":true}`, end{Value: true}},
		{"true with other members and space", 200, " {\"a\":[1,{\"value\":false}], \"value\" : true }\n", end{Value: true}},
		{"true with a friendly text", 200, `{"value":true,"error":"You are already connected."}`, end{Value: true}},
		{"true twice", 200, `{"value":true,"value":true}`, end{Value: true}},
		{"false", 200, `{"value":false}`, end{}},
		{"false with a text that says nothing", 200, `{"value":false,"error":"Timed Out"}`, end{}},
		{"true, but 201", 201, `{"value":true}`, unclear},
		{"true, but 500", 500, `{"value":true}`, end{Class: "ambiguous", Reason: "provider_error"}},
		{"text true", 200, `{"value":"true"}`, unclear},
		{"number", 200, `{"value":1}`, unclear},
		{"null", 200, `{"value":null}`, unclear},
		{"missing", 200, `{}`, unclear},
		{"key in another case", 200, `{"Value":true}`, unclear},
		{"key in another case beside the real one", 200, `{"Value":true,"value":false}`, end{}},
		{"contradiction", 200, `{"value":false,"value":true}`, unclear},
		{"nested only", 200, `{"data":{"value":true}}`, unclear},
		{"bare true", 200, `true`, unclear},
		{"array", 200, `[{"value":true}]`, unclear},
		{"empty", 200, ``, unclear},
		{"html", 200, `<!doctype html><title>not allowed</title>`, unclear},
		{"trailing garbage", 200, `{"value":true}x`, unclear},
		{"two documents", 200, `{"value":true}{"value":true}`, unclear},
		{"cut off", 200, `{"value":true`, unclear},
		{"too long", 200, `{"value":true}` + strings.Repeat(" ", 64<<10), unclear},
		{"forbidden", 200, `{"value":false,"error":"forbidden"}`, refused},
		{"not admin, nested", 200, `{"value":false,"error":{"message":"You are NOT ADMIN, not allowed"}}`, refused},
		{"overlimit", 200, `{"value":false,"reason":"rate-overlimit"}`, throttled},
		{"overlimit as an error", 500, `{"error":"rate-overlimit"}`, throttled},
		{"false, not connected", 200, `{"value":false,"message":"You are not connected."}`, disconnected},
		{"error only, restore", 200, `{"error":"You need to restore the session."}`, disconnected},
		{"subscription", 400, `{"error":"To continue sending a message, you must subscribe to this instance again"}`, subscription},
		{"subscription in plain text", 500, "you must subscribe again", subscription},
		{"subscription as a JSON text", 404, `"you must subscribe again"`, subscription},
		{"client token", 400, `{"error":"your client-token is not configured"}`, end{Class: "account", Reason: "credentials"}},
		{"address not on the list", 400, `{"error":"203.0.113.7 not allowed"}`, end{Class: "account", Reason: "not_allowed"}},
		{"the method, not the account", 405, `{"error":"Method Not Allowed"}`, end{Class: "account", Reason: "wrong_method"}},
		{"a word in an echo proves nothing", 400, `{"groupName":"not allowed","error":"Invalid phone"}`, end{Class: "permanent", Reason: "provider_rejects"}},
		{"forbidden on 403 is the account", 403, `{"error":"forbidden"}`, end{Class: "account", Reason: "not_allowed"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, e := ask(t, tc.status, nil, tc.body)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("end (-want +got):\n%s", diff)
			}
			if e != nil && (e.Detail == "" || len(e.Detail) > 200) {
				t.Errorf("detail of %d bytes: %q", len(e.Detail), e.Detail)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, tc := range []struct {
		name, header string
		min, max     time.Duration
	}{
		{"absent", "", 0, 0},
		{"seconds", "30", 30 * time.Second, 30 * time.Second},
		{"zero", "0", time.Second, time.Second},
		{"too long", "86400", time.Hour, time.Hour},
		{"beyond numbers", strings.Repeat("9", 40), time.Hour, time.Hour},
		{"negative", "-5", 0, 0},
		{"words", "soon", 0, 0},
		{"date", in(2 * time.Minute), 110 * time.Second, 121 * time.Second},
		{"past date", in(-time.Minute), time.Second, time.Second},
		{"far date", in(48 * time.Hour), time.Hour, time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, e := ask(t, 429, http.Header{"Retry-After": {tc.header}}, "")
			if e.RetryAfter < tc.min || e.RetryAfter > tc.max {
				t.Errorf("got %s, want %s to %s", e.RetryAfter, tc.min, tc.max)
			}
		})
	}
}

func TestRedirect_NamesTheHostOnly(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{
		"https://user:pw@app.plugchat.com.br/x?token=SECRETQUERY": "app.plugchat.com.br",
		"/login?next=SECRETQUERY":                                 "the same host",
		"https://h/%zz?SECRETQUERY":                               "not a URL",
	} {
		_, e := ask(t, 302, http.Header{"Location": {location}}, "")
		if !strings.Contains(e.Detail, want) || strings.Contains(e.Detail, "SECRETQUERY") || strings.Contains(e.Detail, "pw") {
			t.Errorf("%s: got %q, want it to name %q and no more", location, e.Detail, want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{`{"value":true}`, `{"value":false,"value":true}`, `{"Value":true}`, `{"value":true}x`, `{"error":{"message":"not connected"}}`, "<html>", `{"value":"true"}`} {
		f.Add(200, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		got, e := ask(t, status, nil, body)
		if e != nil && len(e.Detail) > 200 {
			t.Errorf("detail of %d bytes", len(e.Detail))
		}
		if !got.Value {
			return
		}
		// A true must be one by an independent reading, which keeps keys apart by case too.
		var members map[string]json.RawMessage
		if status != 200 || json.Unmarshal([]byte(body), &members) != nil || string(members["value"]) != "true" {
			t.Errorf("true from status %d, body %q", status, body)
		}
	})
}
