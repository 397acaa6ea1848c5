package redisconn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// ErrEmbedded is returned by [Open] for an embedded: address.
var ErrEmbedded = errors.New("embedded Redis exists only inside the groupphoto program")

// Every time-out is stated here, in whole seconds, and not left to the
// library, whose defaults change between versions.
const (
	dialTimeout  = 5 * time.Second
	readTimeout  = 5 * time.Second
	writeTimeout = 5 * time.Second
	// A caller waits for a free connection a second longer than the slowest
	// answer takes, so that one slow script does not fail its neighbours.
	poolTimeout = 6 * time.Second
	openTimeout = 15 * time.Second

	// Re-sending is right for every script of ours (each is idempotent) and
	// harmless for the engine's: a fetch whose answer was lost parks its task
	// whether or not it is sent again, and a completion sent twice answers NOT
	// FOUND, which the engine hook takes for done.
	maxRetries = 3
	// One dial per try: the tries above space themselves, and five dials in
	// each of four tries would make a wrong address take two seconds.
	dialsPerTry = 1

	defaultName = "groupphoto"
)

// Options are the settings of one connection pool. The zero Options are those
// of a producer.
type Options struct {
	// Name is what CLIENT LIST shows; empty means "groupphoto". Redis takes no
	// spaces in it.
	Name string
	// Logger hears when the engine hook acts; nil logs nothing.
	Logger *slog.Logger
	// PoolSize is the most connections at a time; 0 means ten per processor.
	PoolSize int
	// Engine marks a connection for asynq servers. It gets the hook that
	// revives completions and paces a fetch loop that cannot reach Redis.
	Engine bool
}

// Open connects to spec and proves it with a PING, within 15 seconds or the
// context's own deadline, whichever is sooner. A wrong address, a wrong
// password, a TLS mismatch, a server that is loading and a read-only replica
// come back as one-line errors that say how to mend them; no password is in
// them, and the cause can be found with errors.Is and errors.AsType. An embedded
// Spec gives [ErrEmbedded]. The client is safe for concurrent use and belongs
// to the caller, who closes it.
func Open(ctx context.Context, spec Spec, o Options) (redis.UniversalClient, error) {
	if spec.Embedded() {
		return nil, ErrEmbedded
	}
	if o.PoolSize < 0 {
		return nil, fmt.Errorf("opening Redis at %s: the pool size %d is negative; use 0 for the default", spec, o.PoolSize)
	}
	if strings.ContainsFunc(o.Name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fmt.Errorf("opening Redis at %s: the client name %q has a character that Redis refuses; use printable ASCII without spaces", spec, o.Name)
	}
	c := newClient(spec, o)
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := c.Ping(ctx).Err(); err != nil {
		_ = c.Close() // the reason for giving up is the one worth telling
		return nil, explain(spec, err)
	}
	if err := refuseReplica(ctx, c); err != nil {
		_ = c.Close()
		return nil, explain(spec, err)
	}
	return c, nil
}

func newClient(spec Spec, o Options) redis.UniversalClient {
	if o.Name == "" {
		o.Name = defaultName
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:            spec.addresses(),
		MasterName:       spec.master,
		IsClusterMode:    spec.form == formCluster,
		DB:               spec.db,
		Username:         spec.user,
		Password:         spec.password,
		SentinelUsername: spec.sentinelUser,
		SentinelPassword: spec.sentinelPassword,
		Protocol:         spec.protocol,
		TLSConfig:        spec.tlsConfig(),

		ClientName: o.Name,
		// The library's name and version are worth no round trip, and servers
		// before 7.2 count the attempt as an error.
		DisableIdentity: true,
		// Since go-redis 9.15 each connection asks for notices that only Redis
		// Enterprise sends; every other server counts an error.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},

		PoolSize:              o.PoolSize,
		MaxRetries:            maxRetries,
		DialerRetries:         dialsPerTry,
		DialTimeout:           dialTimeout,
		ReadTimeout:           readTimeout,
		WriteTimeout:          writeTimeout,
		PoolTimeout:           poolTimeout,
		ContextTimeoutEnabled: true, // otherwise a caller's deadline ends nothing
	})
	if o.Engine {
		c.AddHook(engineHook{log: o.Logger})
	}
	return c
}

// errReplica is found by looking, because PING succeeds on a replica and the
// first write, perhaps hours later, would be the one to fail.
var errReplica = errors.New("READONLY the server is a read-only replica")

func refuseReplica(ctx context.Context, c redis.UniversalClient) error {
	text, err := c.Info(ctx, "replication").Result()
	if err != nil {
		// Some providers forbid INFO and miniredis has no such section; a
		// connection that just answered PING is not refused for that.
		return ctx.Err()
	}
	info := parseInfo(text)
	if info["role"] == "slave" && info["slave_read_only"] == "1" {
		return errReplica
	}
	return nil
}
