//go:build unix

package main

import (
	"os"
	"syscall"
)

// lockFile takes a file for this process alone, until unlockFile; it does not wait.
func lockFile(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// unlockFile lets others have the file. Closing it is not enough at once: while this
// process starts another, that one has the file too until it is its own program.
func unlockFile(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
}
