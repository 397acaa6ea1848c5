package main

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

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
			"PLUGCHAT_TOKEN              [set]", "environment", "✓ account main: is connected to WhatsApp", "✓ account main: a worker serves it", "10 attempts; on average after 15 s, 30 s",
			"a plain false ends the update at once",
		}},
		{"offline", nil, []string{"--offline"}, exitDone, []string{"its provider was not asked"}},
		{"misspelt setting", map[string]string{"GROUPPHOTO_ATEMPTS": "3"}, nil, exitFailure, []string{"✗ GROUPPHOTO_ATEMPTS is no setting of this program; did you mean GROUPPHOTO_ATTEMPTS?"}},
		{"unreadable setting", map[string]string{"GROUPPHOTO_ATTEMPTS": "many"}, nil, exitFailure, []string{`✗ GROUPPHOTO_ATTEMPTS "many": must be a whole number`}},
		{"Redis away", map[string]string{"REDIS_URL": "redis://:marked-password@127.0.0.1:1"}, nil, exitFailure, []string{"✗ opening Redis at redis://:xxxxx@127.0.0.1:1", "REDIS_URL                   redis://:xxxxx@127.0.0.1:1"}},
		{"wrong token", map[string]string{"PLUGCHAT_TOKEN": "marked-other"}, nil, exitFailure, []string{"✗ account main: the provider was asked in vain: credentials"}},
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
				if !strings.Contains(got.out, want) {
					t.Errorf("stdout lacks %q:\n%s", want, got.out)
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
