package worker

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/photo"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func TestPolicyAfterError(t *testing.T) {
	t.Parallel()
	p := Policy{}.withDefaults()
	refused := &plugchat.Error{Class: plugchat.Refused, Reason: plugchat.ReasonNotAdmin, Status: 200}
	cases := []struct {
		name   string
		err    *plugchat.Error
		before budget
		end    tasks.State
		value  *bool
		refund ledger.Refund
		hold   time.Duration
		quick  bool
		said   ledger.Said
		atMost time.Duration // bound of again; 0 when it ends
	}{
		{name: "a final no", err: refused, end: tasks.Refused, value: new(false), said: ledger.SaidNormal},
		{name: "rejected for good", err: &plugchat.Error{Class: plugchat.Permanent, Reason: plugchat.ReasonProviderRejects, Status: 400}, end: tasks.Failed, said: ledger.SaidNormal},
		{name: "throttled without a time", err: &plugchat.Error{Class: plugchat.Throttled, Reason: plugchat.ReasonThrottled, Status: 429}, refund: ledger.Attempt, hold: time.Minute, atMost: 90 * time.Second, said: ledger.SaidSlower},
		{name: "throttled with Retry-After", err: &plugchat.Error{Class: plugchat.Throttled, Reason: plugchat.ReasonThrottled, Status: 429, RetryAfter: 10 * time.Second}, refund: ledger.Attempt, hold: 10 * time.Second, atMost: 15 * time.Second, said: ledger.SaidSlower},
		{name: "throttled with the attempts used up", err: &plugchat.Error{Class: plugchat.Throttled, Reason: plugchat.ReasonThrottled}, before: budget{spent: 10}, refund: ledger.Attempt, hold: time.Minute, atMost: 90 * time.Second, said: ledger.SaidSlower},
		{name: "account trouble", err: &plugchat.Error{Class: plugchat.Account, Reason: plugchat.ReasonSubscription, Status: 400}, refund: ledger.Attempt, hold: 30 * time.Second, atMost: 30 * time.Second, said: ledger.SaidAccount},
		{name: "account trouble with the attempts used up", err: &plugchat.Error{Class: plugchat.Account, Reason: plugchat.ReasonCredentials, Status: 401}, before: budget{spent: 10}, refund: ledger.Attempt, hold: 30 * time.Second, atMost: 30 * time.Second, said: ledger.SaidAccount},
		{name: "500 once", err: &plugchat.Error{Class: plugchat.Ambiguous, Reason: plugchat.ReasonProviderError, Status: 500}, before: budget{spent: 1}, atMost: 30 * time.Second, said: ledger.SaidFailing},
		{name: "500 for the third time", err: &plugchat.Error{Class: plugchat.Ambiguous, Reason: plugchat.ReasonProviderError, Status: 500}, before: budget{spent: 3, Ambiguous: 2}, end: tasks.Failed, said: ledger.SaidFailing},
		{name: "503", err: &plugchat.Error{Class: plugchat.Transient, Reason: plugchat.ReasonUnavailable, Status: 503}, before: budget{spent: 1}, quick: true, atMost: 30 * time.Second, said: ledger.SaidFailing},
		{name: "503 on the last attempt", err: &plugchat.Error{Class: plugchat.Transient, Reason: plugchat.ReasonUnavailable, Status: 503}, before: budget{spent: 10}, end: tasks.Failed, said: ledger.SaidFailing},
		{name: "too late to write", err: &plugchat.Error{Class: plugchat.Transient, Reason: plugchat.ReasonTooLate, Err: plugchat.ErrTooLate}, before: budget{spent: 1}, refund: ledger.Call, quick: true, atMost: 30 * time.Second, said: ledger.SaidNothing},
		{name: "too late on the last attempt costs nothing", err: &plugchat.Error{Class: plugchat.Transient, Reason: plugchat.ReasonTooLate, Err: plugchat.ErrTooLate}, before: budget{spent: 10}, refund: ledger.Call, quick: true, atMost: 2 * time.Hour, said: ledger.SaidNothing},
		{name: "no answer", err: &plugchat.Error{Class: plugchat.Lost, Reason: plugchat.ReasonNoAnswer, Sent: true}, before: budget{spent: 2}, atMost: time.Minute, said: ledger.SaidFailing},
		{name: "an unclear answer", err: &plugchat.Error{Class: plugchat.Unclear, Reason: plugchat.ReasonUnclearAnswer, Status: 200}, before: budget{spent: 1}, atMost: 30 * time.Second, said: ledger.SaidFailing},
		{name: "an unclear answer for the third time", err: &plugchat.Error{Class: plugchat.Unclear, Reason: plugchat.ReasonUnclearAnswer, Status: 200}, before: budget{spent: 3, Unclear: 2}, end: tasks.Failed, said: ledger.SaidFailing},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for range 50 { // the delays are drawn
				b := tc.before
				c := p.afterError(tc.err, &b)
				if c.end != tc.end || c.refund != tc.refund || c.quick != tc.quick || c.says.Said != tc.said || tc.hold > 0 && c.says.First != tc.hold {
					t.Fatalf("got %+v", c)
				}
				if (c.value == nil) != (tc.value == nil) || (c.value != nil && *c.value != *tc.value) {
					t.Fatalf("got value %v, want %v", c.value, tc.value)
				}
				if c.again < 0 || c.again > tc.atMost {
					t.Fatalf("again in %s, want at most %s", c.again, tc.atMost)
				}
				if string(c.reason) != tc.err.Reason {
					t.Fatalf("got reason %q", c.reason)
				}
			}
		})
	}
}

func TestPolicyAfterValue(t *testing.T) {
	t.Parallel()
	none := Policy{RefusalRetries: -1}.withDefaults()
	once := Policy{}.withDefaults()
	cases := []struct {
		name   string
		policy Policy
		value  bool
		before budget
		end    tasks.State
		truth  *bool
		left   time.Duration
	}{
		{"true", once, true, budget{spent: 1}, tasks.Updated, new(true), time.Hour},
		{"true after a false", once, true, budget{spent: 2, Refusals: 1}, tasks.Updated, new(true), time.Hour},
		{"the first false is asked again", once, false, budget{spent: 1}, "", nil, time.Hour},
		{"the second false is final", once, false, budget{spent: 2, Refusals: 1}, tasks.Refused, new(false), time.Hour},
		{"no retries wanted", none, false, budget{spent: 1}, tasks.Refused, new(false), time.Hour},
		{"attempts used up", once, false, budget{spent: 10}, tasks.Refused, new(false), time.Hour},
		{"it would expire before it is asked again", once, false, budget{spent: 1}, tasks.Refused, new(false), time.Minute},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := tc.before
			c := tc.policy.afterValue(tc.value, &b, tc.left)
			if c.end != tc.end || c.says.Said != map[bool]ledger.Said{true: ledger.SaidTrue, false: ledger.SaidFalse}[tc.value] || c.status != 200 {
				t.Fatalf("got %+v", c)
			}
			if (c.value == nil) != (tc.truth == nil) || (c.value != nil && *c.value != *tc.truth) {
				t.Fatalf("got value %v, want %v", c.value, tc.truth)
			}
			if c.end == "" && c.again < tc.policy.RefusalDelay {
				t.Fatalf("asks again after %s, before the delay of %s", c.again, tc.policy.RefusalDelay)
			}
		})
	}
}

func TestPolicyAfterPhoto(t *testing.T) {
	t.Parallel()
	p := Policy{}.withDefaults()
	cases := []struct {
		name   string
		err    error
		before budget
		end    tasks.State
		reason tasks.Reason
	}{
		{"gone", &fetch.Error{Reason: fetch.NotFound, Status: 404}, budget{}, tasks.Failed, "photo_not_found"},
		{"refused address", &fetch.Error{Reason: fetch.RefusedAddress}, budget{}, tasks.Failed, "photo_refused_address"},
		{"server away", &fetch.Error{Reason: fetch.Unavailable, Status: 503}, budget{}, "", "photo_unavailable"},
		{"server away for the fifth time", &fetch.Error{Reason: fetch.Unavailable, Status: 503}, budget{Photo: 4}, tasks.Failed, "photo_unavailable"},
		{"not an image", &photo.Error{Reason: photo.NotAnImage}, budget{}, tasks.Failed, "photo_not_an_image"},
		{"a decoder that had no time", &photo.Error{Reason: photo.TooSlow}, budget{}, "", "photo_too_slow"},
		{"a decoder that never has time", &photo.Error{Reason: photo.TooSlow}, budget{Photo: 4}, tasks.Failed, "photo_too_slow"},
		{"lost from the store", ledger.ErrNoPhoto, budget{}, tasks.Failed, "photo_missing"},
		{"the store does not answer", errors.New("connection refused"), budget{}, "", tasks.Interrupted},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := p.afterPhoto(tc.err, &tc.before)
			if c.end != tc.end || c.reason != tc.reason || c.refund != ledger.Nothing {
				t.Fatalf("got %+v, want end %q for %q", c, tc.end, tc.reason)
			}
			if !c.reason.Known() {
				t.Fatalf("reason %q is not in tasks.Reasons", c.reason)
			}
			if c.end == "" && c.again <= 0 {
				t.Fatalf("again in %s", c.again)
			}
		})
	}
}

// Every word that the packages below can say must be explained to people.
func TestReasons_AreAllExplained(t *testing.T) {
	t.Parallel()
	words := []tasks.Reason{
		plugchat.ReasonNotAdmin, plugchat.ReasonThrottled, plugchat.ReasonCredentials, plugchat.ReasonNotAllowed,
		plugchat.ReasonSubscription, plugchat.ReasonDisconnected, plugchat.ReasonWrongMethod, plugchat.ReasonWrongContentType,
		plugchat.ReasonRedirected, plugchat.ReasonProxyLogin, plugchat.ReasonProviderRejects, plugchat.ReasonProviderError,
		plugchat.ReasonUnavailable, plugchat.ReasonNoAnswer, plugchat.ReasonUnclearAnswer, plugchat.ReasonTooLate,
		plugchat.ReasonCanceled, plugchat.ReasonBadCall,
	}
	for _, r := range []fetch.Reason{
		fetch.BadURL, fetch.RefusedAddress, fetch.TooLarge, fetch.NotFound, fetch.Redirects, fetch.Unavailable, fetch.Timeout, fetch.Network,
	} {
		words = append(words, tasks.PhotoReason+tasks.Reason(r))
	}
	for _, r := range []photo.Reason{
		photo.NotAnImage, photo.UnsupportedFormat, photo.TooSmall, photo.TooManyPixels, photo.TooComplex, photo.TooLarge,
		photo.Corrupt, photo.BadBase64, photo.Empty, photo.TooSlow,
	} {
		words = append(words, tasks.PhotoReason+tasks.Reason(r))
	}
	for _, word := range words {
		if !word.Known() {
			t.Errorf("reason %q is not in tasks.Reasons", word)
		}
	}
}

func TestPolicyDelay_IsBounded(t *testing.T) {
	t.Parallel()
	p := Policy{}.withDefaults()
	for _, n := range []int{math.MinInt, -1, 0, 1, 2, 9, 10, 62, 63, 64, math.MaxInt32, math.MaxInt} {
		if d := p.delay(n); d < p.Backoff || d > p.MaxBackoff {
			t.Errorf("delay(%d) = %s, want between %s and %s", n, d, p.Backoff, p.MaxBackoff)
		}
	}
	steps := p.Schedule()
	if len(steps) != p.Attempts-1 {
		t.Fatalf("%d delays for %d attempts", len(steps), p.Attempts)
	}
	for i := 1; i < len(steps); i++ {
		if steps[i] < steps[i-1] {
			t.Errorf("the schedule falls: %v", steps)
		}
	}
}

func TestBudget_SurvivesTheLedger(t *testing.T) {
	t.Parallel()
	want := budget{Refusals: 1, Ambiguous: 2, Unclear: 3, Lost: 4, Photo: 5, Blame: tasks.Credentials, spent: 6}
	if got := readBudget(want.String(), 6); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := readBudget("", 2); got != (budget{spent: 2}) {
		t.Errorf("an empty text gives %+v", got)
	}
	if got := readBudget("{broken", 0); got != (budget{}) {
		t.Errorf("a broken text gives %+v", got)
	}
}
