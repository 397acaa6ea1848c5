package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redisconn/embedded"
	"github.com/plugchat-go/groupphoto/internal/sandbox"
	"github.com/plugchat-go/groupphoto/internal/web"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

type devFlags struct {
	addr, sandboxAddr       string
	addrGiven, sandboxGiven bool
	noSamples, verbose      bool
}

const (
	// devPace keeps the order of things visible and the demonstration short.
	devPace = 200 * time.Millisecond
	// devToken is accepted by the sandbox of the same process alone.
	devToken = "sandbox"
)

func (a *app) devCommand() *cobra.Command {
	var f devFlags
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Try everything in one process: Redis, simulated PlugChat, worker, web UI, samples",
		Long: `Try everything in one process, without account, token, Docker or network: an
embedded Redis, a simulated PlugChat, a worker, the API and the asynq web UI, and
some sample updates. Nothing reaches WhatsApp. It leaves REDIS_URL and the
PLUGCHAT_ settings alone; only --redis makes it use a Redis of yours.`,
		Args:              arguments(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.addrGiven, f.sandboxGiven = cmd.Flags().Changed("addr"), cmd.Flags().Changed("sandbox-addr")
			return a.dev(cmd.Context(), f)
		},
	}
	a.outputFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&a.redis, "redis", "", "`URL` of a Redis of yours, best an empty database, without a password (default an embedded one)")
	flags.StringVar(&f.addr, "addr", defaultHTTPAddr, "`address` of the API and the asynq web UI; another port when it is taken")
	flags.StringVar(&f.sandboxAddr, "sandbox-addr", defaultSandboxAddr, "`address` of the simulated PlugChat; another port when it is taken")
	flags.BoolVar(&f.noSamples, "no-samples", false, "send no sample updates")
	flags.BoolVar(&f.verbose, "verbose", false, "show the worker's log from GROUPPHOTO_LOG_LEVEL on")
	return cmd
}

// devSettings are the settings that dev honours. All others speak of a Redis,
// a provider and places that it must not touch.
var devSettings = []string{
	"GROUPPHOTO_PHOTO_SIDE", "GROUPPHOTO_PHOTO_QUALITY", "GROUPPHOTO_PHOTO_MAX_BYTES", "GROUPPHOTO_PHOTO_MIN_SIDE",
	"GROUPPHOTO_PHOTO_FIT", "GROUPPHOTO_PHOTO_EXTREME", "GROUPPHOTO_PHOTO_BACKGROUND", "GROUPPHOTO_PHOTO_MEMORY",
	"GROUPPHOTO_TZ", "GROUPPHOTO_LOG_FORMAT", "GROUPPHOTO_LOG_LEVEL", "GROUPPHOTO_HTTP_TOKEN", "GROUPPHOTO_HTTP_TOKEN" + fileTail,
}

// devConfig is the configuration of the demonstration.
func (a *app) devConfig(ctx context.Context, addr string) (config, error) {
	env := maps.Clone(a.env)
	maps.DeleteFunc(env, func(name, _ string) bool {
		ours := strings.HasPrefix(name, ownPrefix) || strings.HasPrefix(name, providerPrefix) || strings.HasPrefix(name, "REDIS_URL")
		return ours && !slices.Contains(devSettings, name)
	})
	narrowed := *a
	narrowed.env = env
	c, err := narrowed.config(ctx, nil)
	if err != nil {
		return c, err
	}
	c.pace, c.jitter, c.concurrency = devPace, 0, 1
	c.photo.from.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	// A person at a screen waits for no minutes, and wants to see each refusal.
	c.policy.RefusalRetries, c.policy.Backoff, c.policy.MaxBackoff = -1, 2*time.Second, 30*time.Second
	c.policy.QuickBackoff = 200 * time.Millisecond
	return c, badInput(web.CheckExposure(addr, c.httpToken != ""))
}

// stage is everything that dev runs, in the order of its start.
type stage struct {
	redis  *embedded.Server // nil with a Redis of the user's own
	spec   redisconn.Spec
	box    *runningSandbox
	engine *engine
	gp     *client
	web    *webSide
}

func (a *app) dev(ctx context.Context, f devFlags) error {
	c, err := a.devConfig(ctx, f.addr)
	if err != nil {
		return err
	}
	log := &devLog{Handler: newLogger(a.err, devLogging(c, f.verbose), true, a.colour()).Handler(), verbose: f.verbose}
	a.limitMemory(c)
	redisconn.SetLibraryLogger(nil) // what is wrong at the start is told once, as the error
	var s stage
	err = a.setStage(ctx, f, c, slog.New(log), &s)
	if err == nil {
		redisconn.SetLibraryLogger(slog.New(log))
		a.banner(f, c, &s)
		err = a.perform(ctx, f, c, &s, log)
	}
	if s.engine != nil && err == nil {
		fmt.Fprintln(a.err, "\nending: calls under way are let finish")
	}
	if err = errors.Join(err, s.strike(ctx)); err != nil {
		if _, coded := errors.AsType[*exitError](err); !coded {
			err = &exitError{exitFailure, err}
		}
		return err
	}
	fmt.Fprintln(a.err, "ended")
	return nil
}

// devLogging shows info, so that devLog can let through what a person wants.
func devLogging(c config, verbose bool) config {
	if c.logFormat == "auto" {
		c.logFormat = "text"
	}
	if !verbose {
		c.logLevel = max(slog.LevelInfo, c.logLevel)
	}
	return c
}

// setStage starts everything. After an error, strike ends what had started.
func (a *app) setStage(ctx context.Context, f devFlags, c config, log *slog.Logger, s *stage) error {
	web, _, err := listen(ctx, "--addr", f.addr, !f.addrGiven)
	if err != nil {
		return err
	}
	simulated, _, err := listen(ctx, "--sandbox-addr", f.sandboxAddr, !f.sandboxGiven)
	if err != nil {
		return errors.Join(err, web.Close())
	}
	c.photo.from.Own = own(web)
	s.box = startSandbox(ctx, simulated, sandbox.Config{Tokens: []string{devToken}}, map[string]http.Handler{samplePath: samplePage()})
	if err := a.setEngine(ctx, c, log, s); err != nil {
		return errors.Join(err, web.Close())
	}
	//nolint:contextcheck // the web side lives until strike stops it
	s.web, err = serveWeb(web, s.gp, webConfig{token: string(c.httpToken), actions: true, log: log, ready: s.engine.Ready})
	return err
}

func (a *app) setEngine(ctx context.Context, c config, log *slog.Logger, s *stage) error {
	s.spec = c.redis
	var err error
	if a.redis == "" || c.redis.Embedded() {
		if s.redis, err = embedded.Start(ctx); err != nil {
			return err
		}
		s.spec = s.redis.Spec()
	}
	main := c.template(tasks.DefaultAccount, plugchat.Secret(devToken))
	main.baseURL = s.box.url
	s.engine, err = startEngine(ctx, engineConfig{
		redis: s.spec, config: c, accounts: []account{main}, log: log, checkInterval: fastCheck,
	})
	if err != nil {
		return err
	}
	s.gp, err = a.connectTo(ctx, c, s.spec)
	return err
}

// strike ends everything in the reverse order of its start.
func (s *stage) strike(ctx context.Context) error {
	var problems []error
	if s.engine != nil {
		problems = append(problems, s.engine.stop())
	}
	if s.web != nil {
		problems = append(problems, s.web.stop(ctx))
	}
	if s.gp != nil {
		s.gp.close()
	}
	if s.box != nil {
		problems = append(problems, s.box.stop(ctx))
	}
	if s.redis != nil {
		problems = append(problems, s.redis.Close())
	}
	return errors.Join(problems...)
}

// perform runs the samples, tells how to go on, and waits for the end.
func (a *app) perform(ctx context.Context, f devFlags, c config, s *stage, log *devLog) error {
	if !f.noSamples {
		if err := a.showSamples(ctx, s); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	log.audience.Store(true)
	a.invite(c, s)
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.web.failed:
		return err
	case err := <-s.box.failed:
		return err
	}
}

// bannerAddr tells when a port is not the usual one.
func bannerAddr(url, wanted string) string {
	if _, port, err := net.SplitHostPort(wanted); err == nil && !strings.HasSuffix(url, ":"+port) && port != "0" {
		return fmt.Sprintf("   (port %s is taken)", port)
	}
	return ""
}
