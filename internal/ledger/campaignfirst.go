package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	// lookChunks are asked for their states in one round trip: half a megabyte.
	lookChunks = 500
	// firstChunks are read at most of a part to find rows.
	firstChunks = 32
)

// EndKind is what rows have in common that ended alike.
type EndKind struct {
	State  tasks.State
	Reason tasks.Reason
}

// FirstRows returns the first rows of each kind in the order of their lines, as many
// as are wanted of it. It looks at the state of every row and reads few chunks, so
// that a kind that is rare among others of its state may not be found.
func (l *Ledger) FirstRows(ctx context.Context, c Campaign, wanted map[EndKind]int) (map[EndKind][]RowView, error) {
	found := map[EndKind][]RowView{}
	for _, account := range c.Accounts {
		if err := l.firstOf(ctx, c, account, maps.Clone(wanted), found); err != nil {
			return nil, err
		}
	}
	for kind, rows := range found {
		slices.SortFunc(rows, func(a, b RowView) int { return cmp.Compare(a.Given.Line, b.Given.Line) })
		found[kind] = rows[:min(len(rows), wanted[kind])]
	}
	return found, nil
}

// firstOf finds rows of one account; left is what is missing.
func (l *Ledger) firstOf(ctx context.Context, c Campaign, account string, left map[EndKind]int, found map[EndKind][]RowView) error {
	part := l.readerOf(c, account)
	chunks, err := l.chunksOf(ctx, account, c.ID)
	if err != nil {
		return err
	}
	read := 0
	for some := range slices.Chunk(chunks, lookChunks) {
		states := make([]*redis.StringCmd, len(some))
		if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, n := range some {
				states[i] = p.Get(ctx, chunkKey(part.key, 's', n))
			}
			return nil
		}); err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("looking at the states of rows: %w", err)
		}
		for i, n := range some {
			searched := searchedLetters(c, left)
			if searched == "" || read == firstChunks {
				return nil
			}
			if !strings.ContainsAny(states[i].Val(), searched) {
				continue
			}
			read++
			s := &stretch{l: l, part: part, chunks: []int64{n}, ahead: 1}
			if _, err := s.load(ctx); err != nil {
				return err
			}
			for _, row := range s.rows {
				kind := EndKind{row.State, row.End.Reason}
				if left[kind] > 0 {
					left[kind]--
					found[kind] = append(found[kind], row)
				}
			}
		}
	}
	return nil
}

// searchedLetters are those of the states that rows are missing of. In a closed
// campaign waiting rows count as what closed it.
func searchedLetters(c Campaign, left map[EndKind]int) string {
	var letters strings.Builder
	for kind, n := range left {
		if n <= 0 {
			continue
		}
		letters.WriteString(letterOf(kind.State))
		if kind.State == c.Closed {
			letters.WriteString("w")
		}
	}
	return letters.String()
}
