package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

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
			"✓ it answers a plain false: /status is asked, then the group's metadata is read (a number that is no member, or no admin, ends the update as refused); then it ends the update\n",
			"✓ account main: the own phone is not set (PLUGCHAT_PHONE, or phone in the accounts file), so metadata tells neither who is a member nor who is an admin\n",
			"503: 3 attempts within seconds, and such a run again, up to 10 attempts; on average after 1 min, 8 min, 1 h: 1 h 9 min in all, each drawn from 0 to twice that\n",
			"neither true nor false: 3 attempts, after the same gaps\n", "GROUPPHOTO_REFUSAL_METADATA  true  default",
			"holds\n  ✓ the provider says that the account cannot work: one update alone is under suspicion, and no attempt is spent; /status is asked, and when all is well there, another update goes first: a normal answer to that says that the first one is to blame",
			"✓ /status or a second update says the same: the account is paused, for 30 s or 1 min at first, doubling to 5 min; then /status is asked and one call at a time feels its way, until one gets a normal answer\n",
			"✓ the calls of 5 updates in a row get no usable answer: the account is paused in the same way\n",
			"✓ it asks for slower calls: no call for as long as it says, else 1 min, and gaps twice as wide, up to 16 ×; no attempt is spent; every accepted photo narrows them by 5 %; three plain false in a row widen them 1.5 ×\n",
		}},
		{"no number of attempts", map[string]string{"GROUPPHOTO_ATTEMPTS": "-5"}, []string{"--offline"}, exitFailure, []string{"! not told: GROUPPHOTO_ATTEMPTS cannot be used\n"}},
		{"a short life", map[string]string{"GROUPPHOTO_EXPIRES": "1h", "GROUPPHOTO_ATTEMPTS": "12", "GROUPPHOTO_REFUSAL_RETRIES": "2"}, nil, exitDone, []string{
			"32 min, 3 × 1 h: 4 h 4 min in all, each drawn from 0 to twice that; an update that expires before (GROUPPHOTO_EXPIRES: 1 h) ends then\n",
			"ends the update as refused); else it is asked again 2 ×, each 2 min to 2 min 48 s later, then it ends the update\n",
		}},
		{"one attempt", map[string]string{"GROUPPHOTO_ATTEMPTS": "1", "GROUPPHOTO_REFUSAL_RETRIES": "2"}, []string{"--offline"}, exitDone, []string{
			"no answer comes: 1 attempt, no further try\n", "as refused); then it ends the update\n",
		}},
		{"an account of its own mind", map[string]string{"GROUPPHOTO_ACCOUNTS_FILE": file(t, "b.json", `[{"name":"shop","token":"marked-y","refusalRetries":2}]`)}, []string{"--offline"}, exitDone, []string{
			"account shop: it answers a plain false: /status is asked, then", "else it is asked again 2 ×,", "✓ accounts main, shop: the own phone is not set",
		}},
		{"metadata is not read", map[string]string{"GROUPPHOTO_REFUSAL_METADATA": "false", "PLUGCHAT_PHONE": "5511999999999"}, []string{"--offline"}, exitDone, []string{
			"GROUPPHOTO_REFUSAL_METADATA  false  environment", "/status is asked, the group's metadata is not read (GROUPPHOTO_REFUSAL_METADATA); then it ends the update\n",
		}},
		{"metadata is neither read nor not", map[string]string{"GROUPPHOTO_REFUSAL_METADATA": "no"}, []string{"--offline"}, exitFailure, []string{
			"! GROUPPHOTO_REFUSAL_METADATA  no  environment", `✗ GROUPPHOTO_REFUSAL_METADATA "no": must be one of true, false`, "! not told: GROUPPHOTO_REFUSAL_METADATA cannot be used\n",
		}},
		{"the phone is known", map[string]string{"PLUGCHAT_PHONE": "5511999999999"}, []string{"--offline"}, exitDone, []string{"then it ends the update\n\nholds\n"}},
		{"webhook", map[string]string{"GROUPPHOTO_WEBHOOK_URL": "https://hooks.example.com/marked-path?key=marked-query", "GROUPPHOTO_WEBHOOK_SECRET": "whsec_bWFya2VkLXNlY3JldC1tYXJrZWQtc2VjcmV0", "GROUPPHOTO_WEBHOOK_ALLOW": "10.1.0.0/16"}, []string{"--offline"}, exitDone, []string{
			"GROUPPHOTO_WEBHOOK_URL  https://hooks.example.com/…  environment", "GROUPPHOTO_WEBHOOK_SECRET  [set]  environment", "GROUPPHOTO_WEBHOOK_ALLOW  10.1.0.0/16  environment",
		}},
		{"webhook without a secret", map[string]string{"GROUPPHOTO_WEBHOOK_URL": "https://hooks.example.com/marked-path"}, []string{"--offline"}, exitFailure, []string{"! GROUPPHOTO_WEBHOOK_SECRET  (cannot be used)", "✗ GROUPPHOTO_WEBHOOK_SECRET: is missing"}},
		{"webhook in the own network", map[string]string{"GROUPPHOTO_WEBHOOK_URL": "http://marked-user:marked-password@10.0.0.1/", "GROUPPHOTO_WEBHOOK_SECRET": "whsec_marked"}, []string{"--offline"}, exitFailure, []string{"! GROUPPHOTO_WEBHOOK_URL  [set]", "✗ GROUPPHOTO_WEBHOOK_SECRET: secret 1 of 1 must be whsec_", "✗ GROUPPHOTO_WEBHOOK_URL: must not hold a user name"}},
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

func TestDoctor_WhatHoldsAccountsUp(t *testing.T) {
	t.Parallel()
	// given an account in trouble
	th := newTheatre(t, "401:p=1")
	th.work(t)
	call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", "a")
	redistest.Eventually(t, 20*time.Second, func() bool {
		return strings.Contains(call(t, th.env, "account", "list").out, "main  suspicious")
	}, "the suspicion does not show")
	want := regexp.MustCompile(`! account main: suspicious: one update was answered credentials at 20.*: PlugChat does not accept the token: the token is invalid; (?:others go first, one at a time, |/status is asked ).*\n`)
	if got := call(t, th.env, "doctor"); !want.MatchString(got.out) {
		t.Errorf("lacks %s:\n%s", want, got.out)
	}
	call(t, th.env, "update", "--group", "5511999999999-1623281429", "--photo", picture(t), "--id", "b")
	redistest.Eventually(t, 20*time.Second, func() bool {
		return strings.Contains(call(t, th.env, "account", "list").out, "main  paused")
	}, "the trouble does not show")
	// when an operator pauses it, too
	call(t, th.env, "account", "pause", "main", "--reason", "phone is charging")
	got := call(t, th.env, "doctor")
	// then doctor warns of both, with what to do
	for _, want := range []string{
		`! account main: paused since 20.* by tester: phone is charging; mend: groupphoto account resume main\n`,
		`! account main: in trouble, credentials since 20.*: PlugChat does not accept the token: the token is invalid; goes on by itself; next try at 20.*, after 2 in vain; no attempt is spent; mend: check PLUGCHAT_TOKEN and PLUGCHAT_AUTH_SCHEME\n`,
	} {
		if !regexp.MustCompile(want).MatchString(got.out) {
			t.Errorf("lacks %s:\n%s", want, got.out)
		}
	}
}
