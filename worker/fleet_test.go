//go:build unix

package worker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/sandbox"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func notInShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("not applicable with -short: several worker processes work for seconds")
	}
}

// drawn counts the calls that a rule of the dial decided.
func (f *fleet) drawn(account, rule string) int {
	n := 0
	for _, c := range f.posts(account) {
		if strings.Contains(c.Rule, rule) {
			n++
		}
	}
	return n
}

// queue returns what asynq's web UI shows of the account's single updates.
func (f *fleet) queue(account string) *asynq.QueueInfo {
	f.t.Helper()
	info, err := asynq.NewInspectorFromRedisClient(f.rdb).GetQueueInfo(tasks.Queue(account))
	if err != nil {
		f.t.Fatal(err)
	}
	return info
}

// allUpdated checks that every update ended so, and that no attempt was spent but
// for the call that worked and for answers that are the update's own: asOwn counts
// those by group.
func (f *fleet) allUpdated(account string, list []wish, asOwn func(rule string) bool) {
	f.t.Helper()
	calls, own := map[string]int{}, map[string]int{}
	for _, c := range f.posts(account) {
		calls[c.GroupID]++
		if asOwn(c.Rule) {
			own[c.GroupID]++
		}
	}
	bad := 0
	for _, w := range list {
		o := f.record(account, w.id).Outcome
		spent, err := f.rdb.HGet(f.t.Context(), "groupphoto:{"+account+"}:u:"+w.id, "spent").Int()
		if err != nil {
			f.t.Fatal(err)
		}
		group := string(w.group)
		if o.State != tasks.Updated || o.Attempts != calls[group] || spent != own[group]+1 {
			if bad++; bad <= 5 {
				f.t.Errorf("%s: %d calls, %d of them with answers of its own; spent %d: %+v", w.id, calls[group], own[group], spent, o)
			}
		}
	}
	if bad > 0 {
		f.t.Errorf("%d of %d updates are wrong", bad, len(list))
	}
}

func TestFleet_AnOutageCostsNoAttempts(t *testing.T) {
	t.Parallel()
	notInShort(t)
	// given 2,000 updates and two processes that carry them out
	const slow = "slow:latency=10ms"
	f := newFleet(t, fleetAccount{Name: "main", Concurrency: 4})
	list := wishes("u", 2000)
	f.enqueue("main", list...)
	f.dial(slow)
	f.start("one", "two")
	redistest.Eventually(t, 30*time.Second, func() bool { return len(f.posts("main")) > 300 }, "nothing is called")
	// when the provider is away, then the number is offline, then its subscription ends
	for _, phase := range []struct {
		rule  string
		owner ledger.Owner
		heard int // updates that are to hear of it; one alone would be held to be at fault itself
		most  int
	}{
		// Until the breaker trips: 5 updates in a row and 3 more under way, each up to
		// three times within seconds. Then, as below, one call after each hold.
		{"503", ledger.Breaker, 2, 24 + 12},
		// 4 under way when it begins; then one call, or one question to /status, after
		// each hold of 0.2 to 1 s.
		{"disconnected", ledger.Provider, 0, 4 + 12},
		{"expired", ledger.Provider, 2, 4 + 12},
	} {
		before := len(f.box.Calls())
		f.dial(slow, phase.rule)
		redistest.Eventually(t, 20*time.Second, func() bool {
			return f.lane("main").Trouble == phase.owner && f.drawn("main", phase.rule) >= phase.heard
		}, "%s: no trouble; %s", phase.rule,
			later(func() string { return f.standing("main") }))
		<-time.After(2 * time.Second) // the outage itself
		n, all := f.drawn("main", phase.rule), len(f.box.Calls())-before
		t.Logf("%s: %d calls that failed, %d requests in all, in about 2 s", phase.rule, n, all)
		if n > phase.most || all == 0 || all > 2*phase.most {
			t.Errorf("%s: %d calls, %d requests; want at most %d and twice as many", phase.rule, n, all, phase.most)
		}
	}
	f.dial()
	// then all end as updated, and only answers of 503 have cost attempts
	f.ended("main", len(list), 60*time.Second)
	f.allUpdated("main", list, func(rule string) bool { return strings.Contains(rule, "503") })
	if n := together(f.posts("main")); n > 4 {
		t.Errorf("%d calls in flight; want at most 4", n)
	}
}

// together is how many of the calls were under way at a time, without what else was
// asked of the provider meanwhile.
func together(calls []sandbox.Call) (most int) {
	for i, c := range calls {
		n := 1
		for _, earlier := range calls[max(0, i-100):i] {
			if earlier.End.IsZero() || earlier.End.After(c.Start) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func TestFleet_ALapsedSubscription(t *testing.T) {
	t.Parallel()
	notInShort(t)
	// given an expired subscription, which /status does not show, and 1,000 updates
	f := newFleet(t, fleetAccount{Name: "main", Concurrency: 2})
	list := wishes("u", 1000)
	f.enqueue("main", list...)
	f.dial("expired")
	f.start("one", "two")
	// when it has been found out
	redistest.Eventually(t, 20*time.Second, func() bool {
		s := f.lane("main")
		return s.Trouble == ledger.Provider && s.Told && s.Holds >= 4 && f.queue("main").Paused
	}, "the account is not paused: %s", later(func() string { return f.standing("main") }))
	// then the account shows the reason, and nothing has ended
	if s := f.lane("main"); s.Why != tasks.Reason(plugchat.ReasonSubscription) || s.Since.IsZero() || !s.PausedSince.IsZero() {
		t.Errorf("the account stands so: %+v", s)
	}
	if s := f.queue("main"); s.Completed+s.Archived > 0 {
		t.Errorf("some have ended: %+v", s)
	}
	n := f.drawn("main", "expired")
	t.Logf("%d calls while it was expired", n)
	if n > 20 {
		t.Errorf("%d calls while it was expired; want at most 20", n)
	}
	// and when it is paid for, all go on by themselves
	f.dial()
	f.ended("main", len(list), 60*time.Second)
	f.allUpdated("main", list, func(string) bool { return false })
	redistest.Eventually(t, 10*time.Second, func() bool { return !f.queue("main").Paused && f.lane("main").Trouble == "" }, "it stays paused: %s",
		later(func() string { return f.standing("main") }))
}

func TestFleet_OneGroupIsForbidden(t *testing.T) {
	t.Parallel()
	notInShort(t)
	// given one group that always draws 403 among 500 that work; it is called again
	// behind all others, when there may be nobody left who would show whose fault it is
	f := newFleet(t, fleetAccount{Name: "main", Concurrency: 2})
	list := wishes("u", 501)
	const guilty = 20
	f.dial("slow:latency=20ms", "403:group="+string(groupNo(guilty)))
	f.enqueue("main", list...)
	// when two processes carry them out
	f.start("one", "two")
	f.ended("main", 500, 60*time.Second)
	redistest.Eventually(t, 20*time.Second, func() bool { return f.record("main", list[guilty].id).Outcome.State.Ended() }, "the forbidden one has not ended:\n%s",
		later(func() string { return f.story(list[guilty].id) }))
	f.ended("main", len(list), 60*time.Second)
	// then only that one fails, after two calls, and nobody is told that the account is paused
	if n := f.rdb.XLen(t.Context(), "groupphoto:{main}:events").Val(); n != 0 {
		t.Errorf("people are told of trouble: %v", f.rdb.XRange(t.Context(), "groupphoto:{main}:events", "-", "+").Val())
	}
	calls := map[string]int{}
	for _, c := range f.posts("main") {
		calls[c.GroupID]++
	}
	for i, w := range list {
		o, n := f.record("main", w.id).Outcome, calls[string(w.group)]
		if i == guilty && (o.State != tasks.Failed || o.Reason != tasks.ProviderRejects || n != 2) {
			t.Errorf("the forbidden group was called %d times: %+v", n, o)
		}
		if i != guilty && (o.State != tasks.Updated || n != 1) {
			t.Errorf("%s was called %d times: %+v", w.id, n, o)
		}
	}
}

func TestFleet_TheSecondPhotoStays(t *testing.T) {
	t.Parallel()
	notInShort(t)
	// given an update that fails again and again
	f := newFleet(t, fleetAccount{Name: "main", Concurrency: 2})
	f.dial("503")
	f.start("one", "two")
	f.enqueue("main", wish{id: "first", group: groupA, photo: 1})
	redistest.Eventually(t, 20*time.Second, func() bool { return len(f.posts("main")) > 0 }, "nothing is called")
	// when another photo is asked for the group, and then the provider is back
	f.enqueue("main", wish{id: "second", group: groupA, photo: 2})
	second := f.photo(2).Hash()
	redistest.Eventually(t, 20*time.Second, func() bool {
		calls := f.posts("main")
		return calls[len(calls)-1].PhotoHash == second
	}, "the second one is not called: %s", later(func() string { return f.standing("main") }))
	f.dial()
	f.ended("main", 2, 30*time.Second)
	// then the group shows it, and the first one says which came before it
	if g, _ := f.box.Group(string(groupA)); g.PhotoHash != second || g.Changes != 1 {
		t.Errorf("the group shows %.8s after %d changes; want %.8s after 1", g.PhotoHash, g.Changes, second)
	}
	if o := f.record("main", "second").Outcome; o.State != tasks.Updated {
		t.Errorf("the second: %+v", o)
	}
	if o := f.record("main", "first").Outcome; o.State != tasks.Superseded || o.Value != nil || !strings.Contains(o.Detail, " second ") {
		t.Errorf("the first: %+v", o)
	}
	begun := false
	for _, c := range f.posts("main") {
		if begun = begun || c.PhotoHash == second; begun && c.PhotoHash != second {
			t.Errorf("the first one was called after the second: %+v", c)
		}
	}
}

func TestFleet_BothOwnersOfAPause(t *testing.T) {
	t.Parallel()
	notInShort(t)
	// given an account that is held because its subscription ended
	f := newFleet(t, fleetAccount{Name: "main", Concurrency: 2})
	inspector := asynq.NewInspectorFromRedisClient(f.rdb)
	queue := tasks.Queue("main")
	list := wishes("u", 100)
	f.dial("expired")
	f.enqueue("main", list...)
	f.start("one", "two")
	held := func() bool {
		s := f.lane("main")
		return s.Trouble == ledger.Provider && s.Told && f.queue("main").Paused
	}
	redistest.Eventually(t, 20*time.Second, held, "it is not held: %s", later(func() string { return f.standing("main") }))
	// when somebody resumes the queue in asynq's web UI, then it is paused again, and
	// no operator has anything to do with it
	redistest.Eventually(t, 20*time.Second, func() bool { return inspector.UnpauseQueue(queue) == nil }, "it is not paused")
	redistest.Eventually(t, 20*time.Second, func() bool { return held() && f.lane("main").PausedSince.IsZero() }, "it goes on in spite of the trouble: %s",
		later(func() string { return f.standing("main") }))
	// when somebody pauses it there — it can only be resumed first — and the provider is back
	redistest.Eventually(t, 20*time.Second, func() bool {
		_ = inspector.UnpauseQueue(queue) // it may not be paused just now
		return inspector.PauseQueue(queue) == nil && !eventual(2*time.Second, func() bool { return f.lane("main").PausedSince.IsZero() })
	}, "the pause is not taken for an operator's: %s", later(func() string { return f.standing("main") }))
	f.dial()
	before := len(f.posts("main"))
	<-time.After(3 * time.Second) // longer than any hold: who took away the pause would call now
	s := f.lane("main")
	if n := len(f.posts("main")); n > before || !f.queue("main").Paused || s.By != ledger.WebUI || s.Trouble != ledger.Provider {
		t.Errorf("%d calls in spite of the operator's pause: %s", n-before, f.standing("main"))
	}
	// then it goes on when it is resumed there, and with the first call that works
	// nothing holds it any more
	if err := inspector.UnpauseQueue(queue); err != nil {
		t.Fatal(err)
	}
	f.ended("main", len(list), 30*time.Second)
	f.allUpdated("main", list, func(string) bool { return false })
	redistest.Eventually(t, 10*time.Second, func() bool {
		s := f.lane("main")
		return s.Trouble == "" && s.PausedSince.IsZero() && !f.queue("main").Paused
	}, "something holds it: %s", later(func() string { return f.standing("main") }))
	events := f.rdb.XRange(t.Context(), "groupphoto:{main}:events", "-", "+").Val()
	kinds := make([]string, len(events))
	for i, e := range events {
		kinds[i] = fmt.Sprint(e.Values["type"], " ", e.Values["owner"])
	}
	if got := strings.Join(kinds, ", "); got != "paused account, paused operator, resumed operator, resumed account" {
		t.Errorf("people are told: %s", got)
	}
}

// eventual says whether cond stays true for a while.
func eventual(within time.Duration, cond func() bool) bool {
	late := time.NewTimer(within)
	defer late.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for cond() {
		select {
		case <-tick.C:
		case <-late.C:
			return true
		}
	}
	return false
}
