package redistest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/redistest"
)

// Given data of every type, when it is dumped, then all of it is in the text.
func TestDump_EveryType(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, c redis.UniversalClient) {
		ctx := t.Context()
		p := c.Pipeline()
		p.Set(ctx, "string", "in-string\x00\xff", time.Hour)
		p.RPush(ctx, "list", "in-list", "second")
		p.SAdd(ctx, "set", "in-set")
		p.HSet(ctx, "hash", "field", "in-hash")
		p.ZAdd(ctx, "zset", redis.Z{Score: 2.5, Member: "in-zset"})
		p.XAdd(ctx, &redis.XAddArgs{Stream: "stream", ID: "7-1", Values: []string{"k", "in-stream"}})
		if _, err := p.Exec(ctx); err != nil {
			t.Fatal(err)
		}
		got, err := redistest.Dump(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"string": "in-string\x00\xff", "list": "in-list\nsecond", "set": "in-set",
			"hash": "field=in-hash", "zset": "in-zset=2.5", "stream": "7-1=map[k:in-stream]",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("dump differs (-want +got):\n%s", d)
		}
	})
}

// Given acknowledged writes, when the server is killed, started, stopped and
// started, then nothing is lost, the address stays and old clients work again.
func TestReal_KillAndStop(t *testing.T) {
	t.Parallel()
	s := redistest.Real(t)
	c := s.Client(t)
	url := s.URL()
	for i, end := range []func(){s.Kill, s.Stop} {
		if err := c.RPush(t.Context(), "log", i).Err(); err != nil {
			t.Fatal(err)
		}
		end()
		end() // the second does nothing
		if err := c.Ping(t.Context()).Err(); err == nil {
			t.Fatal("the server answers although it was ended")
		}
		s.Start()
		s.Start()
	}
	var got []string
	redistest.Eventually(t, 10*time.Second, func() bool {
		var err error
		got, err = c.LRange(t.Context(), "log", 0, -1).Result()
		return err == nil
	}, "the old client does not reach the restarted server")
	if d := cmp.Diff([]string{"0", "1"}, got); d != "" || s.URL() != url {
		t.Errorf("after restarts at %s, before %s: %s", s.URL(), url, d)
	}
	dump, err := s.Dump(t.Context())
	if err != nil || dump["log"] != "0\n1" {
		t.Errorf("dump = %q, %v", dump, err)
	}
}

// Given a password among the arguments, when clients are asked for, then they
// log in.
func TestReal_Password(t *testing.T) {
	t.Parallel()
	s := redistest.Real(t, "--requirepass", "sesame", "--appendfsync", "everysec")
	got, err := s.Client(t).ConfigGet(t.Context(), "appendfsync").Result()
	if err != nil || got["appendfsync"] != "everysec" {
		t.Errorf("config = %v, %v; want the argument to win", got, err)
	}
	if !strings.Contains(s.URL(), "sesame") || strings.Contains(s.Spec().String(), "sesame") {
		t.Errorf("URL %q must carry the password and the spec %s must not print it", s.URL(), s.Spec())
	}
}

// failures records what a helper does to its test.
type failures struct {
	testing.TB
	fatal, skipped string
}

func (f *failures) Helper() {}
func (f *failures) Fatalf(format string, args ...any) {
	f.fatal = format
	panic(f)
}
func (f *failures) Fatal(args ...any) { f.fatal = args[0].(string); panic(f) }
func (f *failures) Skip(args ...any)  { f.skipped = args[0].(string); panic(f) }

func caught(tb testing.TB, f func(testing.TB)) (got *failures) {
	got = &failures{TB: tb}
	defer func() {
		if r := recover(); r != nil && r != any(got) {
			panic(r)
		}
	}()
	f(got)
	return got
}

// Given a condition that never holds, when the time is up, then the test fails
// with its message; given one that holds, it does not.
func TestEventually(t *testing.T) {
	t.Parallel()
	never := caught(t, func(tb testing.TB) {
		redistest.Eventually(tb, 30*time.Millisecond, func() bool { return false }, "x")
	})
	if never.fatal == "" {
		t.Error("a condition that never holds did not fail the test")
	}
	n := 0
	third := caught(t, func(tb testing.TB) {
		redistest.Eventually(tb, 10*time.Second, func() bool { n++; return n == 3 }, "x")
	})
	if third.fatal != "" || n != 3 {
		t.Errorf("fatal %q after %d asks, want none after 3", third.fatal, n)
	}
}

// Given a machine without redis-server, when one is asked for, then the test is
// skipped by name, and fails under CI. It changes the environment, hence serial.
func TestReal_Missing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("CI", "")
	got := caught(t, func(tb testing.TB) { redistest.Real(tb) })
	if !strings.Contains(got.skipped, "package redis-server") {
		t.Errorf("skipped with %q, want the package named", got.skipped)
	}
	t.Setenv("CI", "true")
	got = caught(t, func(tb testing.TB) { redistest.Real(tb) })
	if !strings.Contains(got.fatal, "package redis-server") {
		t.Errorf("failed with %q, want the package named", got.fatal)
	}
}
