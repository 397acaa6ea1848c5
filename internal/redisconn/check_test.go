package redisconn_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redistest"
)

func levels(r redisconn.Report, containing string) (found []redisconn.Level) {
	for _, f := range r.Findings {
		if strings.Contains(f.What, containing) {
			found = append(found, f.Level)
		}
	}
	return found
}

func TestCheck_PersistenceAndEviction(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		args        []string
		persistence redisconn.Persistence
		says        string
		level       redisconn.Level
		evicts      bool
	}{
		{"always", nil, redisconn.PersistenceAlways, "survives a crash", redisconn.LevelInfo, false},
		{"every second", []string{"--appendfsync", "everysec"}, redisconn.PersistenceEverySec, "two seconds", redisconn.LevelWarning, false},
		{"kernel decides", []string{"--appendfsync", "no"}, redisconn.PersistenceOS, "half minute", redisconn.LevelWarning, false},
		{"snapshots", []string{"--appendonly", "no", "--save", "60 1"}, redisconn.PersistenceSnapshot, "last snapshot", redisconn.LevelWarning, false},
		{"nothing", []string{"--appendonly", "no"}, redisconn.PersistenceNone, "loses everything", redisconn.LevelError, false},
		{"evicts", []string{"--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"}, redisconn.PersistenceAlways, "throws away", redisconn.LevelError, true},
		{"would evict", []string{"--maxmemory-policy", "volatile-ttl"}, redisconn.PersistenceAlways, "as soon as a memory limit", redisconn.LevelError, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := redistest.Real(t, tt.args...).Client(t)
			r, err := redisconn.Check(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if r.Persistence != tt.persistence || r.Mode != "standalone" || !strings.Contains(r.Version, ".") {
				t.Errorf("report %+v, want persistence %q", r, tt.persistence)
			}
			if got := levels(r, tt.says); len(got) != 1 || got[0] != tt.level {
				t.Errorf("findings %+v, want one %s with %q", r.Findings, tt.level, tt.says)
			}
			if evicts := r.Eviction != "noeviction"; evicts != tt.evicts {
				t.Errorf("eviction %q, want evicting %t", r.Eviction, tt.evicts)
			}
			if n := c.DBSize(t.Context()).Val(); n != 0 {
				t.Errorf("the check wrote %d keys", n)
			}
		})
	}
}

// Given servers that have no CONFIG and hardly INFO, or forbid both, when they
// are checked, then that is information and no failure.
func TestCheck_Unreadable(t *testing.T) {
	t.Parallel()
	server := redistest.Real(t)
	if err := server.Client(t).Do(t.Context(), "ACL", "SETUSER", "poor", "on", ">pw", "~*", "&*", "+@all", "-config", "-info").Err(); err != nil {
		t.Fatal(err)
	}
	poor, err := redisconn.Open(t.Context(), parse(t, strings.Replace(server.URL(), "//", "//poor:pw@", 1)), redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = poor.Close() }()
	for name, c := range map[string]redis.UniversalClient{"miniredis": redistest.Mini(t).Client(t), "forbidden": poor} {
		r, err := redisconn.Check(t.Context(), c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if r.Persistence != redisconn.PersistenceUnknown || len(r.Findings) != 3 || len(levels(r, "could not be read")) != 3 {
			t.Errorf("%s: report %+v, want three unreadable parts", name, r)
		}
		for _, f := range r.Findings {
			if f.Level != redisconn.LevelInfo {
				t.Errorf("%s: %+v is no info", name, f)
			}
		}
	}
}

// canned answers INFO with a text of ours.
type canned string

func (canned) DialHook(next redis.DialHook) redis.DialHook { return next }
func (canned) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (text canned) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if s, ok := cmd.(*redis.StringCmd); ok && cmd.Name() == "info" {
			s.SetVal(string(text))
			return nil
		}
		return next(ctx, cmd)
	}
}

func TestCheck_Versions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		version string
		tooOld  bool
	}{
		{"4.0.14", true}, {"5.0.7", true}, {"6.0.20", true}, {"6.2.0", false}, {"7.0.15", false},
		{"8.4.0", false}, {"10.0", false}, {"255.255.255", false}, {"edge", false}, {"", false},
	} {
		t.Run("version "+tt.version, func(t *testing.T) {
			t.Parallel()
			c := redistest.Mini(t).Client(t)
			c.AddHook(canned("# Server\r\nredis_version:" + tt.version + "\r\n"))
			r, err := redisconn.Check(t.Context(), c)
			if errors.Is(err, redisconn.ErrTooOld) != tt.tooOld || err != nil && !tt.tooOld || r.Version != tt.version {
				t.Errorf("report %+v, error %v; want too old %t", r, err, tt.tooOld)
			}
		})
	}
}

func TestCheck_StateOfTheServer(t *testing.T) {
	t.Parallel()
	c := redistest.Mini(t).Client(t)
	c.AddHook(canned("redis_version:7.2.4\r\nredis_mode:cluster\r\nrole:slave\r\nconnected_slaves:2\r\naof_enabled:1\r\n" +
		"aof_last_write_status:err\r\nrdb_last_bgsave_status:err\r\nmaxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n"))
	r, err := redisconn.Check(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for says, want := range map[string]redisconn.Level{
		"append-only file failed": redisconn.LevelError, "last snapshot failed": redisconn.LevelWarning, "Redis Cluster": redisconn.LevelInfo,
		"replica, not a master": redisconn.LevelError, "failover loses": redisconn.LevelInfo, "throws away": redisconn.LevelError,
	} {
		if got := levels(r, says); len(got) != 1 || got[0] != want {
			t.Errorf("findings with %q: %v, want one %s", says, got, want)
		}
	}
	if r.MaxMemory != 100 || r.Eviction != "allkeys-lru" || r.Mode != "cluster" {
		t.Errorf("report %+v", r)
	}
}

// Given a server that went away, when it is checked, then that is an error and
// not a finding.
func TestCheck_ServerGone(t *testing.T) {
	t.Parallel()
	m := redistest.Mini(t)
	c := m.Client(t)
	m.Close()
	if r, err := redisconn.Check(t.Context(), c); err == nil || len(r.Findings) != 0 {
		t.Errorf("report %+v, error %v; want only an error", r, err)
	}
}

func TestEnsureSchema(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, stored string
		newer, fails bool
		after        string
	}{
		{"none", "", false, false, "1"},
		{"ours", "1", false, false, "1"},
		{"the next", "2", false, false, "2"},
		{"after the next", "3", true, true, "3"},
		{"far newer", "100", true, true, "100"},
		{"zero", "0", false, true, "0"},
		{"text", "hello", false, true, "hello"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			redistest.Each(t, func(t *testing.T, c redis.UniversalClient) {
				if tt.stored != "" {
					c.Set(t.Context(), redisconn.SchemaKey, tt.stored, 0)
				}
				err := redisconn.EnsureSchema(t.Context(), c)
				if (err != nil) != tt.fails || errors.Is(err, redisconn.ErrSchemaNewer) != tt.newer {
					t.Errorf("EnsureSchema: %v; want failing %t, newer %t", err, tt.fails, tt.newer)
				}
				_, checkErr := redisconn.Check(t.Context(), c)
				if (checkErr != nil) != tt.fails || errors.Is(checkErr, redisconn.ErrSchemaNewer) != tt.newer {
					t.Errorf("Check: %v; want failing %t, newer %t", checkErr, tt.fails, tt.newer)
				}
				if got := c.Get(t.Context(), redisconn.SchemaKey).Val(); got != tt.after {
					t.Errorf("the number is %q afterwards, want %q", got, tt.after)
				}
			})
		})
	}
	if text := fmt.Sprint(redisconn.ErrSchemaNewer); !strings.Contains(text, "upgrade") {
		t.Errorf("%q does not say what to do", text)
	}
}

func TestEnsureSchema_WritesNothingToAnOldServer(t *testing.T) {
	t.Parallel()
	// Given a server of before 6.2, when a program wants to work with it, then it
	// is refused and nothing has been written.
	mini := redistest.Mini(t)
	c := mini.Client(t).(*redis.Client)
	c.AddHook(canned("# Server\r\nredis_version:5.0.15\r\n"))
	if err := redisconn.EnsureSchema(t.Context(), c); !errors.Is(err, redisconn.ErrTooOld) {
		t.Fatalf("EnsureSchema = %v, want ErrTooOld", err)
	}
	if keys := mini.Keys(); len(keys) != 0 {
		t.Errorf("it wrote %q", keys)
	}
}
