package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Repair is one group whose newest photo may have been overwritten by an older
// call that was answered late: the photo of update ID, whose place in the order is
// Seq, is to be shown again in that same place.
type Repair struct {
	ID  string
	Seq int64

	entry string
}

// Repairs lists what is to be repaired, in no order.
func (l *Ledger) Repairs(ctx context.Context, account string) ([]Repair, error) {
	entries, err := l.rdb.SMembers(ctx, keyRepairs(account)).Result()
	if err != nil {
		return nil, fmt.Errorf("reading what is to be repaired: %w", err)
	}
	repairs := make([]Repair, 0, len(entries))
	for _, entry := range entries {
		seq, id, _ := strings.Cut(entry, " ")
		n, err := strconv.ParseInt(seq, 10, 64)
		if err != nil {
			continue // not ours
		}
		repairs = append(repairs, Repair{ID: id, Seq: n, entry: entry})
	}
	return repairs, nil
}

// Repaired forgets a repair that has been enqueued.
func (l *Ledger) Repaired(ctx context.Context, account string, r Repair) error {
	if err := l.rdb.SRem(ctx, keyRepairs(account), r.entry).Err(); err != nil {
		return fmt.Errorf("noting a repair: %w", err)
	}
	return nil
}
