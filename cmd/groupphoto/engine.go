package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/webhook"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/photo"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// engine is a running worker with what belongs to it.
type engine struct {
	*worker.Worker

	rdb     redis.UniversalClient
	fetcher *fetch.Client
	callers []*plugchat.Client
	hook    *webhook.Sender // nil: nobody is told
}

// engineConfig is what differs between the commands that run a worker.
type engineConfig struct {
	redis         redisconn.Spec
	config        config
	accounts      []account
	log           *slog.Logger
	httpTimeout   time.Duration // 0: the worker's default
	checkInterval time.Duration // 0: the worker's default
	ending        func(tasks.Outcome)
}

// memoryRest is what the process takes beside pictures.
const memoryRest = 32 << 20

// limitMemory is for the commands that decode pictures. Above the limit the
// garbage collector becomes eager: decoding leaves tens of megabytes of garbage,
// which would otherwise be let grow to twice the largest burst. It bounds nothing:
// what is needed is still given. Who sets GOMEMLIMIT knows better.
func (a *app) limitMemory(c config) {
	debug.SetMemoryLimit(memoryLimit(a.env, c.photo.make.MemoryBudget+c.photo.cache))
}

// memoryLimit is what debug.SetMemoryLimit takes; a negative one changes nothing.
func memoryLimit(env map[string]string, pictures int64) int64 {
	if env["GOMEMLIMIT"] != "" {
		return -1
	}
	return pictures + memoryRest
}

// callers makes one provider client per account and reports every problem.
func callers(accounts []account, timeout time.Duration) ([]*plugchat.Client, error) {
	var list []*plugchat.Client
	var r reader
	for _, a := range accounts {
		caller, err := newCaller(a, timeout)
		if err != nil {
			r.note(fmt.Errorf("account %s: %w", a.name, err))
			continue
		}
		list = append(list, caller)
	}
	return list, badInput(errors.Join(r.problems...))
}

func newCaller(a account, timeout time.Duration) (*plugchat.Client, error) {
	return plugchat.New(callerConfig(a, timeout))
}

func callerConfig(a account, timeout time.Duration) plugchat.Config {
	return plugchat.Config{
		BaseURL: a.baseURL, Token: a.token, AuthScheme: a.authScheme, Timeout: timeout, UserAgent: "groupphoto/" + version,
	}
}

// startEngine checks Redis and starts a worker. After an error nothing runs.
func startEngine(ctx context.Context, ec engineConfig) (*engine, error) {
	calling, err := callers(ec.accounts, ec.httpTimeout)
	if err != nil {
		return nil, err
	}
	maker, err := photo.New(ec.config.photo.make)
	if err != nil {
		return nil, fmt.Errorf("setting up the photo maker: %w", err)
	}
	hook, err := newHook(ec.config)
	if err != nil {
		return nil, err
	}
	e := &engine{callers: calling, fetcher: fetch.New(ec.config.photo.from), hook: hook}
	e.rdb, err = redisconn.Open(ctx, ec.redis, redisconn.Options{Name: "groupphoto-worker", Logger: ec.log, Engine: true})
	if err != nil {
		return nil, err
	}
	if err := e.start(ctx, ec, maker); err != nil {
		e.release()
		return nil, err
	}
	return e, nil
}

func (e *engine) start(ctx context.Context, ec engineConfig, maker *photo.Maker) error {
	report, err := redisconn.Check(ctx, e.rdb)
	if err != nil {
		return err
	}
	logFindings(ctx, ec.log, report)
	wc := worker.Config{
		Redis: e.rdb, Logger: ec.log, Maker: maker, Fetcher: e.fetcher, Policy: ec.config.policy, Keep: ec.config.keep,
		PassURL: ec.config.photo.passURL, PhotoCache: ec.config.photo.cache, HTTPTimeout: ec.httpTimeout, CheckInterval: ec.checkInterval,
		Ending: ec.ending,
	}
	if e.hook != nil { // a nil *Sender would be a Notifier that is not nil
		wc.Hook = e.hook
	}
	for i, a := range ec.accounts {
		wc.Accounts = append(wc.Accounts, worker.Account{
			Name: a.name, Caller: e.callers[i], Reader: e.callers[i], Host: hostOf(a.baseURL), Pace: a.pace, Jitter: a.jitter, Concurrency: a.concurrency,
			RefusalRetries: new(a.refusalRetries), Phone: a.phone,
		})
	}
	if e.Worker, err = worker.New(wc); err != nil {
		return badInput(err)
	}
	if err := e.Start(ctx); err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	return nil
}

// hostOf is the host of a base URL, which newCaller has checked.
func hostOf(baseURL string) string {
	u, err := url.Parse(baseURL)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

func logFindings(ctx context.Context, log *slog.Logger, report redisconn.Report) {
	levels := map[redisconn.Level]slog.Level{
		redisconn.LevelError: slog.LevelError, redisconn.LevelWarning: slog.LevelWarn, redisconn.LevelInfo: slog.LevelDebug,
	}
	for _, f := range report.Findings {
		log.LogAttrs(ctx, levels[f.Level], "redis.finding", slog.String("what", f.What), slog.String("mend", f.Mend))
	}
}

// stop drains: calls under way end and are recorded. It returns an error when
// that took too long.
func (e *engine) stop() error {
	err := e.Shutdown()
	e.release()
	return err
}

func (e *engine) release() {
	for _, c := range e.callers {
		c.CloseIdle()
	}
	e.fetcher.CloseIdle()
	if e.hook != nil {
		e.hook.CloseIdle()
	}
	_ = e.rdb.Close() // nothing is under way any more, so nothing can be lost
}
