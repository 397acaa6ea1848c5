package worker

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/photo"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// Policy is what follows from an answer, and when. Its methods are pure but
// for the jitter they draw.
type Policy struct {
	// Attempts is how many calls an update may cost before it fails. 0: 10.
	Attempts int
	// RefusalRetries is how often a plain false is asked again; -1 is never,
	// 0 the default: 1.
	RefusalRetries int
	// RefusalDelay is the time before it is. 0: 2 min.
	RefusalDelay time.Duration
	// Backoff is the mean delay after the first spent attempt; it doubles with
	// each further one up to MaxBackoff. 0: 15 s and 1 h.
	Backoff, MaxBackoff time.Duration
	// QuickTries is how often one run tries again within seconds when the
	// provider could not be reached; QuickBackoff is the first pause. 0: 2, 500 ms.
	// -1 tries is none.
	QuickTries   int
	QuickBackoff time.Duration
	// Hold is how long an account in trouble makes no calls before one feels its
	// way; it doubles up to MaxHold while the trouble lasts. 0: 30 s and 5 min.
	Hold, MaxHold time.Duration
	// ThrottleHold is how long an account makes no calls after a throttling answer
	// that names no time. 0: 1 min.
	ThrottleHold time.Duration
	// BreakAfter is how many updates in a row must get no usable answer before their
	// account is held; calls in flight beyond the first come on top. 0: 5.
	BreakAfter int
	// NoMetadata keeps a plain false unexplained: the group's metadata is not read.
	NoMetadata bool
	// ReadGap is the time between two reads of group metadata of one account, over
	// all processes. 0: 10 s.
	ReadGap time.Duration
}

// Bounds of the budgets that are not settings.
const (
	maxAmbiguous = 3 // HTTP 500 is documented for bad input elsewhere: few calls only
	maxUnclear   = 3
	maxPhoto     = 5                // fetches of a source that may come back
	photoBackoff = 90 * time.Second // 5 fetches over about 30 minutes: 1.5, 3, 6, 12 … min, less jitter
	infraDelay   = 5 * time.Second  // Redis or another run stands in the way
	// maxGuilty is how often an update may be told of trouble that others do not have.
	maxGuilty = 2
)

func (p Policy) withDefaults() Policy {
	p.Attempts = cmp.Or(p.Attempts, 10)
	p.RefusalRetries = cmp.Or(p.RefusalRetries, 1)
	p.QuickTries = cmp.Or(p.QuickTries, 2)
	p.RefusalDelay = cmp.Or(p.RefusalDelay, 2*time.Minute)
	p.Backoff = cmp.Or(p.Backoff, 15*time.Second)
	p.MaxBackoff = cmp.Or(p.MaxBackoff, time.Hour)
	p.QuickBackoff = cmp.Or(p.QuickBackoff, 500*time.Millisecond)
	p.Hold = cmp.Or(p.Hold, 30*time.Second)
	p.MaxHold = cmp.Or(p.MaxHold, 5*time.Minute)
	p.ThrottleHold = cmp.Or(p.ThrottleHold, time.Minute)
	p.BreakAfter = cmp.Or(p.BreakAfter, 5)
	p.ReadGap = cmp.Or(p.ReadGap, 10*time.Second)
	return p
}

func (p Policy) validate() error {
	var problems []error
	if p.Attempts < 1 || p.Attempts > 100 {
		problems = append(problems, fmt.Errorf("attempts %d: must be between 1 and 100", p.Attempts))
	}
	if p.RefusalRetries > 10 {
		problems = append(problems, fmt.Errorf("refusal retries %d: must be at most 10, or the number may be banned", p.RefusalRetries))
	}
	if p.RefusalDelay < 0 || p.Backoff < 0 || p.MaxBackoff < p.Backoff || p.QuickBackoff < 0 || p.Hold < 0 || p.MaxHold < p.Hold || p.ThrottleHold < 0 || p.ReadGap < 0 || p.BreakAfter < 0 {
		problems = append(problems, errors.New("delays must not be negative, and a longest one not shorter than its first"))
	}
	return errors.Join(problems...)
}

// budget counts what one update has cost so far, by kind. It travels through
// the ledger between runs; the counts of calls and attempts are the ledger's own.
type budget struct {
	Refusals  int `json:"refusals,omitempty"`
	Ambiguous int `json:"ambiguous,omitempty"`
	Unclear   int `json:"unclear,omitempty"`
	Lost      int `json:"lost,omitempty"` // calls that may have landed
	Photo     int `json:"photo,omitempty"`
	// Blame is why the account was held because of this update's last answer.
	Blame tasks.Reason `json:"blame,omitempty"`
	spent int          // attempts, this one included
}

func readBudget(text string, spent int) budget {
	var b budget
	_ = json.Unmarshal([]byte(text), &b) // written by us; a text that cannot be read counts as none
	b.spent = spent
	return b
}

func (b budget) String() string {
	text, _ := json.Marshal(b) // numbers and a word cannot fail
	return string(text)
}

// consequence is what follows from a step: the end of the update, or when and
// why it runs again.
type consequence struct {
	end    tasks.State // a terminal state, or "" for another run
	value  *bool
	reason tasks.Reason
	detail string
	status int
	again  time.Duration
	quick  bool // try again in this run, within seconds
	refund ledger.Refund
	says   ledger.Answer // what the answer says of the account

	atLeast  bool              // again is the least, not the mean
	waiting  bool              // nothing went wrong, it only has to wait
	recorded *tasks.Outcome    // it had ended before
	detached bool              // the ledger could not be asked, or another run has the update: nothing is written down
	last     bool              // a campaign's row is tried again after all others were called once
	gone     ledger.RowVerdict // the task has no row: nothing is to be done
}

// afterValue follows from a plain boolean. left is the time to the update's
// expiry: a no that could not be asked again in time is the answer.
func (p Policy) afterValue(value bool, b *budget, left time.Duration) consequence {
	if value {
		return consequence{end: tasks.Updated, value: new(true), status: 200, says: ledger.Answer{Said: ledger.SaidTrue}}
	}
	b.Refusals++
	c := consequence{reason: tasks.NoReasonGiven, status: 200, says: ledger.Answer{Said: ledger.SaidFalse}}
	later := spread(p.RefusalDelay, 0.2) + p.RefusalDelay/5 // never sooner than the delay itself
	if b.Refusals > p.RefusalRetries || b.spent >= p.Attempts || later+time.Second >= left {
		c.end, c.value = tasks.Refused, new(false)
		c.detail = fmt.Sprintf("the provider answered false %s and gave no reason", times(b.Refusals))
		return c
	}
	c.detail = "the provider answered false; asking once more later"
	c.again, c.atLeast, c.last = later, true, true
	return c
}

// afterError follows from everything that was not a boolean.
func (p Policy) afterError(e *plugchat.Error, b *budget) consequence {
	c := consequence{reason: tasks.Reason(e.Reason), detail: e.Detail, status: e.Status}
	c.says = p.says(e)
	switch e.Class {
	case plugchat.Refused:
		c.end, c.value = tasks.Refused, new(false)
	case plugchat.Permanent:
		c.end = tasks.Failed
	case plugchat.Throttled:
		c.refund, c.again = ledger.Attempt, spread(c.says.First, 0.2)+c.says.First/5
	case plugchat.Account:
		b.Blame = c.reason
		c.refund, c.again = ledger.Attempt, p.Hold
	case plugchat.Ambiguous:
		b.Ambiguous++
		c = p.backOff(c, b, b.Ambiguous >= maxAmbiguous)
	case plugchat.Transient:
		if !e.Sent && (e.Reason == plugchat.ReasonTooLate || e.Reason == plugchat.ReasonCanceled) {
			c.refund, c.says = ledger.Call, ledger.Answer{}
		}
		c = p.backOff(c, b, false)
		c.quick = c.end == ""
	case plugchat.Lost:
		b.Lost++
		c = p.backOff(c, b, false)
	default: // Unclear
		b.Unclear++
		c = p.backOff(c, b, b.Unclear >= maxUnclear)
	}
	return c
}

// says is what an error says of the account.
func (p Policy) says(e *plugchat.Error) ledger.Answer {
	a := ledger.Answer{Why: tasks.Reason(e.Reason), Detail: e.Detail, First: p.Hold, Most: p.MaxHold, Trip: p.BreakAfter}
	switch e.Class {
	case plugchat.Refused, plugchat.Permanent:
		a.Said = ledger.SaidNormal
	case plugchat.Throttled:
		a.Said, a.First = ledger.SaidSlower, cmp.Or(max(e.RetryAfter, 0), p.ThrottleHold)
	case plugchat.Account:
		a.Said = ledger.SaidAccount
	default:
		a.Said, a.Lost = ledger.SaidFailing, e.Class == plugchat.Lost
	}
	return a
}

// rejected ends an update whose answers told of trouble that others did not have.
func (p Policy) rejected(b budget) consequence {
	detail := "the provider refused it twice as if the account could not work, while other updates went through"
	if b.Blame != "" {
		detail = fmt.Sprintf("the provider answered %q twice, while other updates of the account went through", b.Blame)
	}
	return consequence{end: tasks.Failed, reason: tasks.ProviderRejects, detail: detail}
}

// backOff tries again later, unless this budget or that of attempts is used up.
func (p Policy) backOff(c consequence, b *budget, usedUp bool) consequence {
	if usedUp || (b.spent >= p.Attempts && c.refund == ledger.Nothing) {
		c.end = tasks.Failed
		c.detail = fmt.Sprintf("gave up after %s: %s", attempts(b.spent), c.detail)
		return c
	}
	c.again = jitter(p.delay(b.spent))
	return c
}

// usedUp ends an update whose attempts are gone before it could make another:
// the last call's worker died with the answer.
func (p Policy) usedUp(b budget) consequence {
	return consequence{
		end: tasks.Failed, reason: tasks.NoAnswer,
		detail: fmt.Sprintf("gave up after %s; the last one's worker stopped before it could record the answer", attempts(b.spent)),
	}
}

// afterPhoto follows from a photo that could not be had. No call was made.
func (p Policy) afterPhoto(err error, b *budget) consequence {
	if e, ok := errors.AsType[*fetch.Error](err); ok {
		return badPhoto(tasks.Reason(e.Reason), photoDetail(e.Host, e.Detail), e.Permanent(), b)
	}
	if e, ok := errors.AsType[*photo.Error](err); ok {
		return badPhoto(tasks.Reason(e.Reason), e.Detail, e.Permanent(), b)
	}
	if errors.Is(err, ledger.ErrNoPhoto) {
		return consequence{end: tasks.Failed, reason: "photo_missing", detail: "the photo is no longer in the photo store"}
	}
	if errors.Is(err, errBusy) {
		return consequence{again: infraDelay, reason: tasks.Interrupted, detail: "too many large photos at a time; it comes again"}
	}
	return consequence{again: infraDelay, reason: tasks.Interrupted, detail: "the photo store could not be read"}
}

// badPhoto ends the update, or looks again later where that may help.
func badPhoto(cause tasks.Reason, detail string, permanent bool, b *budget) consequence {
	c := consequence{reason: tasks.PhotoReason + cause, detail: detail}
	b.Photo++
	if permanent || b.Photo >= maxPhoto {
		c.end = tasks.Failed
		return c
	}
	c.again = spread(photoBackoff<<min(b.Photo-1, 8), 0.2)
	return c
}

func photoDetail(host, detail string) string {
	if host == "" || strings.Contains(detail, host) {
		return detail
	}
	return host + ": " + detail
}

// delay is the mean time to the next run after n spent attempts.
func (p Policy) delay(n int) time.Duration {
	d := p.Backoff
	for range min(max(n, 1)-1, 62) {
		if d >= p.MaxBackoff/2 {
			return p.MaxBackoff
		}
		d *= 2
	}
	return min(d, p.MaxBackoff)
}

// Schedule lists the mean delay after each spent attempt when every call fails
// with an answer that may pass: what doctor prints.
func (p Policy) Schedule() []time.Duration {
	p = p.withDefaults()
	list := make([]time.Duration, 0, p.Attempts-1)
	for n := 1; n < p.Attempts; n++ {
		list = append(list, p.delay(n))
	}
	return list
}

// jitter draws from [0, 2d): full jitter around the mean, so that a backlog
// that failed together does not come back together.
func jitter(d time.Duration) time.Duration { return time.Duration(rand.Float64() * 2 * float64(d)) }

// spread draws from d × (1 ± part).
func spread(d time.Duration, part float64) time.Duration {
	return time.Duration(float64(d) * (1 + part*(2*rand.Float64()-1)))
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func attempts(n int) string {
	if n == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}
