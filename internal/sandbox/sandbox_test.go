package sandbox_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/sandbox"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

const (
	token    = "tok-MARKED-1"
	newGroup = "120363019502650977-group"
	oldGroup = "5511999999999-1623281429"
)

// picture is a JPEG of one colour.
func picture(t testing.TB, width, height int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = uint8(i % 251)
	}
	img.Set(0, 0, color.Black)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// stage is a sandbox behind a server, and a client that calls it.
type stage struct {
	box    *sandbox.Sandbox
	url    string
	client *plugchat.Client
	photo  []byte
}

func newStage(t testing.TB, cfg sandbox.Config, timeout time.Duration) *stage {
	t.Helper()
	s := &stage{box: sandbox.New(cfg), photo: picture(t, 200, 200)}
	life, end := context.WithCancel(context.Background())
	server := httptest.NewUnstartedServer(s.box)
	server.Config.BaseContext = func(net.Listener) context.Context { return life }
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(end)
	client, err := plugchat.New(plugchat.Config{BaseURL: server.URL, Token: token, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdle)
	s.url, s.client = server.URL, client
	return s
}

func (s *stage) update(t testing.TB, group string) (bool, error) {
	t.Helper()
	return s.client.UpdateGroupPhoto(t.Context(), plugchat.Call{GroupID: group, Photo: plugchat.JPEG(s.photo)})
}

func rule(t testing.TB, text string) sandbox.Rule {
	t.Helper()
	r, err := sandbox.ParseRule(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// send makes a raw request and returns status and body.
func (s *stage) send(t testing.TB, method, path, body string, header map[string]string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range header {
		req.Header.Set(key, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

func TestUpdate_ChangesTheGroup(t *testing.T) {
	t.Parallel()
	// given an empty sandbox, when a JPEG and then an address are set on groups of both forms, then the groups show them and the log tells all of it.
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	s := newStage(t, sandbox.Config{Now: func() time.Time { return at }}, 0)
	for _, group := range []string{newGroup, oldGroup} {
		if value, err := s.update(t, group); err != nil || !value {
			t.Fatalf("%s: got %t, %v, want true", group, value, err)
		}
	}
	const address = "https://img.example.com/a.png?x=1"
	if value, err := s.client.UpdateGroupPhoto(t.Context(), plugchat.Call{GroupID: oldGroup, Photo: plugchat.URL(address)}); err != nil || !value {
		t.Fatalf("by address: got %t, %v, want true", value, err)
	}
	hash := func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }
	want := []sandbox.Group{
		{ID: newGroup, PhotoHash: hash(s.photo), JPEG: s.photo, ChangedAt: at, Changes: 1, Calls: 1, LastStatus: 200, LastAnswer: `{"value":true}`},
		{ID: oldGroup, PhotoHash: hash([]byte(address)), Host: "img.example.com", ChangedAt: at, Changes: 2, Calls: 2, LastStatus: 200, LastAnswer: `{"value":true}`},
	}
	if diff := cmp.Diff(want, s.box.Groups()); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	wantCall := sandbox.Call{
		Start: at, End: at, Account: sandbox.AccountOf(token), Method: "POST", Path: "/api/whatsapp/update-group-photo", GroupID: newGroup,
		PhotoHash: hash(s.photo), Status: 200, Answer: `{"value":true}`, Landed: true, InFlight: 1,
	}
	if diff := cmp.Diff(wantCall, s.box.Calls()[0]); diff != "" {
		t.Errorf("call (-want +got):\n%s", diff)
	}
}

func TestUpdate_StrictAboutTheRequest(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Config{Tokens: []string{token}}, 0)
	const good = `{"groupId":"` + newGroup + `","groupPhoto":"https://h/x"}`
	typed := map[string]string{"Authorization": token, "Content-Type": "application/json; charset=utf-8"}
	with := func(key, value string) map[string]string {
		h := map[string]string{"Authorization": token, "Content-Type": "application/json"}
		h[key] = value
		return h
	}
	for _, tc := range []struct {
		name, method, body string
		header             map[string]string
		status             int
		says               string
	}{
		{"good", "POST", good, typed, 200, `{"value":true}`},
		{"GET", "GET", "", typed, 405, "method not allowed"},
		{"no token", "POST", good, map[string]string{"Content-Type": "application/json"}, 401, "missing"},
		{"other token", "POST", good, with("Authorization", "other"), 401, "invalid"},
		{"scheme that nobody asked for", "POST", good, with("Authorization", "Bearer "+token), 401, "invalid"},
		{"no content type", "POST", good, map[string]string{"Authorization": token}, 415, "application/json"},
		{"form", "POST", good, with("Content-Type", "application/x-www-form-urlencoded"), 415, "application/json"},
		{"groupID", "POST", `{"groupID":"` + newGroup + `","groupPhoto":"https://h/x"}`, typed, 400, "unknown key groupID"},
		{"extra key", "POST", `{"groupId":"1","groupPhoto":"x","delay":"1"}`, typed, 400, "unknown key delay"},
		{"twice", "POST", `{"groupId":"1","groupId":"1","groupPhoto":"x"}`, typed, 400, "twice"},
		{"number", "POST", `{"groupId":1,"groupPhoto":"x"}`, typed, 400, "groupId is not a string"},
		{"missing", "POST", `{"groupId":"1"}`, typed, 400, "groupPhoto is missing"},
		{"array", "POST", `[]`, typed, 400, "not a JSON object"},
		{"cut off", "POST", `{"groupId":"1"`, typed, 400, "not JSON"},
		{"more", "POST", good + `{}`, typed, 400, "something follows"},
		{"too large", "POST", `{"groupId":"` + strings.Repeat("1", 9<<20) + `"}`, typed, 413, "8 MiB"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			status, body := s.send(t, tc.method, "/api/whatsapp/update-group-photo", tc.body, tc.header)
			if status != tc.status || !strings.Contains(body, tc.says) {
				t.Errorf("got %d %s, want %d with %q", status, body, tc.status, tc.says)
			}
		})
	}
}

func TestUpdate_RefusesWhatWhatsAppRefuses(t *testing.T) {
	t.Parallel()
	// given bodies that are well formed, when group or photo are not what WhatsApp takes, then the answer is a bare false and only the log says why.
	s := newStage(t, sandbox.Config{}, 0)
	uri := func(b []byte) string {
		quoted, _ := json.Marshal(b)
		return "data:image/jpeg;base64," + strings.Trim(string(quoted), `"`)
	}
	whole := picture(t, 300, 300)
	for i, tc := range []struct{ name, group, photo, why string }{
		{"user", "5511999999999@c.us", uri(whole), "documented forms"},
		{"WhatsApp's own form", "120363019502650977@g.us", uri(whole), "documented forms"},
		{"empty group", "", uri(whole), "documented forms"},
		{"too large", newGroup, uri(picture(t, 600, 300)), "600×300"},
		{"too high", newGroup, uri(picture(t, 300, 600)), "300×600"},
		{"PNG", newGroup, "data:image/png;base64,iVBORw0KGgo=", "does not begin"},
		{"image/jpg", newGroup, "data:image/jpg;base64,/9j/", "does not begin"},
		{"PNG called JPEG", newGroup, "data:image/jpeg;base64,iVBORw0KGgo=", "not a JPEG"},
		{"damaged", newGroup, uri(whole[:len(whole)/2]), "damaged"},
		{"bare Base64", newGroup, strings.TrimPrefix(uri(whole), "data:image/jpeg;base64,"), "neither"},
		{"line breaks", newGroup, `data:image/jpeg;base64,/9j/\n4AAQ`, "line breaks"},
		{"URL alphabet", newGroup, "data:image/jpeg;base64,_9j_", "alphabet"},
		{"empty photo", newGroup, "", "empty"},
		{"ftp", newGroup, "ftp://h/x", "neither"},
	} {
		status, body := s.send(t, "POST", "/api/whatsapp/update-group-photo", `{"groupId":"`+tc.group+`","groupPhoto":"`+tc.photo+`"}`,
			map[string]string{"Authorization": token, "Content-Type": "application/json"})
		if status != 200 || body != `{"value":false}` {
			t.Errorf("%s: got %d %s, want 200 false", tc.name, status, body)
		}
		if why := s.box.Calls()[i].Why; !strings.Contains(why, tc.why) {
			t.Errorf("%s: the log says %q, want %q", tc.name, why, tc.why)
		}
	}
	if g, ok := s.box.Group(newGroup); ok && g.Changes != 0 {
		t.Errorf("the group changed %d times", g.Changes)
	}
	s.photo = picture(t, 599, 599)
	if value, err := s.update(t, newGroup); err != nil || !value {
		t.Errorf("599 pixels: got %t, %v, want true", value, err)
	}
}

func TestDial_EveryKind(t *testing.T) {
	t.Parallel()
	const value = "value"
	type end struct {
		Reason string // value: a boolean false
		Class  string
		Landed bool
	}
	want := map[string]end{
		"false": {value, "", false}, "false-text": {"not_admin", "refused", false}, "overlimit": {"throttled", "throttled", false},
		"400": {"provider_rejects", "permanent", false}, "401": {"credentials", "account", false}, "403": {"not_allowed", "account", false},
		"404": {"provider_rejects", "permanent", false}, "405": {"wrong_method", "account", false}, "415": {"wrong_content_type", "account", false},
		"429": {"throttled", "throttled", false}, "throttle": {"throttled", "throttled", false}, "500": {"provider_error", "ambiguous", false},
		"502": {"no_answer", "lost", false}, "503": {"unavailable", "transient", false}, "504": {"no_answer", "lost", false},
		"html": {"unclear_answer", "unclear", false}, "empty": {"unclear_answer", "unclear", false},
		"string": {"unclear_answer", "unclear", false}, "null": {"unclear_answer", "unclear", false},
		"hang": {"no_answer", "lost", false}, "land-then-hang": {"no_answer", "lost", true},
		"reset": {"no_answer", "lost", false}, "land-then-reset": {"no_answer", "lost", true}, "redirect": {"redirected", "account", false},
		"disconnected": {"disconnected", "account", false}, "disconnected-false": {value, "", false}, "expired": {"subscription", "account", false},
		"session-lost": {"disconnected", "account", false}, "not-admin": {value, "", false}, "plain-member": {"", "", true},
		"not-member": {value, "", false}, "gone": {value, "", false}, "land-then-504": {"no_answer", "lost", true},
	}
	for _, kind := range sandbox.Kinds() {
		if kind.Name == "slow" || kind.Name == "pace" {
			continue // TestDial_SlowDelaysAndGoesOn, TestDial_PaceRefusesWhatComesTooSoon
		}
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			want, ok := want[kind.Name]
			if !ok {
				t.Fatal("no expectation for this kind")
			}
			timeout := time.Duration(0)
			if strings.Contains(kind.Name, "hang") {
				timeout = 200 * time.Millisecond
			}
			s := newStage(t, sandbox.Config{}, timeout)
			s.box.SetDial(rule(t, kind.Name+":n=1"))
			var got end
			answered, err := s.update(t, newGroup)
			if e, ok := errors.AsType[*plugchat.Error](err); ok {
				got = end{Reason: e.Reason, Class: e.Class.String()}
			} else if !answered && err == nil {
				got.Reason = value
			}
			g, _ := s.box.Group(newGroup)
			got.Landed = g.Changes == 1
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("end (-want +got), error %v:\n%s", err, diff)
			}
			if log := s.box.Calls()[0]; log.Rule != kind.Name+":n=1" || log.Landed != want.Landed {
				t.Errorf("log: got rule %q, landed %t", log.Rule, log.Landed)
			}
			if answered, err := s.update(t, newGroup); err != nil || !answered || len(s.box.Dial()) != 0 {
				t.Errorf("after the rule was used up: got %t, %v, dial %v", answered, err, s.box.Dial())
			}
		})
	}
}

func TestDial_SlowDelaysAndGoesOn(t *testing.T) {
	t.Parallel()
	// given a slow rule before a 503 with Retry-After, when a call is made, then both apply; and when the caller does not wait, nothing lands.
	s := newStage(t, sandbox.Config{}, 5*time.Second)
	s.box.SetDial(rule(t, "slow:n=1,latency=80ms"), rule(t, "503:n=1,retry-after=7s"))
	start := time.Now()
	_, err := s.update(t, newGroup)
	e, ok := errors.AsType[*plugchat.Error](err)
	if !ok || e.Status != 503 || e.RetryAfter != 7*time.Second || time.Since(start) < 80*time.Millisecond {
		t.Errorf("got %v after %s", err, time.Since(start))
	}
	if got, want := s.box.Calls()[0].Rule, "slow:n=1,latency=80ms + 503:n=1,retry-after=7s"; got != want {
		t.Errorf("rule: got %q, want %q", got, want)
	}
	s.box.SetDial(rule(t, "slow:latency=1h"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.client.UpdateGroupPhoto(ctx, plugchat.Call{GroupID: newGroup, Photo: plugchat.JPEG(s.photo)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	if g, _ := s.box.Group(newGroup); g.Changes != 0 {
		t.Errorf("the group changed %d times", g.Changes)
	}
}

func TestDial_PaceRefusesWhatComesTooSoon(t *testing.T) {
	t.Parallel()
	// given a clock and a rule of pace, when calls of an account come at these times, then those too close to the one before are refused as WhatsApp throttles,
	// and reads count for themselves.
	var now atomic.Int64
	s := newStage(t, sandbox.Config{Now: func() time.Time { return time.Unix(now.Load(), 0) }}, 0)
	s.box.SetDial(rule(t, "pace:gap=10s"))
	for _, tc := range []struct {
		at      int64
		refused bool
	}{{1000, false}, {1005, true}, {1014, true}, {1024, false}, {1024, true}, {1034, false}} {
		now.Store(tc.at)
		value, err := s.update(t, newGroup)
		e, throttled := errors.AsType[*plugchat.Error](err)
		if throttled != tc.refused || throttled && e.Reason != plugchat.ReasonThrottled || value == tc.refused {
			t.Errorf("at %d: got %t, %v, want it refused: %t", tc.at, value, err, tc.refused)
		}
		if _, err := s.client.Status(t.Context()); err != nil {
			t.Errorf("at %d: status: %v", tc.at, err)
		}
	}
}

func TestDial_LimitsByGroupAccountChanceAndCount(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Config{Seed: 7}, 0)
	refusals := func(group string, n int) int {
		t.Helper()
		refused := 0
		for range n {
			value, err := s.update(t, group)
			if err != nil {
				t.Fatal(err)
			}
			if !value {
				refused++
			}
		}
		return refused
	}
	s.box.SetDial(rule(t, "false:group="+newGroup))
	if a, b := refusals(newGroup, 3), refusals(oldGroup, 3); a != 3 || b != 0 {
		t.Errorf("by group: got %d and %d refusals, want 3 and 0", a, b)
	}
	s.box.SetDial(rule(t, "false:account=00000000"))
	if got := refusals(newGroup, 3); got != 0 {
		t.Errorf("another account's rule: got %d refusals", got)
	}
	s.box.SetDial(rule(t, "false:account="+sandbox.AccountOf(token)))
	if got := refusals(newGroup, 3); got != 3 {
		t.Errorf("own account's rule: got %d refusals, want 3", got)
	}
	s.box.SetDial(rule(t, "false:n=2"))
	if got := refusals(newGroup, 5); got != 2 {
		t.Errorf("n=2: got %d refusals", got)
	}
	s.box.SetDial(rule(t, "false:p=0.3"))
	if got := refusals(newGroup, 200); got < 35 || got > 90 {
		t.Errorf("p=0.3: got %d refusals of 200", got)
	}
}

func TestLog_IsBoundedAndForgets(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Config{MaxCalls: 10}, 0)
	for i := range 25 {
		if _, err := s.update(t, fmt.Sprintf("12036300000000%04d-group", i)); err != nil {
			t.Fatal(err)
		}
	}
	calls := s.box.Calls()
	if len(calls) > 10 || len(calls) == 0 || calls[len(calls)-1].GroupID != "120363000000000024-group" {
		t.Errorf("got %d calls, want at most 10 with the newest last", len(calls))
	}
	s.box.ForgetCalls()
	if got := len(s.box.Calls()); got != 0 {
		t.Errorf("after forgetting: %d calls", got)
	}
}
