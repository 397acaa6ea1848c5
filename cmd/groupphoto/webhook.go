package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/internal/webhook"
)

// webhook reads where events go and what signs them. A URL without a secret is
// as useless as a secret without a URL.
func (r *reader) webhook(raw rawSettings, nat64 bool) webhook.Config {
	const address, signing = "GROUPPHOTO_WEBHOOK_URL", "GROUPPHOTO_WEBHOOK_SECRET"
	c := webhook.Config{
		URL: raw.WebhookURL, Allow: r.prefixes("GROUPPHOTO_WEBHOOK_ALLOW", raw.WebhookAllow), NAT64: nat64, UserAgent: "groupphoto/" + version,
	}
	texts := strings.FieldsFunc(raw.WebhookSecret, func(c rune) bool { return c == ' ' || c == ',' })
	for i, text := range texts {
		secret, err := webhook.ParseSecret(text)
		if err != nil {
			r.failed(signing, fmt.Errorf("%s: secret %d of %d %w", signing, i+1, len(texts), err))
		}
		c.Secrets = append(c.Secrets, secret)
	}
	switch {
	case len(texts) > 2:
		r.failed(signing, fmt.Errorf("%s: holds %d secrets; give the one that signs, and while it is new the one before", signing, len(texts)))
	case raw.WebhookURL != "" && len(texts) == 0 && !r.bad[signing]: // what cannot be read has been told
		r.failed(signing, fmt.Errorf("%s: is missing, and %s is set; make one with: echo whsec_$(openssl rand -base64 32)", signing, address))
	case raw.WebhookURL == "" && len(texts) > 0 && !r.bad[address]:
		r.failed(address, fmt.Errorf("%s: is missing, and %s is set; set both or none", address, signing))
	}
	if raw.WebhookURL != "" {
		if err := c.CheckURL(); err != nil {
			r.failed(address, fmt.Errorf("%s: %w", address, err))
		}
	}
	return c
}

// newHook makes the sender of events; nil when none is configured.
func newHook(c config) (*webhook.Sender, error) {
	if c.webhook.URL == "" {
		return nil, nil
	}
	hook := c.webhook
	hook.Own = c.photo.from.Own
	sender, err := webhook.New(hook)
	return sender, badInput(err)
}

func (a *app) webhookCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhook",
		Short: "Look after the webhook that is told when an account is paused or goes on",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return &usageError{cmd.CommandPath(), unknownCommand(cmd, args[0])}
		},
	}
	cmd.AddCommand(a.webhookTestCommand())
	return cmd
}

func (a *app) webhookTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send one event of the type test, and show what came back",
		Long: `Send one event of the type test to GROUPPHOTO_WEBHOOK_URL, signed with
GROUPPHOTO_WEBHOOK_SECRET, and show what came back. It is sent once. Neither Redis
nor the provider is asked.

Exit codes: 0 the receiver took it, 1 it did not, 2 the settings cannot be used.`,
		Args:              arguments(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.testWebhook(cmd.Context())
		},
	}
	a.outputFlag(cmd)
	return cmd
}

// hookFacts is the JSON of one sending.
type hookFacts struct {
	ID                string  `json:"id"`
	Type              string  `json:"type"`
	Host              string  `json:"host"`
	Accepted          bool    `json:"accepted"`
	HTTPStatus        int     `json:"httpStatus"` // 0 when there was no answer
	Permanent         bool    `json:"permanent"`
	RetryAfterSeconds float64 `json:"retryAfterSeconds"`
	Detail            string  `json:"detail"`
	DurationMs        int64   `json:"durationMs"`
}

func (a *app) testWebhook(ctx context.Context) error {
	c, err := a.config(ctx, nil)
	if err != nil {
		return err
	}
	hook, err := newHook(c)
	switch {
	case err != nil:
		return err
	case hook == nil:
		return badInput(errors.New("no webhook is configured: set GROUPPHOTO_WEBHOOK_URL and GROUPPHOTO_WEBHOOK_SECRET"))
	}
	defer hook.CloseIdle()
	began := time.Now()
	e := webhook.Event{
		ID: "test-" + rand.Text(), Type: "test", Time: began,
		Data: map[string]string{"note": "sent by hand, with groupphoto webhook test"},
	}
	status, err := hook.Post(ctx, e)
	facts := hookFacts{ID: e.ID, Type: e.Type, Host: hook.Host(), Accepted: err == nil, HTTPStatus: status, DurationMs: time.Since(began).Milliseconds()}
	fail, failed := errors.AsType[*webhook.Error](err)
	if err != nil && !failed {
		return err // interrupted
	}
	if failed {
		facts.Permanent, facts.RetryAfterSeconds, facts.Detail = fail.Permanent, fail.RetryAfter.Seconds(), fail.Detail
	}
	if err := a.printHookFacts(facts); err != nil {
		return err
	}
	if failed {
		return &exitError{code: exitFailure}
	}
	return nil
}

func (a *app) printHookFacts(f hookFacts) error {
	if a.json() {
		return printJSON(a.out, f)
	}
	word, answer, wait := "accepted", "none", ""
	if !f.Accepted {
		word = "not accepted"
	}
	took := time.Duration(f.DurationMs) * time.Millisecond
	if f.HTTPStatus != 0 {
		answer = fmt.Sprintf("HTTP %d in %s", f.HTTPStatus, short(took))
	}
	if f.RetryAfterSeconds > 0 {
		wait = "asks for " + short(time.Duration(f.RetryAfterSeconds*float64(time.Second)))
	}
	return printFields(a.out, word, "by "+f.Host, "id", f.ID, "answer", answer, "why", f.Detail, "wait", wait)
}
