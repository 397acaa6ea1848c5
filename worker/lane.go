package worker

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	// maxInline is the largest image that a hand-written task may carry.
	maxInline = 10 << 20
	// spareHandlers get their photo ready while others call.
	spareHandlers = 1
)

// lane serves one account: its queues, its turns.
type lane struct {
	account     Account
	policy      Policy
	httpTimeout time.Duration
	leaseMargin time.Duration
	redis       redis.UniversalClient
	ledger      *ledger.Ledger
	photos      *photos
	log         *slog.Logger
	servers     []*asynq.Server

	// stop ends waiting and resolving, life ends calls and records too.
	stop, life context.Context
	running    sync.WaitGroup
	process    string // the worker's name among all
	// Single updates are 0, campaign rows 1: each class has one run of this process
	// that asks for turns again, and hears when one may be free.
	front, freed [2]chan struct{}
	busy         [2]atomic.Int32 // handlers
	aside        chan struct{}   // a waiting campaign row is to give its handler to a single update

	host    *host
	nudges  chan<- *lane                     // to the watch
	asking  sync.Mutex                       // held by the run that asks /status after a false
	asked   time.Time                        // when that gave no usable answer last; guarded by asking
	repairs atomic.Bool                      // there may be groups to be repaired
	seen    atomic.Pointer[ledger.LaneState] // how the account stood at the last look
	stir    chan struct{}                    // something has changed that the feeder may heed
	ending  func(tasks.Outcome)
	hooked  bool        // somebody outside is told of events
	each    sync.Map    // campaign → whether each outcome is told of
	tripped atomic.Bool // its host gives no usable answers, and it is to be held
	watched watched
}

func newLane(w *Worker, account Account) *lane {
	l := &lane{
		account: account, policy: w.config.Policy, httpTimeout: w.config.HTTPTimeout, leaseMargin: w.config.LeaseMargin,
		redis: w.config.Redis, ledger: w.ledger, photos: w.photos, log: w.config.Logger.With("account", account.Name),
		stop: w.stop, life: w.life, process: w.process, nudges: w.nudges, aside: make(chan struct{}, 1),
		stir: make(chan struct{}, 1), hooked: w.config.Hook != nil, ending: w.config.Ending,
	}
	l.host = w.hostOf(account)
	l.repairs.Store(true) // what a process left behind that died
	for class := range l.front {
		l.front[class], l.freed[class] = make(chan struct{}, 1), make(chan struct{}, 1)
	}
	if n := account.RefusalRetries; n != nil {
		if l.policy.RefusalRetries = *n; *n == 0 {
			l.policy.RefusalRetries = -1
		}
	}
	for range w.config.Servers {
		l.servers = append(l.servers, asynq.NewServerFromRedisClient(w.config.Redis, asynq.Config{
			Concurrency:              l.handlers(),
			Queues:                   map[string]int{tasks.Queue(account.Name): 2, tasks.BulkQueue(account.Name): 1},
			StrictPriority:           true,
			TaskCheckInterval:        w.config.CheckInterval,
			DelayedTaskCheckInterval: time.Second,
			ShutdownTimeout:          w.config.ShutdownTimeout,
			RetryDelayFunc:           retryDelay,
			IsFailure:                never,
			Logger:                   engineLog{redisconn.AsynqLogger(l.log)},
			LogLevel:                 asynq.WarnLevel,
		}))
	}
	return l
}

// handlers is how many updates one server works at.
func (l *lane) handlers() int { return l.account.Concurrency + spareHandlers }

func class(bulk bool) int {
	if bulk {
		return 1
	}
	return 0
}

// occupy counts a handler until the returned function is called.
func (l *lane) occupy(bulk bool) func() {
	l.busy[class(bulk)].Add(1)
	return func() { l.busy[class(bulk)].Add(-1) }
}

// ring tells those who wait that a turn may be free.
func (l *lane) ring() {
	for _, freed := range l.freed {
		select {
		case freed <- struct{}{}:
		default: // a signal is waiting to be seen already
		}
	}
}

// stirFeeder makes the feeder look after the campaigns now.
func (l *lane) stirFeeder() {
	select {
	case l.stir <- struct{}{}:
	default: // it is about to
	}
}

// nudge asks the watch to look at this account now, and not only within a second.
func (l *lane) nudge() {
	select {
	case l.nudges <- l:
	default: // it looks at all of them soon
	}
}

// ServeHTTP's counterpart in asynq: only updates are ours. A task of another
// type in our queue is archived by name; running it again could not help.
func (l *lane) handler() asynq.Handler {
	mux := asynq.NewServeMux()
	mux.Handle(tasks.TypeUpdate, l)
	return asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		if t.Type() != tasks.TypeUpdate {
			return &errArchive{tasks.Outcome{
				Reason: tasks.BadTask,
				Detail: "this queue takes tasks of type " + tasks.TypeUpdate + " only",
			}.Sentence()}
		}
		return mux.ProcessTask(ctx, t)
	})
}

func (l *lane) start() error {
	for _, s := range l.servers {
		if err := s.Start(l.handler()); err != nil {
			return err
		}
	}
	return nil
}

// quiet takes no new work.
func (l *lane) quiet() {
	var all sync.WaitGroup
	for _, s := range l.servers {
		all.Go(s.Stop)
	}
	all.Wait()
}

// drain ends the servers and waits for every run, those included that asynq has
// given up on.
func (l *lane) drain() {
	var ends sync.WaitGroup
	for _, s := range l.servers {
		ends.Go(s.Shutdown)
	}
	ends.Wait()
	l.running.Wait()
}
