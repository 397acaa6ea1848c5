package worker

import (
	"log/slog"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// hostOfTwo is a host with two accounts that hold after one failure each.
func hostOfTwo() (*host, *lane, *lane) {
	w := &Worker{hosts: map[string]*host{}}
	h := w.hostOf(Account{Host: "provider.example"})
	for range 2 {
		h.lanes = append(h.lanes, &lane{
			policy: Policy{BreakAfter: 2}, log: slog.New(slog.DiscardHandler), nudges: make(chan *lane, 8), host: h,
		})
	}
	return h, h.lanes[0], h.lanes[1]
}

func TestHost_Heard(t *testing.T) {
	t.Parallel()
	failing := ledger.Answer{Said: ledger.SaidFailing, Why: tasks.Unavailable}
	cases := []struct {
		name string
		// whose answers: 1 and 2 fail, 3 is a usable answer of the first, 0 is none at all
		answers []int
		tripped bool
	}{
		{"as many failures as it takes, of two accounts", []int{1, 2, 1, 2}, true},
		{"one too few", []int{1, 2, 1}, false},
		{"of one account alone: its own breaker sees to it", []int{1, 1, 1, 1, 1, 1}, false},
		{"a usable answer begins anew", []int{1, 2, 1, 3, 2, 1}, false},
		{"no call is no answer", []int{1, 0, 2, 0, 1, 0, 2}, true},
		{"once is enough", []int{1, 2, 1, 2, 1, 2, 1, 2}, true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h, a, b := hostOfTwo()
			for _, who := range tc.answers {
				switch who {
				case 1:
					h.heard(a, failing)
				case 2:
					h.heard(b, failing)
				case 3:
					h.heard(a, ledger.Answer{Said: ledger.SaidFalse})
				default:
					h.heard(a, ledger.Answer{})
				}
			}
			if a.tripped.Load() != tc.tripped || b.tripped.Load() != tc.tripped {
				t.Errorf("held: %t and %t; want %t", a.tripped.Load(), b.tripped.Load(), tc.tripped)
			}
		})
	}
}

func TestHost_OneAccountAsksForAll(t *testing.T) {
	t.Parallel()
	h, a, b := hostOfTwo()
	p := Policy{}.withDefaults()
	for range 2 {
		h.heard(a, ledger.Answer{Said: ledger.SaidFailing})
		h.heard(b, ledger.Answer{Said: ledger.SaidFailing})
	}
	// Given a host that is held, when one account learns that it is away, then the other need not ask.
	h.answered(ledger.StatusAway, tasks.Unavailable, "away")
	if s, why, _ := h.asked(p.Hold); s != ledger.StatusAway || why != tasks.Unavailable {
		t.Errorf("got %q, %q", s, why)
	}
	// When it is back, then each asks for itself: it may be disconnected all the same.
	h.answered(ledger.StatusUp, "", "")
	if s, _, _ := h.asked(p.Hold); s != "" {
		t.Errorf("got %q", s)
	}
	// And with the first usable answer of a call nobody waits for the other any more.
	h.answered(ledger.StatusAway, tasks.Unavailable, "away")
	h.heard(b, ledger.Answer{Said: ledger.SaidTrue})
	if s, _, _ := h.asked(p.Hold); s != "" {
		t.Errorf("got %q", s)
	}
	h.askAlone()()
}

func TestHost_WithoutAName(t *testing.T) {
	t.Parallel()
	w := &Worker{hosts: map[string]*host{}}
	if w.hostOf(Account{Name: "a"}) == w.hostOf(Account{Name: "b"}) {
		t.Error("two accounts without a host share one")
	}
	if w.hostOf(Account{Name: "a", Host: "x"}) != w.hostOf(Account{Name: "b", Host: "x"}) {
		t.Error("two accounts of one host have one each")
	}
}
