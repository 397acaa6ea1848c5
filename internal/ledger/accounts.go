package ledger

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"time"
)

//go:embed serve.lua
var serveLua string

var serveScript = newScript(serveLua)

// ServedFor is how long an account counts as served after a worker said so
// last; workers say it three times as often.
const ServedFor = 30 * time.Second

// Account is a name that a worker serves or served.
type Account struct {
	Name     string
	LastSeen time.Time
}

// Serve says that this process serves the accounts now.
func (l *Ledger) Serve(ctx context.Context, names ...string) error {
	args := make([]any, len(names))
	for i, name := range names {
		args[i] = name
	}
	if err := serveScript.Run(ctx, l.rdb, []string{keyAccounts}, args...).Err(); err != nil {
		return fmt.Errorf("publishing the served accounts: %w", err)
	}
	return nil
}

// Accounts lists every account that a worker has ever served, by name.
func (l *Ledger) Accounts(ctx context.Context) ([]Account, error) {
	seen, err := l.rdb.HGetAll(ctx, keyAccounts).Result()
	if err != nil {
		return nil, fmt.Errorf("reading the known accounts: %w", err)
	}
	accounts := make([]Account, 0, len(seen))
	for name, at := range seen {
		ms, _ := strconv.ParseInt(at, 10, 64) // written by our own script
		accounts = append(accounts, Account{name, fromMillis(ms)})
	}
	slices.SortFunc(accounts, func(a, b Account) int { return cmp.Compare(a.Name, b.Name) })
	return accounts, nil
}

// Served tells which of the known accounts a worker serves at the moment, by
// Redis' clock.
func (l *Ledger) Served(ctx context.Context) (map[string]bool, error) {
	accounts, err := l.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	at, err := l.rdb.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("asking Redis for the time: %w", err)
	}
	served := make(map[string]bool, len(accounts))
	for _, a := range accounts {
		served[a.Name] = at.Sub(a.LastSeen) <= ServedFor
	}
	return served, nil
}
