package redisconn_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redistest"
)

func parse(t *testing.T, url string) redisconn.Spec {
	t.Helper()
	s, err := redisconn.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listener answers every connection with f until the test ends.
func listener(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f(c)
		}
	}()
	return l.Addr().String()
}

// saying answers every request with one line.
func saying(line string) func(net.Conn) {
	return func(c net.Conn) {
		defer func() { _ = c.Close() }()
		buf := make([]byte, 4096)
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
			if _, err := fmt.Fprintf(c, "%s\r\n", line); err != nil {
				return
			}
		}
	}
}

func tlsRedis(t *testing.T) string {
	t.Helper()
	web := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	m := miniredis.NewMiniRedis()
	if err := m.StartTLS(&tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m.Addr()
}

func TestOpen_ErrorsSayWhatAndHow(t *testing.T) {
	t.Parallel()
	closed := listener(t, func(c net.Conn) { _ = c.Close() })
	locked := redistest.Real(t, "--requirepass", "sesame")
	host := strings.TrimPrefix(locked.Spec().String(), "redis://:xxxxx@")
	withTLS := tlsRedis(t)
	master := redistest.Real(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(master.URL(), "redis://"), ":")
	replica := redistest.Real(t, "--replicaof", "127.0.0.1 "+port)
	for _, tt := range []struct{ name, url, want, mend string }{
		{"nothing listens", "redis://127.0.0.1:1", "nothing listens", "start Redis"},
		{"no such host", "redis://nobody.invalid", "host name is not known", "correct it"},
		{"no such socket", "unix://" + filepath.Join(t.TempDir(), "none.sock"), "no such socket file", "unixsocket"},
		{"password missing", "redis://" + host, "wants a password", "add one"},
		{"password wrong", "redis://:hunter2@" + host, "refuses the user or the password", "correct them"},
		{"user wrong", "redis://bob:hunter2@" + host, "refuses the user or the password", "correct them"},
		{"password needless", "redis://:hunter2@" + listener(t, saying("-ERR AUTH <password> called without any password configured")), "no password set", "remove the password"},
		{"TLS to a plain answer", "rediss://" + listener(t, saying("-ERR Protocol error")), "does not speak TLS", "write redis://"},
		{"TLS to a plain Redis", strings.Replace(master.URL(), "redis", "rediss", 1), "no answer in time", "if it has no TLS, write redis://"},
		{"plain to a TLS server", "redis://" + withTLS, "something else than Redis", "write rediss://"},
		{"certificate unknown", "rediss://" + withTLS, "certificate is not trusted", "skip_verify=true"},
		{"hangs up", "redis://" + closed, "hung up", "rediss://"},
		{"hangs up under TLS", "rediss://" + closed, "hung up during the TLS", "write redis://"},
		{"web server", "redis://" + listener(t, saying("HTTP/1.1 400 Bad Request")), "something else than Redis", "check the port"},
		{"loading", "redis://" + listener(t, saying("-LOADING Redis is loading the dataset in memory")), "still loading", "try again"},
		{"protected", "redis://" + listener(t, saying("-DENIED Redis is running in protected mode")), "protected mode", "set a password"},
		{"full", "redis://" + listener(t, saying("-ERR max number of clients reached")), "no connection left", "maxclients"},
		{"unheard of", "redis://:hunter2@" + listener(t, saying("-WEIRD says hunter2")), "WEIRD says xxxxx", "check that"},
		{"replica", replica.URL(), "read-only replica", "address of the master"},
		{"database too high", master.URL() + "/99", "no database of that number", "smaller one"},
		{"not a cluster", strings.Replace(master.URL(), "redis://", "redis-cluster://", 1), "not a Redis Cluster", "write redis://"},
		{"no sentinel", "redis-sentinel://127.0.0.1:1/main", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			c, err := redisconn.Open(t.Context(), parse(t, tt.url), redisconn.Options{})
			if err == nil {
				_ = c.Close()
				t.Fatal("it opened")
			}
			text := err.Error()
			if !strings.Contains(text, tt.want) || !strings.Contains(text, tt.mend) {
				t.Errorf("got %q, want %q and %q in it", text, tt.want, tt.mend)
			}
			if strings.Contains(text, "hunter2") || strings.Contains(text, "\n") || !strings.HasPrefix(text, "opening Redis at ") {
				t.Errorf("got %q, want one line with the masked address and no password", text)
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("it took %s", d)
			}
			t.Log(text)
		})
	}
}

// Given a server that accepts and never answers, when the caller's deadline
// passes, then Open ends with it and says so.
func TestOpen_SilentServer(t *testing.T) {
	t.Parallel()
	addr := listener(t, func(c net.Conn) { <-t.Context().Done(); _ = c.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := redisconn.Open(ctx, parse(t, "redis://"+addr), redisconn.Options{})
	if err == nil || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("got %v, want: no answer in time", err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := redisconn.Open(stopped, parse(t, "redis://"+addr), redisconn.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestOpen_BadOptions(t *testing.T) {
	t.Parallel()
	if _, err := redisconn.Open(t.Context(), parse(t, "embedded:"), redisconn.Options{}); !errors.Is(err, redisconn.ErrEmbedded) {
		t.Errorf("embedded: got %v", err)
	}
	for _, o := range []redisconn.Options{{Name: "two words"}, {PoolSize: -1}} {
		if _, err := redisconn.Open(t.Context(), redisconn.Spec{}, o); err == nil || !strings.Contains(err.Error(), "opening Redis") {
			t.Errorf("%+v: got %v", o, err)
		}
	}
}

// Given a real server with a login, when it is opened with the password added
// later, then the connection carries our name and no errors are counted.
func TestOpen_NameAndCleanHandshake(t *testing.T) {
	t.Parallel()
	s := redistest.Real(t, "--requirepass", "sesame")
	url := "redis://" + strings.TrimPrefix(s.URL(), "redis://:sesame@")
	c, err := redisconn.Open(t.Context(), parse(t, url).WithPassword("sesame"), redisconn.Options{PoolSize: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	list, err := c.ClientList(t.Context()).Result()
	if err != nil || !strings.Contains(list, "name=groupphoto ") {
		t.Errorf("client list %q, %v; want our name", list, err)
	}
	if info := c.Info(t.Context(), "errorstats").Val(); strings.Contains(info, "errorstat_") {
		t.Errorf("the handshake caused errors: %s", info)
	}
}

// Given a TLS server with an unknown certificate, when skip_verify is set, then
// it opens.
func TestOpen_SkipVerify(t *testing.T) {
	t.Parallel()
	c, err := redisconn.Open(t.Context(), parse(t, "rediss://"+tlsRedis(t)+"?skip_verify=true&protocol=2"), redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}

// Given a real server on a socket, when it is opened by its path, then it answers.
func TestOpen_UnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.sock")
	redistest.Real(t, "--unixsocket", path)
	c, err := redisconn.Open(t.Context(), parse(t, "unix://"+path+"?db=2"), redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil || c.ConfigGet(t.Context(), "port").Err() != nil {
		t.Error(err)
	}
	if n := c.Do(t.Context(), "dbsize").Val(); n != int64(1) {
		t.Errorf("%v keys in database 2", n)
	}
}
