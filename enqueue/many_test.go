package enqueue_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// manyRows gives n rows with ids row-0…, over three accounts, and counts those
// that were read.
func manyRows(n int, read *int) iter.Seq[enqueue.Row] {
	return func(yield func(enqueue.Row) bool) {
		for i := range n {
			*read++
			u := enqueue.Update{GroupID: benchGroup(i), Photo: enqueue.Bytes(png), Account: []string{"main", "b", "c"}[i%3]}
			if !yield(enqueue.Row{Update: u, Options: []enqueue.Option{enqueue.ID("row-" + strconv.Itoa(i))}}) {
				return
			}
		}
	}
}

func TestUpdateMany_MixedRows(t *testing.T) {
	t.Parallel()
	// Given rows of three accounts with bad, repeated, reused and scheduled ones
	// in between, when they are enqueued together, then each has its result, in
	// order, and good rows do not suffer from bad ones.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := open(t, rdb)
		var rows []enqueue.Row
		read := 0
		for row := range manyRows(700, &read) {
			rows = append(rows, row)
		}
		rows[10].Update.GroupID = "nobody"
		rows[20].Options = append(rows[20].Options, enqueue.ID("twice"))
		rows[306] = rows[303] // the same account: a duplicate in the next batch
		rows[40] = rows[37]   // and in the same batch
		rows[52].Options = rows[49].Options
		rows[60].Options = append(rows[60].Options, enqueue.In(enqueue.DefaultExpiry))
		rows[699].Update.Photo = enqueue.File("/no/such/file")
		i := 0
		for r := range gp.UpdateMany(t.Context(), slices.Values(rows)) {
			if r.Index != i {
				t.Fatalf("result %d has index %d", i, r.Index)
			}
			checkMixed(t, r)
			i++
		}
		if i != 700 {
			t.Errorf("%d results, want 700", i)
		}
		if info := task(t, rdb, "b", "row-1"); info.State.String() != "pending" {
			t.Errorf("row 1 is %s", info.State)
		}
		if info := task(t, rdb, "main", "row-60"); info.State.String() != "scheduled" {
			t.Errorf("row 60 is %s", info.State)
		}
		photos, err := rdb.Keys(t.Context(), "groupphoto:photo:*").Result()
		if err != nil || len(photos) != 1 {
			t.Errorf("photos in the store: %v, %v; want one", photos, err)
		}
	})
}

func checkMixed(t *testing.T, r enqueue.Result) {
	t.Helper()
	want := map[int]error{10: enqueue.ErrGroupID, 20: enqueue.ErrInvalid, 52: enqueue.ErrIDReused, 699: enqueue.ErrPhoto}[r.Index]
	if want != nil {
		if !errors.Is(r.Err, want) || !strings.Contains(r.Err.Error(), "row "+strconv.Itoa(r.Index)) {
			t.Errorf("row %d: got %v, want %v", r.Index, r.Err, want)
		}
		return
	}
	if r.Err != nil {
		t.Errorf("row %d: %v", r.Index, r.Err)
	}
	if duplicate := r.Index == 306 || r.Index == 40; r.Receipt.Duplicate != duplicate {
		t.Errorf("row %d: duplicate is %t", r.Index, r.Receipt.Duplicate)
	}
	if scheduled := r.Receipt.State == enqueue.Scheduled; scheduled != (r.Index == 60) {
		t.Errorf("row %d is %s", r.Index, r.Receipt.State)
	}
}

func TestUpdateMany_SequenceFollowsRows(t *testing.T) {
	t.Parallel()
	// Given 1,000 rows of one account, when they are enqueued together, then the
	// tasks stand in the queue in the rows' order and so do their numbers.
	rdb := redistest.Mini(t).Client(t)
	gp := open(t, rdb)
	for r := range gp.UpdateMany(t.Context(), benchUpdates(1000)) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	ids, err := rdb.LRange(t.Context(), "asynq:{photo.main}:pending", 0, -1).Result()
	if err != nil || len(ids) != 1000 {
		t.Fatalf("%d tasks, %v", len(ids), err)
	}
	slices.Reverse(ids) // asynq takes from the tail
	for i, id := range ids {
		if id != "row-"+strconv.Itoa(i) {
			t.Fatalf("task %d is %s", i, id)
		}
	}
	u, err := tasks.ParseUpdate(task(t, rdb, "main", "row-999").Payload, "main")
	if err != nil || u.Seq != 1000 {
		t.Errorf("the last row has number %d, %v", u.Seq, err)
	}
}

func TestUpdateMany_ContextEnds(t *testing.T) {
	t.Parallel()
	// Given a context that is cancelled while rows are read, when it ends, then
	// no further row is read and every row read has its result.
	rdb := redistest.Mini(t).Client(t)
	gp := open(t, rdb)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("tea time")
	read, results, failed := 0, 0, 0
	source := func(yield func(enqueue.Row) bool) {
		for row := range manyRows(10_000, &read) {
			if read == 1100 {
				cancel(why)
			}
			if !yield(row) {
				return
			}
		}
	}
	for r := range gp.UpdateMany(ctx, source) {
		results++
		if r.Err != nil {
			failed++
			if !errors.Is(r.Err, why) {
				t.Errorf("row %d: %v", r.Index, r.Err)
			}
		}
	}
	if read != 1100 || results != read {
		t.Errorf("%d rows read and %d results, want 1100 of each", read, results)
	}
	if failed == 0 || failed > 800 {
		t.Errorf("%d rows failed; the first batches were accepted before and the last cannot be", failed)
	}
	for range gp.UpdateMany(ctx, source) {
		t.Error("a result although the context had ended")
	}
	if read != 1100 {
		t.Errorf("%d rows read after the end", read-1100)
	}
}

func TestUpdateMany_Break(t *testing.T) {
	t.Parallel()
	// Given a caller who breaks out, when it does, then reading stops, and every
	// update that the ledger has, has its task.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := open(t, rdb)
		read := 0
		for r := range gp.UpdateMany(t.Context(), manyRows(10_000, &read)) {
			if r.Index == 3 {
				break
			}
		}
		if read > 1000 {
			t.Errorf("%d rows were read", read)
		}
		for account := range map[string]bool{"main": true, "b": true, "c": true} {
			records, err := rdb.Keys(t.Context(), "groupphoto:{"+account+"}:u:*").Result()
			if err != nil || len(records) == 0 {
				t.Fatalf("%d records, %v", len(records), err)
			}
			n, err := rdb.LLen(t.Context(), "asynq:{"+tasks.Queue(account)+"}:pending").Result()
			if err != nil || int(n) != len(records) {
				t.Errorf("account %s: %d records and %d tasks, %v", account, len(records), n, err)
			}
		}
	})
}

func TestUpdateMany_RowsPanic(t *testing.T) {
	t.Parallel()
	// Given a source of rows that panics, when it does, then the panic reaches
	// the caller and no goroutine stays behind (TestMain looks).
	gp := open(t, redistest.Mini(t).Client(t))
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
	}()
	for range gp.UpdateMany(t.Context(), func(yield func(enqueue.Row) bool) {
		yield(enqueue.Row{Update: update(link)})
		panic("broken source")
	}) {
		t.Error("a result")
	}
}

func TestUpdateMany_NoRows(t *testing.T) {
	t.Parallel()
	gp := open(t, redistest.Mini(t).Client(t))
	for _, rows := range []iter.Seq[enqueue.Row]{nil, slices.Values([]enqueue.Row(nil))} {
		for r := range gp.UpdateMany(t.Context(), rows) {
			t.Errorf("a result: %+v", r)
		}
	}
}

func TestUpdateMany_RedisGoes(t *testing.T) {
	t.Parallel()
	// Given a Redis that goes away in the middle, when the rows go on, then those
	// before have receipts, those after ErrUnavailable, and a repetition on the
	// Redis that is back completes them.
	mini := redistest.Mini(t)
	rdb := mini.Client(t)
	gp := open(t, rdb)
	read, failed := 0, 0
	for r := range gp.UpdateMany(t.Context(), manyRows(1500, &read)) {
		if r.Index == 100 {
			mini.SetError("LOADING Redis is loading the dataset in memory")
		}
		if r.Err != nil {
			failed++
			if !errors.Is(r.Err, enqueue.ErrUnavailable) {
				t.Errorf("row %d: %v", r.Index, r.Err)
			}
		}
	}
	if failed == 0 {
		t.Error("no row failed")
	}
	mini.SetError("")
	read = 0
	for r := range gp.UpdateMany(t.Context(), manyRows(1500, &read)) {
		if r.Err != nil {
			t.Errorf("row %d again: %v", r.Index, r.Err)
		}
	}
	for _, account := range []string{"main", "b", "c"} {
		if n, err := rdb.LLen(t.Context(), "asynq:{"+tasks.Queue(account)+"}:pending").Result(); err != nil || n != 500 {
			t.Errorf("account %s has %d tasks, %v; want 500", account, n, err)
		}
	}
}

func TestUpdateMany_UnknownAccounts(t *testing.T) {
	t.Parallel()
	rdb := redistest.Mini(t).Client(t)
	if err := ledger.New(rdb, 0).Serve(t.Context(), "p1", "main"); err != nil {
		t.Fatal(err)
	}
	gp := open(t, rdb)
	read := 0
	for r := range gp.UpdateMany(t.Context(), manyRows(9, &read)) {
		if known := r.Index%3 == 0; known == errors.Is(r.Err, enqueue.ErrUnknownAccount) {
			t.Errorf("row %d: %v", r.Index, r.Err)
		}
	}
}
