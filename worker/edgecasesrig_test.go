package worker_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/sandbox"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// The edge cases of a correct worker, one test each, from end to end: a worker with
// PlugChat's client, against the sandbox over TCP. What a part does in depth is
// held by that part's own tests; these hold what an operator sees.

const edgeToken = "edge-token-5b1f20c7"

// edgeRig is a worker whose provider is a sandbox.
type edgeRig struct {
	*bundle
	box    *sandbox.Sandbox
	url    string
	client *plugchat.Client
	phone  string // the account's own number
}

type edgeOption func(*edgeRig, *worker.Config)

// edge makes a rig that has not started.
func edge(t *testing.T, rdb redis.UniversalClient, options ...edgeOption) *edgeRig {
	t.Helper()
	r := &edgeRig{box: sandbox.New(sandbox.Config{Tokens: []string{edgeToken}})}
	server := httptest.NewServer(r.box)
	t.Cleanup(server.Close)
	r.url, r.client = server.URL, edgeClient(t, server.URL, 4*time.Second)
	group, err := r.client.Metadata(t.Context(), string(groupA))
	if err != nil {
		t.Fatal(err)
	}
	r.phone = group.Participants[0].Phone
	r.box.ForgetCalls()
	r.bundle = setup(t, rdb, nil, func(c *worker.Config) {
		c.Accounts[0].Caller, c.Accounts[0].Reader = r.client, r.client
		for _, change := range options {
			change(r, c)
		}
	})
	return r
}

// edgeMini is edge on a Redis of its own.
func edgeMini(t *testing.T, options ...edgeOption) *edgeRig {
	t.Helper()
	return edge(t, redistest.Mini(t).Client(t), options...)
}

func edgeClient(t *testing.T, base string, timeout time.Duration) *plugchat.Client {
	t.Helper()
	c, err := plugchat.New(plugchat.Config{BaseURL: base, Token: edgeToken, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

func policy(change func(*worker.Policy)) edgeOption {
	return func(_ *edgeRig, c *worker.Config) { change(&c.Policy) }
}

func knownPhone(r *edgeRig, c *worker.Config) { c.Accounts[0].Phone = r.phone }

// impatient gives up a call after a while.
func impatient(t *testing.T) edgeOption {
	return func(r *edgeRig, c *worker.Config) { c.Accounts[0].Caller = edgeClient(t, r.url, 200*time.Millisecond) }
}

// dial sets what the provider does from now on.
func (r *edgeRig) dial(rules ...string) *edgeRig {
	r.t.Helper()
	list := make([]sandbox.Rule, len(rules))
	for i, text := range rules {
		var err error
		if list[i], err = sandbox.ParseRule(text); err != nil {
			r.t.Fatal(err)
		}
	}
	r.box.SetDial(list...)
	return r
}

// edgeGroup is one of as many groups as a test wants.
func edgeGroup(n int) tasks.GroupID {
	return tasks.GroupID("1203630195026510" + string(rune('0'+n/10)) + string(rune('0'+n%10)) + "-group")
}

// submitMany submits n updates with the ids name0, name1 …, each of a group of its own.
func (r *edgeRig) submitMany(name string, n int) []string {
	r.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = name + string(rune('a'+i))
		r.submit(ids[i], tasks.Update{GroupID: edgeGroup(i)})
	}
	return ids
}

func (r *edgeRig) start() *edgeRig {
	r.t.Helper()
	r.bundle.start()
	return r
}

// endpoint is the last part of a call's way that is not the group.
func endpoint(c sandbox.Call) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(c.Path, "/api/whatsapp/"), "/")
	switch name {
	case "update-group-photo":
		return "update"
	case "group-metadata":
		return "metadata"
	}
	return name
}

// asked lists the endpoints in the order in which they were called.
func (r *edgeRig) asked() string {
	var list []string
	for _, c := range r.box.Calls() {
		list = append(list, endpoint(c))
	}
	return strings.Join(list, " ")
}

func (r *edgeRig) wantAsked(want string) {
	r.t.Helper()
	if got := r.asked(); got != want {
		r.t.Errorf("the provider was asked %q, want %q", got, want)
	}
}

// calls returns those of one endpoint.
func (r *edgeRig) calls(on string) []sandbox.Call {
	return slices.DeleteFunc(r.box.Calls(), func(c sandbox.Call) bool { return endpoint(c) != on })
}

// changes is how often the group's photo was set, each time with a notice in the group.
func (r *edgeRig) changes(group tasks.GroupID) int {
	g, _ := r.box.Group(string(group))
	return g.Changes
}

// ends waits for an update's end and checks what an operator sees of it: state,
// value, reason, the advice that goes with it, and the task in asynq's web UI.
func (r *edgeRig) ends(id string, state tasks.State, reason tasks.Reason, attempts int) tasks.Outcome {
	r.t.Helper()
	o := r.wait(id)
	value := "null"
	if o.Value != nil {
		value = map[bool]string{true: "true", false: "false"}[*o.Value]
	}
	want := map[tasks.State]string{tasks.Updated: "true", tasks.Refused: "false"}[state]
	if want == "" {
		want = "null"
	}
	if o.State != state || value != want || o.Reason != reason || o.Attempts != attempts {
		r.t.Errorf("%s: got %s (%s) for %q after %d calls (%s), want %s (%s) for %q after %d",
			id, o.State, value, o.Reason, o.Attempts, o.Detail, state, want, reason, attempts)
		return o
	}
	if state != tasks.Refused && state != tasks.Failed {
		if info := r.task(id, asynq.TaskStateCompleted); !strings.Contains(string(info.Result), `"state":"`+string(state)+`","value":`+want) {
			r.t.Errorf("%s: the web UI shows %s", id, info.Result)
		}
		return o
	}
	info := r.task(id, asynq.TaskStateArchived)
	if mend := strings.Replace(reason.Mend(), "retry ID", "retry "+id, 1); mend == "" || !strings.HasPrefix(info.LastErr, string(reason)+": ") || !strings.Contains(info.LastErr, mend) {
		r.t.Errorf("%s: the web UI shows %q, and not the advice %q", id, info.LastErr, mend)
	}
	return o
}

// spent is how many attempts an update has cost so far.
func (r *edgeRig) spent(id string) int {
	r.t.Helper()
	n, err := r.rdb.HGet(r.t.Context(), "groupphoto:{main}:u:"+id, "spent").Int()
	if err != nil && err != redis.Nil { //nolint:errorlint // go-redis returns it as it is
		r.t.Fatal(err)
	}
	return n
}

func (r *edgeRig) lane() ledger.LaneState {
	r.t.Helper()
	s, err := r.ledger.Lane(r.t.Context(), "main")
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// held waits until the account is paused for a reason that people are told with
// what to do, and asynq shows that its queue is paused.
func (r *edgeRig) held(owner ledger.Owner, reason tasks.Reason) ledger.LaneState {
	r.t.Helper()
	var s ledger.LaneState
	redistest.Eventually(r.t, 20*time.Second, func() bool {
		s = r.lane()
		return s.Told && s.Trouble == owner && s.Why == reason
	}, "the account is not held by %s for %s, but %+v", owner, reason, &s)
	if reason.Mend() == "" {
		r.t.Errorf("nobody is told what to do about %s", reason)
	}
	r.queuePaused(true)
	return s
}

func (r *edgeRig) queuePaused(want bool) {
	r.t.Helper()
	inspector := asynq.NewInspectorFromRedisClient(r.rdb)
	redistest.Eventually(r.t, 20*time.Second, func() bool {
		info, err := inspector.GetQueueInfo(tasks.Queue("main"))
		return err == nil && info.Paused == want
	}, "asynq's queue is not shown with paused = %v", want)
}

// resumed waits until nothing holds the account.
func (r *edgeRig) resumed() {
	r.t.Helper()
	redistest.Eventually(r.t, 20*time.Second, func() bool { return r.lane().Trouble == "" }, "the account is still held")
	r.queuePaused(false)
}
