//go:build unix

package worker_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/sandbox"
)

const (
	paceCalls  = 150 // of each account in each round
	paceRounds = 2
	paceGap    = 100 * time.Millisecond
	// paceNoise is the longest delay beside which a round tells anything about
	// milliseconds.
	paceNoise = 4 * time.Millisecond
)

// TestFleet_Pace is the bar of the design: 4 processes, one pace. It runs alone,
// because it measures milliseconds; the accounts share its time.
//
// What else the machine does moves calls as the provider sees them, so a metronome in
// a process of its own says how quiet a round was. Limits, shares and the rate that is
// never exceeded are judged in every round; single gaps and the 97 % in a quiet one,
// and where no round was quiet the log has the figures. The gaps by Redis' own clock are
// judged to the millisecond in the ledger's tests. Draws of the jitter spread the mean of n
// gaps by jitter/√3/√n, 1.4 % here: accounts with jitter have three times that spread less.
func TestFleet_Pace(t *testing.T) {
	notInShort(t)
	// given accounts with 150 updates each, and 4 processes
	accounts := []fleetAccount{
		{Name: "even", Pace: paceGap, Concurrency: 1},
		{Name: "one", Pace: paceGap, Jitter: 0.3, Concurrency: 1},
		{Name: "three", Pace: paceGap, Jitter: 0.3, Concurrency: 3},
		{Name: "full", Pace: paceGap / 2, Jitter: 0.3, Concurrency: 2}, // its limit and not its pace decides
	}
	f := newFleet(t, accounts...)
	f.dial("slow:latency=20ms,account="+sandbox.AccountOf(tokenOf("even")), "slow:latency=20ms,account="+sandbox.AccountOf(tokenOf("one")),
		"slow:latency=180ms,account="+sandbox.AccountOf(tokenOf("three")), "slow:latency=150ms,account="+sandbox.AccountOf(tokenOf("full")))
	names := []string{"p1", "p2", "p3", "p4"}
	f.start(names...)
	noise := watchNoise(t)
	quiet, made := false, 0
	for round := 1; round <= paceRounds && !quiet; round++ {
		// when all are done
		for _, a := range accounts {
			f.enqueue(a.Name, wishes("r"+strconv.Itoa(round)+"-", paceCalls)...)
		}
		made += paceCalls
		noise.since()
		for _, a := range accounts {
			f.ended(a.Name, made, 60*time.Second)
		}
		most, mean := noise.since()
		quiet = most <= paceNoise
		for _, a := range accounts {
			calls := f.posts(a.Name)
			if len(calls) != made {
				t.Fatalf("%s: %d calls; want %d", a.Name, len(calls), made)
			}
			// then the provider has seen the pace
			p := paceOf(a, calls[made-paceCalls:])
			t.Logf("round %d: %s: smallest gap %s, %d of them below %s, %.2f %% of the rate, at most %d in flight, calls by process %v; delays up to %s, mean %s",
				round, a.Name, p.least.Round(100*time.Microsecond), p.tooClose, p.floor, 100*p.rate, p.inFlight, f.shares(a.Name, names),
				most.Round(100*time.Microsecond), mean.Round(10*time.Microsecond))
			p.judge(t, a, quiet, most, mean)
		}
	}
	for _, a := range accounts { // and every process had its share
		shares := f.shares(a.Name, names)
		if fair := made / len(names); slices.Min(shares) < fair/3 {
			t.Errorf("%s: calls by process: %v; a fair share is %d", a.Name, shares, fair)
		}
	}
}

// judge holds a round against the bar, as far as it can tell. most and mean are the
// metronome's delays.
func (p pacing) judge(t *testing.T, a fleetAccount, quiet bool, most, mean time.Duration) {
	t.Helper()
	if p.inFlight > a.Concurrency || a.Name == "full" && p.inFlight < a.Concurrency {
		t.Errorf("%s: %d calls in flight; want at most %d", a.Name, p.inFlight, a.Concurrency)
	}
	if p.rate > 2-p.least97 {
		t.Errorf("%s: %.2f %% of the rate that is configured", a.Name, 100*p.rate)
	}
	if !quiet {
		return
	}
	if p.least < p.floor-2*most {
		t.Errorf("%s: a gap of %s; want %s at least", a.Name, p.least, p.floor)
	}
	if a.Name != "full" && p.rate < p.least97-3*float64(mean)/float64(a.Pace) {
		t.Errorf("%s: %.2f %% of the rate; want %.2f %%", a.Name, 100*p.rate, 100*p.least97)
	}
}

// shares are the calls by process.
func (f *fleet) shares(account string, names []string) []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]int, len(names))
	for i, name := range names {
		list[i] = f.from[tokenOf(account)+" "+name]
	}
	return list
}

// pacing is how the provider saw an account's calls.
type pacing struct {
	floor, least       time.Duration // the smallest gap there may be, and there was
	rate, least97      float64       // the part of the configured rate, and what it should be
	tooClose, inFlight int
}

func paceOf(a fleetAccount, calls []sandbox.Call) pacing {
	gaps := float64(len(calls) - 1)
	p := pacing{
		floor: time.Duration(float64(a.Pace)*(1-a.Jitter)) - 5*time.Millisecond, least: time.Hour,
		rate:    gaps * float64(a.Pace) / float64(calls[len(calls)-1].Start.Sub(calls[0].Start)),
		least97: 0.97 - 3*a.Jitter/math.Sqrt(3*gaps),
	}
	for i, c := range calls {
		p.inFlight = max(p.inFlight, c.InFlight)
		if i == 0 {
			continue
		}
		gap := c.Start.Sub(calls[i-1].Start)
		p.least = min(p.least, gap)
		if gap < p.floor {
			p.tooClose++
		}
	}
	return p
}

func TestFleet_SinglesOvertakeABacklog(t *testing.T) {
	t.Parallel()
	notInShort(t)
	// given 500 campaign rows that wait, and two processes at a pace of 200 ms
	f := newFleet(t, fleetAccount{Name: "main", Pace: 200 * time.Millisecond, Jitter: 0.3, Concurrency: 1})
	f.dial("slow:latency=20ms")
	rows := wishes("row", 500)
	for i := range rows {
		rows[i].campaign = "summer"
	}
	f.enqueue("main", rows...)
	f.start("p1", "p2")
	redistest.Eventually(t, 20*time.Second, func() bool { return len(f.posts("main")) >= 5 }, "no row is called")
	const singles = 12
	late := 0
	for i := range singles {
		// when a single update comes
		single := wish{id: "single" + string(rune('a'+i)), group: groupNo(1000 + i)}
		f.enqueue("main", single)
		came := time.Now()
		redistest.Eventually(t, 20*time.Second, func() bool { return f.record("main", single.id).Outcome.State.Ended() }, "%s has not ended", single.id)
		// then one row at most is called before it: every handler holds a row that waits
		// for its turn, so asynq can take the single update out of its queue only when the
		// next turn has gone to one of them. More are for a machine so busy that the
		// update is not ready 140 ms later
		before := 0
		for _, c := range f.posts("main") {
			if c.GroupID == string(single.group) {
				t.Logf("%s was called after %s and %d rows", single.id, c.Start.Sub(came).Round(time.Millisecond), before)
				break
			}
			if c.Start.After(came) {
				before++
			}
		}
		if before > 3 {
			t.Errorf("%s was called after %d rows; want at most 3", single.id, before)
		}
		if before > 1 {
			late++
		}
	}
	if late > 2 {
		t.Errorf("%d of %d were not called within one turn after they could be", late, singles)
	}
	if n := f.rdb.XLen(t.Context(), "groupphoto:{main}:outcomes").Val(); n > 200 {
		t.Errorf("%d have ended: there was no backlog any more", n)
	}
	for _, c := range f.posts("main") {
		if c.InFlight > 1 || strings.Contains(c.Answer, "false") {
			t.Errorf("got %+v", c)
		}
	}
}
