package worker

import (
	"context"
	"log/slog"

	"github.com/plugchat-go/groupphoto/tasks"
)

// attempted writes the one event of an attempt, with everything that is known
// about it: who, what, what came back, what follows. Ends and postponements
// that made no call are events of their own name.
func (l *lane) attempted(r *run, c consequence) {
	message, level := "update.attempted", slog.LevelInfo
	follows := string(c.end)
	switch {
	case c.end == "":
		follows = "again"
		if !r.called {
			message = "update.postponed"
		}
		if !c.waiting {
			level = slog.LevelWarn
		}
	case !r.called:
		message = "update.ended"
	}
	if c.end == tasks.Failed || c.end == tasks.Refused {
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("id", r.ID), slog.String("group_id", string(r.Group)), slog.Int64("seq", r.claim.Seq),
		slog.String("outcome", follows), slog.Int("attempt", r.calls), slog.Int("spent", r.budget.spent),
		slog.Int("max_attempts", l.policy.Attempts),
	}
	if r.update.Campaign != "" {
		attrs = append(attrs, slog.String("campaign", r.update.Campaign))
	}
	if r.called {
		attrs = append(attrs, slog.Int("status", c.status), slog.Int64("call_ms", r.took.Milliseconds()),
			slog.Int64("wait_ms", r.waited.Milliseconds()), slog.Any("photo", r.ready.ref), slog.Int("photo_bytes", r.ready.bytes))
	}
	if c.value != nil {
		attrs = append(attrs, slog.Bool("value", *c.value))
	}
	if c.reason != "" {
		attrs = append(attrs, slog.String("reason", string(c.reason)), slog.String("detail", c.detail))
	}
	if c.end == "" {
		attrs = append(attrs, slog.Int64("again_ms", c.again.Milliseconds()))
	}
	l.log.LogAttrs(context.WithoutCancel(l.life), level, message, attrs...) //nolint:sloglint // one of three constants above
	r.called, r.late = false, 0
}
