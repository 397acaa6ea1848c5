package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// inGroup gives every number a group of its own.
func inGroup(n int) func(*ledger.Entry) {
	return func(e *ledger.Entry) { e.Update.GroupID = tasks.GroupID(fmt.Sprintf("1203630000000%05d-group", n)) }
}

const (
	first = 20 * time.Second
	most  = 2 * time.Minute
)

// suspected is an update that was told of the account's trouble.
func (e *env) suspected(t testing.TB, id string, changes ...func(*ledger.Entry)) *run {
	t.Helper()
	x := e.started(t, id, changes...)
	x.ask(t, ledger.Go)
	x.blamed(t)
	return x
}

// blamed gives the run's turn back with such an answer.
func (x *run) blamed(t testing.TB) ledger.Released {
	t.Helper()
	return x.give(t, "ok", says(ledger.SaidAccount, first, most), refund(ledger.Attempt))
}

func TestSuspect_OthersGoFirstAndConvictIt(t *testing.T) {
	t.Parallel()
	// Given one update that was told of the account's trouble, when /status says
	// that all is well, then others go at once and the suspect later; the first normal
	// answer of another ends the trouble and costs the suspect an attempt.
	for name, answer := range map[string]func(*testing.T, *run){
		"true":   func(t *testing.T, x *run) { x.end(t, tasks.Updated, "", said(ledger.SaidTrue)) },
		"false":  func(t *testing.T, x *run) { x.give(t, "ok", says(ledger.SaidFalse, 0, 0)) },
		"normal": func(t *testing.T, x *run) { x.give(t, "ok", normal) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				x := e.suspected(t, "suspect")
				other, third := e.started(t, "other", inGroupB), e.started(t, "third", inGroup(3))
				if s := e.lane(t); s.Trouble != ledger.Provider || s.Told || s.Probe.IsZero() || s.Probe.After(s.Now) || !s.Closed {
					t.Errorf("the account stands as %+v; want a suspicion, closed, to be probed at once", s)
				}
				other.waits(t, ledger.ByHold, first)
				e.begins(t, "p", true)
				e.begins(t, "q", false)
				e.begins(t, "p", true) // asked again after a lost reply
				if left := e.probed(t, "p", ledger.StatusUp, first, most); left != 0 {
					t.Errorf("held for %s although /status says up", left)
				}
				x.next().waits(t, ledger.BySuspicion, first)
				e.tick(t)
				other.ask(t, ledger.Go, limit(2))
				third.waits(t, ledger.ByLimit, lease, limit(2)) // one feels its way
				answer(t, other)
				if s := e.lane(t); s.Trouble != "" || s.Closed || s.Holds != 0 {
					t.Errorf("the account stands as %+v; want no trouble", s)
				}
				third.ask(t, ledger.Go, limit(2))
				x.guilty(t, 1, 1)
				x.next().ask(t, ledger.Go, limit(2)) // and nothing keeps it from its next try
			})
		})
	}
}

func TestSuspect_ASecondConvictionIsCounted(t *testing.T) {
	t.Parallel()
	// Given an update that always draws the account's trouble, when others go
	// through each time, then it is convicted each time.
	each(t, func(t *testing.T, e *env) {
		x := e.suspected(t, "suspect")
		for n := 1; n <= 2; n++ {
			if n == 1 {
				e.probe(t, ledger.StatusUp, first, most)
			}
			e.tick(t)
			other := e.started(t, fmt.Sprintf("other%d", n), inGroup(n))
			other.ask(t, ledger.Go)
			other.give(t, "ok", normal)
			x.guilty(t, n, n)
			x.next().ask(t, ledger.Go)
			x.blamed(t)
		}
	})
}

func TestSuspect_NobodyIsConvicted(t *testing.T) {
	t.Parallel()
	// Given trouble of another kind than one update's alone, when another gets a
	// normal answer, then the trouble ends and no attempt is spent.
	goes := func(t *testing.T, e *env) {
		t.Helper()
		e.tick(t)
		x := e.started(t, "other", inGroup(9))
		x.ask(t, ledger.Go)
		x.give(t, "ok", normal)
	}
	for name, story := range map[string]func(t *testing.T, e *env) []*run{
		"two suspects": func(t *testing.T, e *env) []*run {
			a, b := e.started(t, "a"), e.started(t, "b", inGroupB)
			a.ask(t, ledger.Go, limit(2))
			b.ask(t, ledger.Go, limit(2))
			a.blamed(t)
			b.blamed(t)
			e.skip(t, first)
			e.probe(t, ledger.StatusUp, first, most)
			goes(t, e)
			return []*run{a, b}
		},
		"status explained it": func(t *testing.T, e *env) []*run {
			a := e.suspected(t, "a")
			e.left(t, "the hold", e.probe(t, ledger.StatusDown, first, most), 2*first)
			e.skip(t, 2*first)
			e.probe(t, ledger.StatusUp, first, most)
			goes(t, e)
			return []*run{a}
		},
		"its own normal answer": func(t *testing.T, e *env) []*run {
			a := e.suspected(t, "a")
			e.probe(t, ledger.StatusUp, first, most)
			e.skip(t, first)
			a.next().ask(t, ledger.Go)
			a.give(t, "ok", normal, refund(ledger.Attempt))
			return []*run{a}
		},
		"it was sent again since": func(t *testing.T, e *env) []*run {
			e.suspected(t, "a")
			e.probe(t, ledger.StatusUp, first, most)
			_, _, err := e.Cancel(t.Context(), account, "a", "somebody")
			must(t, err)
			r, _, err := e.Reopen(t.Context(), account, "a", time.Hour)
			must(t, err)
			goes(t, e)
			return []*run{e.start(t, ledger.Registered{Update: r.Update}, "a", "second", ledger.Run)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				runs := story(t, e)
				if s := e.lane(t); s.Trouble != "" {
					t.Errorf("the account stands as %+v; want no trouble", s)
				}
				for _, x := range runs {
					x.guilty(t, 0, 0)
				}
			})
		})
	}
}

func TestSuspect_OneThatHasEndedIsLeftAlone(t *testing.T) {
	t.Parallel()
	// Given a suspect that was cancelled, when another gets a normal answer, then
	// the recorded end stays as it was.
	each(t, func(t *testing.T, e *env) {
		e.suspected(t, "a")
		e.probe(t, ledger.StatusUp, first, most)
		_, _, err := e.Cancel(t.Context(), account, "a", "somebody")
		must(t, err)
		before := e.rdb.HGetAll(t.Context(), record("a")).Val()
		other := e.started(t, "other", inGroupB)
		other.ask(t, ledger.Go)
		other.give(t, "ok", normal)
		after := e.rdb.HGetAll(t.Context(), record("a")).Val()
		if fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("the record was %v and is %v", before, after)
		}
	})
}

func TestSuspect_AloneIsTriedAgainAtGrowingGaps(t *testing.T) {
	t.Parallel()
	// Given a suspect and nobody else, when it is told of trouble each time it is
	// tried, then the gaps double up to the longest; /status is asked once a minute;
	// and a new update goes at once however long the suspect waits.
	each(t, func(t *testing.T, e *env) {
		x := e.started(t, "suspect")
		var asked time.Duration // how long ago /status was asked
		for n, gap := range []time.Duration{first, 2 * first, 4 * first, most, most} {
			x.next().ask(t, ledger.Go)
			got := x.blamed(t)
			e.left(t, "the suspect's hold", got.Suspect, gap)
			if s := e.lane(t); s.Told != (n > 0) || s.Holds != n+1 {
				t.Errorf("try %d: told %t, %d in a row", n+1, s.Told, s.Holds)
			}
			fresh := n > 0 && asked < time.Minute
			if fresh {
				e.begins(t, "early", false)
				if got.Hold != 0 {
					t.Errorf("try %d: all are held for %s although /status was up %s ago", n+1, got.Hold, asked)
				}
			} else {
				e.left(t, "the hold", got.Hold, gap)
				e.probe(t, ledger.StatusUp, first, most)
				asked = 0
			}
			x.next().waits(t, ledger.BySuspicion, gap)
			other := e.started(t, fmt.Sprintf("other%d", n), inGroup(n))
			other.ask(t, ledger.Go)
			other.give(t, "ok", refund(ledger.Call)) // it says nothing
			e.skip(t, gap)
			asked += gap
		}
		x.guilty(t, 0, 0)
	})
}

func TestSuspect_UnlessStatusIsKnownOthersWaitToo(t *testing.T) {
	t.Parallel()
	// Given a suspect, when /status cannot tell, then all wait for the hold and
	// then go one at a time, as after trouble of any kind.
	each(t, func(t *testing.T, e *env) {
		x := e.suspected(t, "suspect")
		e.left(t, "the hold", e.probe(t, ledger.StatusUnknown, first, most), first)
		other := e.started(t, "other", inGroupB)
		other.waits(t, ledger.ByHold, first)
		e.skip(t, first)
		other.ask(t, ledger.Go, limit(2))
		x.next().waits(t, ledger.ByLimit, lease, limit(2))
	})
}

func TestSuspect_OfAnEarlierTroubleIsNoneOfTheNext(t *testing.T) {
	t.Parallel()
	// Given an update that was told of trouble which others ended, when another
	// update is suspected in new trouble, then the first one may go at once.
	each(t, func(t *testing.T, e *env) {
		earlier := e.suspected(t, "earlier")
		e.probe(t, ledger.StatusDown, first, most)
		e.skip(t, 2*first)
		e.probe(t, ledger.StatusUp, first, most)
		e.tick(t)
		other := e.started(t, "other", inGroup(1))
		other.ask(t, ledger.Go)
		other.give(t, "ok", normal)
		e.skip(t, time.Second)

		e.suspected(t, "suspect", inGroupB) // /status was up a second ago: others go at once
		e.tick(t)
		earlier.next().ask(t, ledger.Go)
		earlier.give(t, "ok", normal)
		earlier.guilty(t, 0, 1) // its own second call
	})
}

func TestProbe_OneThatWasGivenUpChangesNothing(t *testing.T) {
	t.Parallel()
	// Given a process that asks /status and is not heard of again, when its time
	// is over, then another asks; the first one's late answer changes nothing, and
	// neither does a copy of the second one's.
	each(t, func(t *testing.T, e *env) {
		e.suspected(t, "a")
		e.begins(t, "first", true)
		e.skip(t, 15*time.Second)
		e.begins(t, "second", true)
		e.probed(t, "first", ledger.StatusUp, first, most)
		if s := e.lane(t); s.Probe.IsZero() || !s.Closed {
			t.Errorf("a probe that was given up changed the account to %+v", s)
		}
		want := e.probed(t, "second", ledger.StatusDown, first, most)
		if again := e.probed(t, "second", ledger.StatusDown, first, most); again > want || e.lane(t).Holds != 2 {
			t.Errorf("its copy holds for %s, %d in a row; want %s, 2", again, e.lane(t).Holds, want)
		}
	})
}

func TestProbe_NobodyAsksAndTheLaneGoesOn(t *testing.T) {
	t.Parallel()
	// Given trouble and no process that asks /status, when its time is five
	// seconds over, then a call feels its way all the same; one who began to ask and
	// died stops the others for as long as asking takes.
	each(t, func(t *testing.T, e *env) {
		x := e.suspected(t, "a")
		e.skip(t, first+4*time.Second)
		x.next().waits(t, ledger.ByHold, 250*time.Millisecond)
		e.skip(t, 2*time.Second)
		e.begins(t, "dead", true)
		x.waits(t, ledger.ByHold, 250*time.Millisecond)
		e.skip(t, 15*time.Second)
		x.ask(t, ledger.Go)
	})
}

func TestProbed_UnaskedTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	// Given nothing known to be wrong, when an answer of /status that nobody asked
	// for on purpose says otherwise, twice, then trouble has begun once; one that says
	// up while another process probes does not end that probe.
	each(t, func(t *testing.T, e *env) {
		for range 2 {
			e.left(t, "the hold", e.probed(t, "", ledger.StatusDown, first, most), first)
		}
		if s := e.lane(t); s.Holds != 1 || s.Trouble != ledger.Provider || !s.Told {
			t.Errorf("the account stands as %+v; want trouble once", s)
		}
		e.skip(t, first)
		e.begins(t, "p", true)
		e.probed(t, "", ledger.StatusUp, first, most)
		if left := e.probed(t, "p", ledger.StatusUp, first, most); left != 0 || !e.lane(t).Probe.IsZero() {
			t.Errorf("held for %s, probed again at %s; want neither", left, e.lane(t).Probe)
		}
	})
}

func TestSuspect_ALateAnswerBeginsNothing(t *testing.T) {
	t.Parallel()
	// Given two calls under way as trouble begins and ends, when the slower one is told
	// of it at last, then the account goes on: that trouble is over.
	e := newMini(t)
	slow, other := e.started(t, "slow", inGroup(1)), e.started(t, "other", inGroup(2))
	slow.ask(t, ledger.Go, limit(3))
	x := e.started(t, "quick", inGroup(3))
	x.ask(t, ledger.Go, limit(3))
	x.blamed(t)
	e.probe(t, ledger.StatusUp, first, most)
	e.tick(t)
	// Its turn is still under way, and another would not be granted beside it.
	must(t, e.rdb.Del(t.Context(), key("turns")).Err())
	other.ask(t, ledger.Go)
	other.give(t, "ok", normal)
	e.tick(t)
	slow.blamed(t)
	if s := e.lane(t); s.Trouble != "" || s.Closed {
		t.Errorf("the account stands as %+v; want no trouble", s)
	}
}
