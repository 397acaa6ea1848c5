package redisconn_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redistest"
)

// saboteur breaks scripts that name the task in their arguments or keys.
type saboteur struct {
	mu       sync.Mutex
	broken   map[string]bool
	arrives  bool // the script runs and only its answer is lost
	unlocked atomic.Int64
}

func (s *saboteur) DialHook(next redis.DialHook) redis.DialHook { return next }
func (s *saboteur) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook fails the first completion script of each task. Completions are
// told by their script taking the task's id as first argument while removing it
// from the lease, which of the commands here only they do.
func (s *saboteur) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		id := completedID(cmd)
		if id == "" {
			return next(ctx, cmd)
		}
		s.mu.Lock()
		first := !s.broken[id]
		s.broken[id] = true
		s.mu.Unlock()
		if !first {
			s.unlocked.Add(1)
			return next(ctx, cmd)
		}
		if s.arrives {
			if err := next(ctx, cmd); redis.HasErrorPrefix(err, "NOSCRIPT") {
				s.mu.Lock()
				s.broken[id] = false // the EVAL that follows is the one to lose
				s.mu.Unlock()
				return err
			}
		}
		cmd.SetErr(io.ErrUnexpectedEOF)
		return io.ErrUnexpectedEOF
	}
}

func completedID(cmd redis.Cmder) string {
	args := cmd.Args()
	if (cmd.Name() != "evalsha" && cmd.Name() != "eval") || len(args) < 4 {
		return ""
	}
	n, ok := args[2].(int)
	if !ok || len(args) <= 3+n {
		return ""
	}
	id, ok := args[3+n].(string)
	if !ok || !strings.HasPrefix(id, "task-") {
		return ""
	}
	for _, a := range args[3 : 3+n] {
		if a == "asynq:{q}:lease" {
			return id
		}
	}
	return ""
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

type runs struct {
	mu sync.Mutex
	n  map[string]int
}

func (r *runs) handle(_ context.Context, task *asynq.Task) error {
	id := task.ResultWriter().TaskID()
	r.mu.Lock()
	r.n[id]++
	r.mu.Unlock()
	switch id {
	case "task-retry":
		return errors.New("not now")
	case "task-archive":
		return asynq.SkipRetry
	}
	return nil
}

// Given a server whose every first completion fails with an I/O error, before
// or after Redis ran it, when four tasks end in the four ways there are, then each is
// recorded within two rounds of asynq's syncer and no handler runs again.
func TestEngineHook_CompletionsAreRepeated(t *testing.T) {
	t.Parallel()
	for _, arrives := range []bool{false, true} {
		for _, real := range []bool{false, true} {
			name := map[bool]string{false: "request lost", true: "answer lost"}[arrives] + map[bool]string{false: " miniredis", true: " redis"}[real]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var spec redisconn.Spec
				if real {
					spec = redistest.Real(t).Spec()
				} else {
					spec = redistest.Mini(t).Spec()
				}
				completeAll(t, spec, arrives)
			})
		}
	}
}

func completeAll(t *testing.T, spec redisconn.Spec, arrives bool) {
	t.Helper()
	log := &syncBuffer{}
	c, err := redisconn.Open(t.Context(), spec, redisconn.Options{Engine: true, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	sab := &saboteur{broken: map[string]bool{}, arrives: arrives}
	c.AddHook(sab)

	producer := asynq.NewClientFromRedisClient(c)
	for id, opts := range map[string][]asynq.Option{
		"task-done": nil, "task-complete": {asynq.Retention(time.Hour)}, "task-retry": nil, "task-archive": nil, "task-unique": {asynq.Unique(time.Hour)},
	} {
		opts = append(opts, asynq.TaskID(id), asynq.Queue("q"), asynq.MaxRetry(3), asynq.Timeout(time.Minute))
		if _, err := producer.EnqueueContext(t.Context(), asynq.NewTask("t", []byte(id)), opts...); err != nil {
			t.Fatal(err)
		}
	}
	r := &runs{n: map[string]int{}}
	srv := asynq.NewServerFromRedisClient(c, asynq.Config{
		Concurrency: 5, Queues: map[string]int{"q": 1}, Logger: redisconn.AsynqLogger(nil), TaskCheckInterval: 100 * time.Millisecond,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Hour },
	})
	if err := srv.Start(asynq.HandlerFunc(r.handle)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Shutdown)

	insp := asynq.NewInspectorFromRedisClient(c)
	var info *asynq.QueueInfo
	redistest.Eventually(t, 25*time.Second, func() bool {
		var err error
		info, err = insp.GetQueueInfo("q")
		return err == nil && sab.unlocked.Load() >= 5 && info.Active == 0 && info.Completed == 1 && info.Retry == 1 && info.Archived == 1
	}, "the completions are not recorded")
	if info.Pending != 0 || info.Size != 3 {
		t.Errorf("queue %+v, want only the completed, the retried and the archived task", info)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, n := range r.n {
		if n != 1 {
			t.Errorf("%s ran %d times", id, n)
		}
	}
	if len(r.n) != 5 {
		t.Errorf("ran: %v, want all five", r.n)
	}
	want := map[bool]string{false: "result=recorded", true: `result="already recorded"`}[arrives]
	redistest.Eventually(t, 10*time.Second, func() bool { return strings.Count(log.String(), want) == 5 }, "the log says %s, want five times %s", log.String(), want)
}

// Given commands whose context has ended, when they are none of asynq's
// completions within their lease, then they stay refused.
func TestEngineHook_LeavesOthersAlone(t *testing.T) {
	t.Parallel()
	m := redistest.Mini(t)
	c, err := redisconn.Open(t.Context(), m.Spec(), redisconn.Options{Engine: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	cancelled, cancel := context.WithTimeout(t.Context(), time.Minute)
	cancel()
	late, cancelLate := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancelLate()
	endless, cancelEndless := context.WithCancel(t.Context())
	cancelEndless()
	completion := []string{"asynq:{q}:active", "asynq:{q}:lease"}
	const script = `redis.call("SET", "ran", 1) return 1`
	for _, tt := range []struct {
		name string
		ctx  context.Context
		keys []string
		runs bool
	}{
		{"completion within its lease", cancelled, completion, true},
		{"completion after its lease", late, completion, false},
		{"completion without a lease", endless, completion, false},
		{"fetch", cancelled, []string{"asynq:{q}:pending", "asynq:{q}:paused", "asynq:{q}:active", "asynq:{q}:lease"}, false},
		{"script of ours", cancelled, []string{"groupphoto:{q}:active", "groupphoto:{q}:lease"}, false},
		{"no keys", cancelled, nil, false},
	} {
		m.Del("ran")
		err := c.Eval(tt.ctx, script, tt.keys).Err()
		if (err == nil) != tt.runs || m.Exists("ran") != tt.runs {
			t.Errorf("%s: error %v, ran %t; want ran %t", tt.name, err, m.Exists("ran"), tt.runs)
		}
	}
	if err := c.Set(cancelled, "plain", 1, 0).Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("a plain command with a cancelled context: %v", err)
	}
}

// Given a Redis that is gone, when the engine fetches, then each try takes at
// least half a second, and none when the context ends meanwhile.
func TestEngineHook_FetchIsPaced(t *testing.T) {
	t.Parallel()
	m := redistest.Mini(t)
	c, err := redisconn.Open(t.Context(), m.Spec(), redisconn.Options{Engine: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	fetch := []string{"asynq:{q}:pending", "asynq:{q}:paused", "asynq:{q}:active", "asynq:{q}:lease"}
	start := time.Now()
	if err := c.Eval(t.Context(), `return redis.error_reply("NOPE")`, fetch).Err(); err == nil || time.Since(start) >= 500*time.Millisecond {
		t.Errorf("an answer of Redis, even %v, came after %s", err, time.Since(start))
	}
	m.Close()
	start = time.Now()
	if err := c.Eval(t.Context(), "return 1", fetch).Err(); err == nil || time.Since(start) < 500*time.Millisecond {
		t.Errorf("a fetch from a dead Redis gave %v after %s, want a pause", err, time.Since(start))
	}
}

// Given a repeated completion, when Redis answers that the task is no longer
// active, then the syncer is told it is done; any other answer reaches it.
func TestEngineHook_NotFoundIsDone(t *testing.T) {
	t.Parallel()
	c, err := redisconn.Open(t.Context(), redistest.Mini(t).Spec(), redisconn.Options{Engine: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	repeated, cancel := context.WithTimeout(t.Context(), time.Minute)
	cancel()
	first, cancelFirst := context.WithTimeout(t.Context(), time.Minute)
	defer cancelFirst()
	for _, tt := range []struct {
		name  string
		ctx   context.Context
		reply string
		fails bool
	}{
		{"repeated, not found", repeated, "NOT FOUND", false},
		{"repeated, other error", repeated, "INTERNAL", true},
		{"first try, not found", first, "NOT FOUND", true},
	} {
		err := c.Eval(tt.ctx, `return redis.error_reply(ARGV[1])`, []string{"asynq:{q}:active", "asynq:{q}:lease"}, tt.reply).Err()
		if (err != nil) != tt.fails {
			t.Errorf("%s: error %v, want one %t", tt.name, err, tt.fails)
		}
	}
}
