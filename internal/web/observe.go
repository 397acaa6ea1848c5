package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"
)

// Log attributes.
const (
	keyMethod   = "method"
	keyRoute    = "route"
	keyStatus   = "status"
	keyDuration = "duration_ms"
	keyBytes    = "bytes"
	keyKind     = "kind"
	keyStack    = "stack"
	keyError    = "error"
	keyDoing    = "doing"
)

// statusGone is logged for a caller that hung up before there was an answer.
const statusGone = 499

var knownMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace,
}

// observe logs each request once, by its route and never by its address, and
// turns a panic into a problem.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		answer := &observed{ResponseWriter: w}
		defer func() {
			p := recover()
			aborted := p == http.ErrAbortHandler //nolint:errorlint // net/http compares the panic's value itself
			broken := p != nil && answer.status != 0
			if p != nil && !aborted {
				s.panicked(answer, r, p)
			}
			s.logRequest(r, answer, time.Since(began))
			if aborted || broken { // half an answer must not look like a whole one
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(answer, r)
	})
}

// panicked answers when that is still possible. The value of the panic may hold
// anything, so only its type and the place are logged.
func (s *Server) panicked(w *observed, r *http.Request, p any) {
	s.log.ErrorContext(r.Context(), "http.panicked", slog.String(keyRoute, r.Pattern),
		slog.String(keyKind, fmt.Sprintf("%T", p)), slog.String(keyStack, string(debug.Stack())))
	if w.status == 0 {
		internalError.write(w, "something went wrong here; the log of the worker says what")
	}
}

func (s *Server) logRequest(r *http.Request, w *observed, took time.Duration) {
	status := w.status
	switch {
	case status == 0 && r.Context().Err() != nil:
		status = statusGone
	case status == 0:
		status = http.StatusOK // what net/http sends for a handler that writes nothing
	}
	method := r.Method
	if !slices.Contains(knownMethods, method) {
		method = "other" // a caller's own word may be anything
	}
	level := slog.LevelInfo
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case r.Pattern == "/livez", r.Pattern == "/readyz", r.Pattern == uiRoot+"/":
		level = slog.LevelDebug // probes and a page that asks every few seconds
	}
	s.log.LogAttrs(r.Context(), level, "http.answered", slog.String(keyMethod, method), slog.String(keyRoute, r.Pattern),
		slog.Int(keyStatus, status), slog.Int64(keyDuration, took.Milliseconds()), slog.Int64(keyBytes, w.bytes))
}

// observed remembers what was answered.
type observed struct {
	http.ResponseWriter

	status int
	bytes  int64
}

// WriteHeader notes the status.
func (w *observed) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK { // 1xx come before the answer
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (w *observed) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *observed) Unwrap() http.ResponseWriter { return w.ResponseWriter }
