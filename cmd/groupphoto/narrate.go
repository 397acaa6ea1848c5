package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// lookEvery is how often the narrator looks where an update stands. The end
// itself is told by the stream of outcomes at once.
const lookEvery = 150 * time.Millisecond

// slower is what stands in narrator.hold while an account has been slowed down.
const slower = "slower"

// worthTelling is how long a rest of the account is that somebody is told of.
const worthTelling = 2 * time.Second

// looksPerLane is how many of those looks come between two at the account.
const looksPerLane = 7

// await tells on stderr what happens to an update until it has ended or the
// limit has passed, prints the outcome, and gives the exit code.
func (a *app) await(ctx context.Context, c config, gp *client, r enqueue.Receipt, limit time.Duration, here bool) error {
	n := &narrator{app: a, config: c}
	if r.Duplicate && r.Outcome == nil {
		n.say("accepted before, with the same content")
	}
	if r.Outcome == nil {
		n.unserved(ctx, gp, r)
		n.held(ctx, gp, r.Account, "")
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	d, err := n.follow(limited, gp, r)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		if here {
			return errors.Join(err, n.drained(ctx, gp, r, d))
		}
		fmt.Fprintf(a.err, "the update goes on without us; look with: groupphoto outcome %s\n", r.ID)
		return err
	case limited.Err() != nil: // what stands is told below
	default:
		return explainMissing(err)
	}
	if d.Outcome.State == "" {
		return fmt.Errorf("waiting for update %s: nothing was heard of it within %s; look with: groupphoto outcome %s", r.ID, short(limit), r.ID)
	}
	if !d.Outcome.State.Ended() {
		end := fmt.Sprintf("it goes on; look with: groupphoto outcome %s", r.ID)
		if here {
			end = "it ends with this process"
		}
		n.say(fmt.Sprintf("not finished after %s; %s", short(limit), end))
	}
	if err := a.printOutcome(c, d); err != nil {
		return err
	}
	return exitByOutcome(d.Outcome.State)
}

// drained ends the worker in this process after somebody gave up, and tells what
// became of a call that was under way: nobody could look it up later.
func (n *narrator) drained(ctx context.Context, gp *client, r enqueue.Receipt, last enqueue.Details) error {
	if last.Outcome.State == tasks.Calling {
		n.say("a call is under way, and is not broken off: waiting for its end")
	}
	if err := gp.drain(); err != nil {
		return nil //nolint:nilerr // said when the worker is closed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	d, err := gp.Details(ctx, r.ID, enqueue.OfAccount(r.Account))
	if err != nil || d.Outcome.Attempts == 0 {
		return err
	}
	return n.app.printOutcome(n.config, d)
}

// narrator says on stderr what changes, each line with the time.
type narrator struct {
	app    *app
	config config
	last   string
	hold   string // what was said last of what holds the account up
}

func (n *narrator) say(text string) {
	fmt.Fprintf(n.app.err, "%s  %s\n", n.config.clock(time.Now()), text)
}

// unserved says at once that nobody is there to do it.
func (n *narrator) unserved(ctx context.Context, gp *client, r enqueue.Receipt) {
	accounts, err := gp.Accounts(ctx)
	if err != nil {
		return // the update is accepted; what keeps it waiting will be seen
	}
	if slices.ContainsFunc(accounts, func(a enqueue.Account) bool { return a.Name == r.Account && a.Served }) {
		return
	}
	n.say(fmt.Sprintf("no worker serves account %s at the moment; start one with: groupphoto worker", r.Account))
}

// held says, once and whenever it changes, that the account makes no calls, and what
// happens next. own is why the update itself was put off last: trouble that it met
// has been told. A suspicion is none of its business.
func (n *narrator) held(ctx context.Context, gp *client, account string, own tasks.Reason) {
	l, err := laneOf(ctx, ledger.New(gp.rdb, n.config.keep), enqueue.Account{Name: account})
	if err != nil || !l.Paused && l.Suspected {
		return // of Redis the looks at the update tell
	}
	hold, text := "", fmt.Sprintf("account %s goes on", account)
	switch {
	case l.Paused:
		hold = "paused " + l.PausedSince.String()
		text = fmt.Sprintf("account %s is %s; nothing is sent until somebody resumes it: groupphoto account resume %s", account, pausedText(n.config, l), account)
	case l.Trouble != "" && l.Trouble == own:
		hold = string(l.Trouble) + l.Since.String()
		text = fmt.Sprintf("account %s is %s because of that; %s", account, map[bool]string{true: "paused", false: "in trouble"}[l.Held], nextTryText(n.config, l))
	case l.Trouble != "":
		hold = string(l.Trouble) + l.Since.String()
		text = withMend(fmt.Sprintf("account %s is in trouble, %s; %s", account, troubleText(n.config, l), nextTryText(n.config, l)), troubleMend(l))
	case l.Slowed > 1 || time.Until(l.Rest) > worthTelling:
		if hold = slower; own == tasks.Throttled && n.hold == "" { // has been told
			return
		}
		text = fmt.Sprintf("account %s goes slower: %s", account, slowedText(n.config, l))
	case n.hold == slower:
		text = fmt.Sprintf("account %s goes at its own pace again", account)
	}
	if hold != n.hold {
		n.hold = hold
		n.say(text)
	}
}

// follow looks and says until the end, or until ctx ends; then it returns what
// it saw last.
func (n *narrator) follow(ctx context.Context, gp *client, r enqueue.Receipt) (enqueue.Details, error) {
	if r.Outcome != nil {
		n.say("ended before, with the same content")
		return standing(*r.Outcome), nil
	}
	type end struct {
		outcome tasks.Outcome
		err     error
	}
	ended := make(chan end, 1)
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		o, err := gp.Wait(waiting, r.ID, enqueue.OfAccount(r.Account))
		ended <- end{o, err}
	}()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var last enqueue.Details
	for looks := 1; ; looks++ {
		d, err := gp.Details(ctx, r.ID, enqueue.OfAccount(r.Account))
		switch {
		case err == nil:
			last = d
			n.tell(d)
		case errors.Is(err, enqueue.ErrUnavailable) && ctx.Err() == nil:
			n.once("Redis does not answer; trying again")
		}
		if looks%looksPerLane == 0 {
			n.held(ctx, gp, r.Account, last.Outcome.Reason)
		}
		select {
		case e := <-ended:
			if e.err != nil {
				if last.Outcome.State == "" {
					last = standing(e.outcome)
				}
				return last, e.err
			}
			return standing(e.outcome), nil
		case <-tick.C:
		}
	}
}

func (n *narrator) tell(d enqueue.Details) {
	o := d.Outcome
	switch {
	case o.State == tasks.Scheduled:
		n.once("scheduled for " + n.config.stamp(d.Due))
	case o.State == tasks.Calling:
		n.once(fmt.Sprintf("calling (attempt %d)", o.Attempts))
	case o.State == tasks.Retrying:
		n.retrying(d)
	case !o.State.Ended():
		n.once(string(o.State))
	}
}

// retrying says once per attempt when and why the next one comes.
func (n *narrator) retrying(d enqueue.Details) {
	o := d.Outcome
	key := fmt.Sprintf("retrying %d %s", o.Attempts, o.Reason)
	if n.last == key {
		return
	}
	n.last = key
	text := "retrying"
	if wait := time.Until(d.Again); !d.Again.IsZero() && wait > 0 {
		text += " in " + short(wait.Round(time.Second/10))
	}
	if reason := why(o); reason != "" {
		text += ": " + reason
	}
	n.say(withMend(text, mend(o)))
}

// once says a thing unless it was the last thing said.
func (n *narrator) once(text string) {
	if n.last != text {
		n.last = text
		n.say(text)
	}
}
