package redisconn

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// AsynqOpt hands an existing client to code that wants to open its own, such as
// asynqmon. What it hands over shares c's connections, and its Close does
// nothing: c still belongs to the caller.
func AsynqOpt(c redis.UniversalClient) asynq.RedisConnOpt { return borrowed{c} }

type borrowed struct{ client redis.UniversalClient }

// MakeRedisClient returns the borrowed client.
func (b borrowed) MakeRedisClient() any { return unclosable{b.client} }

type unclosable struct{ redis.UniversalClient }

// Close does nothing, because the client is borrowed.
func (unclosable) Close() error { return nil }

// AsynqLogger carries the engine's log into l under one constant message, with
// the engine's words in the attribute "text"; nil logs nothing. Fatal logs at
// error level and does not end the process: only main does that.
func AsynqLogger(l *slog.Logger) asynq.Logger {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return engineLogger{l}
}

type engineLogger struct{ log *slog.Logger }

// Debug logs at debug level.
func (l engineLogger) Debug(args ...any) { l.write(slog.LevelDebug, args) }

// Info logs at info level.
func (l engineLogger) Info(args ...any) { l.write(slog.LevelInfo, args) }

// Warn logs at warn level.
func (l engineLogger) Warn(args ...any) { l.write(slog.LevelWarn, args) }

// Error logs at error level.
func (l engineLogger) Error(args ...any) { l.write(slog.LevelError, args) }

// Fatal logs at error level and returns.
func (l engineLogger) Fatal(args ...any) { l.write(slog.LevelError, args) }

func (l engineLogger) write(level slog.Level, args []any) {
	// asynq's logger takes no context, so there is none to pass on.
	ctx := context.Background()
	if !l.log.Enabled(ctx, level) {
		return // formatting is the costly part, and asynq is talkative at debug
	}
	l.log.Log(ctx, level, "engine", "text", fmt.Sprint(args...))
}
