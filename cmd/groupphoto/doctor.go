package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// The levels of a finding.
const (
	levelOK      = "ok"
	levelWarning = "warning"
	levelError   = "error"
)

// finding is one thing that doctor has to say.
type finding struct {
	Section string   `json:"section"`
	Level   string   `json:"level"`
	What    string   `json:"what"`
	Mend    string   `json:"mend"`
	Setting *setting `json:"setting,omitempty"`
}

// statusTimeout bounds each question to the provider, and statusAtOnce how many
// are asked at a time.
const (
	statusTimeout = 10 * time.Second
	statusAtOnce  = 8
)

func (a *app) doctorCommand() *cobra.Command {
	var offline bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Show what is set, what is wrong and how to mend it",
		Long: `Show the effective settings with their source, secrets masked; what is to know
about Redis; whether each account is connected to WhatsApp and served by a worker,
and what holds it up; and when failed calls are tried again. Exit code 1 when
something is wrong.`,
		Args:              arguments(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.examine(cmd.Context(), offline)
		},
	}
	a.outputFlag(cmd)
	a.redisFlag(cmd)
	cmd.Flags().BoolVar(&offline, "offline", false, "ask neither Redis nor the provider")
	return cmd
}

func (a *app) examine(ctx context.Context, offline bool) error {
	// The library's own words about a Redis that is away are in the findings.
	redisconn.SetLibraryLogger(slog.New(slog.DiscardHandler))
	d := &doctor{app: a}
	c, err := a.config(ctx, nil)
	d.settings(c, err)
	var rdb redis.UniversalClient
	if !offline {
		rdb = d.redis(ctx, c)
	}
	if rdb != nil {
		defer rdb.Close() //nolint:errcheck // nothing was written
	}
	configured := d.accounts(ctx, c, offline)
	if rdb != nil {
		d.lanes(ctx, c, rdb, configured)
	}
	d.schedule(c, configured)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := a.printFindings(d.found); err != nil {
		return err
	}
	if d.wrong {
		return &exitError{code: exitFailure}
	}
	return nil
}

// doctor collects findings.
type doctor struct {
	app   *app
	found []finding
	wrong bool
}

func (d *doctor) note(section, level, what, mend string) {
	d.found = append(d.found, finding{Section: section, Level: level, What: what, Mend: mend})
	d.wrong = d.wrong || level == levelError
}

func (d *doctor) settings(c config, err error) {
	const section = "settings"
	for i, s := range c.shown {
		text := s.Value
		level := levelOK
		switch {
		case s.bad && text == "":
			level, text = levelWarning, "(cannot be used)"
		case s.bad:
			level = levelWarning // the error itself stands below
		case text == "":
			text = "(not set)"
		}
		d.found = append(d.found, finding{Section: section, Level: level, What: s.Name + " = " + text, Setting: &c.shown[i]})
	}
	if err != nil {
		for _, line := range problems(err) {
			d.note(section, levelError, line, "")
		}
	}
	for _, unknown := range unknownNames(d.app.env) {
		d.note(section, levelError, unknown.Error(), "")
	}
	if err := c.checkExposure(); err != nil {
		d.note(section, levelError, err.Error(), "")
	}
}

// redis looks at the server and returns a connection when it can be worked with,
// which then is the caller's to close.
func (d *doctor) redis(ctx context.Context, c config) redis.UniversalClient {
	const section = "redis"
	switch {
	case c.bad["REDIS_URL"]: // what stands in c is not what was asked for
		d.note(section, levelWarning, "not looked at: "+redisName(d.app.redis)+" cannot be used", "")
		return nil
	case c.redis.Embedded():
		d.note(section, levelWarning, "not looked at: an embedded Redis exists only inside the process that brings it", "")
		return nil
	}
	rdb, err := redisconn.Open(ctx, c.redis, redisconn.Options{Name: "groupphoto-doctor"})
	if err != nil {
		d.note(section, levelError, err.Error(), "")
		return nil
	}
	report, err := redisconn.Check(ctx, rdb)
	d.note(section, levelOK, strings.TrimSpace(fmt.Sprintf("%s answers, version %s %s", c.redis, orUnknown(report.Version), report.Mode)), "")
	if err != nil {
		d.note(section, levelError, err.Error(), "")
	}
	for _, f := range report.Findings {
		d.note(section, levelOf(f), f.What, f.Mend)
	}
	if err != nil { // such as the data of a newer program: nothing in it is to be trusted
		_ = rdb.Close()
		return nil
	}
	return rdb
}

// levelOf is how a finding is shown. What could not be read is no good news.
func levelOf(f redisconn.Finding) string {
	switch {
	case f.Level == redisconn.LevelError:
		return levelError
	case f.Level == redisconn.LevelWarning, strings.Contains(f.What, "could not be read"):
		return levelWarning
	default:
		return levelOK
	}
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

// accounts tells of the accounts configured here whether the provider says that
// they are connected, and returns those. One with a problem is not asked about.
func (d *doctor) accounts(ctx context.Context, c config, offline bool) []account {
	const section = "accounts"
	configured, err := c.accounts()
	switch {
	case errors.Is(err, errNoAccount):
		d.note(section, levelWarning, "no account is configured here, so this machine can enqueue updates but run no worker",
			"for a worker, set PLUGCHAT_TOKEN or GROUPPHOTO_ACCOUNTS_FILE")
	case err != nil:
		for _, line := range problems(err) {
			d.note(section, levelError, line, "")
		}
	}
	if c.bad["PLUGCHAT_TOKEN"] {
		d.note(section, levelWarning, "account "+tasks.DefaultAccount+": not looked at: PLUGCHAT_TOKEN cannot be used", "")
	}
	for i, s := range statuses(ctx, configured, offline) {
		d.note(section, s.Level, "account "+configured[i].name+": "+s.What, s.Mend)
	}
	return configured
}

// statuses asks the provider about every account, a few at a time.
func statuses(ctx context.Context, accounts []account, offline bool) []finding {
	list := make([]finding, len(accounts))
	var asking errgroup.Group
	asking.SetLimit(statusAtOnce)
	for i, account := range accounts {
		asking.Go(func() error {
			list[i] = status(ctx, account, offline)
			return nil
		})
	}
	_ = asking.Wait() // the findings carry what went wrong
	return list
}

func status(ctx context.Context, account account, offline bool) finding {
	caller, err := newCaller(account, statusTimeout)
	if err != nil {
		return finding{Level: levelError, What: strings.Join(problems(err), "; ")}
	}
	if offline {
		return finding{Level: levelOK, What: "is configured; its provider was not asked"}
	}
	defer caller.CloseIdle()
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	s, err := caller.Status(ctx)
	if err != nil {
		f := finding{Level: levelError, What: "the provider was asked in vain: " + err.Error()}
		if e, ok := errors.AsType[*plugchat.Error](err); ok {
			f.Mend = statusMend(e.Reason)
		}
		return f
	}
	if !s.Connected {
		return finding{
			Level: levelError, What: strings.TrimSuffix("is not connected to WhatsApp: "+s.Detail, ": "),
			Mend: statusMend(plugchat.ReasonDisconnected),
		}
	}
	return finding{Level: levelOK, What: "is connected to WhatsApp, says the provider"}
}

// statusMend is the mend of a reason without its last step: that is to run this
// very command, or to send again an update that there is none of.
func statusMend(reason string) string { return withoutCommand(mendOf(reason)) }

func withoutCommand(mend string) string {
	text, _, _ := strings.Cut(mend, ": groupphoto ")
	text, _, _ = strings.Cut(text, ", then")
	return text
}

func (a *app) printFindings(found []finding) error {
	if a.json() {
		for _, f := range found {
			if err := printJSON(a.out, f); err != nil {
				return err
			}
		}
		return nil
	}
	marks := map[string]string{levelOK: "✓", levelWarning: "!", levelError: "✗"}
	tab := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	section := ""
	for _, f := range found {
		if f.Section != section {
			if section != "" {
				fmt.Fprintln(tab)
			}
			section = f.Section
			fmt.Fprintln(tab, section)
		}
		switch {
		case f.Setting != nil:
			name, value, _ := strings.Cut(f.What, " = ")
			fmt.Fprintf(tab, "  %s %s\t%s\t%s\n", marks[f.Level], name, value, f.Setting.Source)
		default:
			fmt.Fprintf(tab, "  %s %s\n", marks[f.Level], withMend(f.What, f.Mend))
		}
	}
	if err := tab.Flush(); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}
