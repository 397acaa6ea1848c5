package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/redistest"
)

// columns is what stands between two columns, however wide.
var columns = regexp.MustCompile(" {3,}")

func TestDoctor(t *testing.T) {
	t.Parallel()
	// given a worker and a provider that says it is connected
	th := newTheatre(t)
	th.work(t)
	for _, tt := range []struct {
		name string
		env  map[string]string
		args []string
		code int
		want []string
	}{
		{"all is well", nil, nil, exitDone, []string{
			"PLUGCHAT_TOKEN  [set]", "environment", "✓ account main: is connected to WhatsApp", "✓ account main: a worker serves it", "10 attempts; on average after 15 s, 30 s",
			"a plain false ends the update at once",
		}},
		{"offline", nil, []string{"--offline"}, exitDone, []string{"its provider was not asked"}},
		{"misspelt setting", map[string]string{"GROUPPHOTO_ATEMPTS": "3"}, nil, exitFailure, []string{"✗ GROUPPHOTO_ATEMPTS is no setting of this program; did you mean GROUPPHOTO_ATTEMPTS?"}},
		{"unreadable setting", map[string]string{"GROUPPHOTO_ATTEMPTS": "many"}, nil, exitFailure, []string{`✗ GROUPPHOTO_ATTEMPTS "many": must be a whole number`}},
		{"Redis away", map[string]string{"REDIS_URL": "redis://:marked-password@127.0.0.1:1"}, nil, exitFailure, []string{"✗ opening Redis at redis://:xxxxx@127.0.0.1:1", "REDIS_URL  redis://:xxxxx@127.0.0.1:1"}},
		{"wrong token", map[string]string{"PLUGCHAT_TOKEN": "marked-other"}, nil, exitFailure, []string{"✗ account main: the provider was asked in vain: credentials", "; mend: check PLUGCHAT_TOKEN and PLUGCHAT_AUTH_SCHEME\n"}},
		{"unreadable Redis URL", map[string]string{"REDIS_URL": "http://u:marked-secret@host"}, nil, exitFailure, []string{"! REDIS_URL  ", "✗ REDIS_URL: ", "redis\n  ! not looked at: REDIS_URL cannot be used\n", "✓ account main: is connected"}},
		{"Redis URL in no file", map[string]string{"REDIS_URL": "", "REDIS_URL_FILE": "/no/such/url"}, nil, exitFailure, []string{"! REDIS_URL  (cannot be used)", "! not looked at: REDIS_URL cannot be used\n"}},
		{"token in no file", map[string]string{"PLUGCHAT_TOKEN": "", "PLUGCHAT_TOKEN_FILE": "/no/such/token"}, nil, exitFailure, []string{"! PLUGCHAT_TOKEN  (cannot be used)", "! account main: not looked at: PLUGCHAT_TOKEN cannot be used\n", "✓ account main: a worker serves it"}},
		{"HTTP token that is none", map[string]string{"GROUPPHOTO_HTTP_TOKEN": "marked-a b"}, []string{"--offline"}, exitFailure, []string{"✗ GROUPPHOTO_HTTP_TOKEN has a space"}},
		{"port that is none", map[string]string{"GROUPPHOTO_HTTP_ADDR": "127.0.0.1:99999"}, []string{"--offline"}, exitFailure, []string{`✗ GROUPPHOTO_HTTP_ADDR "127.0.0.1:99999": the port must be`}},
		{"embedded Redis", map[string]string{"REDIS_URL": "embedded:"}, nil, exitDone, []string{"! not looked at: an embedded Redis exists only inside the process that brings it\n"}},
		{"what Redis does not tell", nil, nil, exitDone, []string{"! what survives a crash could not be read"}},
		{"open to the world", map[string]string{"GROUPPHOTO_HTTP_ADDR": "0.0.0.0:8080"}, []string{"--offline"}, exitFailure, []string{"can be reached from other machines and no token is set"}},
		{"two tokens", map[string]string{"GROUPPHOTO_ACCOUNTS_FILE": file(t, "a.json", `[{"name":"main","token":"marked-x"}]`)}, []string{"--offline"}, exitFailure, []string{"✗ account main: has two tokens"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{}
			for _, more := range []map[string]string{th.env, tt.env} {
				maps.Copy(env, more)
			}
			// when doctor looks
			got := call(t, env, append([]string{"doctor"}, tt.args...)...)
			// then it says what it found, and shows no secret
			if got.code != tt.code || got.err != "" {
				t.Errorf("exit code %d, stderr %q; want %d and nothing\n%s", got.code, got.err, tt.code, got.out)
			}
			for _, want := range tt.want {
				if !strings.Contains(columns.ReplaceAllString(got.out, "  "), want) {
					t.Errorf("stdout lacks %q:\n%s", want, got.out)
				}
			}
			for _, never := range []string{"no account is configured", "127.0.0.1:6379 answers", "mend: groupphoto doctor", "SCHEME: groupphoto doctor"} {
				if strings.Contains(got.out, never) {
					t.Errorf("stdout says %q:\n%s", never, got.out)
				}
			}
			asJSON := call(t, env, append([]string{"doctor", "-o", "json"}, tt.args...)...)
			for line := range strings.Lines(asJSON.out) {
				var f finding
				if err := json.Unmarshal([]byte(line), &f); err != nil || f.Level == "" || f.What == "" {
					t.Errorf("line is no finding: %v: %s", err, line)
				}
			}
			if strings.Contains(got.out+asJSON.out, "marked-") {
				t.Errorf("a secret is shown:\n%s%s", got.out, asJSON.out)
			}
		})
	}
}

func TestDoctor_OnlyLooks(t *testing.T) {
	t.Parallel()
	// given a Redis without anything of ours, and an account with a misspelt field
	th := newTheatre(t)
	mini := redistest.Mini(t)
	th.env["REDIS_URL"] = mini.URL()
	if err := mini.Client(t).Set(t.Context(), "theirs", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	before, err := mini.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	th.env["GROUPPHOTO_ACCOUNTS_FILE"] = file(t, "a.json", `[{"name":"shop","token":"marked-shop","baseurl":"http://127.0.0.1:1"}]`)
	// when doctor looks
	got := call(t, th.env, "doctor")
	// then Redis is as it was
	after, err := mini.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("doctor changed Redis (-before +after):\n%s", diff)
	}
	// and the provider was asked about the sound account alone
	if calls := th.box.Calls(); got.code != exitFailure || len(calls) != 1 {
		t.Errorf("exit code %d, %d calls; want 1 and 1\n%s", got.code, len(calls), got.out)
	}
	if !strings.Contains(got.out, "✓ account main: is connected") || strings.Contains(got.out, "account shop: ") {
		t.Errorf("stdout:\n%s", got.out)
	}
}
