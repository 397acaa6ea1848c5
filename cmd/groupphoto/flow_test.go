package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/sandbox"
)

const markedToken = "marked-token-7c1f"

// theatre is a simulated PlugChat, an empty Redis, and the environment of
// somebody who uses both.
type theatre struct {
	box   *sandbox.Sandbox
	redis string
	env   map[string]string
}

func newTheatre(t *testing.T, dial ...string) theatre {
	t.Helper()
	th := theatre{box: sandbox.New(sandbox.Config{Tokens: []string{markedToken}}), redis: freshRedis(t)}
	rules, err := parseRules(dial)
	if err != nil {
		t.Fatal(err)
	}
	th.box.SetDial(rules...)
	server := httptest.NewServer(th.box)
	t.Cleanup(server.Close)
	th.env = map[string]string{
		"REDIS_URL": th.redis, "PLUGCHAT_TOKEN": markedToken, "PLUGCHAT_BASE_URL": server.URL,
		"GROUPPHOTO_PACE": "0", "GROUPPHOTO_REFUSAL_RETRIES": "0", "GROUPPHOTO_TZ": "UTC", "USER": "tester",
	}
	return th
}

// work starts a worker and waits until it runs.
func (th theatre) work(t *testing.T, args ...string) *running {
	t.Helper()
	w := serve(t, th.env, append([]string{"worker"}, args...)...)
	w.find(`worker\.started`)
	return w
}

// posts counts the calls that would have changed a photo.
func (th theatre) posts() int {
	n := 0
	for _, c := range th.box.Calls() {
		if strings.HasSuffix(c.Path, "/update-group-photo") {
			n++
		}
	}
	return n
}

func TestUpdate_WaitTellsTheEnd(t *testing.T) {
	t.Parallel()
	// given a worker, and a provider that answers as the dial says
	for _, tt := range []struct {
		name  string
		dial  []string
		photo string
		code  int
		state string
		value any
		calls int
		says  string
	}{
		{name: "accepted", code: exitDone, state: "updated", value: true, calls: 1},
		{name: "refused", dial: []string{"false"}, code: exitRefused, state: "refused", value: false, calls: 1},
		{name: "tried again", dial: []string{"503:n=1"}, code: exitDone, state: "updated", value: true, calls: 2},
		{name: "an address that is refused", photo: "http://127.0.0.1:9/logo.png?sig=marked-query", code: exitFailed, state: "failed", value: nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			th := newTheatre(t, tt.dial...)
			w := th.work(t)
			photo := tt.photo
			if photo == "" {
				photo = picture(t)
			}
			// when an update is sent and waited for
			got := call(t, th.env, "update", "--group", group, "--photo", photo, "--ref", "order 881", "--wait", "25s", "-o", "json")
			// then the exit code, the outcome and the judge agree
			o := object(t, got.out)
			if got.code != tt.code || o["state"] != tt.state || o["value"] != tt.value || o["ref"] != "order 881" || o["by"] != "tester" {
				t.Errorf("exit code %d, outcome %v; want %d, %s and %v", got.code, o, tt.code, tt.state, tt.value)
			}
			if n := th.posts(); n != tt.calls {
				t.Errorf("the provider was called %d times; want %d", n, tt.calls)
			}
			if strings.Contains(got.err, "no worker serves") {
				t.Errorf("stderr says that nobody serves it: %s", got.err)
			}
			if code := w.stop(); code != exitDone {
				t.Errorf("the worker ended with %d: %s", code, w.text)
			}
			for name, text := range map[string]string{"stdout": got.out, "stderr": got.err, "the worker's log": w.text.String()} {
				if strings.Contains(text, "marked-") {
					t.Errorf("%s shows a secret: %s", name, text)
				}
			}
		})
	}
}

func TestUpdate_TextIsForPeople(t *testing.T) {
	t.Parallel()
	// given a provider that refuses, and a worker
	th := newTheatre(t, "false")
	th.work(t)
	// when an update is waited for without JSON
	got := call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", "order-881", "--wait", "25s")
	// then there are a few readable lines, with the mend for this very update
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	if got.code != exitRefused || len(lines) < 3 || len(lines) > 7 {
		t.Fatalf("exit code %d, %d lines:\n%s", got.code, len(lines), got.out)
	}
	for _, want := range []string{"refused  " + group + " through main", "1 attempt, HTTP 200", "no_reason_given: ", "groupphoto retry order-881", " UTC"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("stdout lacks %q:\n%s", want, got.out)
		}
	}
}

func TestUpdate_NobodyServes(t *testing.T) {
	t.Parallel()
	// given a Redis without a worker
	th := newTheatre(t)
	// when an update is waited for
	got := call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", "a", "--wait", "300ms", "-o", "json")
	// then that is said at once, and the end of waiting is not an end of the update
	if o := object(t, got.out); got.code != exitUnfinished || o["state"] != "waiting" || o["value"] != nil {
		t.Errorf("exit code %d, outcome %v; want %d and waiting", got.code, o, exitUnfinished)
	}
	for _, want := range []string{"no worker serves account main at the moment; start one with: groupphoto worker", "not finished after 0.3 s; it goes on; look with: groupphoto outcome a"} {
		if !strings.Contains(got.err, want) {
			t.Errorf("stderr lacks %q:\n%s", want, got.err)
		}
	}
	// and when a worker starts, it is carried out
	th.work(t)
	again := call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", "a", "--wait", "25s", "-o", "json")
	if o := object(t, again.out); again.code != exitDone || o["state"] != "updated" {
		t.Errorf("exit code %d, outcome %v; want 0 and updated", again.code, o)
	}
	if n := th.posts(); n != 1 {
		t.Errorf("the provider was called %d times; want 1", n)
	}
	// and then it is found, told as a duplicate, and can be sent once more
	if found := call(t, th.env, "outcome", "a", "-o", "json"); found.code != exitDone || object(t, found.out)["state"] != "updated" {
		t.Errorf("outcome: exit code %d: %s", found.code, found.out)
	}
	receipt := call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", "a", "-o", "json")
	if o := object(t, receipt.out); receipt.code != exitDone || o["duplicate"] != true || o["state"] != "updated" {
		t.Errorf("receipt: exit code %d: %v", receipt.code, o)
	}
	if late := call(t, th.env, "cancel", "a"); late.code != exitFailure || !strings.Contains(late.err, "update a had ended before as updated") {
		t.Errorf("cancelling late: exit code %d: %s", late.code, late.err)
	}
	retried := call(t, th.env, "retry", "a", "--wait", "25s", "-o", "json")
	if o := object(t, retried.out); retried.code != exitDone || o["state"] != "updated" || th.posts() != 2 {
		t.Errorf("retry: exit code %d, %d calls, %v", retried.code, th.posts(), o)
	}
}

func TestUpdate_ScheduledAndCancelled(t *testing.T) {
	t.Parallel()
	// given an update that is due in an hour
	th := newTheatre(t)
	got := call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", "later", "--in", "1h", "--expires", "2d", "-o", "json")
	if o := object(t, got.out); got.code != exitDone || o["state"] != "scheduled" || o["due"] == nil {
		t.Fatalf("exit code %d, receipt %v", got.code, o)
	}
	// when it is cancelled
	if c := call(t, th.env, "cancel", "later", "-o", "json"); c.code != exitDone || object(t, c.out)["state"] != "cancelled" {
		t.Errorf("exit code %d: %s", c.code, c.out)
	}
	// then that is its end
	if o := call(t, th.env, "outcome", "later"); o.code != exitDone || !strings.Contains(o.out, "cancelled by tester") {
		t.Errorf("exit code %d: %s", o.code, o.out)
	}
	waited := call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", "later", "--wait", "5s")
	if waited.code != exitStopped {
		t.Errorf("exit code %d; want %d: %s", waited.code, exitStopped, waited.err)
	}
	// and the id stays with its content
	reused := call(t, th.env, "update", "--group", "5511999999999-1623281429", "--photo", picture(t), "--id", "later")
	if reused.code != exitUsage || strings.Count(reused.err, "\n") != 1 || !strings.Contains(reused.err, "the id is taken by an update with another content") {
		t.Errorf("exit code %d: %s", reused.code, reused.err)
	}
}

func TestUpdate_UnknownAccount(t *testing.T) {
	t.Parallel()
	// given a worker that serves main
	th := newTheatre(t)
	th.work(t)
	// when an update goes to a name like it
	got := call(t, th.env, "update", "--group", group, "--photo", picture(t), "--account", "mian")
	// then it is refused with the nearest spelling
	if got.code != exitUsage || strings.Count(got.err, "\n") != 1 || !strings.Contains(got.err, `did you mean "main"?`) {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	// unless that is what is wanted
	if allowed := call(t, th.env, "update", "--group", group, "--photo", picture(t), "--account", "mian", "--allow-unknown-account"); allowed.code != exitDone {
		t.Errorf("exit code %d: %s", allowed.code, allowed.err)
	}
}

func TestUpdate_Here(t *testing.T) {
	t.Parallel()
	// given a provider and a token, and no Redis at all
	th := newTheatre(t)
	delete(th.env, "REDIS_URL")
	b, err := os.ReadFile(picture(t))
	if err != nil {
		t.Fatal(err)
	}
	// when an update is done in this process, with its photo from stdin
	got := callWith(t, t.Context(), b, th.env, "update", "--here", "--group", group, "--photo", "-", "-o", "json")
	// then it is done when the command ends
	if o := object(t, got.out); got.code != exitDone || o["state"] != "updated" || th.posts() != 1 {
		t.Errorf("exit code %d, %d calls, outcome %v: %s", got.code, th.posts(), o, got.err)
	}
}

func TestUpdate_Interrupted(t *testing.T) {
	t.Parallel()
	// given an update that nobody carries out, and somebody who waits for it
	th := newTheatre(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, text := &syncBuffer{}, &syncBuffer{}
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"update", "--group", group, "--photo", picture(t), "--id", "a", "--wait", "1m"}, th.env,
			streams{in: strings.NewReader(""), out: out, err: text, program: "groupphoto"})
	}()
	redistest.Eventually(t, 10*time.Second, func() bool { return strings.Contains(text.String(), "  waiting") }, "it never waited")
	// when Ctrl-C comes
	cancel()
	// then the exit code says so, and the person knows how to go on
	if got := <-code; got != exitInterrupted || !strings.HasSuffix(text.String(), "groupphoto outcome a\ngroupphoto: interrupted\n") {
		t.Errorf("exit code %d: %s", got, text)
	}
}

func TestWorker_ServesHTTP(t *testing.T) {
	t.Parallel()
	// given a worker with a web side that asks for a token
	th := newTheatre(t)
	th.env["GROUPPHOTO_HTTP_TOKEN"] = "marked-http-token"
	th.env["GROUPPHOTO_PASE"] = "1s"
	w := th.work(t, "--http", "127.0.0.1:0")
	url := w.find(`"http":"(http://[^"]+)"`)
	// when it is asked as a container and as a program would
	if got := call(t, nil, "healthcheck", "--http", strings.TrimPrefix(url, "http://")); got.code != exitDone {
		t.Errorf("healthcheck: exit code %d: %s", got.code, got.err)
	}
	for token, want := range map[string]int{"": http.StatusUnauthorized, "marked-http-token": http.StatusNotFound} {
		if got := get(t, url+"/v1/updates/nobody", token); got != want {
			t.Errorf("with token %q the API answers %d; want %d", token, got, want)
		}
	}
	// then it is ready, and ends when it is told to
	if code := w.stop(); code != exitDone || !strings.Contains(w.text.String(), "worker.stopped") {
		t.Errorf("exit code %d: %s", code, w.text)
	}
	log := w.text.String()
	if !strings.Contains(log, "did you mean GROUPPHOTO_PACE?") {
		t.Errorf("no warning about the misspelt setting: %s", log)
	}
	if !strings.Contains(log, "main (http://") || strings.Contains(log, "marked-") {
		t.Errorf("the start line lacks the account, or a secret is in the log: %s", log)
	}
}

func TestWorker_TakenPort(t *testing.T) {
	t.Parallel()
	// given a worker with a web side
	th := newTheatre(t)
	addr := th.work(t, "--http", "127.0.0.1:0").find(`"http":"http://([^"]+)"`)
	// when another wants the same address
	got := call(t, th.env, "worker", "--http", addr)
	// then it says so before it takes any work
	if want := "groupphoto: the HTTP address " + addr + ": another program listens there; give another port\n"; got.code != exitFailure || got.err != want {
		t.Errorf("exit code %d, stderr %q; want %q", got.code, got.err, want)
	}
}

func get(t *testing.T, url, token string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

func TestWorker_OnlyWhatItKnows(t *testing.T) {
	t.Parallel()
	// given a Redis with data of a far newer program
	server := redistest.Real(t)
	c := server.Client(t)
	if err := c.Set(t.Context(), "groupphoto:schema", 99, 0).Err(); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"REDIS_URL": server.URL(), "PLUGCHAT_TOKEN": markedToken}
	for _, args := range [][]string{{"worker"}, {"update", "--group", group, "--photo", picture(t)}} {
		// when a worker or a producer starts
		got := call(t, env, args...)
		// then it stops with one sentence
		if got.code != exitFailure || strings.Count(got.err, "groupphoto: ") != 1 || !strings.Contains(got.err, "newer groupphoto; upgrade this program") {
			t.Errorf("%v: exit code %d: %s", args, got.code, got.err)
		}
	}
}

func TestWorker_WrongPassword(t *testing.T) {
	t.Parallel()
	// given a Redis that asks for a password
	server := redistest.Real(t, "--requirepass", "right")
	url := fmt.Sprintf("redis://:marked-wrong@%s", strings.SplitAfter(server.URL(), "@")[1])
	// when a wrong one is given
	got := call(t, map[string]string{"REDIS_URL": url, "PLUGCHAT_TOKEN": markedToken}, "worker")
	// then one line says so without showing it
	if got.code != exitFailure || strings.Count(got.err, "\n") != 1 || !strings.Contains(got.err, "password") || strings.Contains(got.err, "marked-") {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}

func TestWorker_MetadataIsReadAsSet(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]int{"": 1, "true": 1, "false": 0} {
		t.Run("set to "+setting, func(t *testing.T) {
			t.Parallel()
			// given a worker, and a provider that answers a plain false
			th := newTheatre(t, "false")
			th.env["GROUPPHOTO_REFUSAL_METADATA"] = setting
			th.work(t)
			// when an update is refused
			call(t, th.env, "update", "--group", group, "--photo", picture(t), "--wait", "25s")
			// then the group's metadata was read, or not
			got := 0
			for _, c := range th.box.Calls() {
				if strings.Contains(c.Path, "metadata") {
					got++
				}
			}
			if got != want || th.posts() != 1 {
				t.Errorf("metadata was read %d times after %d calls; want %d and 1", got, th.posts(), want)
			}
		})
	}
}

func TestUpdate_HereTellsWhatBecameOfTheCall(t *testing.T) {
	t.Parallel()
	// given an update in this process alone, in the middle of its call
	th := newTheatre(t, "slow:latency=2s")
	r := serve(t, th.env, "update", "--here", "--group", group, "--photo", picture(t), "--wait", "20s")
	r.find(`calling \(attempt 1\)`)
	// when somebody gives up
	code := r.stop()
	// then the call ends, and how it ended is told: it is recorded nowhere else
	if code != exitInterrupted || th.posts() != 1 || !strings.Contains(r.text.String(), "a call is under way, and is not broken off") || !strings.HasPrefix(r.out.String(), "updated ") {
		t.Errorf("exit code %d, %d calls:\n%s%s", code, th.posts(), r.out, r.text)
	}
}
