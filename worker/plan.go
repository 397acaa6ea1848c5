package worker

import "time"

// Plan is what a Policy comes to for one update, in numbers for people. A mean gap
// is that of a draw from 0 to twice as much.
type Plan struct {
	// Attempts is how many calls an update may cost.
	Attempts int
	// Unanswered is the mean gap after each attempt when no answer ever comes: Schedule.
	Unanswered []time.Duration
	// Unreached is the same when the provider is never reached, or not available
	// (503), without the gaps within a run. A run makes up to InARun attempts, seconds
	// after one another.
	Unreached []time.Duration
	InARun    int
	// Unsure is how many times an answer may leave open what it means (HTTP 500, or
	// neither true nor false) before the update fails.
	Unsure int
	// Refusals is how often a plain false is asked again, each time from RefusalFirst
	// to RefusalLast later.
	Refusals                  int
	RefusalFirst, RefusalLast time.Duration
	// Metadata says that the group's metadata is read after a plain false, at most once
	// every ReadGap.
	Metadata bool
	ReadGap  time.Duration
	// BreakAfter is how many updates in a row must get no usable answer before their
	// account is held.
	BreakAfter int
	// Hold is how long an account in trouble makes no call, doubling up to MaxHold;
	// ThrottleHold is the same after a throttling answer that names no time. Neither
	// spends an attempt.
	Hold, MaxHold, ThrottleHold time.Duration
}

// Plan tells what the policy comes to for an update that lives as long as life.
func (p Policy) Plan(life time.Duration) Plan {
	p = p.withDefaults()
	plan := Plan{
		Attempts: p.Attempts, Unanswered: p.Schedule(), InARun: min(1+max(0, p.QuickTries), p.Attempts),
		Unsure:   min(maxAmbiguous, maxUnclear, p.Attempts),
		Refusals: max(0, min(p.RefusalRetries, p.Attempts-1)), RefusalFirst: p.RefusalDelay, RefusalLast: p.RefusalDelay * 7 / 5,
		Metadata: !p.NoMetadata, ReadGap: p.ReadGap, BreakAfter: p.BreakAfter,
		Hold: p.Hold, MaxHold: p.MaxHold, ThrottleHold: p.ThrottleHold,
	}
	for spent := plan.InARun; spent < p.Attempts; spent += plan.InARun {
		plan.Unreached = append(plan.Unreached, p.delay(spent))
	}
	if p.RefusalDelay >= life { // a no that could not be asked again in time is the answer
		plan.Refusals = 0
	}
	return plan
}
