package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// laneOf tells what holds an account up. It reads one account's lane and nothing
// else: its queues are not counted, so that Waiting, Later and Archived stay 0.
func laneOf(ctx context.Context, l *ledger.Ledger, account enqueue.Account) (enqueue.Lane, error) {
	s, err := l.Lane(ctx, account.Name)
	if err != nil {
		return enqueue.Lane{}, err
	}
	return enqueue.Lane{
		Account: account, Calling: s.Calling,
		Paused: !s.PausedSince.IsZero() || s.QueuePaused, BulkPaused: s.BulkPaused,
		PausedSince: s.PausedSince, PausedBy: s.By, PausedFor: s.For,
		Trouble: s.Why, TroubleOf: string(s.Trouble), Detail: s.Detail, Since: s.Since, NextTry: s.Until, Tries: s.Holds,
		Held: s.Until.After(s.Now), Suspected: s.Trouble != "" && !s.Told,
		Slowed: s.Widen, SlowedSince: s.WidenedAt, SlowedFor: s.WidenedWhy, Rest: s.Rest, Unanswered: s.Unanswered,
	}, nil
}

// The states of an account, as account list shows them.
const (
	laneWorking    = "working"
	laneSlowed     = "slowed"     // by the provider's wish
	laneSuspicious = "suspicious" // one update's answer may be about the account
	laneTrouble    = "trouble"    // one call at a time feels its way
	lanePaused     = "paused"     // nobody calls
)

func laneState(l enqueue.Lane) string {
	switch {
	case l.Paused, l.Held && !l.Suspected:
		return lanePaused
	case l.Suspected:
		return laneSuspicious
	case l.Trouble != "":
		return laneTrouble
	case l.Slowed > 1, !l.Rest.IsZero():
		return laneSlowed
	}
	return laneWorking
}

// owners lists who keeps the account from working. A suspicion is nobody's yet.
func owners(l enqueue.Lane) []string {
	list := []string{}
	if l.Paused {
		list = append(list, string(ledger.Operator))
	}
	if l.Trouble != "" && !l.Suspected {
		list = append(list, l.TroubleOf)
	}
	return list
}

// heldUp says what keeps an account from working, and what to do about it.
func heldUp(c config, l enqueue.Lane) []string {
	var lines []string
	if l.Paused {
		lines = append(lines, pausedText(c, l)+"; go on with: groupphoto account resume "+l.Name)
	}
	if l.BulkPaused {
		lines = append(lines, "its bulk queue is paused in the asynq web UI, which stops campaigns only; resume it there")
	}
	switch {
	case l.Suspected:
		lines = append(lines, suspicionText(c, l), sinceSuspected(l))
	case l.Trouble != "":
		lines = append(lines, withMend(troubleText(c, l), troubleMend(l)), nextTryText(c, l))
	}
	if text := slowedText(c, l); text != "" {
		lines = append(lines, text)
	}
	if l.Unanswered > 0 {
		lines = append(lines, fmt.Sprintf("calls without an answer, which may have landed: %d so far", l.Unanswered))
	}
	return lines
}

// pausedText says since when an operator has paused an account, who, and what for.
func pausedText(c config, l enqueue.Lane) string {
	if l.PausedSince.IsZero() {
		return "paused in the asynq web UI"
	}
	text := "paused since " + c.stamp(l.PausedSince)
	if l.PausedBy != "" {
		text += " by " + l.PausedBy
	}
	if l.PausedFor != "" {
		text += ": " + l.PausedFor
	}
	return strings.Map(plain, text)
}

// saysText is what the provider said of the account, or what the reason means.
func saysText(l enqueue.Lane) string {
	if says := strings.TrimSuffix(strings.Map(plain, l.Detail), "."); says != "" {
		return says // a sentence of the provider's within one of ours
	}
	return l.Trouble.Means()
}

// troubleText says since when the provider has not let an account work, and why.
func troubleText(c config, l enqueue.Lane) string {
	if l.TroubleOf == string(ledger.Breaker) {
		return fmt.Sprintf("no usable answer several times in a row since %s, the last: %s: %s", c.stamp(l.Since), l.Trouble, saysText(l))
	}
	return fmt.Sprintf("%s since %s: %s", l.Trouble, c.stamp(l.Since), saysText(l))
}

// suspicionText says what one update was answered that may be about itself alone.
func suspicionText(c config, l enqueue.Lane) string {
	return fmt.Sprintf("one update was answered %s at %s: %s", l.Trouble, c.stamp(l.Since), saysText(l))
}

// sinceSuspected says what follows from a suspicion.
func sinceSuspected(l enqueue.Lane) string {
	if l.Held {
		return "/status is asked whether that is the account's fault; no attempt is spent"
	}
	return "others go first, one at a time, to see whether that is the account's fault; no attempt is spent"
}

// troubleMend says what a person should do about an account. What a reason says of
// one update, such as to send it again, is none of that.
func troubleMend(l enqueue.Lane) string {
	if l.TroubleOf == string(ledger.Breaker) {
		return statusMend(plugchat.ReasonUnavailable)
	}
	return l.Trouble.Mend()
}

// nextTryText says what an account in trouble waits for. A call without a usable
// answer is an attempt; one that told of the account is none.
func nextTryText(c config, l enqueue.Lane) string {
	text := fmt.Sprintf("goes on by itself; next try at %s, after %d in vain", c.stamp(l.NextTry), l.Tries)
	if !l.Held {
		text = fmt.Sprintf("one call at a time feels its way, after %d in vain; a normal answer ends it", l.Tries)
	}
	if l.TroubleOf != string(ledger.Breaker) {
		text += "; no attempt is spent"
	}
	return text
}

// slowedText says how much slower than configured an account goes, and why; ""
// when it does not.
func slowedText(c config, l enqueue.Lane) string {
	var parts []string
	if !l.Rest.IsZero() {
		parts = append(parts, "the provider asked for a rest until "+c.stamp(l.Rest))
	}
	if l.Slowed > 1 {
		why := "the provider asked for slower calls"
		if l.SlowedFor != tasks.Throttled {
			why = "the provider answered false several times in a row"
		}
		parts = append(parts, fmt.Sprintf("the pace is %.1f × slower since %s: %s; every accepted photo brings it back a little", l.Slowed, c.stamp(l.SlowedSince), why))
	}
	return strings.Join(parts, "; ")
}
