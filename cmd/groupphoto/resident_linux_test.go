package main

import (
	"os/exec"
	"syscall"
)

// residentAfter is the most memory an ended process had, in bytes.
func residentAfter(cmd *exec.Cmd) int64 {
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return usage.Maxrss << 10
}
