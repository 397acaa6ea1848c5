package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestAccountList(t *testing.T) {
	t.Parallel()
	// given a Redis that nobody has used
	th := newTheatre(t, "401:p=1")
	if r := call(t, th.env, "account", "list"); r.code != exitDone || r.out != "" || !strings.Contains(r.err, "there is no account yet") {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
	// when an update waits without a worker
	call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", "a")
	if r := call(t, th.env, "account", "list"); !strings.Contains(r.out, "main  working  never served") || !strings.Contains(r.out, "1 waiting, 0 calling") || !strings.Contains(r.out, "start a worker with: groupphoto worker") {
		t.Errorf("got %s", r.out)
	}
	// and then a worker meets a provider that does not take the token
	th.work(t)
	redistest.Eventually(t, 20*time.Second, func() bool {
		r := call(t, th.env, "account", "list", "-o", "json")
		o := object(t, r.out)
		return o["state"] == "suspicious" && cmp.Equal(o["owners"], []any{}) && o["served"] == true && o["reason"] == "credentials" &&
			o["nextTry"] == nil && o["tries"] == 1.0 && o["later"] == 1.0
	}, "the suspicion does not show")
	// then, since /status says that all is well, that update alone is under suspicion
	lacks(t, call(t, th.env, "account", "list").out, "main  suspicious  served",
		"one update was answered credentials at 20", "others go first, one at a time, to see whether that is the account's fault; no attempt is spent")
	// and when another one is told the same, the account is paused: since when, what to do, and when it is tried again
	call(t, th.env, "update", "--group", "5511999999999-1623281429", "--photo", picture(t), "--id", "b")
	redistest.Eventually(t, 20*time.Second, func() bool {
		o := object(t, call(t, th.env, "account", "list", "-o", "json").out)
		return o["state"] == "paused" && cmp.Equal(o["owners"], []any{"account"}) && o["pausedSince"] == nil && o["nextTry"] != nil && o["later"] == 2.0
	}, "the trouble does not show")
	lacks(t, call(t, th.env, "account", "list").out, "main  paused  served", "credentials since 20", "; mend: check PLUGCHAT_TOKEN",
		"goes on by itself; next try at 20", "after 2 in vain; no attempt is spent")
	// while the queue shows as paused in asynq
	redistest.Eventually(t, 20*time.Second, func() bool {
		info, err := inspect(t, th.redis).GetQueueInfo(tasks.Queue("main"))
		return err == nil && info.Paused
	}, "asynq does not show the pause")
	if r := call(t, nil, "account", "lst"); r.code != exitUsage || !strings.Contains(r.err, `did you mean "list"?`) {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

// lacks complains of what a text does not hold.
func lacks(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
}

func TestAccountPause(t *testing.T) {
	t.Parallel()
	// given a worker at work
	th := newTheatre(t)
	th.work(t)
	send := func(id string) { call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", id) }
	ended := func(id string) bool {
		return object(t, call(t, th.env, "outcome", id, "-o", "json").out)["state"] == "updated"
	}
	// when its account is paused
	if r := call(t, th.env, "account", "pause", "main", "--reason", "phone is charging"); r.code != exitDone || !strings.Contains(r.err, "groupphoto account resume main") {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	if r := call(t, th.env, "account", "pause", "main"); r.code != exitDone || r.err != "was paused already\n" {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	r := call(t, th.env, "account", "list")
	for _, want := range []string{"main  paused  served", "by tester: phone is charging; go on with: groupphoto account resume main"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("lacks %q:\n%s", want, r.out)
		}
	}
	// then asynq shows it, and nothing is called
	inspector := inspect(t, th.redis)
	send("a")
	for _, queue := range []string{tasks.Queue("main"), tasks.BulkQueue("main")} {
		if info, err := inspector.GetQueueInfo(queue); err == nil && !info.Paused {
			t.Errorf("queue %s is not paused", queue)
		}
	}
	// and when somebody resumes the queue in the web UI, it goes on
	if err := inspector.UnpauseQueue(tasks.Queue("main")); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, 20*time.Second, func() bool { return ended("a") }, "the update is not sent")
	if r := call(t, th.env, "account", "list"); !strings.Contains(r.out, "main  working") {
		t.Errorf("got %s", r.out)
	}
	// and when somebody pauses it there, the account is paused for all, until it is resumed here
	if err := inspector.PauseQueue(tasks.Queue("main")); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, 20*time.Second, func() bool {
		return strings.Contains(call(t, th.env, "account", "list").out, "by the asynq web UI")
	}, "the pause does not show")
	send("b")
	if r := call(t, th.env, "account", "resume", "main"); r.code != exitDone || r.err != "goes on\n" {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	redistest.Eventually(t, 20*time.Second, func() bool { return ended("b") }, "the update is not sent")
	if th.posts() != 2 {
		t.Errorf("%d calls; want 2", th.posts())
	}
	if r := call(t, th.env, "account", "resume", "main"); r.err != "was not paused\n" {
		t.Errorf("got %s", r.err)
	}
	if r := call(t, th.env, "account", "pause", "mian"); r.code != exitUsage || !strings.Contains(r.err, `did you mean "main"?`) {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

func inspect(t *testing.T, url string) *asynq.Inspector {
	t.Helper()
	spec, err := redisconn.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	rdb, err := redisconn.Open(t.Context(), spec, redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return asynq.NewInspectorFromRedisClient(rdb)
}

func TestPrintLanes_ColumnsStayAligned(t *testing.T) {
	t.Parallel()
	// given accounts with short and long names, some with lines of their own
	at := time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC)
	long := strings.Repeat("n", 32)
	lanes := []enqueue.Lane{
		{Account: enqueue.Account{Name: "a", Served: true, LastSeen: at}, Waiting: 12, Calling: 2},
		{Account: enqueue.Account{Name: "held", LastSeen: at}, Paused: true, PausedSince: at, PausedBy: "tester\x1b[2J", Trouble: tasks.Credentials, TroubleOf: "account", Since: at, NextTry: at, Held: true, Tries: 3},
		{Account: enqueue.Account{Name: long, Served: true, LastSeen: at}},
		{Account: enqueue.Account{Name: "z"}, Later: 1},
	}
	var out bytes.Buffer
	a := &app{streams: streams{out: &out}, output: "text"}
	// when they are printed
	if err := a.printLanes(config{zone: time.UTC}, lanes); err != nil {
		t.Fatal(err)
	}
	// then every column begins at one place, and what holds an account up stands below it
	want := `a                                 working  served                                    10 waiting, 2 calling, 0 later, 0 archived
held                              paused   not served since 2026-01-31 18:00:00 UTC  0 waiting, 0 calling, 0 later, 0 archived
    paused since 2026-01-31 18:00:00 UTC by tester[2J; go on with: groupphoto account resume held
    credentials since 2026-01-31 18:00:00 UTC: the provider does not accept the token; mend: check PLUGCHAT_TOKEN and PLUGCHAT_AUTH_SCHEME: groupphoto doctor
    goes on by itself; next try at 2026-01-31 18:00:00 UTC, after 3 in vain; no attempt is spent
` + long + `  working  served                                    0 waiting, 0 calling, 0 later, 0 archived
z                                 working  never served                              0 waiting, 0 calling, 1 later, 0 archived
    nobody works at its updates; start a worker with: groupphoto worker
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLaneState(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC)
	held := enqueue.Lane{Trouble: tasks.Subscription, TroubleOf: "account", Detail: "plan ended", Since: at, NextTry: at, Held: true, Tries: 2}
	with := func(l enqueue.Lane, change func(*enqueue.Lane)) enqueue.Lane {
		change(&l)
		return l
	}
	for _, tt := range []struct {
		name   string
		lane   enqueue.Lane
		state  string
		owners []string
		says   []string
	}{
		{"never had a turn", enqueue.Lane{}, laneWorking, nil, nil},
		{"the configured pace", enqueue.Lane{Slowed: 1}, laneWorking, nil, nil},
		{"slower", enqueue.Lane{Slowed: 1.5, SlowedSince: at, SlowedFor: "refusals"}, laneSlowed, nil, []string{
			"the pace is 1.5 × slower since 2026-01-31 18:00:00 UTC: the provider answered false several times in a row; every accepted photo brings it back a little",
		}},
		{"resting", enqueue.Lane{Slowed: 2, SlowedSince: at, SlowedFor: tasks.Throttled, Rest: at}, laneSlowed, nil, []string{
			"the provider asked for a rest until 2026-01-31 18:00:00 UTC; the pace is 2.0 × slower since 2026-01-31 18:00:00 UTC: the provider asked for slower calls; every accepted photo brings it back a little",
		}},
		{"held", held, lanePaused, []string{"account"}, []string{
			"subscription since 2026-01-31 18:00:00 UTC: plan ended; mend: renew it with the provider; waiting updates go on by themselves",
			"goes on by itself; next try at 2026-01-31 18:00:00 UTC, after 2 in vain; no attempt is spent",
		}},
		{"feeling its way", with(held, func(l *enqueue.Lane) { l.Held = false }), laneTrouble, []string{"account"}, []string{
			"subscription since 2026-01-31 18:00:00 UTC: plan ended; mend: renew it with the provider; waiting updates go on by themselves",
			"one call at a time feels its way, after 2 in vain; a normal answer ends it; no attempt is spent",
		}},
		{"held by an operator, too", with(held, func(l *enqueue.Lane) { l.Paused, l.PausedSince, l.PausedBy = true, at, "op" }), lanePaused, []string{"operator", "account"}, []string{
			"paused since 2026-01-31 18:00:00 UTC by op; go on with: groupphoto account resume ",
			"subscription since 2026-01-31 18:00:00 UTC: plan ended; mend: renew it with the provider; waiting updates go on by themselves",
			"goes on by itself; next try at 2026-01-31 18:00:00 UTC, after 2 in vain; no attempt is spent",
		}},
		{"the breaker", with(held, func(l *enqueue.Lane) { l.TroubleOf, l.Trouble, l.Unanswered = "breaker", tasks.NoAnswer, 3 }), lanePaused, []string{"breaker"}, []string{
			"no usable answer several times in a row since 2026-01-31 18:00:00 UTC, the last: no_answer: plan ended; mend: see the network and the provider's status",
			"goes on by itself; next try at 2026-01-31 18:00:00 UTC, after 2 in vain",
			"calls without an answer, which may have landed: 3 so far",
		}},
		{"suspicious, and /status is being asked", with(held, func(l *enqueue.Lane) { l.Suspected = true }), laneSuspicious, nil, []string{
			"one update was answered subscription at 2026-01-31 18:00:00 UTC: plan ended",
			"/status is asked whether that is the account's fault; no attempt is spent",
		}},
		{"suspicious", with(held, func(l *enqueue.Lane) { l.Suspected, l.Held = true, false }), laneSuspicious, nil, []string{
			"one update was answered subscription at 2026-01-31 18:00:00 UTC: plan ended",
			"others go first, one at a time, to see whether that is the account's fault; no attempt is spent",
		}},
		{"paused in the web UI, and no worker has seen it", enqueue.Lane{Paused: true}, lanePaused, []string{"operator"}, []string{"paused in the asynq web UI; go on with: groupphoto account resume "}},
		{"the bulk queue alone", enqueue.Lane{BulkPaused: true}, laneWorking, nil, []string{"its bulk queue is paused in the asynq web UI, which stops campaigns only; resume it there"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := factsOf(tt.lane)
			if diff := cmp.Diff(append([]string{}, tt.owners...), f.Owners); diff != "" || f.State != tt.state || f.Slowed < 1 {
				t.Errorf("state %s, pace × %g; want %s; owners (-want +got):\n%s", f.State, f.Slowed, tt.state, diff)
			}
			if (f.NextTry != nil) != tt.lane.Held {
				t.Errorf("next try %v; want one: %t", f.NextTry, tt.lane.Held)
			}
			if diff := cmp.Diff(tt.says, heldUp(config{zone: time.UTC}, tt.lane)); diff != "" {
				t.Errorf("what holds it up (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLaneOf_AgreesWithLanes(t *testing.T) {
	t.Parallel()
	// given an account with everything at once
	rdb := redistest.Mini(t).Client(t)
	l := ledger.New(rdb, 0)
	answered(t, l, "slow", group, ledger.Answer{Said: ledger.SaidSlower, First: time.Millisecond, Why: tasks.Throttled})
	redistest.Eventually(t, 20*time.Second, func() bool {
		s, err := l.Lane(t.Context(), "main")
		return err == nil && s.Rest.IsZero()
	}, "the rest does not end")
	hold(t, l)
	if _, err := l.Pause(t.Context(), "main", "tester", "lunch"); err != nil {
		t.Fatal(err)
	}
	if err := l.Serve(t.Context(), "test", "main"); err != nil {
		t.Fatal(err)
	}
	gp, err := enqueue.New(rdb)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gp.Close() })
	// when it is looked at in both ways
	lanes, err := gp.Lanes(t.Context())
	if err != nil || len(lanes) != 1 {
		t.Fatalf("got %v, %v", lanes, err)
	}
	got, err := findLane(t.Context(), rdb, 0, "main")
	if err != nil {
		t.Fatal(err)
	}
	// then they say the same
	if diff := cmp.Diff(lanes[0], got); diff != "" || !got.Held || got.Slowed != 2 || got.PausedFor != "lunch" {
		t.Errorf("(-Lanes +findLane):\n%s", diff)
	}
}

func TestAccountResume_InTrouble(t *testing.T) {
	t.Parallel()
	// given an account that is in trouble, and paused by an operator, too
	mini := redistest.Mini(t)
	l := ledger.New(mini.Client(t), 0)
	hold(t, l)
	if err := l.Serve(t.Context(), "test", "main"); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"REDIS_URL": mini.URL(), "GROUPPHOTO_TZ": "UTC"}
	call(t, env, "account", "pause", "main")
	// when it is resumed, twice, then nobody believes that it works now
	for _, want := range []string{"the pause is over; it is in trouble", "was not paused by anybody; it is in trouble"} {
		got := call(t, env, "account", "resume", "main")
		if got.code != exitDone {
			t.Errorf("exit code %d", got.code)
		}
		lacks(t, got.err, want+", which resuming does not end: subscription since 20", "; goes on by itself; next try at 20", "; mend: renew it with the provider")
	}
}
