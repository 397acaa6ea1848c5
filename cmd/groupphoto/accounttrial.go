package main

import (
	"errors"
	"fmt"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// trialFacts is the JSON of account check --live.
type trialFacts struct {
	Account  string        `json:"account"`
	BaseURL  string        `json:"baseURL"`
	Exchange *exchange     `json:"exchange"` // null when no call was made
	TookMs   int64         `json:"tookMs"`
	WaitedMs int64         `json:"waitedMs"` // for the turn
	Class    string        `json:"class"`    // of an answer that is no plain boolean; "" else
	Worker   string        `json:"worker"`   // what one would do next
	Mend     string        `json:"mend"`
	Recorded bool          `json:"recorded"`
	Outcome  tasks.Outcome `json:"outcome"`
}

func (a *app) printTrial(c config, t *trial) error {
	o, class := t.outcome, ""
	if e, ok := errors.AsType[*plugchat.Error](t.err); ok {
		class = e.Class.String()
	}
	if !t.recorded {
		o.ID = "" // nothing could be found by it
	}
	if a.json() {
		return printJSON(a.out, trialFacts{
			Account: t.account.name, BaseURL: hide(t.account.token, t.account.baseURL), Exchange: t.exchange, TookMs: t.took.Milliseconds(),
			WaitedMs: t.waited.Milliseconds(), Class: class, Worker: t.would(c), Mend: t.mend(), Recorded: t.recorded, Outcome: o,
		})
	}
	took := "no call was made"
	if t.exchange != nil {
		if err := t.exchange.write(a.out, short(t.took)); err != nil {
			return fmt.Errorf("writing to stdout: %w", err)
		}
		took = short(t.took)
	}
	if t.waited > 0 {
		took += fmt.Sprintf(", after %s for its turn", short(t.waited))
	}
	record := "nowhere"
	if t.recorded {
		record = fmt.Sprintf("look with: groupphoto outcome %s --account %s", o.ID, o.Account)
	}
	return printFields(a.out,
		string(o.State), fmt.Sprintf("%s through %s at %s", o.GroupID, o.Account, hide(t.account.token, t.account.baseURL)),
		"id", o.ID, "took", took, "class", class, "why", why(o), "a worker would", t.would(c), "mend", t.mend(), "recorded", record,
	)
}

// would is what a worker does next after such an answer.
func (t *trial) would(c config) string {
	next, plan := t.next, t.account.policy(c).Plan(c.expires)
	_, failed := errors.AsType[*plugchat.Error](t.err)
	switch {
	case t.exchange == nil:
		return ""
	case next.End != "":
		return fmt.Sprintf("record it as %s, and not call again", next.End)
	case next.Reason == tasks.Throttled:
		return fmt.Sprintf("make no call for this account for %s, then try again more slowly; no attempt is spent", short(next.Says.First))
	case next.Says.Said == ledger.SaidAccount:
		return fmt.Sprintf("ask /status, then let another update go first; when either says the same, hold the account for %s, doubling to %s; no attempt is spent",
			short(next.Says.First), short(next.Says.Most))
	case !failed:
		reads := "/status"
		if plan.Metadata {
			reads += " and the group's metadata"
		}
		return fmt.Sprintf("look for the reason in %s; without one, ask again after %s or more, %d × at most, and record it as refused if it stays so",
			reads, short(plan.RefusalFirst), plan.Refusals)
	}
	most := plan.Attempts
	if e, _ := errors.AsType[*plugchat.Error](t.err); e.Class == plugchat.Ambiguous || e.Class == plugchat.Unclear {
		most = plan.Unsure
	}
	return fmt.Sprintf("call again after about %s, %s at most, and record it as failed if it stays so", short(next.Again), attempts(most))
}

// mend says what a person should do, without sending this very update again.
func (t *trial) mend() string {
	switch {
	case t.outcome.State == tasks.Updated, t.outcome.State == tasks.Cancelled:
		return ""
	case t.exchange == nil && t.outcome.State == tasks.Expired:
		return fmt.Sprintf("give it longer with --wait, or see what holds the account up: groupphoto account check %s", t.account.name)
	}
	return statusMend(string(t.outcome.Reason))
}
