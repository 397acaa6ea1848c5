package sandbox

import (
	"slices"
	"time"
)

// SetDial replaces all rules. Calls under way keep what they have drawn.
func (s *Sandbox) SetDial(rules ...Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dial = slices.Clone(rules)
}

// Dial returns the rules in force; N is what remains of it, and rules that are used up are gone.
func (s *Sandbox) Dial() []Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.dial)
}

// drawn is what the dial decides for one call.
type drawn struct {
	rules   []Rule
	latency time.Duration
	fate    Rule // Kind "" when nothing fails
}

// draw asks the dial about one call, and uses up what it gives.
func (s *Sandbox) draw(on, account, group string) drawn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var d drawn
	now := s.now()
	since := now.Sub(s.drawnAt[drawer{on, account}])
	s.drawnAt[drawer{on, account}] = now
	kept := s.dial[:0:0]
	for _, r := range s.dial {
		if d.fate.Kind != "" || !r.matches(on, account, group) || r.spares(since) || r.P != 0 && s.random.Float64() >= r.P {
			kept = append(kept, r)
			continue
		}
		d.rules = append(d.rules, r)
		if r.Kind == "slow" {
			d.latency += r.Latency
		} else {
			d.fate = r
		}
		if r.N != 1 {
			r.N = max(r.N-1, 0)
			kept = append(kept, r)
		}
	}
	s.dial = kept
	return d
}

// drawer is who draws from the dial: an account, at one endpoint.
type drawer struct{ on, account string }

// spares tells whether a call that came so long after the one before passes a rule about pace.
func (r Rule) spares(since time.Duration) bool { return r.Kind == "pace" && since >= r.Gap }

func (r Rule) matches(on, account, group string) bool {
	return (r.On == on || r.On == onAll && on != "" || r.On == "" && on == onUpdate) &&
		(r.Account == "" || r.Account == account) && (r.Group == "" || r.Group == group)
}

// holds tells whether a state of the account or the group is on the dial, without using it up: reads show what updates meet.
func (s *Sandbox) holds(account, group string, kinds ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.dial, func(r Rule) bool {
		return slices.Contains(kinds, r.Kind) && r.matches(onUpdate, account, group)
	})
}
