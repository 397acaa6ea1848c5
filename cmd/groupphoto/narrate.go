package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/tasks"
)

// lookEvery is how often the narrator looks where an update stands. The end
// itself is told by the stream of outcomes at once.
const lookEvery = 150 * time.Millisecond

// await tells on stderr what happens to an update until it has ended or the
// limit has passed, prints the outcome, and gives the exit code.
func (a *app) await(ctx context.Context, c config, gp *client, r enqueue.Receipt, limit time.Duration, here bool) error {
	n := &narrator{app: a, config: c}
	if r.Duplicate && r.Outcome == nil {
		n.say("accepted before, with the same content")
	}
	if r.Outcome == nil {
		n.unserved(ctx, gp, r)
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	d, err := n.follow(limited, gp, r)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		if !here {
			fmt.Fprintf(a.err, "the update goes on without us; look with: groupphoto outcome %s\n", r.ID)
		}
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

// narrator says on stderr what changes, each line with the time.
type narrator struct {
	app    *app
	config config
	last   string
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
	for {
		d, err := gp.Details(ctx, r.ID, enqueue.OfAccount(r.Account))
		switch {
		case err == nil:
			last = d
			n.tell(d)
		case errors.Is(err, enqueue.ErrUnavailable) && ctx.Err() == nil:
			n.once("Redis does not answer; trying again")
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
