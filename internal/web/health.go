package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

const readyPatience = 2 * time.Second

const shuttingDown NotReady = "shutting down"

// livez says that the process answers.
func (s *Server) livez(w http.ResponseWriter, r *http.Request) {
	if !looking(w, r) {
		return
	}
	writeText(w, http.StatusOK, "alive")
}

// readyz says whether the process can do its work.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if !looking(w, r) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyPatience)
	defer cancel()
	err := s.ready(ctx)
	if err == nil {
		writeText(w, http.StatusOK, "ready")
		return
	}
	why := "not ready"
	if public, ok := errors.AsType[NotReady](err); ok {
		why = "not ready: " + public.Error()
	}
	s.log.WarnContext(ctx, "http.not_ready", slog.String(keyError, err.Error()))
	w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	writeText(w, http.StatusServiceUnavailable, why)
}

func (s *Server) ready(ctx context.Context) error {
	if s.stopping.Err() != nil {
		return shuttingDown
	}
	if s.cfg.Ready == nil {
		return s.cfg.Redis.Ping(ctx).Err()
	}
	return s.cfg.Ready(ctx)
}

// looking refuses all methods that do more than look.
func looking(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	allow(w, "GET, HEAD")
	return false
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // a probe that hung up is no error of ours
}
