package house_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/house"
)

// These tests read the container files as text: what they hold must be true even where no compose loader is at hand.
// The module in internal/house/compose loads the file for real.

func TestComposeFile_Facts(t *testing.T) {
	t.Parallel()
	text := uncommented(t, "docker-compose.yml")
	for _, fact := range []struct{ name, want string }{
		{"accepted updates are on disk", `command: \[redis-server, --appendonly, "yes", --appendfsync, always, --maxmemory-policy, noeviction\]`},
		{"Redis keeps its data in a volume", `redis-data:/data`},
		{"the worker is stopped slowly", `stop_grace_period: 150s`},
		{"the file system is read-only", `read_only: true`},
		{"no capabilities", `cap_drop: \[ALL\]`},
		{"no new privileges", `no-new-privileges:true`},
		{"not root", `user: "65532:65532"`},
		{"the token comes from a file", `PLUGCHAT_TOKEN_FILE: /run/secrets/plugchat_token`},
		{"the number's phone is passed on", `PLUGCHAT_PHONE: \$\{PLUGCHAT_PHONE:-\}`},
		{"the login comes from a file", `GROUPPHOTO_HTTP_TOKEN_FILE: /run/secrets/http_token`},
		{"the webhook can be given from outside", `GROUPPHOTO_WEBHOOK_URL: \$\{GROUPPHOTO_WEBHOOK_URL:-\}\n\s+GROUPPHOTO_WEBHOOK_SECRET: \$\{GROUPPHOTO_WEBHOOK_SECRET:-\}\n\s+GROUPPHOTO_WEBHOOK_ALLOW: \$\{GROUPPHOTO_WEBHOOK_ALLOW:-\}`},
		{"the sandbox worker calls the sandbox", `PLUGCHAT_BASE_URL: http://sandbox:8088`},
		{"health is asked of our own program", `test: \[CMD, /groupphoto, healthcheck\]`},
	} {
		if !regexp.MustCompile(fact.want).MatchString(text) {
			t.Errorf("%s: docker-compose.yml has nothing like %s", fact.name, fact.want)
		}
	}
	for _, port := range regexp.MustCompile(`ports: \["([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(port[1], "127.0.0.1:") {
			t.Errorf("port %s is published beyond this machine", port[1])
		}
	}
}

func TestDockerfile_Facts(t *testing.T) {
	t.Parallel()
	text := uncommented(t, "Dockerfile")
	for _, fact := range []struct{ name, want string }{
		{"the build base can be replaced", `(?m)^ARG BUILD_BASE=golang:1\.26-bookworm$`},
		{"the runtime base can be replaced", `(?m)^ARG RUNTIME_BASE=gcr\.io/distroless/static-debian13:nonroot$`},
		{"static and without our paths", `CGO_ENABLED=0 go build -trimpath`},
		{"not root, by number", `(?m)^USER 65532:65532$`},
		{"signals reach the program", `(?m)^ENTRYPOINT \["/groupphoto"\]$`},
		{"health without a shell", `(?m)^HEALTHCHECK .*CMD \["/groupphoto", "healthcheck"\]$`},
		{"licences travel with the image", `COPY LICENSE THIRD_PARTY_NOTICES.md`},
	} {
		if !regexp.MustCompile(fact.want).MatchString(text) {
			t.Errorf("%s: the Dockerfile has nothing like %s", fact.name, fact.want)
		}
	}
	if raw := readRoot(t, "Dockerfile"); strings.Contains(raw, "syntax=") {
		t.Error("a syntax line makes the builder fetch a front end, so the image could not be built offline")
	}
	if !regexp.MustCompile(`(?m)^secrets$`).MatchString(readRoot(t, ".dockerignore")) {
		t.Error("secrets must stay outside the build context")
	}
}

// uncommented returns the file without its comment lines, so that a comment proves nothing.
func uncommented(t *testing.T, name string) string {
	t.Helper()
	return regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAllString(readRoot(t, name), "")
}

func readRoot(t *testing.T, name string) string {
	t.Helper()
	_, root, err := house.Module(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
