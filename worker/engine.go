package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/plugchat-go/groupphoto/tasks"
)

// errAgain tells asynq to run the task again. It never counts as a failure:
// attempts are counted in the ledger.
type errAgain struct {
	after time.Duration
	text  string
}

func (e *errAgain) Error() string { return e.text }

// errArchive tells asynq to archive the task: its text is what the web UI shows.
type errArchive struct{ text string }

func (e *errArchive) Error() string { return e.text }

// Is makes asynq archive the task without writing SkipRetry's text behind ours.
func (e *errArchive) Is(target error) bool { return target == asynq.SkipRetry }

// retryDelay is asynq's RetryDelayFunc. Tasks that asynq gives up on its own
// (a lost lease, a panic outside our handler) come back soon: the ledger knows
// whether there is anything left to do.
func retryDelay(_ int, err error, _ *asynq.Task) time.Duration {
	if again, ok := errors.AsType[*errAgain](err); ok {
		return max(again.after, 0)
	}
	if errors.Is(err, asynq.ErrLeaseExpired) {
		return time.Second
	}
	return infraDelay
}

// engineLog is asynq's own log without the line in which it calls every
// archived task an exhausted retry: ours says what it was.
type engineLog struct{ asynq.Logger }

// Warn drops that line.
func (l engineLog) Warn(args ...any) {
	if !strings.HasPrefix(fmt.Sprint(args...), "Retry exhausted for task id=") {
		l.Logger.Warn(args...)
	}
}

// never is asynq's IsFailure: asynq's own count of failures would archive tasks
// that the ledger has not settled.
func never(error) bool { return false }

// answer says to asynq how an update ended: refused and failed single updates
// go to the archive with the reason, everything else is completed with the
// outcome as its result.
func answer(task *asynq.Task, o tasks.Outcome, before bool) error {
	if (o.State == tasks.Refused || o.State == tasks.Failed) && o.Campaign == "" {
		text := o.Sentence()
		if before {
			text = fmt.Sprintf("already %s at %s; send again with: groupphoto retry %s",
				o.State, o.FinishedAt.Format(time.RFC3339), o.ID)
		}
		return &errArchive{text}
	}
	writeResult(task, o)
	return nil
}

// writeResult leaves the outcome where the web UI shows results. The truth is
// in the ledger: a result that cannot be written is no reason to run again.
func writeResult(task *asynq.Task, o tasks.Outcome) {
	if w := task.ResultWriter(); w != nil {
		if b, err := o.MarshalJSON(); err == nil {
			_, _ = w.Write(b)
		}
	}
}

// firstOf is a context that ends with ctx or with stop, whichever is first.
func firstOf(ctx, stop context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	release := context.AfterFunc(stop, func() { cancel(context.Cause(stop)) })
	return ctx, func() { release(); cancel(context.Canceled) }
}
