//go:build race

package main

// raceEnabled loosens limits of time: the race detector makes everything slower.
const raceEnabled = true
