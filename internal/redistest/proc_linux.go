package redistest

import "syscall"

// diesWithParent lets the kernel end the server when the test binary is killed
// or panics, where no cleanup runs.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
