package main

import (
	"bytes"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
)

func TestAccountCheck(t *testing.T) {
	t.Parallel()
	paused := redistest.Mini(t)
	if _, err := ledger.New(paused.Client(t), 0).Pause(t.Context(), "main", "tester", "it charges"); err != nil {
		t.Fatal(err)
	}
	troubled := redistest.Mini(t)
	hold(t, ledger.New(troubled.Client(t), 0))
	suspect := redistest.Mini(t)
	suspicion(t, ledger.New(suspect.Client(t), 0), "held", group)
	other := file(t, "a.json", `[{"name":"shop","token":"marked-shop"},{"name":"broken"}]`)
	for _, tt := range []struct {
		name  string
		dial  []string
		env   map[string]string
		args  []string
		code  int
		want  []string // patterns of stdout
		says  string   // pattern of stderr
		json  map[string]any
		redis map[string]any // what of the JSON is about Redis
	}{
		{name: "connected", args: []string{"main"}, want: []string{
			`^connected +main at http://127\.0\.0\.1:\d+\n`, `PlugChat says +You are already connected\.\n`, `round trip +[\d.]+ m?s\n`,
			`Redis +redis://127\.0\.0\.1:\d+`, `account +working, never served\n`, `updates +0 waiting, 0 calling, 0 later, 0 archived\n$`,
		}, json: map[string]any{"account": "main", "connected": true, "reason": "", "mend": ""}, redis: map[string]any{
			"account": "main", "reachable": true, "state": "working", "owners": []any{}, "slowed": 1.0, "nextTry": nil, "waiting": 0.0,
		}},
		{name: "not connected", dial: []string{"disconnected"}, args: []string{"main"}, code: exitFailure, want: []string{
			`^not connected +main at`, `PlugChat says +You are not connected\.\n`, `mend +reconnect it in the provider's panel; waiting updates go on by themselves\n`,
		}, json: map[string]any{"connected": false, "reason": "disconnected"}},
		{name: "wrong token", env: map[string]string{"PLUGCHAT_TOKEN": "marked-other"}, args: []string{"main"}, code: exitFailure, want: []string{
			`^not asked +main at`, `why +credentials: .*\(HTTP 401\)\n`, `mend +check PLUGCHAT_TOKEN and PLUGCHAT_AUTH_SCHEME\n`,
		}, json: map[string]any{"connected": nil, "reason": "credentials"}},
		{name: "Redis away", env: map[string]string{"REDIS_URL": "redis://:marked-password@127.0.0.1:1"}, args: []string{"main"}, want: []string{
			`^connected +main`, `Redis +not looked at: opening Redis at redis://:xxxxx@127\.0\.0\.1:1: nothing listens there`,
		}, json: map[string]any{"connected": true}, redis: map[string]any{"reachable": false, "state": "", "owners": []any{}}},
		{name: "embedded Redis", env: map[string]string{"REDIS_URL": "embedded:"}, args: []string{"main"}, want: []string{`Redis +not looked at: an embedded Redis exists only`}},
		{name: "paused", env: map[string]string{"REDIS_URL": paused.URL()}, args: []string{"main"}, want: []string{
			`account +paused, never served\n`, `held up +paused since 20.* by tester: it charges; go on with: groupphoto account resume main\n`,
		}, redis: map[string]any{"state": "paused", "owners": []any{"operator"}, "pausedBy": "tester", "pausedFor": "it charges", "reason": ""}},
		{name: "in trouble", env: map[string]string{"REDIS_URL": troubled.URL()}, args: []string{"main"}, want: []string{
			`account +paused, `, `held up +subscription since 20.*: the account's subscription has ended; mend: renew it`,
			`held up +goes on by itself; next try at 20.*after 2 in vain; no attempt is spent\n`,
		}, redis: map[string]any{"state": "paused", "owners": []any{"account"}, "reason": "subscription", "tries": 2.0, "pausedSince": nil}},
		{name: "under suspicion", env: map[string]string{"REDIS_URL": suspect.URL()}, args: []string{"main"}, want: []string{
			`account +suspicious, `,
			`held up +one update was answered subscription at 20.*: the account's subscription has ended\n`,
			`held up +/status is asked whether that is the account's fault; no attempt is spent\n`,
		}, redis: map[string]any{"state": "suspicious", "owners": []any{}, "reason": "subscription"}},
		{name: "one of a file with a broken one", env: map[string]string{"GROUPPHOTO_ACCOUNTS_FILE": other}, args: []string{"shop"}, code: exitFailure, want: []string{`^not asked +shop`}},
		{name: "the broken one", env: map[string]string{"GROUPPHOTO_ACCOUNTS_FILE": other}, args: []string{"broken"}, code: exitUsage, says: `entry 2 \(broken\): has no token`},
		{name: "an unknown one", args: []string{"mian"}, code: exitUsage, says: `account "mian": is not configured here; known: main; did you mean "main"\?`},
		{name: "no name", code: exitUsage, says: `ACCOUNT is missing`},
		{name: "not a name", args: []string{"Main!"}, code: exitUsage, says: `account name "Main!": must be`},
		{name: "a group without --live", args: []string{"main", "--group", group}, code: exitUsage, says: `--group is for --live`},
		{name: "--live without a group", args: []string{"main", "--live", "--yes"}, code: exitUsage, says: `--live needs --group`},
		{name: "--live without a person", args: []string{"main", "--live", "--group", group}, code: exitUsage, says: `there is nobody to ask; say --yes`},
		{name: "no Redis, and one", args: []string{"main", "--live", "--group", group, "--yes", "--no-redis", "--redis", "redis://127.0.0.1:1"}, code: exitUsage, says: `leave out --redis and --wait`},
		{name: "no time", args: []string{"main", "--live", "--group", group, "--yes", "--wait", "0"}, code: exitUsage, says: `--wait: must be more than 0`},
		{name: "a person for a group", args: []string{"main", "--live", "--group", "5511999999999@s.whatsapp.net", "--yes"}, code: exitUsage, says: `is a person, not a group`},
		{name: "no such photo", args: []string{"main", "--live", "--group", group, "--yes", "--photo", "/no/such/logo.png"}, code: exitUsage, says: `the file cannot be read: "/no/such/logo.png"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			th := newTheatre(t, tt.dial...)
			maps.Copy(th.env, tt.env)
			args := append([]string{"account", "check"}, tt.args...)
			got, asJSON := call(t, th.env, args...), call(t, th.env, append(args, "-o", "json")...)
			if got.code != tt.code || asJSON.code != tt.code || !regexp.MustCompile(tt.says).MatchString(got.err) || tt.says == "" && got.err != "" {
				t.Errorf("exit codes %d and %d, stderr %q; want %d and %q", got.code, asJSON.code, got.err, tt.code, tt.says)
			}
			for _, want := range tt.want {
				if !regexp.MustCompile(want).MatchString(got.out) {
					t.Errorf("stdout lacks %s:\n%s", want, got.out)
				}
			}
			if tt.json != nil || tt.redis != nil {
				o := object(t, asJSON.out)
				inRedis, _ := o["redis"].(map[string]any)
				for key, want := range tt.json {
					if diff := cmp.Diff(want, o[key]); diff != "" {
						t.Errorf("%s (-want +got):\n%s", key, diff)
					}
				}
				for key, want := range tt.redis {
					if diff := cmp.Diff(want, inRedis[key]); diff != "" {
						t.Errorf("redis.%s (-want +got):\n%s", key, diff)
					}
				}
			}
			if all := got.out + got.err + asJSON.out + asJSON.err; strings.Contains(all, "marked-") || th.posts() != 0 {
				t.Errorf("%d changes, or a secret is shown:\n%s", th.posts(), all)
			}
		})
	}
}

func TestAccountCheck_Completion(t *testing.T) {
	t.Parallel()
	env := map[string]string{"PLUGCHAT_TOKEN": markedToken, "GROUPPHOTO_ACCOUNTS_FILE": file(t, "a.json", `[{"name":"shop","token":"marked-shop"}]`)}
	if got := call(t, env, "__complete", "account", "check", "s"); !strings.HasPrefix(got.out, "shop\n:") {
		t.Errorf("got %s", got.out)
	}
}

func TestAccountCheck_OnlyLooks(t *testing.T) {
	t.Parallel()
	th, mini := newTheatre(t), redistest.Mini(t)
	th.env["REDIS_URL"] = mini.URL()
	if got := call(t, th.env, "account", "check", "main"); got.code != exitDone {
		t.Errorf("exit code %d", got.code)
	}
	if dump, err := mini.Dump(t.Context()); err != nil || len(dump) != 0 {
		t.Errorf("it wrote %v, %v", dump, err)
	}
}

// asked runs a command line at a terminal, with what a person types.
func asked(t *testing.T, env map[string]string, types string, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	code := run(t.Context(), args, env, streams{in: strings.NewReader(types), out: &out, err: &err, inTerminal: true, program: "groupphoto"})
	return result{code, out.String(), err.String()}
}

func TestAccountCheck_LiveAsksFirst(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, types string
		args        []string
		code, posts int
		says        string
	}{
		{"yes", "y\n", nil, exitDone, 1, "go on? [y/N] "},
		{"the whole word", "Yes\n", nil, exitDone, 1, "go on? [y/N] "},
		{"no", "n\n", nil, exitFailure, 0, "nothing was done"},
		{"just Return", "\n", nil, exitFailure, 0, "nothing was done"},
		{"the input ends", "", nil, exitFailure, 0, "nothing was done"},
		{"said before", "", []string{"--yes"}, exitDone, 1, "a notice of it appears in the group"},
		{"the photo comes the same way", "y\n", []string{"--photo", "-"}, exitUsage, 0, "say --yes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			th := newTheatre(t)
			th.env["GROUPPHOTO_PHOTO_SIDE"] = smallSide
			got := asked(t, th.env, tt.types, append([]string{"account", "check", "main", "--live", "--group", group}, tt.args...)...)
			if got.code != tt.code || th.posts() != tt.posts || !strings.Contains(got.err, tt.says) {
				t.Errorf("exit code %d, %d calls; want %d and %d:\n%s", got.code, th.posts(), tt.code, tt.posts, got.err)
			}
			if warned := strings.Contains(got.err, "WARNING: this changes the photo of group "+group); warned != (tt.code != exitUsage) {
				t.Errorf("warned: %t\n%s", warned, got.err)
			}
		})
	}
}

func TestAccountCheck_LiveTakesATurn(t *testing.T) {
	t.Parallel()
	// given a pace of half an hour
	th := newTheatre(t)
	th.env["GROUPPHOTO_PACE"], th.env["GROUPPHOTO_PHOTO_SIDE"] = "30m", smallSide
	live := func(more ...string) result {
		return call(t, th.env, append([]string{"account", "check", "main", "--live", "--yes", "--group", group}, more...)...)
	}
	// when it is called twice
	first, second := live("-o", "json"), live("--wait", "300ms")
	// then the second finds no turn in time, makes no call, and is recorded as what it is
	if first.code != exitDone || second.code != exitStopped || th.posts() != 1 {
		t.Fatalf("exit codes %d and %d, %d calls; want 0, 7 and 1: %s", first.code, second.code, th.posts(), second.err)
	}
	for _, want := range []string{"expired  " + group, "no call was made, after 0.3 s for its turn", "out_of_time: no turn came within 0.3 s", "give it longer with --wait"} {
		if !strings.Contains(columns.ReplaceAllString(second.out, "  "), want) {
			t.Errorf("stdout lacks %q:\n%s", want, second.out)
		}
	}
	if !strings.Contains(second.err, "for its turn, for the pace of the number") {
		t.Errorf("stderr does not tell what is waited for: %s", second.err)
	}
	list := call(t, th.env, "outcome", "list", "--account", "main")
	if !strings.Contains(list.out, "expired") || !strings.Contains(list.out, "updated") {
		t.Errorf("the list of outcomes:\n%s", list.out)
	}
	// and what it did is undone and repeated like any update
	id, _ := object(t, first.out)["outcome"].(map[string]any)["id"].(string)
	if got := call(t, th.env, "retry", id); got.code != exitDone {
		t.Errorf("retry: exit code %d: %s", got.code, got.err)
	}
}

func TestAccountCheck_LiveOrder(t *testing.T) {
	t.Parallel()
	// given a worker that has carried out an update of the group, and an account that shall wait
	th := newTheatre(t, "429:n=1,retry-after=20s")
	live := func(more ...string) result {
		return call(t, th.env, append([]string{"account", "check", "main", "--live", "--yes", "--group", group}, more...)...)
	}
	// when the number is throttled
	got := live("-o", "json")
	o := object(t, got.out)
	if got.code != exitFailed || o["class"] != "throttled" || o["recorded"] != true || o["worker"] != "make no call for this account for 20 s, then try again more slowly; no attempt is spent" {
		t.Errorf("exit code %d: %s", got.code, got.out)
	}
	// then the account waits, whoever calls next, and goes slower after that
	r := object(t, call(t, th.env, "account", "check", "main", "-o", "json").out)["redis"].(map[string]any)
	if r["state"] != "slowed" || r["slowed"] != 2.0 || r["slowedFor"] != "throttled" || r["restUntil"] == nil || len(r["owners"].([]any)) != 0 {
		t.Errorf("in Redis: %v", r)
	}
	if next := live("--wait", "200ms"); next.code != exitStopped || th.posts() != 1 || !strings.Contains(next.err, "for its turn, because the provider asked for a rest") {
		t.Errorf("exit code %d, %d calls: %s", next.code, th.posts(), next.err)
	}
	// and a paused account is not tried at all
	call(t, th.env, "update", "--group", group, "--photo", picture(t), "--in", "1h") // so that Redis knows it
	call(t, th.env, "account", "pause", "main")
	if next := live(); next.code != exitFailure || !strings.Contains(next.err, "account main is paused since 20") || !strings.Contains(next.err, "resume it first: groupphoto account resume main") {
		t.Errorf("exit code %d: %s", next.code, next.err)
	}
}

func TestAccountCheck_LiveWithoutRedis(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	th.env["REDIS_URL"] = "redis://127.0.0.1:1"
	live := func(more ...string) result {
		return call(t, th.env, append([]string{"account", "check", "main", "--live", "--yes", "--group", group, "-o", "json"}, more...)...)
	}
	// when Redis is away, then it is refused
	if got := live(); got.code != exitFailure || th.posts() != 0 || !strings.Contains(got.err, "nothing listens there") || !strings.HasSuffix(got.err, "to call all the same: --no-redis\n") {
		t.Errorf("exit code %d, %d calls: %s", got.code, th.posts(), got.err)
	}
	// unless that is what is wanted
	got := live("--no-redis")
	o := object(t, got.out)
	if got.code != exitDone || th.posts() != 1 || o["recorded"] != false || !strings.Contains(got.err, "recorded nowhere") {
		t.Errorf("exit code %d, %d calls: %s", got.code, th.posts(), got.err)
	}
	if end := o["outcome"].(map[string]any); end["state"] != "updated" || end["value"] != true || end["id"] != "" || end["attempts"] != 1.0 {
		t.Errorf("outcome %v", end)
	}
}

func TestAccountCheck_LiveInterrupted(t *testing.T) {
	t.Parallel()
	// given a call that waits for its turn
	th := newTheatre(t)
	th.env["GROUPPHOTO_PACE"], th.env["GROUPPHOTO_PHOTO_SIDE"] = "30m", smallSide
	args := []string{"account", "check", "main", "--live", "--yes", "--group", group}
	call(t, th.env, args...)
	r := serve(t, th.env, args...)
	r.find("for its turn, for the pace")
	// when a person gives up
	code := r.stop()
	// then it has ended, and nothing was called
	list := call(t, th.env, "outcome", "list", "--account", "main", "-o", "json", "--state", "cancelled")
	if strings.Contains(r.text.String(), "\nmend ") {
		t.Errorf("it advises somebody who gave up:\n%s", r.text)
	}
	if code != exitInterrupted || th.posts() != 1 || !strings.Contains(list.out, "given up before its turn came") {
		t.Errorf("exit code %d, %d calls: %s%s", code, th.posts(), r.text, list.out)
	}
}

func TestAccountCheck_LiveBesideAWorker(t *testing.T) {
	t.Parallel()
	// given a worker, when the change is made beside it, then it counts for both
	th := newTheatre(t)
	th.work(t)
	call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", "before", "--wait", "20s")
	got := call(t, th.env, "account", "check", "main", "--live", "--yes", "--group", group, "-o", "json")
	end := object(t, got.out)["outcome"].(map[string]any)
	before := object(t, call(t, th.env, "outcome", "before", "-o", "json").out)
	if got.code != exitDone || end["previousPhoto"] != before["photo"] || end["photo"] == nil {
		t.Errorf("exit code %d: the photo before was %v; got %v", got.code, before["photo"], end)
	}
	skipped := call(t, th.env, "update", "--group", group, "--photo", end["photo"].(string), "--skip-unchanged", "--wait", "20s", "-o", "json")
	if object(t, skipped.out)["state"] != "unchanged" || th.posts() != 2 {
		t.Errorf("%d calls: %s", th.posts(), skipped.out)
	}
}

func TestAccountCheck_LiveTellsWhatFollowsAPlainFalse(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"true":  "look for the reason in /status and the group's metadata; without one, ask again after 2 min or more, 1 × at most, and record it as refused if it stays so",
		"false": "look for the reason in /status; without one, ask again after 2 min or more, 1 × at most, and record it as refused if it stays so",
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			th := newTheatre(t, "false")
			th.env["GROUPPHOTO_REFUSAL_METADATA"], th.env["GROUPPHOTO_REFUSAL_RETRIES"], th.env["GROUPPHOTO_PHOTO_SIDE"] = setting, "1", smallSide
			got := call(t, th.env, "account", "check", "main", "--live", "--yes", "--group", group, "-o", "json")
			if o := object(t, got.out); got.code != exitRefused || o["worker"] != want || th.posts() != 1 {
				t.Errorf("exit code %d, %d calls, a worker would %q; want %q", got.code, th.posts(), o["worker"], want)
			}
		})
	}
}
