package worker_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/photo"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

const (
	groupA = tasks.GroupID("120363019502650977-group")
	groupB = tasks.GroupID("5511999999999-1623281429")
)

// caller is a provider of one function, which counts.
type caller struct {
	mu    sync.Mutex
	calls []plugchat.Call
	do    func(ctx context.Context, n int, call plugchat.Call) (bool, error)
}

func (c *caller) UpdateGroupPhoto(ctx context.Context, call plugchat.Call) (bool, error) {
	c.mu.Lock()
	c.calls = append(c.calls, call)
	n := len(c.calls)
	c.mu.Unlock()
	if c.do == nil {
		return true, nil
	}
	return c.do(ctx, n, call)
}

func (c *caller) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.calls)
}

// answers is a caller that gives one answer after the other, the last for ever.
func answers(list ...any) *caller {
	return &caller{do: func(_ context.Context, n int, _ plugchat.Call) (bool, error) {
		switch a := list[min(n, len(list))-1].(type) {
		case bool:
			return a, nil
		case *plugchat.Error:
			return false, a
		default:
			panic(a)
		}
	}}
}

// bundle is one worker on one Redis with a provider of the test's making.
type bundle struct {
	t      *testing.T
	rdb    redis.UniversalClient
	ledger *ledger.Ledger
	client *asynq.Client
	logs   *bytes.Buffer
	worker *worker.Worker
}

func quickPolicy() worker.Policy {
	return worker.Policy{
		RefusalDelay: time.Millisecond, Backoff: time.Millisecond, MaxBackoff: time.Millisecond, QuickBackoff: time.Millisecond,
		Hold: 50 * time.Millisecond, MaxHold: 100 * time.Millisecond, ThrottleHold: 50 * time.Millisecond,
	}
}

type syncWriter struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (w syncWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func setup(t *testing.T, rdb redis.UniversalClient, c worker.Caller, change ...func(*worker.Config)) *bundle {
	t.Helper()
	b := &bundle{t: t, rdb: rdb, ledger: ledger.New(rdb, 0), client: asynq.NewClientFromRedisClient(rdb), logs: &bytes.Buffer{}}
	maker, err := photo.New(photo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	config := worker.Config{
		Redis: rdb, Logger: slog.New(slog.NewJSONHandler(syncWriter{&sync.Mutex{}, b.logs}, nil)),
		Accounts: []worker.Account{{Name: "main", Caller: c}},
		Maker:    maker, Fetcher: fetch.New(fetch.Config{}), Policy: quickPolicy(),
		HTTPTimeout: 5 * time.Second, ShutdownTimeout: 10 * time.Second, CheckInterval: 10 * time.Millisecond,
	}
	for _, f := range change {
		f(&config)
	}
	if b.worker, err = worker.New(config); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bundle) start() *bundle {
	b.t.Helper()
	if err := b.worker.Start(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := b.worker.Shutdown(); err != nil {
			b.t.Error(err)
		}
	})
	return b
}

// photo stores a small PNG and refers to it.
func (b *bundle) photo(shade uint8) tasks.PhotoRef {
	b.t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 200, 240))
	for i := range img.Pix {
		img.Pix[i] = shade
	}
	img.Set(3, 3, color.White)
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		b.t.Fatal(err)
	}
	ref, err := b.ledger.StorePhoto(b.t.Context(), tasks.PhotoSource, buf.Bytes(), time.Now().Add(time.Hour))
	if err != nil {
		b.t.Fatal(err)
	}
	return ref
}

// submit does what the client does: the record, then the task.
func (b *bundle) submit(id string, u tasks.Update) tasks.Update {
	b.t.Helper()
	if u.GroupID == "" {
		u.GroupID = groupA
	}
	if u.Photo.Kind == tasks.PhotoNone {
		u.Photo = b.photo(120)
	}
	u.Account, u.EnqueuedAt = "main", time.Now()
	if u.ExpiresAt.IsZero() {
		u.ExpiresAt = time.Now().Add(time.Hour)
	}
	r, err := b.ledger.Register(b.t.Context(), "main", []ledger.Entry{{ID: id, Update: u}})
	if err != nil {
		b.t.Fatal(err)
	}
	b.enqueue(id, r[0].Update.Marshal())
	return r[0].Update
}

func (b *bundle) enqueue(id string, payload []byte) {
	b.t.Helper()
	task := asynq.NewTask(tasks.TypeUpdate, payload)
	if _, err := b.client.EnqueueContext(b.t.Context(), task, asynq.TaskID(id), asynq.Queue(tasks.Queue("main")),
		asynq.MaxRetry(1<<30), asynq.Timeout(time.Hour), asynq.Retention(time.Hour)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) wait(id string) tasks.Outcome {
	b.t.Helper()
	var o tasks.Outcome
	redistest.Eventually(b.t, 30*time.Second, func() bool {
		r, err := b.ledger.Record(b.t.Context(), "main", id)
		o = r.Outcome
		return err == nil && o.State.Ended()
	}, "update %s has not ended", id)
	return o
}

// task waits until asynq's own record of a task is in a state.
func (b *bundle) task(id string, state asynq.TaskState) *asynq.TaskInfo {
	b.t.Helper()
	inspector := asynq.NewInspectorFromRedisClient(b.rdb)
	var info *asynq.TaskInfo
	redistest.Eventually(b.t, 30*time.Second, func() bool {
		var err error
		info, err = inspector.GetTaskInfo(tasks.Queue("main"), id)
		return err == nil && info.State == state
	}, "task %s is not %s", id, state)
	return info
}

func TestWorker_Updated(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given an update of a stored PNG, when the provider says true, then the
		// outcome is updated and asynq's task is completed with it.
		c := answers(true)
		b := setup(t, rdb, c).start()
		b.submit("one", tasks.Update{Ref: "order-7", By: "tester"})
		o := b.wait("one")
		if o.State != tasks.Updated || o.Value == nil || !*o.Value || o.Attempts != 1 || o.HTTPStatus != 200 {
			t.Fatalf("got %+v", o)
		}
		if o.Ref != "order-7" || o.By != "tester" || o.GroupID != groupA || !strings.HasPrefix(o.Photo, "sha256:") {
			t.Fatalf("got %+v", o)
		}
		if o.StartedAt.IsZero() || o.FinishedAt.Before(o.StartedAt) || o.EnqueuedAt.IsZero() {
			t.Fatalf("times are wrong: %+v", o)
		}
		info := b.task("one", asynq.TaskStateCompleted)
		if !strings.Contains(string(info.Result), `"state":"updated","value":true`) {
			t.Fatalf("result: %s", info.Result)
		}
		if c.count() != 1 || c.calls[0].GroupID != string(groupA) || c.calls[0].NotAfter.IsZero() {
			t.Fatalf("calls: %+v", c.calls)
		}
	})
}

func TestWorker_RefusedIsArchivedAndNotAskedAgain(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given no refusal retries, when the provider says false, then the update
		// is refused; and running the archived task by hand calls nobody.
		c := answers(false)
		b := setup(t, rdb, c, func(c *worker.Config) { c.Policy.RefusalRetries = -1 }).start()
		b.submit("no", tasks.Update{})
		o := b.wait("no")
		if o.State != tasks.Refused || o.Value == nil || *o.Value || o.Reason != tasks.NoReasonGiven {
			t.Fatalf("got %+v", o)
		}
		info := b.task("no", asynq.TaskStateArchived)
		if !strings.HasPrefix(info.LastErr, "no_reason_given: ") || !strings.Contains(info.LastErr, "; mend: ") {
			t.Fatalf("the web UI would show %q", info.LastErr)
		}
		if err := asynq.NewInspectorFromRedisClient(rdb).RunTask(tasks.Queue("main"), "no"); err != nil {
			t.Fatal(err)
		}
		redistest.Eventually(t, 10*time.Second, func() bool {
			info, err := asynq.NewInspectorFromRedisClient(rdb).GetTaskInfo(tasks.Queue("main"), "no")
			return err == nil && info.State == asynq.TaskStateArchived && strings.HasPrefix(info.LastErr, "already refused at ") &&
				strings.HasSuffix(info.LastErr, "groupphoto retry no")
		}, "the task was not archived again with a word about it")
		if c.count() != 1 {
			t.Fatalf("%d calls", c.count())
		}
	})
}

func TestWorker_AnswersThatPass(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		list  []any
		state tasks.State
		calls int
	}{
		{"false, then true", []any{false, true}, tasks.Updated, 2},
		{"twice away, then true", []any{away(), away(), true}, tasks.Updated, 3},
		{"away for longer than a run, then true", []any{away(), away(), away(), away(), true}, tasks.Updated, 5},
		{"no answer, then true", []any{lost(), true}, tasks.Updated, 2},
		{"account trouble, then true", []any{account(), account(), true}, tasks.Updated, 3},
		{"throttled, then true", []any{throttled(), true}, tasks.Updated, 2},
		{"three times 500", []any{&plugchat.Error{Class: plugchat.Ambiguous, Reason: plugchat.ReasonProviderError, Status: 500}}, tasks.Failed, 3},
		{"never an answer", []any{away()}, tasks.Failed, 6},
		{"a final no", []any{&plugchat.Error{Class: plugchat.Refused, Reason: plugchat.ReasonNotAdmin, Status: 200}}, tasks.Refused, 1},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			// Given six attempts, when the provider answers so, then the update
			// ends so after so many calls, and every call is an event in the log.
			c := answers(tc.list...)
			b := setup(t, redistest.Mini(t).Client(t), c, func(c *worker.Config) { c.Policy.Attempts = 6 }).start()
			b.submit("x", tasks.Update{})
			o := b.wait("x")
			if o.State != tc.state || o.Attempts != tc.calls || c.count() != tc.calls {
				t.Fatalf("got %s after %d attempts and %d calls: %+v", o.State, o.Attempts, c.count(), o)
			}
			if err := b.worker.Shutdown(); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(b.logs.String(), `"msg":"update.attempted"`); n != tc.calls {
				t.Fatalf("%d events for %d calls:\n%s", n, tc.calls, b.logs)
			}
		})
	}
}

func away() *plugchat.Error {
	return &plugchat.Error{Class: plugchat.Transient, Reason: plugchat.ReasonUnavailable, Status: 503}
}

func lost() *plugchat.Error {
	return &plugchat.Error{Class: plugchat.Lost, Reason: plugchat.ReasonNoAnswer, Sent: true, Err: errors.New("time-out")}
}

func account() *plugchat.Error {
	return &plugchat.Error{Class: plugchat.Account, Reason: plugchat.ReasonSubscription, Status: 400}
}

func throttled() *plugchat.Error {
	return &plugchat.Error{Class: plugchat.Throttled, Reason: plugchat.ReasonThrottled, Status: 429}
}

func TestWorker_BadTaskFailsOnce(t *testing.T) {
	t.Parallel()
	good := `"groupId":"120363019502650977-group","groupPhoto":"https://example.com/a.png"`
	cases := []struct{ name, payload, says string }{
		{"not JSON", `hello`, "not a JSON object"},
		{"no group", `{"groupPhoto":"https://example.com/a.png"}`, "groupId is missing"},
		{"no photo", `{"groupId":"120363019502650977-group"}`, "groupPhoto is missing"},
		{"wrong type", `{"groupId":7,"groupPhoto":"https://example.com/a.png"}`, "groupId is not a text"},
		{"another account", `{` + good + `,"account":"sales"}`, `"sales"`},
		{"a foreign seq", `{` + good + `,"seq":99}`, "never given out"},
		{"a person", `{"groupId":"5511999999999@c.us","groupPhoto":"https://example.com/a.png"}`, "is a person"},
		{"broken Base64", `{"groupId":"120363019502650977-group","groupPhoto":"data:image/png;base64,%%%"}`, "photo_bad_base64"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := answers(true)
			b := setup(t, redistest.Mini(t).Client(t), c).start()
			b.enqueue("hand", []byte(tc.payload))
			info := b.task("hand", asynq.TaskStateArchived)
			if !strings.Contains(info.LastErr, tc.says) || info.Retried != 0 {
				t.Fatalf("the web UI would show %q after %d retries", info.LastErr, info.Retried)
			}
			if o := b.wait("hand"); o.State != tasks.Failed || o.Value != nil {
				t.Fatalf("got %+v", o)
			}
			if c.count() != 0 {
				t.Fatal("the provider was called")
			}
		})
	}
}

func TestWorker_HandWrittenTaskIsHonoured(t *testing.T) {
	t.Parallel()
	// Given a task without a record, with the image in it, when it runs, then it
	// is updated and the image is in the photo store only.
	mini := redistest.Mini(t)
	rdb := mini.Client(t)
	b := setup(t, rdb, answers(true))
	img := image.NewGray(image.Rect(0, 0, 192, 192))
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	b.enqueue("hand", tasks.Update{GroupID: groupB, Photo: inline(t, buf.Bytes())}.Marshal())
	b.start()
	if o := b.wait("hand"); o.State != tasks.Updated || o.GroupID != groupB {
		t.Fatalf("got %+v", o)
	}
	r, err := b.ledger.Record(t.Context(), "main", "hand")
	if err != nil || r.Update.Photo.Kind != tasks.PhotoSource {
		t.Fatalf("the record holds %v, %v", r.Update.Photo, err)
	}
}

// lapse takes the turn that is held for a group away, as time would.
func (b *bundle) lapse(account string, group tasks.GroupID) {
	b.t.Helper()
	prefix := "groupphoto:{" + account + "}:"
	if err := b.rdb.Del(b.t.Context(), prefix+"turns").Err(); err != nil {
		b.t.Fatal(err)
	}
	if err := b.rdb.HDel(b.t.Context(), prefix+"g:"+string(group), "turn", "lease").Err(); err != nil {
		b.t.Fatal(err)
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
