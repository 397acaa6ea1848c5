package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"

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
	ledger      *ledger.Ledger
	photos      *photos
	log         *slog.Logger
	servers     []*asynq.Server

	// stop ends waiting and resolving, life ends calls and records too.
	stop, life context.Context
	running    sync.WaitGroup
	front      chan struct{} // held by the one run that asks for turns again
	freed      chan struct{} // a turn of this process has ended
}

func newLane(w *Worker, account Account) *lane {
	l := &lane{
		account: account, policy: w.config.Policy, httpTimeout: w.config.HTTPTimeout,
		ledger: w.ledger, photos: w.photos, log: w.config.Logger.With("account", account.Name),
		stop: w.stop, life: w.life,
		front: make(chan struct{}, 1), freed: make(chan struct{}, 1),
	}
	for range w.config.Servers {
		l.servers = append(l.servers, asynq.NewServerFromRedisClient(w.config.Redis, asynq.Config{
			Concurrency:              account.Concurrency + spareHandlers,
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
	for _, s := range l.servers {
		s.Stop()
	}
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
