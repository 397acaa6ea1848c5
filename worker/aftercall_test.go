package worker_test

import (
	"errors"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func TestPolicy_AfterCall(t *testing.T) {
	t.Parallel()
	failed := func(class plugchat.Class, reason string) error { return &plugchat.Error{Class: class, Reason: reason} }
	for _, tt := range []struct {
		name   string
		value  bool
		err    error
		end    tasks.State // of an update that may be called again
		again  time.Duration
		only   tasks.State // of one that may not
		truth  *bool
		refund ledger.Refund
		hold   time.Duration
	}{
		{name: "true", value: true, end: tasks.Updated, only: tasks.Updated, truth: new(true)},
		{name: "false", again: 144 * time.Second, only: tasks.Refused, truth: new(false)},
		{name: "a final no", err: failed(plugchat.Refused, plugchat.ReasonNotAdmin), end: tasks.Refused, only: tasks.Refused, truth: new(false)},
		{name: "rejected", err: failed(plugchat.Permanent, plugchat.ReasonProviderRejects), end: tasks.Failed, only: tasks.Failed},
		{name: "no answer", err: failed(plugchat.Lost, plugchat.ReasonNoAnswer), again: 15 * time.Second, only: tasks.Failed},
		{name: "not available", err: failed(plugchat.Transient, plugchat.ReasonUnavailable), again: 500 * time.Millisecond, only: tasks.Failed},
		{name: "never written", err: failed(plugchat.Transient, plugchat.ReasonTooLate), again: 500 * time.Millisecond, only: tasks.Failed, refund: ledger.Call},
		{name: "500", err: failed(plugchat.Ambiguous, plugchat.ReasonProviderError), again: 15 * time.Second, only: tasks.Failed},
		{name: "neither true nor false", err: failed(plugchat.Unclear, plugchat.ReasonUnclearAnswer), again: 15 * time.Second, only: tasks.Failed},
		{name: "an error of another kind", err: errors.New("odd"), again: 15 * time.Second, only: tasks.Failed},
		{name: "throttled", err: failed(plugchat.Throttled, plugchat.ReasonThrottled), again: time.Minute, only: tasks.Failed, refund: ledger.Attempt, hold: time.Minute},
		{name: "no credentials", err: failed(plugchat.Account, plugchat.ReasonCredentials), again: 30 * time.Second, only: tasks.Failed, refund: ledger.Attempt, hold: 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			next, only := worker.Policy{}.AfterCall(tt.value, tt.err, time.Hour), worker.Policy{}.OnlyCall(tt.value, tt.err)
			if next.End != tt.end || next.Again != tt.again || next.Refund != tt.refund || held(next) != tt.hold {
				t.Errorf("got %+v", next)
			}
			if only.End != tt.only || only.Again != 0 || (only.Value == nil) != (tt.truth == nil) || only.Value != nil && *only.Value != *tt.truth {
				t.Errorf("the only call: got %+v", only)
			}
		})
	}
}

// held is how long the account makes no call after it.
func held(n worker.Next) time.Duration {
	if n.Says.Said == ledger.SaidSlower || n.Says.Said == ledger.SaidAccount {
		return n.Says.First
	}
	return 0
}
