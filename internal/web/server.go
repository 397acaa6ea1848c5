package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// The server's limits. Writing may take as long as the longest read and the
// longest wait for an outcome together.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 60 * time.Second
	writeTimeout      = readTimeout + maxWait + 30*time.Second
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 32 << 10
)

// Server serves the API, the asynq web UI and health. It is made by New and safe
// for concurrent use.
type Server struct {
	cfg   Config
	log   *slog.Logger
	http  *http.Server
	ui    *monitoring
	large chan struct{} // one slot per large body in memory

	// stopping ends when Shutdown begins, so that long waits give way.
	stopping context.Context
	stop     context.CancelFunc
}

// New returns a server that does not listen yet. It does not talk to Redis.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("setting up the HTTP side: %w", err)
	}
	s := &Server{cfg: cfg, log: cfg.Logger, large: make(chan struct{}, largeBodies)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.ui, err = newMonitoring(cfg.Redis, cfg.Actions); err != nil {
		return nil, fmt.Errorf("setting up the asynq web UI: %w", err)
	}
	s.stopping, s.stop = context.WithCancel(context.Background()) // lives as long as the server, not as a call
	s.http = &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // handshakes that break off and the like
	}
	return s, nil
}

// Handler returns everything the server serves, for tests and for programs with
// a listener of their own. Such a program owes the check of CheckExposure.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", s.index)
	mux.HandleFunc("/livez", s.livez)
	mux.HandleFunc("/readyz", s.readyz)
	mux.Handle("/v1/updates", s.api(s.updates))
	mux.Handle("/v1/updates/{id}", s.api(s.update))
	mux.Handle("/v1/", s.api(noSuchPage))
	mux.Handle(uiRoot+"/", s.requireLogin(s.ui))
	mux.HandleFunc("/", noSuchPage)
	return s.observe(s.guard(mux))
}

// Serve answers requests on l until Shutdown, then returns nil; it closes l. It
// refuses a listener that other machines can reach when no token is set.
func (s *Server) Serve(l net.Listener) error {
	if l.Addr().Network() != "unix" { // a socket file has permissions of its own
		if err := CheckExposure(l.Addr().String(), s.cfg.Token != ""); err != nil {
			_ = l.Close() // the reason for giving up is the one worth telling
			return err
		}
	}
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving HTTP on %s: %w", l.Addr(), err)
	}
	return nil
}

// Shutdown takes no new request, answers those that wait for an outcome at once
// with what stands, and waits for the others until ctx ends; then it cuts them
// off and returns ctx's error. It may be called again.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close() // nothing to add to the error above
		err = fmt.Errorf("ending the HTTP side: %w", err)
	}
	return errors.Join(err, s.ui.Close())
}
