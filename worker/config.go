package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/photo"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// Defaults, with their reasons.
const (
	// DefaultPace: one vendor of a sister service documents one picture change
	// per 10 s and calls it a limit of WhatsApp's servers.
	DefaultPace = 10 * time.Second
	// DefaultJitter: fixed intervals are a known mark of a machine.
	DefaultJitter = 0.3
	// DefaultHTTPTimeout: WhatsApp's own clients wait 60 to 75 s for an answer.
	DefaultHTTPTimeout = 90 * time.Second
	// DefaultShutdownTimeout leaves a call begun last time to end and be recorded.
	DefaultShutdownTimeout = 120 * time.Second
	// DefaultPhotoCache holds some 140 photos of 100 KiB, each as JPEG and as Base64.
	DefaultPhotoCache = 32 << 20
	// leaseMargin is how long a turn outlives the HTTP time-out.
	leaseMargin = 30 * time.Second
	// turnUse is how soon a granted turn must be used. It covers a cold TLS
	// handshake; a turn that is not used by then is void and costs nothing.
	turnUse = 5 * time.Second
)

// Caller makes the one HTTP call. plugchat.Client is one.
type Caller interface {
	// UpdateGroupPhoto returns the provider's boolean, or an error that is a
	// *plugchat.Error unless ctx ended before anything was written.
	UpdateGroupPhoto(ctx context.Context, call plugchat.Call) (bool, error)
}

// Account is one connected number.
type Account struct {
	Name   string
	Caller Caller
	// Pace is the mean gap between two calls, over all processes; 0 is none.
	Pace time.Duration
	// Jitter spreads the gap by this part of it, 0 to 1.
	Jitter float64
	// Concurrency is the calls in flight, over all processes; 0 is 1.
	Concurrency int
}

// Config is what a worker needs. Zero values mean the defaults named beside
// them; Redis, Accounts, Logger, Maker and Fetcher are required.
type Config struct {
	// Redis is an open connection made for engines (see redisconn.Options). The
	// worker does not close it.
	Redis    redis.UniversalClient
	Accounts []Account
	Logger   *slog.Logger
	Maker    *photo.Maker
	Fetcher  *fetch.Client
	// PassURL sends photo URLs through to the provider instead of the photo.
	PassURL bool
	// PhotoCache bounds the finished photos that the process keeps in memory, in
	// bytes, their encoded form included. 0: 32 MiB.
	PhotoCache int64
	Policy     Policy
	// Keep is how long outcomes are kept; 0 is the ledger's default.
	Keep time.Duration
	// HTTPTimeout is the Caller's; a turn lasts 30 s longer. 0: 90 s.
	HTTPTimeout time.Duration
	// ShutdownTimeout is how long Shutdown waits for calls; it must be longer
	// than HTTPTimeout. 0: 120 s.
	ShutdownTimeout time.Duration
	// CheckInterval is how long an idle lane waits before it looks into its
	// queues again, on average. 0: 250 ms.
	CheckInterval time.Duration
	// TidyInterval is how often asynq's archives are looked through for updates
	// that have not ended, by one process for each account. 0: 1 min.
	TidyInterval time.Duration
	// Servers is how many asynq servers serve each lane; a server starts about
	// one task per round trip to Redis. 0: 1.
	Servers int
}

func (c Config) withDefaults() Config {
	c.Policy = c.Policy.withDefaults()
	if c.HTTPTimeout <= 0 {
		c.HTTPTimeout = DefaultHTTPTimeout
	}
	if c.ShutdownTimeout <= 0 {
		c.ShutdownTimeout = max(DefaultShutdownTimeout, c.HTTPTimeout+leaseMargin)
	}
	if c.CheckInterval <= 0 {
		c.CheckInterval = 250 * time.Millisecond
	}
	if c.TidyInterval <= 0 {
		c.TidyInterval = time.Minute
	}
	c.Servers = max(1, c.Servers)
	c.PhotoCache = cmp.Or(c.PhotoCache, DefaultPhotoCache)
	for i := range c.Accounts {
		c.Accounts[i].Concurrency = max(1, c.Accounts[i].Concurrency)
	}
	return c
}

func (c Config) validate() error {
	var problems []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	need(c.Redis != nil && c.Logger != nil && c.Maker != nil && c.Fetcher != nil, "worker: Redis, Logger, Maker and Fetcher are required")
	need(len(c.Accounts) > 0, "worker: no account is configured")
	need(c.HTTPTimeout < c.ShutdownTimeout, "worker: the HTTP time-out (%s) must be shorter than the shutdown time-out (%s)", c.HTTPTimeout, c.ShutdownTimeout)
	need(c.HTTPTimeout+leaseMargin <= ledger.MaxLease, "worker: the HTTP time-out (%s) must be at most %s", c.HTTPTimeout, ledger.MaxLease-leaseMargin)
	need(c.PhotoCache > 0, "worker: the photo cache (%d bytes) must not be negative", c.PhotoCache)
	seen := map[string]bool{}
	for _, a := range c.Accounts {
		if err := tasks.CheckAccount(a.Name); err != nil {
			problems = append(problems, err)
		}
		need(!seen[a.Name], "account %s: is configured twice", a.Name)
		seen[a.Name] = true
		need(a.Caller != nil, "account %s: has no caller", a.Name)
		need(a.Pace >= 0 && a.Pace <= 30*time.Minute, "account %s: pace %s must be between 0 and 30m", a.Name, a.Pace)
		need(a.Jitter >= 0 && a.Jitter <= 1, "account %s: pace jitter %g must be between 0 and 1", a.Name, a.Jitter)
		need(a.Concurrency <= 1000, "account %s: concurrency %d must be at most 1000", a.Name, a.Concurrency)
	}
	return errors.Join(append(problems, c.Policy.validate())...)
}
