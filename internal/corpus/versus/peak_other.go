//go:build !linux

package main

import "os"

// peakMiB is known on Linux only; 0 means that it isn't known.
func peakMiB(*os.ProcessState) float64 { return 0 }
