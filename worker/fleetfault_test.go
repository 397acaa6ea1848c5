//go:build unix

package worker_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/sandbox"
	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	faultGroups = 500
	faultWaves  = 5 // photos of each group
	faultPaced  = 250
	// asynqForgets is when asynq takes a dead worker's tasks for abandoned: 30 s after
	// the last heartbeat their lease ends, and 30 s later a server that starts, and any
	// other within a minute more, puts them back.
	asynqForgets = 61 * time.Second
)

// TestFleet_KilledAndStopped ends and freezes processes in the middle of their work.
// It begins alone and goes on beside other tests while time passes for asynq.
func TestFleet_KilledAndStopped(t *testing.T) {
	notInShort(t)
	// given 2,750 updates of two accounts, one with a pace, and 4 processes
	accounts := []fleetAccount{
		{Name: "quick", Concurrency: 4},
		{Name: "paced", Concurrency: 1, Pace: 60 * time.Millisecond, Jitter: 0.3},
	}
	f := newFleet(t, accounts...)
	f.config.HTTPTimeout, f.config.LeaseMargin = time.Second, time.Second
	f.dial("slow:latency=20ms")
	var quick []wish
	for wave := range faultWaves {
		for i := range faultGroups {
			quick = append(quick, wish{id: "q" + strconv.Itoa(wave) + "-" + strconv.Itoa(i), group: groupNo(i), photo: wave})
		}
	}
	paced := wishes("p", faultPaced)
	for i := range paced {
		paced[i].group = groupNo(faultGroups + i)
	}
	f.enqueue("quick", quick...)
	f.enqueue("paced", paced...)
	f.start("one", "two", "three", "four")
	// when every few hundred calls one is killed, with another in its place, or frozen
	// for longer than its turns last
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	lastKill, faults := f.disturb(rand.New(rand.NewPCG(seed, 0)), []string{"kill", "stop", "kill", "kill", "stop", "stop"})
	f.ended("quick", len(quick)-faults*4, 60*time.Second)
	f.ended("paced", faultPaced-faults, 60*time.Second)
	t.Parallel() // others may work while asynq waits
	<-time.After(time.Until(lastKill.Add(asynqForgets)))
	f.start("last")
	// then every update ends, the groups show their newest photos, and nothing was
	// done twice but what was under way when a process fell
	f.judgeFaults(accounts[0], quick, faults)
	f.judgeFaults(accounts[1], paced, faults)
}

// disturb deals out the faults at random moments, a few hundred calls apart.
func (f *fleet) disturb(random *rand.Rand, faults []string) (lastKill time.Time, n int) {
	f.t.Helper()
	resumed := make(chan struct{}, len(faults))
	stopped := map[*member]bool{}
	working := append([]*member(nil), f.members...)
	next := 100
	for i, fault := range faults {
		next += 150 + random.IntN(200)
		redistest.Eventually(f.t, 60*time.Second, func() bool { return len(f.posts("quick")) >= next }, "%d calls are not reached", next)
		k := random.IntN(len(working))
		for stopped[working[k]] {
			k = (k + 1) % len(working)
		}
		victim := working[k]
		if fault == "kill" {
			victim.signal(syscall.SIGKILL)
			lastKill = time.Now()
			working = append(append([]*member(nil), working[:k]...), working[k+1:]...)
			working = append(working, f.start("spare"+strconv.Itoa(i))...)
			continue
		}
		victim.signal(syscall.SIGSTOP)
		stopped[victim] = true
		time.AfterFunc(f.config.HTTPTimeout+f.config.LeaseMargin+time.Second, func() { // the outage itself
			_ = victim.cmd.Process.Signal(syscall.SIGCONT)
			resumed <- struct{}{}
		})
	}
	for range stopped {
		<-resumed
	}
	return lastKill, len(faults)
}

// judgeFaults holds an account's calls against what was asked for.
func (f *fleet) judgeFaults(a fleetAccount, list []wish, faults int) {
	f.t.Helper()
	f.ended(a.Name, len(list), 60*time.Second)
	states, newest := map[tasks.State]int{}, map[string]string{}
	for _, w := range list {
		var o tasks.Outcome
		redistest.Eventually(f.t, 30*time.Second, func() bool { o = f.record(a.Name, w.id).Outcome; return o.State.Ended() }, "%s is stuck: %+v", w.id,
			later(func() string { return f.standing(a.Name) }))
		states[o.State]++
		if o.State != tasks.Updated && o.State != tasks.Superseded {
			f.t.Errorf("%s: %+v", w.id, o)
		}
		newest[string(w.group)] = f.photo(w.photo).Hash()
	}
	for group, photo := range newest {
		if g, _ := f.box.Group(group); g.PhotoHash != photo {
			f.t.Errorf("%s: group %s shows %.8s; want %.8s", a.Name, group, g.PhotoHash, photo)
		}
	}
	repairs := len(f.rdb.Keys(f.t.Context(), "groupphoto:{"+a.Name+"}:u:repair-*").Val())
	calls := f.posts(a.Name)
	twice := f.judgeOrder(a, calls) - repairs
	f.t.Logf("%s: %v in %d calls; %d called twice at %d faults, %d repairs", a.Name, states, len(calls), twice, faults, repairs)
	if most := faults * a.Concurrency; twice > most {
		f.t.Errorf("%s: %d calls were made twice; at most %d were under way at the faults", a.Name, twice, most)
	}
	if p := paceOf(a, calls); a.Pace > 0 {
		f.t.Logf("%s: smallest gap %s, %d below %s", a.Name, p.least, p.tooClose, p.floor)
		if p.tooClose > len(calls)/25 { // a machine that is busy starting processes makes a few
			f.t.Errorf("%s: %d of %d calls came less than %s after another", a.Name, p.tooClose, len(calls), p.floor)
		}
	}
}

// judgeOrder checks that no older photo of a group is called after a newer one, and
// the calls in flight. It returns how many calls were made again.
func (f *fleet) judgeOrder(a fleetAccount, calls []sandbox.Call) (twice int) {
	f.t.Helper()
	number := map[string]int{}
	for i, ref := range f.photos {
		number[ref.Hash()] = i
	}
	last := map[string]int{}
	for _, c := range calls {
		n, known := number[c.PhotoHash]
		if !known {
			if !c.End.IsZero() && c.Status != 0 {
				f.t.Errorf("%s: what was this? %+v", a.Name, c)
			}
			continue // its sender was killed while it wrote
		}
		before, called := last[c.GroupID]
		switch {
		case called && n < before:
			f.t.Errorf("%s: group %s: photo %d was called after photo %d", a.Name, c.GroupID, n, before)
		case called && n == before:
			twice++
		}
		last[c.GroupID] = n
		if c.InFlight > a.Concurrency {
			f.t.Errorf("%s: %d calls in flight; want at most %d", a.Name, c.InFlight, a.Concurrency)
		}
		if strings.Contains(c.Path, "status") {
			f.t.Errorf("%s: %+v", a.Name, c)
		}
	}
	return twice
}
