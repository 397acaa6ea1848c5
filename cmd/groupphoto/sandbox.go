package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/internal/sandbox"
)

// maxMadeGroups bounds what the sandbox's page has to draw.
const maxMadeGroups = 10_000

const defaultSandboxAddr = "127.0.0.1:8088"

func (a *app) sandboxCommand() *cobra.Command {
	var addr string
	var dial []string
	var groups int
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run a simulated PlugChat, with failures on a dial",
		Long: `Run a simulated PlugChat, with failures on a dial. It accepts the token of
PLUGCHAT_TOKEN, or any when that is not set. Its page shows each group's photo;
point a worker at it with PLUGCHAT_BASE_URL. Every account is in every group, unless
the dial says otherwise: not-member:group=ID,account=HASH, with the account as the
log of calls shows it.`,
		Example: `  groupphoto sandbox --dial false:p=0.2 --dial 503:n=3
  groupphoto sandbox --groups 300`,
		Args:              arguments(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rules, err := parseRules(dial)
			if groups < 0 || groups > maxMadeGroups {
				err = errors.Join(err, fmt.Errorf("--groups: must be between 0 and %d", maxMadeGroups))
			}
			if err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return a.simulate(cmd.Context(), addr, groups, rules)
		},
	}
	cmd.Flags().StringVar(&addr, "addr", defaultSandboxAddr, "`address` to listen on")
	cmd.Flags().StringArrayVar(&dial, "dial", nil, "a `rule` of failure, such as false:p=0.2, 503:n=3 or slow:latency=2s; again for more")
	cmd.Flags().IntVar(&groups, "groups", 0, "so `many` groups from the beginning, for 'groupphoto groups' to list; others come into being when an update names them")
	return cmd
}

func parseRules(texts []string) ([]sandbox.Rule, error) {
	var rules []sandbox.Rule
	var r reader
	for _, text := range texts {
		rule, err := sandbox.ParseRule(text)
		if err != nil {
			r.note(fmt.Errorf("--dial %q: %w", clip(text, 60), err))
			continue
		}
		rules = append(rules, rule)
	}
	return rules, errors.Join(r.problems...)
}

func (a *app) simulate(ctx context.Context, addr string, groups int, rules []sandbox.Rule) error {
	c, err := a.config(ctx, nil)
	if err != nil {
		return err
	}
	box := sandbox.Config{Groups: groups}
	if c.token != "" {
		box.Tokens = append(box.Tokens, string(c.token))
	}
	l, _, err := listen(ctx, "--addr", addr, false)
	if err != nil {
		return err
	}
	s := startSandbox(ctx, l, box, nil)
	s.SetDial(rules...)
	fmt.Fprintf(a.err, "sandbox   %s   simulated PlugChat; nothing reaches WhatsApp\nworker    PLUGCHAT_BASE_URL=%s %s worker\n", s.url, s.url, a.program)
	select {
	case <-ctx.Done():
	case err := <-s.failed:
		return &exitError{exitFailure, errors.Join(err, s.stop(ctx))}
	}
	return s.stop(ctx)
}

// runningSandbox is a sandbox with the server it runs in.
type runningSandbox struct {
	*sandbox.Sandbox

	url    string
	server *http.Server
	cancel context.CancelFunc
	failed chan error
}

// startSandbox serves a sandbox on a listener. extra adds pages beside it.
func startSandbox(ctx context.Context, l net.Listener, cfg sandbox.Config, extra map[string]http.Handler) *runningSandbox {
	box := sandbox.New(cfg)
	mux := http.NewServeMux()
	mux.Handle("/", box)
	for path, h := range extra {
		mux.Handle(path, h)
	}
	// Requests live until the sandbox is told to stop, and no longer: one that
	// hangs on purpose must not hold up the end.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &runningSandbox{
		Sandbox: box, url: "http://" + reachable(l.Addr()), cancel: cancel, failed: make(chan error, 1),
		server: &http.Server{
			Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute,
			BaseContext: func(net.Listener) context.Context { return life },
		},
	}
	go func() {
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serving the sandbox: %w", err)
		}
		close(s.failed)
	}()
	return s
}

// stop ends the sandbox and waits until nothing of it runs.
func (s *runningSandbox) stop(ctx context.Context) error {
	s.cancel()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), webEnd)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("ending the sandbox: %w", err), s.server.Close())
	}
	for range s.failed { // Serve has returned when this is closed
	}
	return err
}
