package worker

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// What is told to people is what the policy does, step by step.
func TestPlan_IsWhatThePolicyDoes(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name   string
		policy Policy
	}{
		{"as it comes", Policy{}},
		{"one attempt", Policy{Attempts: 1}},
		{"two attempts", Policy{Attempts: 2}},
		{"no quick tries", Policy{QuickTries: -1}},
		{"many attempts", Policy{Attempts: 40, RefusalRetries: 10}},
		{"no refusal retries", Policy{RefusalRetries: -1}},
		{"more refusal retries than attempts", Policy{Attempts: 3, RefusalRetries: 10}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, plan := tt.policy.withDefaults(), tt.policy.Plan(day)
			// when no answer ever comes
			if diff := cmp.Diff(plan.Unanswered, gaps(t, p, plugchat.Lost), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("no answer (-plan +policy):\n%s", diff)
			}
			// when the provider is never reached
			if diff := cmp.Diff(plan.Unreached, gaps(t, p, plugchat.Transient), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("not reached (-plan +policy):\n%s", diff)
			}
			// when answers mean nothing
			for _, class := range []plugchat.Class{plugchat.Ambiguous, plugchat.Unclear} {
				if got := len(gaps(t, p, class)) + 1; got != plan.Unsure {
					t.Errorf("%s: %d calls; planned %d", class, got, plan.Unsure)
				}
			}
			// when it is refused again and again
			asked := 0
			for b := (budget{spent: 1}); ; b.spent++ {
				c := p.afterValue(false, &b, day)
				if c.end != "" {
					break
				}
				asked++
				if c.again < plan.RefusalFirst || c.again > plan.RefusalLast {
					t.Errorf("asked again after %s; planned %s to %s", c.again, plan.RefusalFirst, plan.RefusalLast)
				}
			}
			if asked != plan.Refusals {
				t.Errorf("asked again %d times; planned %d", asked, plan.Refusals)
			}
		})
	}
}

// gaps follows one kind of failure to the end, and returns the mean gap after each
// run. Every drawn gap is checked against it.
func gaps(t *testing.T, p Policy, class plugchat.Class) []time.Duration {
	t.Helper()
	var list []time.Duration
	b, tries := budget{}, 0
	for {
		b.spent++
		c := p.afterError(&plugchat.Error{Class: class}, &b)
		if c.end != "" {
			return list
		}
		if c.quick && tries < p.QuickTries {
			tries++
			continue
		}
		tries = 0
		mean := p.delay(b.spent)
		if c.again < 0 || c.again > 2*mean {
			t.Errorf("after %d attempts: %s; want 0 to twice %s", b.spent, c.again, mean)
		}
		list = append(list, mean)
	}
}

func TestPlan_AShortLife(t *testing.T) {
	t.Parallel()
	if got := (Policy{RefusalRetries: 3}).Plan(2 * time.Minute).Refusals; got != 0 {
		t.Errorf("asked again %d times by an update that expires before; want 0", got)
	}
}
