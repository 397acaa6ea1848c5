package main

import "syscall"

// peakResident is the most memory this process has had so far, in bytes.
func peakResident() int64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return usage.Maxrss << 10
}
