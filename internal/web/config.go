package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
)

// Updates is what the API asks of a producer's client; *enqueue.Client is one.
type Updates interface {
	UpdateGroupPhoto(ctx context.Context, u enqueue.Update, opts ...enqueue.Option) (enqueue.Receipt, error)
	Outcome(ctx context.Context, id string, where ...enqueue.Where) (enqueue.Outcome, error)
	Wait(ctx context.Context, id string, where ...enqueue.Where) (enqueue.Outcome, error)
	Cancel(ctx context.Context, id, by string, where ...enqueue.Where) (enqueue.Details, error)
}

// Config says what a Server serves. Printed, it does not show the token.
type Config struct {
	// Updates takes and looks up updates. Required.
	Updates Updates
	// Redis is what the asynq web UI reads; it stays the caller's. Required.
	Redis redis.UniversalClient
	// Token is asked of everybody but health and the index page: as bearer token,
	// and in the asynq web UI also as the password of any user. Without it the
	// server serves loopback only.
	Token string
	// Actions lets people pause, run, archive and delete in the asynq web UI;
	// without it that is read-only.
	Actions bool
	// Ready says whether the process can do its work; nil asks Redis for an
	// answer. The text of a NotReady is shown to anybody, that of other errors
	// is only logged. It is asked with a time limit of two seconds.
	Ready func(context.Context) error
	// Logger gets one event per request; nil logs nothing.
	Logger *slog.Logger
}

// NotReady is one word or sentence for why the process is not ready. It is shown
// without a login, so it must name no address and no secret.
type NotReady string

// Error returns the text.
func (n NotReady) Error() string { return string(n) }

// String tells what is set, without the token.
func (c Config) String() string {
	return fmt.Sprintf("web.Config{token set: %t, actions: %t}", c.Token != "", c.Actions)
}

// GoString is String, so that %#v shows no more than %v.
func (c Config) GoString() string { return c.String() }

// LogValue is String as a slog value.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

func (c Config) check() error {
	var problems []error
	if c.Updates == nil {
		problems = append(problems, errors.New("no client to take updates is given"))
	}
	if c.Redis == nil {
		problems = append(problems, errors.New("no connection to Redis is given"))
	}
	return errors.Join(append(problems, CheckToken(c.Token))...)
}

// CheckToken returns an error when no Authorization header could carry the token.
// It does not repeat it. The empty token, which means none, is fine.
func CheckToken(token string) error {
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("GROUPPHOTO_HTTP_TOKEN has a space, a line break or a character beyond ASCII, which no Authorization header can carry; set another one")
	}
	return nil
}
