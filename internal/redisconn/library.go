package redisconn

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

var (
	libraryTarget atomic.Pointer[slog.Logger]
	libraryOnce   sync.Once
)

// SetLibraryLogger sends what go-redis itself logs, such as dials that fail, to
// l at warn level instead of to stderr. go-redis has one logger for the whole
// process, so the last call decides; nil silences it. It is safe for concurrent
// use.
func SetLibraryLogger(l *slog.Logger) {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	libraryTarget.Store(l)
	libraryOnce.Do(func() { redis.SetLogger(libraryLogger{}) })
}

type libraryLogger struct{}

// Printf logs one message of go-redis.
func (libraryLogger) Printf(ctx context.Context, format string, v ...any) {
	if l := libraryTarget.Load(); l.Enabled(ctx, slog.LevelWarn) {
		l.WarnContext(ctx, "redis library", "text", fmt.Sprintf(format, v...))
	}
}
