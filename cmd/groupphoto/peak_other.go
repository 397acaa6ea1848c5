//go:build !linux

package main

// peakResident is 0: systems count it in units of their own, or not at all.
func peakResident() int64 { return 0 }
