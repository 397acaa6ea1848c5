//go:build unix

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// quietSignals tells when the worker shall stop taking new work, until ctx ends.
func quietSignals(ctx context.Context) <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTSTP)
	context.AfterFunc(ctx, func() { signal.Stop(c) })
	return c
}
