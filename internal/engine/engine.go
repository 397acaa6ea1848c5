// Package engine hands tasks to asynq, as many as there are in one round trip, in the
// way that both sides of the project do it: single updates from producers, campaign
// rows from the worker that feeds them.
//
// It owns the options that our tasks go with and how asynq's own scripts are called
// many times at once. It refuses to know the ledger, accounts, and what becomes of a
// task.
package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

// Ticket is one task about to be handed to asynq.
type Ticket struct {
	ID     string
	Update tasks.Update
	// Due is when it is to run; zero: at once.
	Due time.Time
	// Row says that it is a campaign's row: it goes into the account's bulk queue, and
	// asynq forgets it as soon as it is done.
	Row bool
}

// Hand gives tasks to asynq, all of a queue in one round trip, and returns one
// error for each. A task that is there already is a success: either it was handed
// over before, or its answer was lost and the library asked again. It is safe for
// concurrent use; when ctx ends, what is not known to be there has an error.
func Hand(ctx context.Context, rdb redis.UniversalClient, tickets []Ticket) []error {
	errs := make([]error, len(tickets))
	rec := &recorder{UniversalClient: rdb}
	// A client of its own for every batch: asynq's client writes each queue's
	// name only once in its life, and a queue deleted in the web UI meanwhile
	// would be served but never seen again.
	client := asynq.NewClientFromRedisClient(rec)
	shared := map[string][]asynq.Option{} // by queue
	for i, t := range tickets {
		rec.ticket = i
		errs[i] = submit(ctx, client, t, shared)
	}
	var unpublished error
	together(len(rec.calls)+1, func(n int) {
		if n == len(rec.calls) {
			unpublished = rec.publish(ctx)
			return
		}
		call := rec.calls[n]
		if err := call.run(ctx, rdb); err != nil {
			for _, i := range call.tickets {
				errs[i] = err
			}
		}
	})
	for i := range errs {
		errs[i] = cmp.Or(errs[i], unpublished)
	}
	return errs
}

// together runs work for 0 to n-1, a few at a time, and waits.
func together(n int, work func(int)) {
	const most = 8
	if n == 1 {
		work(0)
		return
	}
	var (
		wg    sync.WaitGroup
		slots = make(chan struct{}, most)
	)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			work(i)
		})
	}
	wg.Wait()
}

func submit(ctx context.Context, client *asynq.Client, t Ticket, shared map[string][]asynq.Option) error {
	queue, retention := tasks.Queue(t.Update.Account), time.Duration(tasks.EngineRetention)
	if t.Row {
		queue, retention = tasks.BulkQueue(t.Update.Account), 0
	}
	opts, ok := shared[queue]
	if !ok {
		opts = []asynq.Option{
			asynq.Queue(queue), asynq.MaxRetry(tasks.EngineRetries), asynq.Timeout(tasks.EngineTimeout), asynq.Retention(retention),
		}
		opts = slices.Clip(opts) // what asynq appends must not meet in one array
		shared[queue] = opts
	}
	task := asynq.NewTask(tasks.TypeUpdate, t.Update.Marshal(), opts...)
	if t.Due.IsZero() {
		_, err := client.EnqueueContext(ctx, task, asynq.TaskID(t.ID))
		return err
	}
	_, err := client.EnqueueContext(ctx, task, asynq.TaskID(t.ID), asynq.ProcessAt(wholeSecond(t.Due)))
	return err
}

// wholeSecond rounds up: asynq keeps seconds and cuts the rest off, and a
// scheduled update must not run early.
func wholeSecond(t time.Time) time.Time {
	if cut := t.Truncate(time.Second); !cut.Equal(t) {
		return cut.Add(time.Second)
	}
	return t
}

// recorder stands in for the Redis client that asynq writes to, one script call
// and one round trip per task. It collects the calls and tells asynq at once that
// all went well; each kind of call then goes to each queue as one call. It
// serves one batch, and one goroutine.
type recorder struct {
	redis.UniversalClient

	ticket int    // whose calls are being recorded
	asked  string // hash of the script that asynq tried last
	calls  []*manyCalls
	queues []any // names to publish
	key    string
}

// manyCalls are calls of one script of asynq's for one queue.
type manyCalls struct {
	hash, slot string
	script     *redis.Script
	keys       []string
	args       []any // after the two numbers that the script wants first
	nkeys      int
	nargs      int
	tickets    []int
}

// noScript is the answer of a Redis that does not know a script.
type noScript struct{}

// Error begins as Redis' own answer does, which is what the library looks at.
func (noScript) Error() string { return "NOSCRIPT not recorded yet" }

// RedisError marks an answer of Redis.
func (noScript) RedisError() {}

// EvalSha records the call of a script whose text has been seen for this queue,
// and else asks for it, as a Redis that does not know the script would.
func (r *recorder) EvalSha(_ context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	slot := slotOf(keys)
	for _, c := range r.calls {
		if c.hash == sha && c.slot == slot && c.nargs == len(args) && c.nkeys == len(keys) {
			c.add(r.ticket, keys, args)
			return redis.NewCmdResult(int64(1), nil)
		}
	}
	r.asked = sha
	return redis.NewCmdResult(nil, noScript{})
}

// Eval records the first call of a script for a queue.
func (r *recorder) Eval(_ context.Context, script string, keys []string, args ...any) *redis.Cmd {
	c := &manyCalls{hash: r.asked, slot: slotOf(keys), script: repeated(script), nkeys: len(keys), nargs: len(args)}
	c.args = append(c.args, len(keys), len(args))
	c.add(r.ticket, keys, args)
	r.calls = append(r.calls, c)
	return redis.NewCmdResult(int64(1), nil)
}

// SAdd records the publishing of a queue's name.
func (r *recorder) SAdd(_ context.Context, key string, members ...any) *redis.IntCmd {
	r.key, r.queues = key, append(r.queues, members...)
	return redis.NewIntResult(1, nil)
}

// slotOf returns what asynq puts into braces: the queue, which decides the
// Cluster node, so that one call never spans two.
func slotOf(keys []string) string {
	for _, k := range keys {
		if _, rest, found := strings.Cut(k, "{"); found {
			slot, _, _ := strings.Cut(rest, "}")
			return slot
		}
	}
	return ""
}

func (c *manyCalls) add(ticket int, keys []string, args []any) {
	c.keys = append(c.keys, keys...)
	c.args = append(c.args, args...)
	c.tickets = append(c.tickets, ticket)
}

// publish makes the queues visible to asynq's own tools.
func (r *recorder) publish(ctx context.Context) error {
	if len(r.queues) == 0 {
		return nil
	}
	return r.UniversalClient.SAdd(ctx, r.key, r.queues...).Err()
}

// run makes all calls as one. 1 means that the task is there now, 0 that it was
// there already. Made again after a lost answer it changes nothing more.
func (c *manyCalls) run(ctx context.Context, rdb redis.UniversalClient) error {
	answers, err := c.script.Run(ctx, rdb, c.keys, c.args...).Slice()
	if err == nil && len(answers) != len(c.tickets) {
		err = fmt.Errorf("handing over %d tasks: %d answers", len(c.tickets), len(answers))
	}
	return err
}

var repeatedScripts sync.Map // asynq's script text → *redis.Script

// repeated wraps a script of asynq's, as it is, into a function that is called
// once per task: starting a script costs Redis as much as what asynq's does.
func repeated(text string) *redis.Script {
	if s, ok := repeatedScripts.Load(text); ok {
		return s.(*redis.Script)
	}
	s, _ := repeatedScripts.LoadOrStore(text, redis.NewScript(`
local all_keys, all_args = KEYS, ARGV
local nkeys, nargs = tonumber(ARGV[1]), tonumber(ARGV[2])
local function once(KEYS, ARGV)
`+text+`
end
local answers = {}
for i = 1, #all_keys / nkeys do
  local keys, args = {}, {}
  for n = 1, nkeys do keys[n] = all_keys[(i - 1) * nkeys + n] end
  for n = 1, nargs do args[n] = all_args[2 + (i - 1) * nargs + n] end
  answers[i] = once(keys, args)
end
return answers
`))
	return s.(*redis.Script)
}
