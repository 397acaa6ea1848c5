//go:build !unix

package main

import (
	"context"
	"os"
)

// quietSignals never tells anything: this system has no such signal.
func quietSignals(context.Context) <-chan os.Signal { return nil }
