package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/tasks"
)

// The documented exit codes.
const (
	exitDone        = 0
	exitFailure     = 1 // could not do it
	exitUsage       = 2 // usage or bad input
	exitRefused     = 3
	exitFailed      = 4
	exitUnfinished  = 5
	exitPartly      = 6 // a campaign with rows that are neither updated nor unchanged
	exitStopped     = 7 // superseded, expired or cancelled
	exitInterrupted = 130
)

// streams is what a command reads and writes. Data goes to out, all else to err.
type streams struct {
	in                       io.Reader
	out, err                 io.Writer
	outTerminal, errTerminal bool
	inTerminal               bool   // somebody can be asked
	program                  string // how a person calls this program
}

// exitError ends the program with a code of its own. Without an error inside
// everything has been said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}
func (e *exitError) Unwrap() error { return e.err }

// usageError is a wrong command line; it is told with the command's help.
type usageError struct {
	command string
	err     error
}

func (e *usageError) Error() string {
	return fmt.Sprintf("%s (see '%s --help')", e.err, e.command)
}
func (e *usageError) Unwrap() error { return e.err }

// badInput marks what the person who calls can mend.
func badInput(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitUsage, err}
}

// run executes one command line and returns the exit code. env is the whole
// environment. A cancelled ctx is the wish to end: commands that serve drain and
// end with 0, all others with 130.
func run(ctx context.Context, args []string, env map[string]string, s streams) int {
	s.out, s.err = &lockedWriter{w: s.out}, &lockedWriter{w: s.err} // logs and narration come from several goroutines
	a := &app{streams: s, env: env}
	err := a.command(args).ExecuteContext(ctx) //nolint:contextcheck // cobra hands ctx to the commands
	if err == nil {
		return exitDone
	}
	code := exitCode(ctx, err)
	if e, ok := errors.AsType[*exitError](err); ok && e.err == nil {
		return code
	}
	if code == exitInterrupted {
		fmt.Fprintln(s.err, "groupphoto: interrupted")
		return code
	}
	for _, line := range problems(err) {
		fmt.Fprintln(s.err, "groupphoto: "+line)
	}
	return code
}

func exitCode(ctx context.Context, err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	for _, bad := range []error{
		enqueue.ErrGroupID, enqueue.ErrPhoto, enqueue.ErrPhotoTooLarge, enqueue.ErrID, enqueue.ErrIDReused,
		enqueue.ErrExpired, enqueue.ErrUnknownAccount, enqueue.ErrInvalid,
	} {
		if errors.Is(err, bad) {
			return exitUsage
		}
	}
	return exitFailure
}

// exitByOutcome is the code for how an update ended, nil for a good end.
func exitByOutcome(state tasks.State) error {
	switch state {
	case tasks.Updated, tasks.Unchanged:
		return nil
	case tasks.Refused:
		return &exitError{code: exitRefused}
	case tasks.Failed:
		return &exitError{code: exitFailed}
	case tasks.Superseded, tasks.Expired, tasks.Cancelled:
		return &exitError{code: exitStopped}
	default:
		return &exitError{code: exitUnfinished}
	}
}

// problems gives every problem of an error a line of its own.
func problems(err error) []string {
	var lines []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(strings.Map(plain, line)); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// plain keeps a message from steering the terminal.
func plain(r rune) rune {
	if r == '\t' || r == '\n' {
		return ' '
	}
	if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}

// lockedWriter lets several goroutines write whole lines.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
