//go:build unix

package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

func TestReport_IsFreeOnceClosed(t *testing.T) {
	t.Parallel()
	// Given a process that starts others all the time, when a report is closed, then the next
	// run has it.
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = exec.CommandContext(t.Context(), "true").Run()
			}
		}
	}()
	path := filepath.Join(t.TempDir(), "r.jsonl")
	for range 300 {
		r, err := openReport(path)
		if err != nil {
			t.Error(err)
			break
		}
		if err := r.close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	<-stopped
}
