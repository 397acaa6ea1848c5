// Command groupphoto changes the photos of WhatsApp groups through PlugChat: it
// enqueues updates, runs the workers that carry them out, shows what became of
// them, and brings a simulated PlugChat along to try everything without an
// account.
//
// The package owns the outside of the program: commands, flags, environment,
// streams and exit codes. It alone reads the environment. It refuses to know how
// an update is carried out: what it does for a person is done by enqueue, worker
// and internal/web.
package main

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	_ "time/tzdata" // GROUPPHOTO_TZ must work in an image that has no zones

	"golang.org/x/term"
)

// version is set by the build: -ldflags "-X main.version=v1.2.3".
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for an end; from then on the system's own meaning
	// holds again, so that the second ends the process at once.
	context.AfterFunc(ctx, stop)
	env := map[string]string{}
	for _, pair := range os.Environ() {
		if name, value, ok := strings.Cut(pair, "="); ok {
			env[name] = value
		}
	}
	os.Exit(run(ctx, os.Args[1:], env, streams{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		outTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		errTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		inTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		program:     program(),
	}))
}

// program is how a person calls this program in another terminal.
func program() string {
	self, err := os.Executable()
	if err != nil {
		return "groupphoto"
	}
	if strings.Contains(self, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/groupphoto" // the binary of go run ends with it
	}
	if found, err := exec.LookPath("groupphoto"); err == nil && found == self {
		return "groupphoto"
	}
	if strings.ContainsAny(self, " '\"") {
		return "groupphoto" // no quoting is right in every shell
	}
	return self
}
