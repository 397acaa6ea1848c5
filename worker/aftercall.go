package worker

import (
	"errors"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// Next is what follows from one call.
type Next struct {
	// End is how the update ends, "" when it is called again; Value, Reason, Detail
	// and Status are then the outcome's.
	End    tasks.State
	Value  *bool
	Reason tasks.Reason
	Detail string
	Status int
	// Again is the mean time to the next attempt, when End is "".
	Again time.Duration
	// Refund is what of the turn was not used, Says what the answer says of the account.
	Refund ledger.Refund
	Says   ledger.Answer
}

// AfterCall tells what a worker does after the first call of an update that lives
// for left more, for programs that make a call without a Worker. value and err are
// the Caller's.
func (p Policy) AfterCall(value bool, err error, left time.Duration) Next {
	p = p.withDefaults()
	b := budget{spent: 1}
	var c consequence
	if err == nil {
		c = p.afterValue(value, &b, left)
		c.again = p.RefusalDelay * 6 / 5
	} else {
		e, ok := errors.AsType[*plugchat.Error](err)
		if !ok {
			e = &plugchat.Error{Class: plugchat.Unclear, Reason: plugchat.ReasonUnclearAnswer, Detail: "the call ended with an error of unknown kind"}
		}
		c = p.afterError(e, &b)
		c.again = p.delay(b.spent)
		if c.says.Said == ledger.SaidSlower || c.says.Said == ledger.SaidAccount {
			c.again = c.says.First
		}
		if c.quick && p.QuickTries > 0 {
			c.again = p.QuickBackoff
		}
	}
	n := Next{End: c.end, Value: c.value, Reason: c.reason, Detail: c.detail, Status: c.status, Refund: c.refund, Says: c.says}
	if c.end == "" {
		n.Again = c.again
	}
	return n
}

// OnlyCall is AfterCall for an update that is not called again whatever the answer
// was: End is always set.
func (p Policy) OnlyCall(value bool, err error) Next {
	p.Attempts, p.RefusalRetries = 1, -1
	n := p.AfterCall(value, err, time.Hour)
	if n.End == "" { // the account's fault, or never sent
		n.End, n.Again = tasks.Failed, 0
	}
	return n
}
