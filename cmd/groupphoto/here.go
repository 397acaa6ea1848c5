package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redisconn/embedded"
	"github.com/plugchat-go/groupphoto/tasks"
)

// openHere starts a Redis and a worker for one account inside this process.
// There is nobody to share a pace with, so there is none.
func (a *app) openHere(ctx context.Context, c config) (*client, error) {
	accounts, err := c.accounts()
	if err != nil {
		return nil, err
	}
	chosen, err := choose(accounts, a.accountName())
	if err != nil {
		return nil, err
	}
	a.limitMemory(c)
	chosen.pace, chosen.concurrency = 0, 1
	// What the worker has to say is said by the narration, in better words.
	quiet := slog.New(slog.DiscardHandler)
	redisconn.SetLibraryLogger(quiet)
	server, err := embedded.Start(ctx)
	if err != nil {
		return nil, err
	}
	e, err := startEngine(ctx, engineConfig{
		redis: server.Spec(), config: c, accounts: []account{chosen}, log: quiet, checkInterval: fastCheck,
	})
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	gp, err := a.connectTo(ctx, c, server.Spec())
	if err != nil {
		return nil, errors.Join(err, e.stop(), server.Close())
	}
	closeClient := gp.close
	gp.drain = e.Shutdown
	gp.close = func() {
		if err := e.stop(); err != nil {
			fmt.Fprintln(a.err, "groupphoto: "+err.Error())
		}
		closeClient()
		_ = server.Close() // never fails; see its contract
	}
	return gp, nil
}

// choose finds the account of the command line among the configured ones.
func choose(accounts []account, name string) (account, error) {
	var names []string
	for _, candidate := range accounts {
		if candidate.name == name {
			return candidate, nil
		}
		names = append(names, candidate.name)
	}
	hint := ""
	if near := tasks.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return account{}, badInput(fmt.Errorf("account %q: is not configured here; known: %s%s", name, joinSome(names, 10), hint))
}
