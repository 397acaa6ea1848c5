// The tests drive the program through run, which package main cannot export:
// they stand inside the package, and touch little else of it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/plugchat-go/groupphoto/internal/redisconn/embedded"
	"github.com/plugchat-go/groupphoto/internal/redistest"
)

const group = "120363019502650977-group"

// TestMain sees to it that no command leaves anything running.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) { removeBinary(); os.Exit(code) }))
}

// result is what one command line left behind.
type result struct {
	code     int
	out, err string
}

// call runs one command line to its end, which must come within 30 seconds.
func call(t *testing.T, env map[string]string, args ...string) result {
	t.Helper()
	return callWith(t, t.Context(), nil, env, args...)
}

func callWith(t *testing.T, ctx context.Context, in []byte, env map[string]string, args ...string) result { //nolint:revive // t comes first in every helper
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var out, err bytes.Buffer
	code := run(ctx, args, env, streams{in: bytes.NewReader(in), out: &out, err: &err, program: "groupphoto"})
	if code != exitDone {
		t.Logf("%v: exit code %d: %s", args, code, err.String())
	}
	return result{code, out.String(), err.String()}
}

// running is a command that serves until it is stopped.
type running struct {
	t    *testing.T
	text *syncBuffer
	out  *syncBuffer
	stop func() int // ends it and returns its exit code
	done chan struct{}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// serve starts a command and ends it with the test.
func serve(t *testing.T, env map[string]string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{t: t, text: &syncBuffer{}, out: &syncBuffer{}, done: make(chan struct{})}
	code := -1
	go func() {
		defer close(r.done)
		code = run(ctx, args, env, streams{in: strings.NewReader(""), out: r.out, err: r.text, program: "groupphoto"})
	}()
	r.stop = func() int {
		cancel()
		<-r.done
		return code
	}
	t.Cleanup(func() { r.stop() })
	return r
}

// find waits for a text on stderr and returns its first group.
func (r *running) find(pattern string) string {
	r.t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	redistest.Eventually(r.t, 20*time.Second, func() bool {
		select {
		case <-r.done: // what it said before it ended still counts
		default:
		}
		found = re.FindStringSubmatch(r.text.String())
		return found != nil
	}, "%s never said %s", "the command", pattern)
	if len(found) < 2 {
		return ""
	}
	return found[1]
}

// freshRedis starts an empty Redis for one test and returns its URL.
func freshRedis(t *testing.T) string {
	t.Helper()
	s, err := embedded.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.URL()
}

// picture writes a sample picture into a file.
func picture(t *testing.T) string {
	t.Helper()
	b, err := samples()[0].look.draw(asPNG)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, "logo.png", string(b))
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// object decodes the one JSON object that stdout must hold.
func object(t *testing.T, out string) map[string]any {
	t.Helper()
	if strings.Count(out, "\n") != 1 {
		t.Fatalf("stdout holds not one line: %q", out)
	}
	var o map[string]any
	if err := json.Unmarshal([]byte(out), &o); err != nil {
		t.Fatalf("stdout is not JSON: %v: %q", err, out)
	}
	return o
}

func TestRun_BadInput(t *testing.T) {
	t.Parallel()
	redis := freshRedis(t)
	good := picture(t)
	html := file(t, "page.png", "<!DOCTYPE html><html><body>no picture</body></html>")
	update := func(args ...string) []string { return append([]string{"update", "--redis", redis}, args...) }
	// The port belongs to nobody: no program can listen on port 1 here unnoticed.
	const nowhere = "redis://127.0.0.1:1"

	for _, tt := range []struct {
		name string
		args []string
		env  map[string]string
		code int
		want string // a regular expression for the whole of stderr
	}{
		{name: "unknown command", args: []string{"upate"}, code: 2, want: `there is no command "upate"; did you mean "update"\? \(see 'groupphoto --help'\)`},
		{name: "unknown flag", args: update("--grup", group), code: 2, want: `unknown flag: --grup \(see 'groupphoto update --help'\)`},
		{name: "nothing said", args: []string{"update"}, code: 2, want: `--group and --photo are missing \(see 'groupphoto update --help'\)`},
		{name: "no photo", args: update("--group", group), code: 2, want: `--photo is missing \(see 'groupphoto update --help'\)`},
		{name: "unreadable duration", args: update("--group", group, "--photo", good, "--wait", "soon"), code: 2, want: `--wait: the value cannot be read as a duration such as 30s, 5m or 2d \(see 'groupphoto update --help'\)`},
		{name: "no time to wait", args: update("--group", group, "--photo", good, "--wait", "0"), code: 2, want: `--wait: must be more than 0, such as 30s \(see .*`},
		{name: "at and in", args: update("--group", group, "--photo", good, "--at", "2026-01-01", "--in", "1h"), code: 2, want: `--at and --in contradict each other; give one \(see .*`},
		{name: "here and redis", args: update("--group", group, "--photo", good, "--here"), code: 2, want: `--here brings its own Redis; leave out --redis \(see .*`},
		{name: "wrong output", args: update("--group", group, "--photo", good, "-o", "yaml"), code: 2, want: `--output "yaml": must be text or json \(see .*`},
		{name: "an account for all", args: []string{"worker", "--account", "main"}, code: 2, want: `unknown flag: --account \(see 'groupphoto worker --help'\)`},
		{name: "Redis of the sandbox", args: []string{"sandbox", "--redis", redis}, code: 2, want: `unknown flag: --redis \(see 'groupphoto sandbox --help'\)`},
		{name: "account of doctor", args: []string{"--account", "main", "doctor"}, code: 2, want: `unknown flag: --account \(see 'groupphoto doctor --help'\)`},
		{name: "output of nothing", args: []string{"healthcheck", "-o", "json"}, code: 2, want: `unknown shorthand flag: 'o' in -o \(see 'groupphoto healthcheck --help'\)`},
		{name: "due before now", args: update("--group", group, "--photo", good, "--in", "-5m"), code: 2, want: `--in: must be from 0 to 366d, such as 90s, 5m or 2d \(see .*`},
		{name: "due far away", args: update("--group", group, "--photo", good, "--in", "367d"), code: 2, want: `--in: must be from 0 to 366d, .*`},
		{name: "data URI without data", args: update("--group", group, "--photo", "data:"), code: 2, want: `--photo: is a data URI with no picture in it; write data:image/jpeg;base64, .*`},
		{name: "data URI with a type only", args: update("--group", group, "--photo", "DATA:image/png;base64,"), code: 2, want: `--photo: is a data URI with no picture in it; .*`},
		{name: "id missing", args: []string{"outcome"}, code: 2, want: `ID is missing \(see 'groupphoto outcome --help'\)`},
		{name: "one argument too many", args: []string{"cancel", "a", "b"}, code: 2, want: `argument "b" is one too many \(see 'groupphoto cancel --help'\)`},

		{name: "empty group", args: update("--group", "", "--photo", good), code: 2, want: `group id "": is empty; expected 120363019502650977-group or .*`},
		{name: "a person", args: update("--group", "5511999999999@s.whatsapp.net", "--photo", good), code: 2, want: `group id "5511999999999@s.whatsapp.net": is a person, not a group: .*`},
		{name: "wrong account name", args: update("--group", group, "--photo", good, "--account", "Main Account"), code: 2, want: `account name "Main Account": must be 1 to 32 of a-z, 0-9 and - \(see .*`},
		{name: "no such file", args: update("--group", group, "--photo", "/no/such/logo.png"), code: 2, want: `.*"/no/such/logo.png".*`},
		{name: "not an image", args: update("--group", group, "--photo", html), code: 2, want: `.*page\.png.*an HTML page.*`},
		{name: "URL without scheme", args: update("--group", group, "--photo", "example.com/logo.png?sig=marked-query"), code: 2, want: `photo "example.com/logo.png": is no file; if it is a URL, write https:// before it`},
		{name: "wrong scheme", args: update("--group", group, "--photo", "ftp://example.com/logo.png?sig=marked-query"), code: 2, want: `photo URL "ftp://example.com/logo.png": must begin with http:// or https://: .*`},
		{name: "unreadable time", args: update("--group", group, "--photo", good, "--at", "tomorrow"), code: 2, want: `--at "tomorrow": must be a time such as .*`},
		{name: "expired on arrival", args: update("--group", group, "--photo", good, "--expires", "-1h"), code: 2, want: `--expires: must be more than 0, such as 24h \(see .*`},
		{name: "wrong id", args: update("--group", group, "--photo", good, "--id", "order 881"), code: 2, want: `update id "order 881": must be 1 to 64 of .*`},
		{name: "stored photo gone", args: update("--group", group, "--photo", "sha256:"+strings.Repeat("a", 64)), code: 2, want: `.*not in the photo store; enqueue the update with the picture itself.*`},

		{name: "no such update", args: []string{"outcome", "nobody", "--redis", redis}, code: 1, want: `.*no such update.*; check the id, --account and REDIS_URL .*`},
		{name: "nothing to send again", args: []string{"retry", "nobody", "--redis", redis}, code: 1, want: `.*no such update.*; check the id.*`},
		{name: "nothing to cancel", args: []string{"cancel", "nobody", "--redis", redis}, code: 1, want: `.*no such update.*; check the id.*`},
		{name: "nobody listens", args: []string{"update", "--group", group, "--photo", good}, env: map[string]string{"REDIS_URL": nowhere}, code: 1, want: `opening Redis at redis://127.0.0.1:1: nothing listens there; start Redis, or correct the host and port`},
		{name: "unreadable Redis URL", args: []string{"outcome", "a"}, env: map[string]string{"REDIS_URL": "http://u:marked-secret@host"}, code: 2, want: `REDIS_URL: .*`},
		{name: "password in a flag", args: []string{"outcome", "a", "--redis", "redis://:marked-secret@127.0.0.1:1"}, code: 2, want: `--redis: carries a password, .* put it into REDIS_URL or REDIS_URL_FILE`},
		{name: "embedded Redis of another process", args: []string{"outcome", "a"}, env: map[string]string{"REDIS_URL": "embedded:"}, code: 2, want: `REDIS_URL: embedded: is a Redis inside one process, .*`},

		{name: "worker without account", args: []string{"worker"}, env: map[string]string{"REDIS_URL": nowhere}, code: 2, want: `no account is configured: set PLUGCHAT_TOKEN .*; to try without one: groupphoto dev`},
		{name: "worker without Redis", args: []string{"worker"}, env: map[string]string{"REDIS_URL": nowhere, "PLUGCHAT_TOKEN": "marked-secret"}, code: 1, want: `opening Redis at redis://127.0.0.1:1: nothing listens there; .*`},
		{name: "worker open to the world", args: []string{"worker", "--http", "0.0.0.0:0"}, env: map[string]string{"REDIS_URL": nowhere, "PLUGCHAT_TOKEN": "marked-secret"}, code: 2, want: `the HTTP address "0.0.0.0:0" can be reached from other machines and no token is set; .*`},
		{name: "worker with an HTTP token that is none", args: []string{"worker"}, env: map[string]string{"REDIS_URL": nowhere, "PLUGCHAT_TOKEN": "marked-secret", "GROUPPHOTO_HTTP_TOKEN": "marked-a b"}, code: 2, want: `GROUPPHOTO_HTTP_TOKEN has a space, .*; set another one`},
		{name: "worker with a port that is none", args: []string{"worker"}, env: map[string]string{"REDIS_URL": nowhere, "PLUGCHAT_TOKEN": "marked-secret", "GROUPPHOTO_HTTP_ADDR": "127.0.0.1:99999"}, code: 2, want: `GROUPPHOTO_HTTP_ADDR "127.0.0.1:99999": the port must be a number from 0 to 65535`},
		{name: "worker with a flag's port that is none", args: []string{"worker", "--http", "127.0.0.1:99999"}, env: map[string]string{"REDIS_URL": nowhere, "PLUGCHAT_TOKEN": "marked-secret"}, code: 2, want: `--http "127.0.0.1:99999": the port must be .*`},
		{name: "worker without the file of its token", args: []string{"worker"}, env: map[string]string{"REDIS_URL": nowhere, "PLUGCHAT_TOKEN_FILE": "/no/such/token"}, code: 2, want: `PLUGCHAT_TOKEN_FILE: the file cannot be read: "/no/such/token": no such file or directory`},
		{name: "worker without the file of its HTTP token", args: []string{"worker", "--http", "0.0.0.0:0"}, env: map[string]string{"REDIS_URL": nowhere, "PLUGCHAT_TOKEN": "marked-secret", "GROUPPHOTO_HTTP_TOKEN_FILE": "/no/such/token"}, code: 2, want: `GROUPPHOTO_HTTP_TOKEN_FILE: the file cannot be read: .*`},
		{name: "worker with an account that lacks its token", args: []string{"worker"}, env: map[string]string{"REDIS_URL": nowhere, "GROUPPHOTO_ACCOUNTS_FILE": file(t, "a.json", `[{"name":"shop"}]`)}, code: 2, want: `GROUPPHOTO_ACCOUNTS_FILE: entry 1 \(shop\): has no token; give tokenFile \(or token\)`},
		{name: "worker with a misspelt field", args: []string{"worker"}, env: map[string]string{"REDIS_URL": nowhere, "GROUPPHOTO_ACCOUNTS_FILE": file(t, "b.json", `[{"name":"shop","token":"marked-secret","baseurl":"http://127.0.0.1:1"}]`)}, code: 2, want: `GROUPPHOTO_ACCOUNTS_FILE: entry 1 \(shop\): field "baseurl" is not known; did you mean "baseURL"\?`},
		{name: "base URL that is none", args: []string{"worker"}, env: map[string]string{"REDIS_URL": nowhere, "PLUGCHAT_TOKEN": "marked-secret", "PLUGCHAT_BASE_URL": "www.plugchat.com.br"}, code: 2, want: `account main: .*`},
		{name: "here without token", args: []string{"update", "--here", "--group", group, "--photo", good}, code: 2, want: `no account is configured: .*`},
		{name: "here with another account", args: []string{"update", "--here", "--account", "mian", "--group", group, "--photo", good}, env: map[string]string{"PLUGCHAT_TOKEN": "marked-secret"}, code: 2, want: `account "mian": is not configured here; known: main; did you mean "main"\?`},
		{name: "dial that is none", args: []string{"sandbox", "--dial", "explode"}, code: 2, want: `--dial "explode": .* \(see 'groupphoto sandbox --help'\)`},
		{name: "address that is none", args: []string{"sandbox", "--addr", "8088"}, code: 2, want: `--addr "8088": must be host:port, such as .*`},
		{name: "port that is none", args: []string{"sandbox", "--addr", "127.0.0.1:99999"}, code: 2, want: `--addr "127.0.0.1:99999": the port must be .*`},
		{name: "dev on a dead Redis", args: []string{"dev", "--redis", nowhere, "--addr", "127.0.0.1:0", "--sandbox-addr", "127.0.0.1:0"}, code: 1, want: `opening Redis at redis://127.0.0.1:1: nothing listens there; .*`},
		{name: "dev open to the world", args: []string{"dev", "--addr", "0.0.0.0:0"}, code: 2, want: `the HTTP address "0.0.0.0:0" can be reached .*`},
		{name: "nobody is healthy", args: []string{"healthcheck", "--http", "127.0.0.1:1"}, code: 1, want: `not ready: 127.0.0.1:1 does not answer: .*`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := call(t, tt.env, tt.args...)
			if got.code != tt.code || got.out != "" {
				t.Errorf("exit code %d, stdout %q; want %d and nothing", got.code, got.out, tt.code)
			}
			if want := regexp.MustCompile(`^groupphoto: ` + tt.want + `\n$`); !want.MatchString(got.err) {
				t.Errorf("stderr:\n%s\nwant one line like:\n%s", got.err, want)
			}
			if strings.Contains(got.err, "marked-") {
				t.Errorf("stderr shows a secret: %s", got.err)
			}
		})
	}
}

func TestRun_HelpAndVersion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no arguments", nil, "groupphoto dev"},
		{"help", []string{"update", "--help"}, "--skip-unchanged"},
		{"version", []string{"version"}, "groupphoto dev (go1."},
		{"version as JSON", []string{"version", "-o", "json"}, `"schema":1`},
		{"completion script", []string{"completion", "bash"}, "__start_groupphoto"},
		{"completion of commands", []string{"__complete", "ca"}, "cancel\t"},
		{"completion of a flag's values", []string{"__complete", "outcome", "-o", ""}, "json\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := call(t, nil, tt.args...)
			if got.code != 0 || !strings.Contains(got.out, tt.want) {
				t.Errorf("exit code %d, stdout %q; want 0 and %q in it", got.code, got.out, tt.want)
			}
		})
	}
}
