package redistest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
)

const (
	startTimeout = 20 * time.Second
	stopTimeout  = 10 * time.Second
	portTries    = 5
)

// Server is a real redis-server of one test, in a directory of its own. Its
// methods must be called from the test's goroutine; its clients may be used
// from any.
type Server struct {
	t        testing.TB
	dir      string
	port     int
	password string
	args     []string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
}

// Real starts a redis-server on a free loopback port, which keeps everything
// (appendonly yes, appendfsync always, no snapshots) and evicts nothing. args
// are further settings of redis-server ("--requirepass", "secret") and win over
// those. It ends with the test. Without a redis-server on the machine the test
// is skipped, or fails when the environment has CI set.
func Real(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		const missing = "NO redis-server ON THIS MACHINE: this test needs one; install the package redis-server (Debian, Ubuntu) or redis (Fedora, Homebrew)"
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	s := &Server{t: t, dir: t.TempDir(), args: args}
	for i, a := range args {
		if a == "--requirepass" && i+1 < len(args) {
			s.password = args[i+1]
		}
	}
	t.Cleanup(s.Stop)
	var err error
	for range portTries { // another test may take the port between the look and the start
		if s.port, err = freePort(); err != nil {
			t.Fatalf("looking for a free port: %v", err)
		}
		if err = s.launch(); err == nil {
			return s
		}
	}
	t.Fatalf("starting redis-server: %v", err)
	return nil
}

// URL returns the address in the form of REDIS_URL, with the password that
// --requirepass set.
func (s *Server) URL() string {
	if s.password != "" {
		return fmt.Sprintf("redis://:%s@127.0.0.1:%d", s.password, s.port)
	}
	return fmt.Sprintf("redis://127.0.0.1:%d", s.port)
}

// Spec returns the address for redisconn.Open.
func (s *Server) Spec() redisconn.Spec { return mustParse(s.URL()) }

// Client returns a new producer's client, closed at the end of the test.
func (s *Server) Client(t testing.TB) redis.UniversalClient {
	t.Helper()
	return open(t, s.Spec())
}

// Dump returns every key of database 0 with all it holds; see [Dump].
func (s *Server) Dump(ctx context.Context) (map[string]string, error) {
	return dumpServer(ctx, s.URL())
}

// Start starts a server that was stopped or killed, with the same port and
// data; it fails the test when it cannot, and does nothing when it runs.
func (s *Server) Start() {
	s.t.Helper()
	if s.running() {
		return
	}
	if err := s.launch(); err != nil {
		s.t.Fatalf("starting redis-server again: %v", err)
	}
}

// Stop ends the server as an operator does (SIGTERM) and waits for its end; one
// that does not run is left alone.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends the server as a power cut does (SIGKILL) and waits for its end; one
// that does not run is left alone.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(sig syscall.Signal) {
	s.t.Helper()
	s.mu.Lock()
	cmd, exited := s.cmd, s.exited
	s.cmd = nil
	s.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(sig) // it may have ended by itself; the wait below tells
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-exited:
	case <-late.C:
		_ = cmd.Process.Kill()
		<-exited
		s.t.Errorf("redis-server did not end within %s of %s and was killed", stopTimeout, sig)
	}
}

func (s *Server) running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd != nil
}

func (s *Server) launch() error {
	logPath := filepath.Join(s.dir, "redis.log")
	cmd := exec.Command("redis-server", append([]string{ //nolint:noctx // Stop and Kill end it, and the test may start it again
		"--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), "--dir", s.dir, "--daemonize", "no",
		"--logfile", logPath, "--save", "", "--appendonly", "yes", "--appendfsync", "always",
		"--maxmemory-policy", "noeviction",
	}, s.args...)...)
	var out bytes.Buffer // a bad argument is told here, before the log file is opened
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = diesWithParent()
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is for the log file to say
		close(exited)
	}()
	s.mu.Lock()
	s.cmd, s.exited = cmd, exited
	s.mu.Unlock()
	if why := s.untilReady(exited); why != "" {
		s.end(syscall.SIGKILL)
		return fmt.Errorf("%s; it said: %s%s", why, out.String(), tailOf(logPath))
	}
	return nil
}

// untilReady waits for a PONG and returns why none came, or nothing.
func (s *Server) untilReady(exited <-chan struct{}) string {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for !s.answers(ctx) {
		select {
		case <-exited:
			return "it ended at once"
		case <-ctx.Done():
			return "it did not answer within " + startTimeout.String()
		case <-tick.C:
		}
	}
	select {
	case <-exited: // then it was somebody else's server on that port that answered
		return "it ended at once"
	default:
		return ""
	}
}

// answers asks over a bare connection, because a client would log every refused
// dial, and asks for the process id, because a server of another test may have
// won the port.
func (s *Server) answers(ctx context.Context) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	ask := "INFO server\r\n"
	if s.password != "" {
		ask = "AUTH " + s.password + "\r\n" + ask
	}
	if _, err := io.WriteString(conn, ask); err != nil {
		return false
	}
	want := fmt.Sprintf("process_id:%d", s.cmd.Process.Pid)
	lines := bufio.NewScanner(conn)
	for lines.Scan() { // ends at the deadline at the latest: LOADING has no such line
		if lines.Text() == want {
			return true
		}
	}
	return false
}

func freePort() (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

func tailOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "" // a server that failed early has no log
	}
	const most = 2000
	if len(text) > most {
		text = text[len(text)-most:]
	}
	return string(text)
}
