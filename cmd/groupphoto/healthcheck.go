package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/spf13/cobra"
)

const (
	defaultHTTPAddr = "127.0.0.1:8080"
	// The container's own limit is three seconds.
	healthTimeout = 2 * time.Second
)

func (a *app) healthcheckCommand() *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a worker of this machine whether it is ready, for containers",
		Long: `Ask a worker of this machine whether it is ready: GET /readyz at --http or
GROUPPHOTO_HTTP_ADDR. Exit code 0 when it is, else 1.`,
		Args:              arguments(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Only this one setting: a health check must not fail for another.
			raw, _, _ := readSettings(cmd.Context(), a.env, map[string]string{"GROUPPHOTO_HTTP_ADDR": addr})
			at := raw.HTTPAddr
			if at == "" {
				at = defaultHTTPAddr
			}
			return ready(cmd.Context(), at)
		},
	}
	cmd.Flags().StringVar(&addr, "http", "", "`address` of the worker's web side (default GROUPPHOTO_HTTP_ADDR, else "+defaultHTTPAddr+")")
	return cmd
}

func ready(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return badInput(fmt.Errorf("GROUPPHOTO_HTTP_ADDR %q: must be host:port, such as %s", clip(addr, 60), defaultHTTPAddr))
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1" // listening everywhere includes here
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	// No proxy and no kept connection: one question to this machine.
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("not ready: %s does not answer: %w", addr, errors.Unwrap(err))
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 4<<10)) // the status is the answer
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s answers %d", addr, response.StatusCode)
	}
	return nil
}
