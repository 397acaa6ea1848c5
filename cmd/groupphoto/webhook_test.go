package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/webhook"
)

// The secrets of these tests are the Base64 of "marked-secret-marked-secret" and of "marked-before-marked-before".
const (
	webhookSecret       = "whsec_bWFya2VkLXNlY3JldC1tYXJrZWQtc2VjcmV0"
	webhookSecretBefore = "whsec_bWFya2VkLWJlZm9yZS1tYXJrZWQtYmVmb3Jl"
)

// told is what a receiver was sent.
type told struct {
	header http.Header
	body   []byte
}

// receiver takes events and answers as it is told; what came stands in the channel.
func receiver(t *testing.T, answer http.HandlerFunc) (map[string]string, chan told) {
	t.Helper()
	came := make(chan told, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		came <- told{r.Header.Clone(), body}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return map[string]string{
		"GROUPPHOTO_WEBHOOK_URL": server.URL + "/marked-path?key=marked-query", "GROUPPHOTO_WEBHOOK_ALLOW": "127.0.0.0/8, ::1",
		"GROUPPHOTO_WEBHOOK_SECRET": webhookSecret + " " + webhookSecretBefore,
	}, came
}

func answering(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "marked-answer")
	}
}

func TestWebhookTest_Answers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		status int
		code   int
		want   string // a regular expression for stdout
	}{
		{"taken", 204, exitDone, `^accepted +by 127\.0\.0\.1:\d+\nid +test-\w+\nanswer +HTTP 204 in .+\n`},
		{"no longer wanted", 410, exitFailure, `^not accepted +by 127.*\nid .*\nanswer +HTTP 410 in .*\nwhy +the receiver wants no more events; .*\n`},
		{"later", 429, exitFailure, `\nwhy +the receiver can't take the event now; try later\nwait +asks for 1 min 30 s\n$`},
		{"elsewhere", 302, exitFailure, `\nwhy +the receiver redirects, which is not followed; .*\n`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env, came := receiver(t, answering(tt.status))
			got := call(t, env, "webhook", "test")
			<-came
			if got.code != tt.code || got.err != "" || !regexp.MustCompile(tt.want).MatchString(got.out) || strings.Contains(got.out, "marked-") {
				t.Errorf("exit code %d, stderr %q, stdout:\n%s\nwant %d and %s", got.code, got.err, got.out, tt.code, tt.want)
			}
		})
	}
}

func TestWebhookTest_JSONAndSignature(t *testing.T) {
	t.Parallel()
	// given a receiver that is told, with a secret that is being replaced
	env, came := receiver(t, answering(200))
	// when the test event is sent
	got := call(t, env, "webhook", "test", "-o", "json")
	event := <-came
	// then it is told as JSON
	o := object(t, got.out)
	if got.code != exitDone || o["accepted"] != true || o["httpStatus"] != 200.0 || o["type"] != "test" || strings.Contains(got.out+got.err, "marked-") {
		t.Errorf("exit code %d, stderr %q, stdout %s", got.code, got.err, got.out)
	}
	// and what came is the event, which holds against both secrets
	var body webhook.Event
	if err := json.Unmarshal(event.body, &body); err != nil || body.ID != o["id"] || body.Type != "test" || body.Data == nil {
		t.Errorf("got %s, %v", event.body, err)
	}
	for _, text := range []string{webhookSecret, webhookSecretBefore} {
		secret, err := webhook.ParseSecret(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := webhook.Verify(secret, event.header, event.body, time.Now()); err != nil {
			t.Error(err)
		}
	}
	if agent := event.header.Get("User-Agent"); agent != "groupphoto/"+version {
		t.Errorf("the sender calls itself %q", agent)
	}
}

func TestWebhookTest_NotReached(t *testing.T) {
	t.Parallel()
	env := map[string]string{"GROUPPHOTO_WEBHOOK_URL": "http://127.0.0.1:1/?marked-query", "GROUPPHOTO_WEBHOOK_SECRET": webhookSecret, "GROUPPHOTO_WEBHOOK_ALLOW": "127.0.0.1"}
	got := call(t, env, "webhook", "test", "-o", "json")
	o := object(t, got.out)
	if got.code != exitFailure || o["accepted"] != false || o["httpStatus"] != 0.0 || o["permanent"] != false || strings.Contains(got.out+got.err, "marked-") {
		t.Errorf("exit code %d, stderr %q, stdout %s", got.code, got.err, got.out)
	}
}

func TestWebhookTest_BadInput(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"none is configured", nil, []string{"webhook", "test"}, "groupphoto: no webhook is configured: set GROUPPHOTO_WEBHOOK_URL and GROUPPHOTO_WEBHOOK_SECRET\n"},
		{"no secret", map[string]string{"GROUPPHOTO_WEBHOOK_URL": "https://hooks.example.com/"}, []string{"webhook", "test"}, "groupphoto: GROUPPHOTO_WEBHOOK_SECRET: is missing"},
		{"loopback", map[string]string{"GROUPPHOTO_WEBHOOK_URL": "https://127.0.0.1/?marked-query", "GROUPPHOTO_WEBHOOK_SECRET": webhookSecret}, []string{"webhook", "test"}, "groupphoto: GROUPPHOTO_WEBHOOK_URL: 127.0.0.1 is not a public address; use a public one, or allow it in GROUPPHOTO_WEBHOOK_ALLOW\n"},
		{"an argument", nil, []string{"webhook", "test", "now"}, `groupphoto: argument "now" is one too many (see 'groupphoto webhook test --help')`},
		{"another command", nil, []string{"webhook", "tets"}, `groupphoto: there is no command "tets"; did you mean "test"? (see 'groupphoto webhook --help')`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := call(t, tt.env, tt.args...)
			if got.code != exitUsage || got.out != "" || !strings.HasPrefix(got.err, tt.want) || strings.Contains(got.err, "marked-") {
				t.Errorf("exit code %d, stdout %q, stderr:\n%s\nwant 2 and %s", got.code, got.out, got.err, tt.want)
			}
		})
	}
}

func TestBareHost(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://hooks.example.com": "https://hooks.example.com", "https://hooks.example.com:8443/": "https://hooks.example.com:8443",
		"https://hooks.example.com/a": "https://hooks.example.com/…", "https://hooks.example.com?a": "https://hooks.example.com/…",
		"https://u:p@hooks.example.com/": "", "https:a": "", "whsec_abc": "", "https://h/%zz": "", "redis://h/": "",
	} {
		if got := bareHost(text); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestNewHook(t *testing.T) {
	t.Parallel()
	none, err := newHook(config{})
	if none != nil || err != nil {
		t.Errorf("got %v, %v, want none", none, err)
	}
	c, err := (&app{env: map[string]string{"GROUPPHOTO_WEBHOOK_URL": "https://hooks.example.com/", "GROUPPHOTO_WEBHOOK_SECRET": webhookSecret + ", " + webhookSecretBefore}}).config(t.Context(), nil)
	if err != nil || len(c.webhook.Secrets) != 2 {
		t.Fatalf("got %d secrets, %v", len(c.webhook.Secrets), err)
	}
	hook, err := newHook(c)
	if err != nil || hook.Host() != "hooks.example.com" {
		t.Errorf("got %v, %v", hook, err)
	}
}
