//go:build unix

package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/photo"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// fleetMember is set in a child process that is one worker of several; it holds a
// fleetConfig.
const fleetMember = "GROUPPHOTO_TEST_WORKER"

type fleetAccount struct {
	Name        string
	Pace        time.Duration
	Jitter      float64
	Concurrency int
}

// fleetConfig is what the processes of a fleet have in common, and the name of one.
type fleetConfig struct {
	Name, Redis, Provider string
	Accounts              []fleetAccount
	Policy                worker.Policy
	HTTPTimeout           time.Duration
	LeaseMargin           time.Duration
	CheckInterval         time.Duration
	Servers               int
}

func tokenOf(account string) string { return "token-of-" + account }

// beMember is the whole life of a child process: it works until SIGTERM, or until
// the parent is gone. SIGUSR1 makes it say how many goroutines it has.
func beMember(text string) int {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGUSR1)
	w, err := newMember(text, log)
	if err == nil {
		err = w.Start(context.Background())
	}
	if err != nil {
		log.Error("fleet.failed", "error", err)
		return 1
	}
	log.Info("fleet.started")
	for s := range signals {
		if s == syscall.SIGTERM {
			break
		}
		debug.FreeOSMemory()
		log.Info("fleet.counted", "goroutines", runtime.NumGoroutine())
	}
	if err := w.Shutdown(); err != nil {
		log.Error("fleet.failed", "error", err)
		return 1
	}
	return 0
}

func newMember(text string, log *slog.Logger) (*worker.Worker, error) {
	var c fleetConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return nil, err
	}
	spec, err := redisconn.Parse(c.Redis)
	if err != nil {
		return nil, err
	}
	rdb, err := redisconn.Open(context.Background(), spec, redisconn.Options{Name: c.Name, Logger: log, Engine: true})
	if err != nil {
		return nil, err
	}
	maker, err := photo.New(photo.Options{})
	if err != nil {
		return nil, err
	}
	config := worker.Config{
		Redis: rdb, Logger: log, Maker: maker, Fetcher: fetch.New(fetch.Config{}), Policy: c.Policy, HTTPTimeout: c.HTTPTimeout,
		LeaseMargin: c.LeaseMargin, CheckInterval: c.CheckInterval, Servers: c.Servers,
	}
	transport := plugchat.NewTransport(nil)
	for _, a := range c.Accounts {
		client, err := plugchat.New(plugchat.Config{
			BaseURL: c.Provider, Token: plugchat.Secret(tokenOf(a.Name)), Timeout: c.HTTPTimeout, Transport: transport, UserAgent: c.Name,
		})
		if err != nil {
			return nil, err
		}
		config.Accounts = append(config.Accounts, worker.Account{
			Name: a.Name, Caller: client, Reader: client, Pace: a.Pace, Jitter: a.Jitter, Concurrency: a.Concurrency,
		})
	}
	return worker.New(config)
}

// member is one worker process.
type member struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd
	gone chan struct{}

	mu    sync.Mutex
	rest  []byte
	lines []map[string]any
}

// Write takes the process' log, and splits it into events.
func (m *member) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rest = append(m.rest, p...)
	for {
		line, rest, whole := bytes.Cut(m.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		event := map[string]any{}
		if json.Unmarshal(line, &event) != nil {
			event["msg"] = string(line) // a panic, or what the race detector found
		}
		m.lines, m.rest = append(m.lines, event), bytes.Clone(rest)
	}
}

// says returns the events of a name, and those of every name for "".
func (m *member) says(name string) []map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []map[string]any
	for _, e := range m.lines {
		if name == "" || e["msg"] == name {
			found = append(found, e)
		}
	}
	return found
}

func (m *member) signal(s syscall.Signal) {
	m.t.Helper()
	if err := m.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		m.t.Fatal(err)
	}
}

func (m *member) ended(within time.Duration) {
	m.t.Helper()
	redistest.Eventually(m.t, within, func() bool {
		select {
		case <-m.gone:
			return true
		default:
			return false
		}
	}, "process %s goes on", m.name)
}
