package redisconn_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redistest"
)

// Given a client lent to asynq and closed there, when its owner goes on, then
// it still works.
func TestAsynqOpt_CloseDoesNothing(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, c redis.UniversalClient) {
		opt := redisconn.AsynqOpt(c)
		producer := asynq.NewClient(opt)
		if _, err := producer.EnqueueContext(t.Context(), asynq.NewTask("t", nil), asynq.Queue("q")); err != nil {
			t.Fatal(err)
		}
		insp := asynq.NewInspector(opt)
		if err := errors.Join(producer.Close(), insp.Close()); err != nil {
			t.Fatal(err)
		}
		if info, err := insp.GetQueueInfo("q"); err != nil || info.Pending != 1 {
			t.Errorf("after Close: %+v, %v", info, err)
		}
		if err := c.Ping(t.Context()).Err(); err != nil {
			t.Errorf("the owner's client is closed: %v", err)
		}
	})
}

func TestAsynqLogger_LevelsAndFatal(t *testing.T) {
	t.Parallel()
	log := &syncBuffer{}
	l := redisconn.AsynqLogger(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelInfo})))
	l.Debug("quiet")
	l.Info("one ", 1)
	l.Warn("two")
	l.Error("three")
	l.Fatal("four") // returns, or the test binary would end here
	redisconn.AsynqLogger(nil).Fatal("nowhere")
	got := log.String()
	for _, want := range []string{`level=INFO msg=engine text="one 1"`, "level=WARN msg=engine text=two", "level=ERROR msg=engine text=three", "level=ERROR msg=engine text=four"} {
		if !strings.Contains(got, want) {
			t.Errorf("the log lacks %s:\n%s", want, got)
		}
	}
	if strings.Contains(got, "quiet") {
		t.Errorf("debug got through: %s", got)
	}
}

// Given a library logger set twice, when a dial fails, then the last one hears
// of it. go-redis has one logger per process, hence serial.
func TestSetLibraryLogger_LastOneHears(t *testing.T) {
	first, last := &syncBuffer{}, &syncBuffer{}
	redisconn.SetLibraryLogger(slog.New(slog.NewTextHandler(first, nil)))
	redisconn.SetLibraryLogger(slog.New(slog.NewTextHandler(last, nil)))
	t.Cleanup(func() { redisconn.SetLibraryLogger(nil) })
	if _, err := redisconn.Open(t.Context(), parse(t, "redis://127.0.0.1:1"), redisconn.Options{}); err == nil {
		t.Fatal("it opened")
	}
	redistest.Eventually(t, 5*time.Second, func() bool { return strings.Contains(last.String(), `level=WARN msg="redis library"`) }, "nothing was logged")
	if first.String() != "" {
		t.Errorf("the first logger still hears: %s", first.String())
	}
}

// Given an AutoPipeliner, when hundreds of goroutines call a script that the
// server does not know yet, then each gets its own answer.
func TestAutoPipeline_EvalSha(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, c redis.UniversalClient) {
		ap, err := c.AutoPipeline()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = ap.Close() }()
		script := redis.NewScript(`if ARGV[1] == "13" then return redis.error_reply("UNLUCKY") end return {KEYS[1], redis.call("INCR", "n")}`)
		const callers = 300
		problems := make(chan error, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				key := fmt.Sprint("k", i)
				got, err := script.Run(t.Context(), ap, []string{key}, i).Slice()
				switch {
				case i == 13 && redis.HasErrorPrefix(err, "UNLUCKY"):
				case err != nil || len(got) != 2 || got[0] != key:
					problems <- fmt.Errorf("call %d: %v, %w", i, got, err)
				}
			})
		}
		wg.Wait()
		close(problems)
		for err := range problems {
			t.Error(err)
		}
		if n, err := c.Get(t.Context(), "n").Int(); err != nil || n != callers-1 {
			t.Errorf("the script ran %d times, %v; want %d", n, err, callers-1)
		}
	})
}
