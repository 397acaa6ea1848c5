package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/worker"
)

// schedule tells when calls that failed are made again, as the policy does it.
func (d *doctor) schedule(c config, configured []account) {
	const section = "retries"
	for _, name := range []string{"GROUPPHOTO_ATTEMPTS", "GROUPPHOTO_REFUSAL_RETRIES", "GROUPPHOTO_REFUSAL_DELAY", "GROUPPHOTO_REFUSAL_METADATA", "GROUPPHOTO_EXPIRES"} {
		if c.bad[name] { // what stands in c may be anything, and a worker does not start with it
			d.note(section, levelWarning, "not told: "+name+" cannot be used", "")
			return
		}
	}
	plan := c.policy.Plan(c.expires)
	d.note(section, levelOK, "no answer comes: "+spaced(plan.Attempts, plan.Unanswered, c.expires), "")
	if plan.InARun > 1 {
		text := fmt.Sprintf("it cannot be reached, or answers 503: %s within seconds", attempts(plan.InARun))
		if len(plan.Unreached) > 0 {
			text += fmt.Sprintf(", and such a run again, up to %s", spaced(plan.Attempts, plan.Unreached, c.expires))
		}
		d.note(section, levelOK, text, "")
	}
	d.note(section, levelOK, fmt.Sprintf("it answers 500, or neither true nor false: %s, after the same gaps", attempts(plan.Unsure)), "")
	d.note(section, levelOK, refusals(plan), "")
	for _, a := range configured {
		if own := a.policy(c).Plan(c.expires); own.Refusals != plan.Refusals {
			d.note(section, levelOK, fmt.Sprintf("account %s: %s", a.name, refusals(own)), "")
		}
	}
	if names := phoneless(configured); plan.Metadata && names != "" {
		d.note(section, levelOK, names+": the own phone is not set (PLUGCHAT_PHONE, or phone in the accounts file), so metadata tells neither who is a member nor who is an admin", "")
	}
	for _, text := range holds(plan) {
		d.note("holds", levelOK, text, "")
	}
}

// holds tells when a whole account makes no calls, or fewer.
func holds(plan worker.Plan) []string {
	return []string{
		"the provider says that the account cannot work: one update alone is under suspicion, and no attempt is spent; /status is asked, and when all is well there, another update goes first: a normal answer to that says that the first one is to blame",
		fmt.Sprintf("/status or a second update says the same: the account is paused, for %s or %s at first, doubling to %s; then /status is asked and one call at a time feels its way, until one gets a normal answer",
			short(plan.Hold), short(min(2*plan.Hold, plan.MaxHold)), short(plan.MaxHold)),
		fmt.Sprintf("the calls of %d updates in a row get no usable answer: the account is paused in the same way",
			plan.BreakAfter),
		fmt.Sprintf("it asks for slower calls: no call for as long as it says, else %s, and gaps twice as wide, up to 16 ×; no attempt is spent; every accepted photo narrows them by 5 %%; three plain false in a row widen them 1.5 ×",
			short(plan.ThrottleHold)),
	}
}

// phoneless names the accounts that are not found among a group's members.
func phoneless(configured []account) string {
	var names []string
	for _, a := range configured {
		if a.phone == "" {
			names = append(names, a.name)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return "account " + names[0]
	}
	return "accounts " + strings.Join(names, ", ")
}

// policy is the policy of all with what this account has of its own.
func (a account) policy(c config) worker.Policy {
	p := c.policy
	if p.RefusalRetries = a.refusalRetries; a.refusalRetries == 0 {
		p.RefusalRetries = -1 // the policy's own zero means its default
	}
	return p
}

// refusals tells what follows a plain false.
func refusals(plan worker.Plan) string {
	text := "it answers a plain false: /status is asked, "
	if plan.Metadata {
		text += "then the group's metadata is read (a number that is no member, or no admin, ends the update as refused); "
	} else {
		text += "the group's metadata is not read (GROUPPHOTO_REFUSAL_METADATA); "
	}
	if plan.Refusals == 0 {
		return text + "then it ends the update"
	}
	return text + fmt.Sprintf("else it is asked again %d ×, each %s to %s later, then it ends the update",
		plan.Refusals, short(plan.RefusalFirst), short(plan.RefusalLast))
}

// spaced tells how attempts or runs lie apart.
func spaced(n int, gaps []time.Duration, life time.Duration) string {
	if len(gaps) == 0 {
		return attempts(n) + ", no further try"
	}
	var total time.Duration
	var texts []string
	for i := 0; i < len(gaps); {
		same := 1
		for i+same < len(gaps) && gaps[i+same] == gaps[i] {
			same++
		}
		text := short(gaps[i])
		if same > 1 {
			text = fmt.Sprintf("%d × %s", same, text)
		}
		texts = append(texts, text)
		total += time.Duration(same) * gaps[i]
		i += same
	}
	text := fmt.Sprintf("%s; on average after %s: %s in all, each drawn from 0 to twice that", attempts(n), strings.Join(texts, ", "), short(total))
	if 2*total > life {
		text += fmt.Sprintf("; an update that expires before (GROUPPHOTO_EXPIRES: %s) ends then", short(life))
	}
	return text
}
