// Package redistest gives tests a Redis: a simulated one ([Mini]), a real
// redis-server of their own ([Real]), or one after the other ([Each]). It owns
// starting, killing, restarting and reading out those servers. It refuses to
// know what is stored in them, and only tests import it. Its reading of CI from the
// environment is what turns a skipped test into a failed one there.
package redistest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
)

const pollInterval = 10 * time.Millisecond

// MiniServer is a simulated Redis with all the levers of miniredis, such as
// SetError and FastForward. Its expiries stand still until FastForward.
type MiniServer struct {
	*miniredis.Miniredis
	url string
}

// Mini starts a simulated Redis on a free loopback port; it ends with the test.
func Mini(t testing.TB) *MiniServer {
	t.Helper()
	m := miniredis.NewMiniRedis()
	if err := m.StartAddr("127.0.0.1:0"); err != nil {
		t.Fatalf("starting miniredis on a free port: %v", err)
	}
	t.Cleanup(m.Close)
	return &MiniServer{Miniredis: m, url: "redis://" + m.Addr()}
}

// URL returns the address in the form of REDIS_URL.
func (m *MiniServer) URL() string { return m.url }

// Spec returns the address for redisconn.Open.
func (m *MiniServer) Spec() redisconn.Spec { return mustParse(m.url) }

// Client returns a new producer's client, closed at the end of the test.
func (m *MiniServer) Client(t testing.TB) redis.UniversalClient {
	t.Helper()
	return open(t, m.Spec())
}

// Dump returns every key of database 0 with all it holds; see [Dump]. It hides
// miniredis' own Dump, which returns one string.
func (m *MiniServer) Dump(ctx context.Context) (map[string]string, error) {
	return dumpServer(ctx, m.url)
}

// Each runs f as two subtests, "miniredis" and "redis", with a client of a
// fresh, empty server each. The subtests run one after the other unless f calls
// t.Parallel; without a redis-server the second is skipped, or fails under CI.
func Each(t *testing.T, f func(t *testing.T, c redis.UniversalClient)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) { f(t, Mini(t).Client(t)) })
	t.Run("redis", func(t *testing.T) { f(t, Real(t).Client(t)) })
}

// Eventually waits until cond is true, asking every 10 ms from the test's own
// goroutine, and fails the test with the message when timeout passes first.
func Eventually(t testing.TB, timeout time.Duration, cond func() bool, format string, args ...any) {
	t.Helper()
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			if !cond() { // the last tick may have been long ago on a busy machine
				t.Fatalf("not within %s: %s", timeout, fmt.Sprintf(format, args...))
			}
			return
		}
	}
}

func open(t testing.TB, spec redisconn.Spec) redis.UniversalClient {
	t.Helper()
	c, err := redisconn.Open(context.Background(), spec, redisconn.Options{Name: "redistest"})
	if err != nil {
		t.Fatalf("opening the test's Redis: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// mustParse reads an address that this package made itself.
func mustParse(url string) redisconn.Spec {
	s, err := redisconn.Parse(url)
	if err != nil {
		panic(fmt.Sprintf("redistest made an address that redisconn refuses: %v", err))
	}
	return s
}

// Dump returns every key of the client's database with all it holds as text,
// whatever its type, for tests that search for what must not be stored. Keys
// that vanish meanwhile are left out. Members, fields, scores and stream ids stand
// one to a line.
func Dump(ctx context.Context, c redis.UniversalClient) (map[string]string, error) {
	all := map[string]string{}
	it := c.Scan(ctx, 0, "*", 1000).Iterator()
	for it.Next(ctx) {
		text, err := dumpKey(ctx, c, it.Val())
		if err != nil {
			return nil, fmt.Errorf("dumping the key %q: %w", it.Val(), err)
		}
		all[it.Val()] = text
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("listing the keys: %w", err)
	}
	return all, nil
}

func dumpKey(ctx context.Context, c redis.UniversalClient, key string) (string, error) {
	kind, err := c.Type(ctx, key).Result()
	if err != nil {
		return "", err
	}
	var lines []string
	switch kind {
	case "none":
		return "", nil
	case "string":
		return c.Get(ctx, key).Result()
	case "list":
		lines, err = c.LRange(ctx, key, 0, -1).Result()
	case "set":
		lines, err = c.SMembers(ctx, key).Result()
	case "hash":
		var m map[string]string
		m, err = c.HGetAll(ctx, key).Result()
		for k, v := range m {
			lines = append(lines, k+"="+v)
		}
	case "zset":
		var zs []redis.Z
		zs, err = c.ZRangeWithScores(ctx, key, 0, -1).Result()
		for _, z := range zs {
			lines = append(lines, fmt.Sprintf("%v=%v", z.Member, z.Score))
		}
	case "stream":
		var ms []redis.XMessage
		ms, err = c.XRange(ctx, key, "-", "+").Result()
		for _, m := range ms {
			lines = append(lines, fmt.Sprintf("%s=%v", m.ID, m.Values))
		}
	default:
		return "", fmt.Errorf("its type %q is not known to this package; teach it to dumpKey", kind)
	}
	return strings.Join(lines, "\n"), err
}

// dumpServer uses a connection of its own, so that a dump works however the
// test treats its clients.
func dumpServer(ctx context.Context, url string) (map[string]string, error) {
	c, err := redisconn.Open(ctx, mustParse(url), redisconn.Options{Name: "redistest-dump"})
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	return Dump(ctx, c)
}
