package ledger_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// timeFields are the fields of an account's hashes that hold moments, but for those
// that are only shown.
var timeFields = []string{
	"next", "hold", "held_at", "suspect_hold", "probe_at", "probing", "widened_at", "rest", "free_at", "status_at", "lease", "granted", "asks",
	"p1 single", "p1 bulk", "p2 single", "p2 bulk",
}

// skip lets d go by without waiting for it, for the account and its calls: where the
// clock cannot be set, all that is stored moves back. Updates grow no older.
func (e *env) skip(t testing.TB, d time.Duration) {
	t.Helper()
	if e.mini != nil {
		e.pass(t, d)
		return
	}
	ctx := t.Context()
	for _, k := range e.rdb.Keys(ctx, key("*")).Val() {
		switch e.rdb.Type(ctx, k).Val() {
		case "hash":
			for field, value := range e.rdb.HGetAll(ctx, k).Val() {
				if slices.Contains(timeFields, field) {
					e.put(t, k, field, earlier(value, d))
				}
			}
		case "zset":
			for _, z := range e.rdb.ZRangeWithScores(ctx, k, 0, -1).Val() {
				must(t, e.rdb.ZAdd(ctx, k, redis.Z{Score: z.Score - float64(d.Milliseconds()), Member: z.Member}).Err())
			}
		}
	}
}

// earlier moves every moment of a value back; a value may hold a name too.
func earlier(value string, d time.Duration) string {
	words := strings.Fields(value)
	for i, word := range words {
		if at, err := strconv.ParseInt(word, 10, 64); err == nil {
			words[i] = strconv.FormatInt(at-d.Milliseconds(), 10)
		}
	}
	return strings.Join(words, " ")
}

// tick lets the clock go on by the least there is: what was granted in the same
// millisecond as trouble began counts as granted before.
func (e *env) tick(t testing.TB) { t.Helper(); e.pass(t, time.Millisecond) }
