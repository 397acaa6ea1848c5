package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
)

// client is an enqueue.Client with the connection it lives on.
type client struct {
	*enqueue.Client

	rdb   redis.UniversalClient
	close func()
	drain func() error // ends the worker in this process when its calls have; nil without one
}

// connect opens Redis and a client on it, for commands that ask and end.
func (a *app) connect(ctx context.Context, c config) (*client, error) {
	// What the library wants to say is in the error, in better words.
	redisconn.SetLibraryLogger(nil)
	return a.connectTo(ctx, c, c.redis)
}

func (a *app) connectTo(ctx context.Context, c config, spec redisconn.Spec) (*client, error) {
	if spec.Embedded() {
		return nil, badInput(fmt.Errorf("%s: embedded: is a Redis inside one process, which no other command can reach; use groupphoto dev, update --here, or give the address of a real one", redisName(a.redis)))
	}
	rdb, err := redisconn.Open(ctx, spec, redisconn.Options{Name: "groupphoto-cli"})
	if err != nil {
		return nil, err
	}
	gp, err := enqueue.New(rdb, enqueue.WithExpiry(c.expires), enqueue.WithKeep(c.keep), enqueue.WithFetchRules(c.photo.rules()))
	if err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	return &client{Client: gp, rdb: rdb, close: func() {
		_ = gp.Close() // it owns nothing that could fail: the connection is ours
		_ = rdb.Close()
	}}, nil
}

// where narrows the search for an update to the account that was asked for.
func (a *app) where() []enqueue.Where {
	if a.account == "" {
		return nil
	}
	return []enqueue.Where{enqueue.OfAccount(a.account)}
}

// explainMissing adds the mend to an id that nobody knows.
func explainMissing(err error) error {
	if errors.Is(err, enqueue.ErrNotFound) {
		return fmt.Errorf("%w; check the id, --account and REDIS_URL (outcomes are kept for GROUPPHOTO_KEEP)", err)
	}
	return err
}

// completeAccount offers the known accounts to the shell. A Redis that does not
// answer offers none: a shell must not be told errors.
func (a *app) completeAccount(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
	defer cancel()
	c, err := a.config(ctx, nil)
	if err != nil {
		return nil, none
	}
	gp, err := a.connect(ctx, c)
	if err != nil {
		return nil, none
	}
	defer gp.close()
	accounts, err := gp.Accounts(ctx)
	if err != nil {
		return nil, none
	}
	var names []string
	for _, account := range accounts {
		if strings.HasPrefix(account.Name, begun) {
			names = append(names, account.Name)
		}
	}
	return slices.Clip(names), none
}
