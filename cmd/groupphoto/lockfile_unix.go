//go:build unix

package main

import (
	"os"
	"syscall"
)

// lockFile takes a file for this process alone, until it is closed; it does not wait.
func lockFile(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
