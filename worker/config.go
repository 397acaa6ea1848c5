package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/webhook"
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
	// DefaultLeaseMargin has room for the two reads that explain a refusal.
	DefaultLeaseMargin = 30 * time.Second
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

// Reader asks the provider about an account and its groups. plugchat.Client is
// one. Errors are as of Caller.
type Reader interface {
	Status(ctx context.Context) (plugchat.Status, error)
	Metadata(ctx context.Context, groupID string) (plugchat.Metadata, error)
}

// Notifier tells the operator's receiver about an event. webhook.Sender is one.
type Notifier interface {
	// Send tells once; nil means that the receiver has the event. The error is a
	// *webhook.Error unless ctx ended before.
	Send(ctx context.Context, e webhook.Event) error
}

// Account is one connected number.
type Account struct {
	Name   string
	Caller Caller
	// Reader is asked when an answer says too little: after a false, and while the
	// account is in trouble. nil: nothing is asked.
	Reader Reader
	// Host is where the provider's calls go. Accounts with the same one are held
	// together when it gives no usable answers; "" is held by nobody else's.
	Host string
	// Pace is the mean gap between two calls, over all processes; 0 is none.
	Pace time.Duration
	// Jitter spreads the gap by this part of it, 0 to 1.
	Jitter float64
	// Concurrency is the calls in flight, over all processes; 0 is 1.
	Concurrency int
	// RefusalRetries is how often a plain false of this account is asked again, at
	// most 10; nil: the Policy's; 0: never.
	RefusalRetries *int
	// Phone is the account's own number, digits with the country code; "" when it is
	// not known.
	Phone string
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
	// Hook is told when an account is paused and when it goes on. Nil: nobody is.
	Hook Notifier
	// Ending is called with an update's outcome before that is recorded and its turn is
	// given back, by several goroutines at a time; both wait for it. Should the update
	// turn out to have ended otherwise, it stays told. Nil: nobody is.
	Ending func(tasks.Outcome)
	// PassURL sends photo URLs through to the provider instead of the photo.
	PassURL bool
	// PhotoCache bounds the finished photos that the process keeps in memory, in
	// bytes, their encoded form included. 0: 32 MiB.
	PhotoCache int64
	Policy     Policy
	// Keep is how long outcomes are kept; 0 is the ledger's default.
	Keep time.Duration
	// HTTPTimeout is the Caller's. 0: 90 s.
	HTTPTimeout time.Duration
	// LeaseMargin is how much longer than HTTPTimeout a turn lasts at most. A shorter
	// one frees the turn of a dead process sooner, and leaves less time to explain a
	// refusal. 0: 30 s.
	LeaseMargin time.Duration
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
	c.LeaseMargin = cmp.Or(c.LeaseMargin, DefaultLeaseMargin)
	if c.ShutdownTimeout <= 0 {
		c.ShutdownTimeout = max(DefaultShutdownTimeout, c.HTTPTimeout+DefaultLeaseMargin)
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
	need(c.LeaseMargin > 0, "worker: the lease margin (%s) must not be negative", c.LeaseMargin)
	need(c.HTTPTimeout+c.LeaseMargin <= ledger.MaxLease, "worker: the HTTP time-out (%s) must be at most %s", c.HTTPTimeout, ledger.MaxLease-c.LeaseMargin)
	need(c.PhotoCache > 0, "worker: the photo cache (%d bytes) must not be negative", c.PhotoCache)
	seen, phones := map[string]bool{}, map[string]string{}
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
		need(a.RefusalRetries == nil || *a.RefusalRetries >= 0 && *a.RefusalRetries <= 10,
			"account %s: refusal retries must be between 0 and 10, or the number may be banned", a.Name)
		need(a.Phone == "" || isPhone(a.Phone), "account %s: the phone must be 8 to 15 digits, the country code first", a.Name)
		need(a.Phone == "" || phones[a.Phone] == "", "accounts %s and %s have the same phone", phones[a.Phone], a.Name)
		phones[a.Phone] = a.Name
	}
	return errors.Join(append(problems, c.Policy.validate())...)
}

// isPhone knows a number with its country code; E.164 allows 15 digits.
func isPhone(text string) bool {
	return len(text) >= 8 && len(text) <= 15 && strings.Trim(text, "0123456789") == ""
}
