//go:build unix

package main

import "syscall"

// withoutWaiting opens a pipe at once: otherwise open itself would wait for
// somebody who writes, perhaps for ever, and nothing could end that wait.
const withoutWaiting = syscall.O_NONBLOCK
