package main

import (
	"os"
	"strconv"
	"strings"
)

// peakResident is the most memory this process has had so far, in bytes; 0 when
// the kernel doesn't tell. The figure of getrusage would count what the parent
// had when it started this process.
func peakResident() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}
