package main

import (
	"os"
	"syscall"
)

// peakMiB is the most resident memory that an ended process had; Linux counts it in KiB.
func peakMiB(state *os.ProcessState) float64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return float64(usage.Maxrss) / 1024
}
