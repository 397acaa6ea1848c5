package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/plugchat-go/groupphoto/tasks"
)

// banner tells where everything is.
func (a *app) banner(f devFlags, c config, s *stage) {
	where := "embedded, ends with this process"
	if s.redis == nil {
		where = "yours"
	}
	fmt.Fprintf(a.err, `groupphoto dev   one process, a simulated PlugChat: nothing reaches WhatsApp

  group photos   %s/%s
  asynq web UI   %s/monitoring/
  API            %s/v1/updates%s
  Redis          %s   (%s)

`, s.box.url, bannerAddr(s.box.url, f.sandboxAddr), s.web.url, s.web.url, bannerAddr(s.web.url, f.addr), s.spec, where)
	for _, name := range []string{"REDIS_URL", "PLUGCHAT_TOKEN", "GROUPPHOTO_ACCOUNTS_FILE"} {
		if a.env[name] != "" {
			fmt.Fprintf(a.err, "  %s is set, and dev leaves it alone\n\n", name)
		}
	}
	if c.httpToken != "" {
		fmt.Fprint(a.err, "  GROUPPHOTO_HTTP_TOKEN is set: the API and the asynq web UI ask for it\n\n")
	}
}

// showSamples sends the samples and says of each how it ended and why.
func (a *app) showSamples(ctx context.Context, s *stage) error {
	ends, err := sendSamples(ctx, s.gp, s.box)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "sending %d sample updates:\n", len(samples()))
	var failed error
	for e := range ends {
		switch {
		case ctx.Err() != nil:
		case e.err != nil:
			failed = fmt.Errorf("sample %s: %w", e.sample.name, e.err)
		default:
			a.showEnd(e, s)
		}
		if a.json() && e.err == nil {
			if err := printJSON(a.out, e.outcome); err != nil {
				failed = err
			}
		}
	}
	return failed
}

func (a *app) showEnd(e ended, s *stage) {
	mark, tint := "✓", "32"
	if e.outcome.State != tasks.Updated {
		mark, tint = "✗", "31"
	}
	word := fmt.Sprintf("%s %-9s", mark, e.outcome.State)
	if a.colour() {
		word = "\x1b[" + tint + "m" + word + "\x1b[0m"
	}
	line := fmt.Sprintf("  %s  %-15s %-10s %6s   %s", word, e.sample.name, attempts(e.outcome.Attempts), short(e.outcome.Duration()), a.story(e, s))
	fmt.Fprintln(a.err, strings.TrimRight(line, " "))
}

// story says why a sample ended as it did, by what the sandbox answered.
func (a *app) story(e ended, s *stage) string {
	if reason := why(e.outcome); reason != "" {
		return reason
	}
	var failures []string
	for _, call := range s.box.Calls() {
		if call.GroupID == e.sample.group && call.Status != 200 {
			failures = append(failures, strconv.Itoa(call.Status))
		}
	}
	switch {
	case len(failures) > 0:
		return "was answered " + strings.Join(failures, ", ") + " and tried again"
	case e.sample.byURL:
		return "from a URL, fetched by the worker"
	default:
		return "from a " + strings.ToUpper(e.sample.format)
	}
}

// invite gives a line that works when pasted into another terminal.
func (a *app) invite(c config, s *stage) {
	photo := s.box.url + samplePath + "logo.png"
	const group = "120363019502650977-group"
	auth := ""
	if c.httpToken != "" {
		auth = ` -H "Authorization: Bearer $GROUPPHOTO_HTTP_TOKEN"`
	}
	redis := s.spec.String()
	fmt.Fprintf(a.err, `
your turn, in another terminal:

  %s update --redis %s --group %s --photo %s --wait 30s

  curl -s %s/v1/updates%s -H "Content-Type: application/json" -d '{"groupId":"%s","groupPhoto":"%s"}'

Ctrl-C ends it
`, a.program, redis, group, photo, s.web.url, auth, group, photo)
}

// devLog lets through what a person at dev's screen wants to see: trouble, and
// after the samples, which are told in words, every update. With verbose it lets
// through everything.
type devLog struct {
	slog.Handler

	verbose  bool
	audience atomic.Bool
	parent   *devLog
}

func (d *devLog) root() *devLog {
	if d.parent != nil {
		return d.parent
	}
	return d
}

// Handle drops records that would only repeat or disturb what dev says itself.
func (d *devLog) Handle(ctx context.Context, r slog.Record) error {
	update := strings.HasPrefix(r.Message, "update.")
	switch {
	case d.verbose:
	case update && !d.root().audience.Load():
		return nil
	case !update && r.Level < slog.LevelWarn:
		return nil
	case r.Message == "redis.finding": // of the embedded Redis, or said by doctor
		return nil
	case r.Message == "engine" && r.Level < slog.LevelError: // it repeats what the ledger knows better
		return nil
	}
	return d.Handler.Handle(ctx, r)
}

// WithAttrs keeps the filter around the narrower handler.
func (d *devLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &devLog{Handler: d.Handler.WithAttrs(attrs), verbose: d.verbose, parent: d.root()}
}

// WithGroup keeps the filter around the narrower handler.
func (d *devLog) WithGroup(name string) slog.Handler {
	return &devLog{Handler: d.Handler.WithGroup(name), verbose: d.verbose, parent: d.root()}
}
