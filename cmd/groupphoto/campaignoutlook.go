package main

import (
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
)

// outlook knows when the rows of a campaign get their turns, as far as that can be
// known: by each account's pace, by what stands before them, and by the hours.
type outlook struct {
	schedule tasks.Schedule
	from     time.Time // when the first row may go
	pace     func(account string) time.Duration
	// look counts what stands before the campaign; nil is nothing, and so is no answer.
	look  func(names []string) map[string]int64
	ahead map[string]int64
}

func (o *outlook) aheadOf(account string) int64 {
	n, known := o.ahead[account]
	if known || o.look == nil {
		return n
	}
	found := o.look([]string{account})
	if found == nil {
		o.look = nil // it will not be better the next time
	}
	if o.ahead == nil {
		o.ahead = map[string]int64{}
	}
	o.ahead[account] = found[account]
	return found[account]
}

// after is when an account has made the calls before n rows of its, and for them.
func (o *outlook) after(account string, n int) time.Time {
	calls, pace := o.aheadOf(account)+int64(n), o.pace(account)
	const most = 200 * 365 * 24 * time.Hour // nobody waits so long, and it can be reckoned with
	work := most
	if pace == 0 || calls <= int64(most/pace) {
		work = time.Duration(calls) * pace
	}
	return o.schedule.After(o.from, work)
}

// plan says when an account would be through with its rows.
type plan struct {
	account string
	rows    int
	ahead   int64
	until   time.Time
}

// plans are those of all accounts, the one that takes longest first.
func (k *check) plans() []plan {
	var plans []plan
	for _, name := range k.tally.names() {
		rows := k.tally.accounts[name]
		plans = append(plans, plan{name, rows, k.outlook.aheadOf(name), k.outlook.after(name, rows)})
	}
	return plans
}

// planText is a plan in words.
func (k *check) planText(p plan) string {
	text := p.account + ": " + k.many(p.rows, "row", "rows")
	if p.ahead > 0 {
		text += k.say(", behind %s", k.many(int(p.ahead), "other", "others"))
	}
	if k.tally.pace(p.account) > 0 {
		text += k.say(", through about %s", k.config.stamp(p.until))
	}
	return text
}
