package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redisconn/embedded"
)

type workerFlags struct {
	http        string
	photoMode   string
	httpActions bool
	httpTimeout durationFlag
}

func (a *app) workerCommand() *cobra.Command {
	var f workerFlags
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Carry out the updates of all configured accounts",
		Long: `Carry out the updates of all configured accounts, until SIGTERM or Ctrl-C: then it
takes no new work, lets the calls under way end, and stops. A second signal ends
it at once. SIGTSTP only stops taking new work.`,
		Args:              arguments(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("http-timeout") && (f.httpTimeout.duration() < time.Second || f.httpTimeout.duration() > 5*time.Minute) {
				return &usageError{cmd.CommandPath(), errors.New("--http-timeout: must be from 1s to 5m")}
			}
			return a.work(cmd.Context(), f)
		},
	}
	a.redisFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.http, "http", "", "serve the API, the asynq web UI and health at this `address` (default GROUPPHOTO_HTTP_ADDR)")
	flags.BoolVar(&f.httpActions, "http-actions", false, "let people pause, run, archive and delete in the asynq web UI")
	flags.StringVar(&f.photoMode, "photo-mode", "", "jpeg makes the photo here; url passes `URL`s on to the provider (default GROUPPHOTO_PHOTO_MODE)")
	flags.Var(&f.httpTimeout, "http-timeout", "how long one call of the provider may take (default 90 s)")
	return cmd
}

// workerSetup is everything a worker needs that can be wrong before it starts.
type workerSetup struct {
	config   config
	accounts []account
}

// setUp collects every problem of the configuration.
func (a *app) setUp(ctx context.Context, f workerFlags) (workerSetup, error) {
	var s workerSetup
	var r reader
	var err error
	s.config, err = a.config(ctx, map[string]string{"GROUPPHOTO_HTTP_ADDR": f.http, "GROUPPHOTO_PHOTO_MODE": f.photoMode})
	r.note(err)
	s.accounts, err = s.config.accounts()
	r.note(err)
	_, err = callers(s.accounts, f.httpTimeout.duration())
	r.note(err)
	r.note(s.config.checkExposure())
	return s, badInput(errors.Join(r.problems...))
}

func (a *app) work(ctx context.Context, f workerFlags) error {
	s, err := a.setUp(ctx, f)
	if err != nil {
		return err
	}
	a.limitMemory(s.config)
	log := a.logger(s.config)
	redisconn.SetLibraryLogger(nil) // what is wrong at the start is told once, as the error
	for _, unknown := range unknownNames(a.env) {
		log.WarnContext(ctx, "settings.unknown", "what", unknown.Error())
	}
	spec := s.config.redis
	if spec.Embedded() {
		server, err := embedded.Start(ctx)
		if err != nil {
			return err
		}
		defer server.Close() //nolint:errcheck // never fails; see its contract
		spec = server.Spec()
		log.WarnContext(ctx, "redis.embedded", "url", server.URL(), "note", "everything in it ends with this process")
	}
	var l net.Listener
	if s.config.httpAddr != "" { // before any update is taken: a taken port must not end a worker at work
		if l, _, err = listen(ctx, "the HTTP address", s.config.httpAddr, false); err != nil {
			return err
		}
		defer l.Close() //nolint:errcheck // closed already, but after an error on the way there
		s.config.photo.from.Own = own(l)
	}
	e, err := startEngine(ctx, engineConfig{
		redis: spec, config: s.config, accounts: s.accounts, log: log, httpTimeout: f.httpTimeout.duration(),
	})
	if err != nil {
		return err
	}
	redisconn.SetLibraryLogger(log)
	return a.serve(ctx, s, f, l, spec, e, log)
}

// serve adds the web side to a running worker, if it is given a listener, and
// waits for the end.
func (a *app) serve(ctx context.Context, s workerSetup, f workerFlags, l net.Listener, spec redisconn.Spec, e *engine, log *slog.Logger) error {
	var side *webSide
	failed := make(chan error) // never told where there is no web side
	url := ""
	if l != nil {
		gp, err := a.connectTo(ctx, s.config, spec)
		if err != nil {
			return errors.Join(err, e.stop())
		}
		defer gp.close()
		//nolint:contextcheck // the web side lives until its stop, beyond ctx: it answers while the worker drains
		side, err = serveWeb(l, gp, webConfig{
			token: string(s.config.httpToken), actions: f.httpActions, log: log, ready: e.Ready,
		})
		if err != nil {
			return errors.Join(badInput(err), e.stop())
		}
		failed, url = side.failed, side.url
	}
	log.InfoContext(ctx, "worker.started", "version", version, "redis", spec, "http", url, "accounts", describe(s.accounts))
	var broken error
	quiet := quietSignals(ctx)
	for waiting := true; waiting; {
		select {
		case <-ctx.Done():
			waiting = false
		case broken = <-failed:
			waiting = false
		case <-quiet:
			log.InfoContext(ctx, "worker.quiet", "note", "takes no new work; SIGTERM ends it")
			e.Quiet()
		}
	}
	log.InfoContext(ctx, "worker.draining")
	began := time.Now()
	err := e.stop()
	if side != nil {
		err = errors.Join(err, side.stop(ctx))
	}
	if err = errors.Join(broken, err); err != nil {
		return &exitError{exitFailure, err}
	}
	log.InfoContext(ctx, "worker.stopped", "drain_ms", time.Since(began).Milliseconds())
	return nil
}

// describe names the accounts with what matters of them, without secrets.
func describe(accounts []account) string {
	texts := make([]string, len(accounts))
	for i, account := range accounts {
		texts[i] = fmt.Sprintf("%s (%s, %s, %d in flight)", account.name, account.baseURL, pace(account), account.concurrency)
	}
	return joinSome(texts, 10)
}

func pace(a account) string {
	if a.pace == 0 {
		return "no pace"
	}
	return fmt.Sprintf("every %s ± %.0f %%", short(a.pace), a.jitter*100)
}

// joinSome lists the first few of many.
func joinSome(texts []string, most int) string {
	if len(texts) <= most {
		return strings.Join(texts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], ", "), len(texts)-most)
}

// fastCheck is how often an idle worker looks into its queues where a person
// watches and nobody else needs the Redis.
const fastCheck = 50 * time.Millisecond
