package webhook_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/webhook"
)

// block returns the one fenced block of a language in docs/webhooks.md.
func block(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "webhooks.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\n```"+language+"\n")
	text, _, closed := strings.Cut(rest, "\n```\n")
	if !ok || !closed {
		t.Fatalf("docs/webhooks.md has no block of %s", language)
	}
	return text + "\n"
}

// TestDocs_ReceiversWork runs the receivers of the documents as they stand, but for the port.
func TestDocs_ReceiversWork(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		language, program, install, name string
		command                          func(t *testing.T, file string) *exec.Cmd
	}{
		{"go", "go", "golang", "main.go", func(t *testing.T, file string) *exec.Cmd {
			binary := file + ".exe"
			if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, file).CombinedOutput(); err != nil {
				t.Fatalf("the example does not build: %v\n%s", err, out)
			}
			return exec.CommandContext(t.Context(), binary)
		}},
		{"js", "node", "nodejs", "main.js", func(t *testing.T, file string) *exec.Cmd { return exec.CommandContext(t.Context(), "node", file) }},
	} {
		t.Run(row.language, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(row.program); err != nil {
				t.Skipf("not applicable without %s: install %s to run this example", row.program, row.install)
			}
			// given the receiver of the documents
			address := freeAddress(t)
			_, port, _ := net.SplitHostPort(address)
			file := filepath.Join(t.TempDir(), row.name)
			if err := os.WriteFile(file, []byte(strings.ReplaceAll(block(t, row.language), "8090", port)), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := row.command(t, file)
			cmd.Env = append(os.Environ(), "GROUPPHOTO_WEBHOOK_SECRET="+oursSecret)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait() // it was killed
			})
			waitFor(t, address)
			ours, other := secret(t, oursSecret), secret(t, theirsSecret)
			send := func(secrets ...webhook.Secret) int {
				s := newSender(t, webhook.Config{URL: "http://" + address + "/groupphoto", Secrets: secrets, Allow: loopback()})
				status, _ := s.Post(t.Context(), event())
				return status
			}
			// then it takes what is signed with its secret, first or second, and nothing else
			if got := send(ours); got != http.StatusNoContent {
				t.Errorf("signed with its secret: got %d", got)
			}
			if got := send(other, ours); got != http.StatusNoContent {
				t.Errorf("signed with a newer secret and its own: got %d", got)
			}
			if got := send(other); got != http.StatusUnauthorized {
				t.Errorf("signed with another secret: got %d", got)
			}
			for name, stamp := range map[string]int64{"old": time.Now().Add(-6 * time.Minute).Unix(), "early": time.Now().Add(6 * time.Minute).Unix()} {
				if got := raw(t, address, ours, fmt.Sprint(stamp)); got != http.StatusUnauthorized {
					t.Errorf("%s: got %d", name, got)
				}
			}
			if got := raw(t, address, ours, "now"); got != http.StatusUnauthorized {
				t.Errorf("no time: got %d", got)
			}
			if got := raw(t, address, ours, fmt.Sprint(time.Now().Unix())); got != http.StatusNoContent {
				t.Errorf("the same request with the right time: got %d", got)
			}
		})
	}
}

// raw sends an event that is signed well, for a time of the test's choice.
func raw(t *testing.T, address string, s webhook.Secret, stamp string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/groupphoto", strings.NewReader(oursBody))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = headers(oursID, stamp, s.Sign(oursID, stamp, []byte(oursBody)))
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// freeAddress returns an address that nobody listened on a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// waitFor polls until somebody listens.
func waitFor(t *testing.T, address string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			conn.Close()
			return
		}
	}
	t.Fatalf("nobody listens on %s", address)
}
