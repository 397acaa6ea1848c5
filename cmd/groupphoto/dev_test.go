package main

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

func TestDev_DeliversAndEnds(t *testing.T) {
	t.Parallel()
	// given a machine on which other settings point at a real account
	env := map[string]string{"REDIS_URL": "redis://127.0.0.1:1", "PLUGCHAT_TOKEN": markedToken, "PLUGCHAT_BASE_URL": "http://127.0.0.1:1", "GROUPPHOTO_PACE": "nonsense"}
	began := time.Now()
	// when dev starts
	d := serve(t, env, "dev", "--addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0", "-o", "json")
	d.find(`(?m)^  . (updated|refused)`)
	if took := time.Since(began); took > 2*time.Second && !raceEnabled {
		t.Errorf("the first outcome came after %s; want less than 2 s", took)
	}
	d.find(`Ctrl-C ends it`)
	if got := debug.SetMemoryLimit(-1); got != 224<<20 {
		t.Errorf("the garbage collector's goal is %d; want %d", got, 224<<20)
	}
	// then every sample has its line, and says what happened
	text := d.text.String()
	for _, want := range []string{
		`✓ updated +Team Lisbon +1 attempt .*from a JPEG`, `✓ updated +Night shift +3 attempts .*was answered 503, 503 and tried again`,
		`✗ refused +Parents 4B +1 attempt .*no_reason_given`, `✓ updated +Beach volley .*from a URL`, `✓ updated +Sunday runners .*GIF`, `✓ updated +Book club .*PNG`,
		`PLUGCHAT_TOKEN is set, and dev leaves it alone`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("stderr lacks %q:\n%s", want, text)
		}
	}
	outcomes := 0
	for line := range strings.Lines(d.out.String()) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil || o["state"] == nil {
			t.Errorf("stdout holds a line that is no outcome: %s", line)
		}
		outcomes++
	}
	if outcomes != len(samples()) {
		t.Errorf("%d outcomes on stdout; want %d", outcomes, len(samples()))
	}
	// and the addresses answer
	for _, pattern := range []string{`group photos +(\S+)`, `asynq web UI +(\S+)`} {
		if status := get(t, d.find(pattern), ""); status != http.StatusOK {
			t.Errorf("%s answers %d", pattern, status)
		}
	}
	// and the line to paste works as it stands, in both forms
	pasted := strings.Fields(d.find(`(?m)^  groupphoto (update .*)$`))
	if got := call(t, nil, append(pasted, "-o", "json")...); got.code != exitDone || object(t, got.out)["state"] != "updated" {
		t.Errorf("pasted: exit code %d: %s%s", got.code, got.out, got.err)
	}
	postPasted(t, d.find(`curl -s (\S+)`), d.find(`-d '([^']+)'`))
	// and it ends when it is told to, saying so
	if code := d.stop(); code != exitDone || !strings.HasSuffix(d.text.String(), "ended\n") {
		t.Errorf("exit code %d:\n%s", code, d.text)
	}
}

func postPasted(t *testing.T, url, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusAccepted {
		t.Errorf("pasted curl: %d %s (%v)", response.StatusCode, answer, err)
	}
}

func TestDev_TakenPort(t *testing.T) {
	t.Parallel()
	// given two that want the same address
	first := serve(t, nil, "dev", "--no-samples", "--addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0")
	addr := first.find(`API +http://(\S+?)/`)
	// when the second insists on it
	got := call(t, nil, "dev", "--no-samples", "--addr", addr, "--sandbox-addr", "127.0.0.1:0")
	// then it says so and ends
	if got.code != exitFailure || got.err != "groupphoto: --addr "+addr+": another program listens there; give another port\n" {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
	// and one that does not insist moves to another port
	l, moved, err := listen(t.Context(), "--addr", addr, true)
	if err != nil || !moved {
		t.Fatalf("moved %t, %v", moved, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestSamples_AreWhatTheySay(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b, err := s.look.draw(s.format)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := http.DetectContentType(b), "image/"+s.format; got != want {
				t.Errorf("the picture is %s; want %s", got, want)
			}
		})
	}
}
