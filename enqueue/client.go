package enqueue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/tasks"
)

// Client enqueues updates and tells what became of them. It is safe for
// concurrent use; a program needs one. Make it with Open or New and Close it.
type Client struct {
	rdb    redis.UniversalClient
	owned  bool // Close closes rdb
	ledger *ledger.Ledger
	log    *slog.Logger
	expiry time.Duration
	by     string
	fetch  *fetch.Client

	schema   atomic.Bool
	accounts accountBook

	life      context.Context // ends with Close; bounds the followers
	end       context.CancelFunc
	following sync.WaitGroup
	mu        sync.Mutex
	followers map[string]*follower
}

// ClientOption changes how a Client works.
type ClientOption func(*config)

type config struct {
	name   string
	expiry time.Duration
	keep   time.Duration
	log    *slog.Logger
	rules  FetchRules
	by     string
}

// WithName is what CLIENT LIST in Redis shows for the connections that Open
// makes, without spaces; without it "groupphoto". New ignores it.
func WithName(name string) ClientOption { return func(c *config) { c.name = name } }

// WithExpiry is the life of an update from its due time, when the update does
// not say; without it DefaultExpiry. It must be positive and at most MaxAhead.
func WithExpiry(life time.Duration) ClientOption { return func(c *config) { c.expiry = life } }

// WithKeep is how long outcomes of updates that this client ends by Cancel are
// kept; without it 30 days. It should be the workers' GROUPPHOTO_KEEP.
func WithKeep(keep time.Duration) ClientOption { return func(c *config) { c.keep = keep } }

// WithLogger hears of trouble that no call can return, such as a stream that
// cannot be followed while Wait waits; without it nothing is logged.
func WithLogger(log *slog.Logger) ClientOption { return func(c *config) { c.log = log } }

// FetchRules say what FetchNow may ask. The zero value is safe: public addresses
// on ports 80 and 443, without a proxy.
type FetchRules struct {
	// Allow holds prefixes of addresses that are asked although they are not
	// public, on any port.
	Allow []netip.Prefix
	// Hosts, when not empty, are the only hosts that are asked, redirects
	// included: names, or *.example.com for everything below one.
	Hosts []string
	// Ports are further ports of public addresses, besides 80 and 443.
	Ports []uint16
	// NAT64 judges addresses in 64:ff9b::/96 by the IPv4 address in them; false
	// refuses them.
	NAT64 bool
	// Proxy is the egress proxy everything goes through; nil is none, whatever
	// HTTP_PROXY says. What names resolve to is then the proxy's to judge.
	Proxy *url.URL
	// Own returns the addresses this process listens on, which are refused even
	// inside Allow. It must be safe for concurrent use; nil is none.
	Own func() []netip.AddrPort
}

func (r FetchRules) config() fetch.Config {
	return fetch.Config{Allow: r.Allow, Hosts: r.Hosts, Ports: r.Ports, NAT64: r.NAT64, Proxy: r.Proxy, Own: r.Own, MaxBytes: MaxPhoto}
}

// WithFetchRules says what FetchNow may ask; without it, what the zero FetchRules
// allow. The rules must not be changed afterwards.
func WithFetchRules(rules FetchRules) ClientOption { return func(c *config) { c.rules = rules } }

// WithBy says who asks for the updates that do not say it themselves, at most
// 128 bytes; without it nobody is named.
func WithBy(who string) ClientOption { return func(c *config) { c.by = who } }

// Open connects to Redis at a redis://, rediss://, unix://, redis-sentinel:// or
// redis-cluster:// address; "" is redis://127.0.0.1:6379. It asks Redis for an
// answer and checks that the data there is of a version it knows, within ctx.
// Errors name what is wrong and how to mend it, without the password. Close
// closes the connections.
func Open(ctx context.Context, url string, opts ...ClientOption) (*Client, error) {
	var c config
	for _, o := range opts {
		o(&c)
	}
	spec, err := redisconn.Parse(url)
	if err != nil {
		return nil, err
	}
	rdb, err := redisconn.Open(ctx, spec, redisconn.Options{Name: c.name, Logger: c.log})
	if err != nil {
		return nil, err
	}
	client, err := New(rdb, opts...)
	if err == nil {
		client.owned = true
		err = client.ready(ctx)
	}
	if err != nil {
		_ = rdb.Close() // the reason for giving up is the one worth telling
		return nil, err
	}
	return client, nil
}

// New uses a connection that stays the caller's: Close leaves it open. It does
// not talk to Redis. The connection should have ContextTimeoutEnabled, or calls
// may outlast their contexts by its time-outs.
func New(rdb redis.UniversalClient, opts ...ClientOption) (*Client, error) {
	if rdb == nil {
		return nil, errors.New("opening the client: the Redis connection is nil")
	}
	c := config{expiry: DefaultExpiry}
	for _, o := range opts {
		o(&c)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("opening the client: %w", err)
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	client := &Client{
		rdb: rdb, ledger: ledger.New(rdb, c.keep), log: c.log, expiry: c.expiry, by: c.by,
		fetch: fetch.New(c.rules.config()), followers: map[string]*follower{},
	}
	// The followers serve many calls, so no call's context can be theirs.
	client.life, client.end = context.WithCancel(context.Background())
	return client, nil
}

func (c config) check() error {
	var problems []error
	if c.expiry <= 0 || c.expiry > MaxAhead {
		problems = append(problems, fmt.Errorf("WithExpiry %s: must be more than 0 and at most %s", c.expiry, MaxAhead))
	}
	if c.keep < 0 || c.keep > 10*MaxAhead {
		problems = append(problems, fmt.Errorf("WithKeep %s: must be from 0 (the default) to %s", c.keep, 10*MaxAhead))
	}
	if err := c.rules.config().Validate(); err != nil {
		problems = append(problems, fmt.Errorf("WithFetchRules: %w", err))
	}
	if len(c.by) > tasks.MaxRef {
		problems = append(problems, fmt.Errorf("WithBy: is %d bytes long; at most %d are kept", len(c.by), tasks.MaxRef))
	}
	return errors.Join(problems...)
}

// Close ends all waiting with ErrClosed and closes the connections that Open
// made. It takes at most about a second, and may be called again.
func (c *Client) Close() error {
	c.mu.Lock()
	closed := c.life.Err() != nil
	c.end()
	c.mu.Unlock()
	c.following.Wait()
	c.fetch.CloseIdle()
	if closed || !c.owned {
		return nil
	}
	if err := c.rdb.Close(); err != nil {
		return fmt.Errorf("closing the connection to Redis: %w", err)
	}
	return nil
}

// ready checks once that the client is open and that Redis holds data of a
// version this program may share.
func (c *Client) ready(ctx context.Context) error {
	if c.life.Err() != nil {
		return ErrClosed
	}
	if c.schema.Load() {
		return nil
	}
	if err := redisconn.EnsureSchema(ctx, c.rdb); err != nil {
		if errors.Is(err, redisconn.ErrSchemaNewer) || errors.Is(err, redisconn.ErrTooOld) {
			return err
		}
		return fault(ctx, "opening the ledger", err)
	}
	c.schema.Store(true)
	return nil
}
