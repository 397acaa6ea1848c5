// Package embedded runs a Redis inside the program, for the commands that need
// none installed. It owns that server's life and its clock. It refuses to know
// what is stored, keeps nothing on disk, and listens on loopback only; its speed
// suits tens of thousands of tasks. Producers never import it.
package embedded

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
)

// tick is how coarse the server's expiries are. miniredis can follow the clock
// by itself, but then walks all keys at every command; one walk a second takes
// milliseconds.
const tick = time.Second

// Server is an embedded Redis. It is made by [Start] and safe for concurrent
// use. Its data ends with it.
type Server struct {
	mini *miniredis.Miniredis
	addr string
	spec redisconn.Spec
	stop chan struct{}
	done sync.WaitGroup
	once sync.Once
}

// Start runs a server on a free port of 127.0.0.1, without a password: every
// program of this machine can reach it. The context bounds only the start: it
// returns the context's error when that has ended, and afterwards Close alone
// ends the server.
func Start(ctx context.Context) (*Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("starting the embedded Redis: %w", err)
	}
	mini := miniredis.NewMiniRedis()
	if err := mini.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("starting the embedded Redis on a free port of 127.0.0.1: %w", err)
	}
	addr := mini.Addr()
	spec, err := redisconn.Parse("redis://" + addr)
	if err != nil {
		mini.Close()
		return nil, fmt.Errorf("starting the embedded Redis: %w", err)
	}
	s := &Server{mini: mini, addr: addr, spec: spec, stop: make(chan struct{})}
	s.done.Go(s.age)
	return s, nil
}

// Addr returns host:port; it stays the same after Close.
func (s *Server) Addr() string { return s.addr }

// URL returns the address in the form of REDIS_URL.
func (s *Server) URL() string { return "redis://" + s.addr }

// Spec returns the address for redisconn.Open.
func (s *Server) Spec() redisconn.Spec { return s.spec }

// Close ends the server and its connections, and waits until both are gone. It
// always returns nil, and calls after the first do nothing but wait as well.
func (s *Server) Close() error {
	s.once.Do(func() {
		close(s.stop)
		s.done.Wait()
		s.mini.Close()
	})
	return nil
}

// age lets keys expire. It moves by the time that really passed, so that a
// machine that slept or is busy does not stretch expiries.
func (s *Server) age() {
	t := time.NewTicker(tick)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-s.stop:
			return
		case <-t.C:
			now := time.Now()
			s.mini.FastForward(now.Sub(last))
			last = now
		}
	}
}
