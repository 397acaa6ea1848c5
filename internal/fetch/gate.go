package fetch

import (
	"context"
	"sync"
)

const maxPerHost = 4

// gate lets at most maxPerHost fetches at once go to one host. It remembers only hosts that somebody is asking or waiting
// for, so a million names are not a million entries.
type gate struct {
	mu    sync.Mutex
	hosts map[string]*entrance
}

type entrance struct {
	slots chan struct{}
	users int // asking and waiting
}

func newGate() *gate { return &gate{hosts: map[string]*entrance{}} }

// enter waits for a slot until ctx ends. After nil the caller owes a leave.
func (g *gate) enter(ctx context.Context, host string) error {
	g.mu.Lock()
	e := g.hosts[host]
	if e == nil {
		e = &entrance{slots: make(chan struct{}, maxPerHost)}
		g.hosts[host] = e
	}
	e.users++
	g.mu.Unlock()
	select {
	case e.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		g.forget(host, e)
		return context.Cause(ctx)
	}
}

func (g *gate) leave(host string) {
	g.mu.Lock()
	e := g.hosts[host]
	g.mu.Unlock()
	<-e.slots
	g.forget(host, e)
}

func (g *gate) forget(host string, e *entrance) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e.users--; e.users == 0 {
		delete(g.hosts, host)
	}
}
