package enqueue

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// Past narrows which ends of updates Outcomes lists. The zero value is all that
// are kept.
type Past struct {
	Account string         // "": all accounts
	Group   tasks.GroupID  // "": all groups
	States  []State        // none: all that end an update
	Reasons []tasks.Reason // none: all, with or without a reason
	Since   time.Time      // ends at this moment or later, by Redis' clock; zero: all
}

// pastPage is how many ends are read at a time.
const pastPage = 200

// Outcomes lists how updates ended, the last end first, as far back as outcomes
// are kept. Of an update that was sent again since, the earlier end is there too,
// with id, account, group, state, reason and time alone. The sequence ends after
// its first error, which is one of Redis or of ctx. What ends while it is read
// need not be in it.
func (c *Client) Outcomes(ctx context.Context, past Past) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		accounts := []string{past.Account}
		if past.Account == "" {
			known, err := c.Accounts(ctx)
			if err != nil {
				yield(Outcome{}, err)
				return
			}
			accounts = accounts[:0]
			for _, a := range known {
				accounts = append(accounts, a.Name)
			}
		} else if err := c.ready(ctx); err != nil {
			yield(Outcome{}, err)
			return
		}
		lanes := make([]*pastLane, len(accounts))
		for i, name := range accounts {
			lanes[i] = &pastLane{ledger: c.ledger, account: name, past: past, seen: map[string]bool{}}
		}
		for {
			newest, err := newestOf(ctx, lanes)
			if err != nil {
				yield(Outcome{}, fault(ctx, "listing outcomes", err))
				return
			}
			if newest == nil || !yield(newest.take(), nil) {
				return
			}
		}
	}
}

// newestOf returns the lane whose next end is the last one; nil after the last.
func newestOf(ctx context.Context, lanes []*pastLane) (*pastLane, error) {
	for _, lane := range lanes {
		if err := lane.fill(ctx); err != nil {
			return nil, fmt.Errorf("account %s: %w", lane.account, err)
		}
	}
	open := slices.DeleteFunc(slices.Clone(lanes), func(l *pastLane) bool { return len(l.next) == 0 })
	if len(open) == 0 {
		return nil, nil //nolint:nilnil // "none" is an answer here
	}
	return slices.MaxFunc(open, func(a, b *pastLane) int { return cmp.Compare(a.next[0].at.UnixMilli(), b.next[0].at.UnixMilli()) }), nil
}

// pastLane reads one account's ends, page by page.
type pastLane struct {
	ledger  *ledger.Ledger
	account string
	past    Past
	before  string
	done    bool
	seen    map[string]bool // ids whose last end has been read
	next    []pastEnd
}

type pastEnd struct {
	outcome Outcome
	at      time.Time
}

func (l *pastLane) take() Outcome {
	o := l.next[0].outcome
	l.next = l.next[1:]
	return o
}

// fill reads on until there is an end that is wanted, or none is left.
func (l *pastLane) fill(ctx context.Context) error {
	for len(l.next) == 0 && !l.done {
		page, err := l.ledger.Past(ctx, l.account, l.before, l.past.Since, pastPage)
		if err != nil {
			return err
		}
		if l.done = len(page) < pastPage; len(page) > 0 {
			l.before = page[len(page)-1].Position
		}
		if err := l.choose(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

func (l *pastLane) choose(ctx context.Context, page []ledger.End) error {
	var wanted, earlier []ledger.End
	for _, end := range page {
		again := l.seen[end.ID]
		l.seen[end.ID] = true
		switch {
		case !l.past.wants(end):
		case again:
			earlier = append(earlier, end)
		default:
			wanted = append(wanted, end)
		}
	}
	outcomes, err := l.ledger.Ended(ctx, l.account, wanted)
	if err != nil {
		return err
	}
	for i, end := range wanted {
		l.next = append(l.next, pastEnd{outcomes[i], end.At()})
	}
	for _, end := range earlier { // what the record says is about a later end
		l.next = append(l.next, pastEnd{end.Outcome(l.account), end.At()})
	}
	slices.SortStableFunc(l.next, func(a, b pastEnd) int { return b.at.Compare(a.at) })
	return nil
}

func (p Past) wants(end ledger.End) bool {
	return (p.Group == "" || p.Group == end.Group) &&
		(len(p.States) == 0 || slices.Contains(p.States, end.State)) &&
		(len(p.Reasons) == 0 || slices.Contains(p.Reasons, end.Reason))
}
