package ledger

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
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
	// Served says that at least one process serves it now, by Redis' clock.
	Served bool
}

// Serve says that a worker process serves the accounts now. process differs
// between processes and has no space in it.
func (l *Ledger) Serve(ctx context.Context, process string, names ...string) error {
	return l.serve(ctx, process, false, names)
}

// Withdraw says that a worker process no longer serves the accounts.
func (l *Ledger) Withdraw(ctx context.Context, process string, names ...string) error {
	return l.serve(ctx, process, true, names)
}

func (l *Ledger) serve(ctx context.Context, process string, stops bool, names []string) error {
	args := []any{process, flag(stops), millis(10 * ServedFor)}
	for _, name := range names {
		args = append(args, name)
	}
	if err := serveScript.Run(ctx, l.rdb, []string{keyAccounts, keyServing}, args...).Err(); err != nil {
		return fmt.Errorf("publishing the served accounts: %w", err)
	}
	return nil
}

// Accounts lists every account that a worker has ever served, by name.
func (l *Ledger) Accounts(ctx context.Context) ([]Account, error) {
	var seen, serving *redis.MapStringStringCmd
	var clock *redis.TimeCmd
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		seen, serving, clock = p.HGetAll(ctx, keyAccounts), p.HGetAll(ctx, keyServing), p.Time(ctx)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("reading the known accounts: %w", err)
	}
	served := map[string]bool{}
	for one, at := range serving.Val() {
		name, _, _ := strings.Cut(one, " ")
		served[name] = served[name] || clock.Val().Sub(stamp(at)) <= ServedFor
	}
	accounts := make([]Account, 0, len(seen.Val()))
	for name, at := range seen.Val() {
		accounts = append(accounts, Account{name, stamp(at), served[name]})
	}
	slices.SortFunc(accounts, func(a, b Account) int { return cmp.Compare(a.Name, b.Name) })
	return accounts, nil
}

// stamp reads a time that one of our own scripts wrote.
func stamp(text string) time.Time {
	ms, _ := strconv.ParseInt(text, 10, 64)
	return fromMillis(ms)
}
