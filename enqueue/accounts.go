package enqueue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
)

// Account is a lane that updates can be enqueued for.
type Account struct {
	Name string
	// LastSeen is when a worker said last that it serves the account; zero for
	// one that has updates but never had a worker.
	LastSeen time.Time
	// Served says that a worker serves it now.
	Served bool
}

// Accounts lists the accounts that workers serve or ever served, and those that
// updates were enqueued for, by name.
func (c *Client) Accounts(ctx context.Context) ([]Account, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	known, err := c.ledger.Accounts(ctx)
	if err != nil {
		return nil, fault(ctx, "listing the accounts", err)
	}
	queues, err := inspector(ctx, c.rdb).Queues()
	if err != nil {
		return nil, fault(ctx, "listing the queues", err)
	}
	list := make([]Account, 0, len(known))
	for _, a := range known {
		list = append(list, Account{Name: a.Name, LastSeen: a.LastSeen, Served: a.Served})
	}
	named := func(name string) bool {
		return slices.ContainsFunc(list, func(a Account) bool { return a.Name == name })
	}
	for _, q := range queues {
		if name, ours := tasks.QueueAccount(q); ours && !named(name) {
			list = append(list, Account{Name: name})
		}
	}
	slices.SortFunc(list, func(a, b Account) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// accountBook remembers which accounts workers have served, so that a producer
// does not ask before every update.
type accountBook struct {
	mu    sync.Mutex
	names map[string]bool
	asked time.Time
}

// recheck is how long an account that was not in the book is believed to be
// unknown: a hundred thousand rows with a wrong name ask about once a second.
const recheck = time.Second

// checkAccount refuses an account that no worker has ever served, unless none
// has ever served any: then everything is new, and the worker is yet to start.
func (c *Client) checkAccount(ctx context.Context, name string) error {
	names, fresh := c.accounts.read()
	if names[name] || fresh {
		return unknownAccount(name, names)
	}
	// Without the lock: a Redis that does not answer must hold up no call
	// longer than that call's own context.
	known, err := c.ledger.Accounts(ctx)
	if err != nil {
		return fault(ctx, "checking the account", err)
	}
	names = make(map[string]bool, len(known))
	for _, a := range known {
		names[a.Name] = true
	}
	c.accounts.write(names)
	return unknownAccount(name, names)
}

// read returns the names, which nobody may change, and whether they are recent.
func (b *accountBook) read() (names map[string]bool, fresh bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.names, time.Since(b.asked) < recheck
}

func (b *accountBook) write(names map[string]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.names, b.asked = names, time.Now()
}

// CheckKnown says what is wrong with an account's name in the light of the
// accounts that workers have ever served: nil when it is among them or when
// there are none, else an error that matches ErrUnknownAccount, names them and
// points at the nearest spelling.
func CheckKnown(name string, served []string) error {
	names := make(map[string]bool, len(served))
	for _, s := range served {
		names[s] = true
	}
	return unknownAccount(name, names)
}

func unknownAccount(name string, known map[string]bool) error {
	if known[name] || len(known) == 0 {
		return nil
	}
	names := make([]string, 0, len(known))
	for k := range known {
		names = append(names, k)
	}
	slices.Sort(names)
	hint := ""
	if near := tasks.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	const most = 10 // a reader wants a hint, not a directory
	list := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return fmt.Errorf("account %q: %w; known: %s%s", name, ErrUnknownAccount, list, hint)
}
