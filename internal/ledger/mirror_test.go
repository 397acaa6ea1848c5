package ledger_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// pausedThere is what asynq's Inspector does to pause a queue; one that is paused it refuses.
func (e *env) pausedThere(t testing.TB, queue string) bool {
	t.Helper()
	ok, err := e.rdb.SetNX(t.Context(), flagKey(queue), time.Now().Unix(), 0).Result()
	must(t, err)
	return ok
}

// resumedThere is what it does to resume one.
func (e *env) resumedThere(t testing.TB, queue string) {
	t.Helper()
	must(t, e.rdb.Del(t.Context(), flagKey(queue)).Err())
}

func (e *env) pause(t testing.TB) {
	t.Helper()
	_, err := e.Pause(t.Context(), account, "op", "")
	must(t, err)
}

func (e *env) resume(t testing.TB) {
	t.Helper()
	_, err := e.Resume(t.Context(), account, "op")
	must(t, err)
}

// troubleBy gives the account trouble, or takes it away with "".
func (e *env) troubleBy(t testing.TB, owner ledger.Owner) {
	t.Helper()
	switch owner {
	case ledger.Provider:
		e.probed(t, "", ledger.StatusDown, first, most)
	case ledger.Breaker:
		e.probed(t, "", ledger.StatusAway, first, most)
	}
}

// stands wants the account's owners, and the flags of its queues to say the same.
func (e *env) stands(t testing.TB, operator bool, trouble ledger.Owner, held bool) {
	t.Helper()
	s := e.lane(t)
	if !s.PausedSince.IsZero() != operator || s.Trouble != trouble || s.Closed != (operator || held) {
		t.Errorf("the account stands as %+v; want an operator's pause: %t, trouble of %q, held: %t", s, operator, trouble, held)
	}
	for _, queue := range []string{tasks.Queue(account), tasks.BulkQueue(account)} {
		if flag := e.rdb.Get(t.Context(), flagKey(queue)).Val(); strings.HasPrefix(flag, "groupphoto:") != (operator || held) || flag != "" && !operator && !held {
			t.Errorf("the flag of %s is %q; want ours: %t", queue, flag, operator || held)
		}
	}
}

// looks is what n processes do at the same time.
func (e *env) looks(t testing.TB, n int) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if _, err := e.Mirror(t.Context(), account); err != nil {
				t.Errorf("Mirror: %v", err)
			}
		})
	}
	all.Wait()
}

func TestMirror_OwnersAreKeptApart(t *testing.T) {
	t.Parallel()
	// Given an account that an operator and trouble hold or not, when somebody pauses
	// or resumes it, here or in asynq's web UI, and one or more processes look, then
	// only the operator's pause has changed, the flags follow, and the end of the
	// trouble leaves what the operator wants.
	queue := tasks.Queue(account)
	actions := map[string]func(*testing.T, *env, bool) bool{ // whether an operator has paused it then
		"nothing":      func(_ *testing.T, _ *env, before bool) bool { return before },
		"pause":        func(t *testing.T, e *env, _ bool) bool { e.pause(t); return true },
		"resume":       func(t *testing.T, e *env, _ bool) bool { e.resume(t); return false },
		"pause there":  func(t *testing.T, e *env, before bool) bool { return e.pausedThere(t, queue) || before },
		"resume there": func(t *testing.T, e *env, _ bool) bool { e.resumedThere(t, queue); return false },
	}
	for _, processes := range []int{1, 2} {
		t.Run(fmt.Sprint(processes), func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				for _, owner := range []ledger.Owner{"", ledger.Provider, ledger.Breaker} {
					for _, before := range []bool{false, true} {
						for name, act := range actions {
							must(t, e.rdb.FlushDB(t.Context()).Err())
							e.troubleBy(t, owner)
							if before {
								e.pause(t)
							}
							e.looks(t, processes)
							e.stands(t, before, owner, owner != "")
							operator := act(t, e, before)
							e.looks(t, processes)
							e.looks(t, processes)
							e.stands(t, operator, owner, owner != "")
							e.skip(t, first)
							e.looks(t, processes)
							e.stands(t, operator, owner, false)
							if t.Failed() {
								t.Fatalf("trouble of %q, paused before: %t, then %s", owner, before, name)
							}
						}
					}
				}
			})
		})
	}
}

func TestMirror_TheBulkQueueAlone(t *testing.T) {
	t.Parallel()
	// Given a bulk queue that somebody paused in asynq's web UI, when the account is
	// held and goes on, then it is left alone, and the account knows of no operator.
	each(t, func(t *testing.T, e *env) {
		e.pausedThere(t, tasks.BulkQueue(account))
		left := func(main bool) {
			t.Helper()
			e.mirror(t, account)
			flag := e.rdb.Get(t.Context(), flagKey(tasks.BulkQueue(account))).Val()
			if flag == "" || strings.HasPrefix(flag, "groupphoto:") || e.flagged(t, tasks.Queue(account)) != main || !e.lane(t).PausedSince.IsZero() {
				t.Errorf("the flags are %t and %q, the account stands as %+v", e.flagged(t, tasks.Queue(account)), flag, e.lane(t))
			}
		}
		left(false)
		e.troubleBy(t, ledger.Breaker)
		left(true)
		e.skip(t, first)
		left(false)
		e.resumedThere(t, tasks.BulkQueue(account))
		e.mirror(t, account)
		e.stands(t, false, ledger.Breaker, false)
		// One that is resumed there while the account is held is paused again.
		e.pause(t)
		e.mirror(t, account)
		e.resumedThere(t, tasks.BulkQueue(account))
		e.mirror(t, account)
		e.stands(t, true, ledger.Breaker, false)
	})
}

func TestMirror_AProcessThatDiesHalfWay(t *testing.T) {
	t.Parallel()
	// Given a process that dies between changing asynq's flag and noting it, or the
	// other way round, when another looks, then flag and note agree, and what somebody
	// does in the web UI afterwards is still understood.
	queue, bulkQueue := tasks.Queue(account), tasks.BulkQueue(account)
	ctx := t.Context()
	set := func(t *testing.T, e *env, queue, flag string) {
		t.Helper()
		must(t, e.rdb.Set(ctx, flagKey(queue), flag, 0).Err())
	}
	for name, tt := range map[string]struct {
		half           func(t *testing.T, e *env)
		operator, held bool
	}{
		"our flag is up and not noted": {func(t *testing.T, e *env) {
			e.pause(t)
			set(t, e, queue, "groupphoto:half")
		}, true, false},
		"our flag is up and not noted, and the pause is over": {func(t *testing.T, e *env) {
			set(t, e, queue, "groupphoto:half")
		}, false, false},
		"our flag is up and not noted, in trouble": {func(t *testing.T, e *env) {
			e.troubleBy(t, ledger.Provider)
			set(t, e, queue, "groupphoto:half")
		}, false, true},
		"the web UI's pause is noted and its flag is still there": {func(t *testing.T, e *env) {
			e.pausedThere(t, queue)
			e.mirror(t, account)
			set(t, e, queue, "1700000000")
		}, true, false},
		"the note is gone and our flag is still there": {func(t *testing.T, e *env) {
			e.pause(t)
			e.mirror(t, account)
			e.resume(t)
			must(t, e.rdb.HDel(ctx, key("lane"), "flagged").Err())
		}, false, false},
		"the note is gone, our flag is still there, and it is paused again": {func(t *testing.T, e *env) {
			e.pause(t)
			e.mirror(t, account)
			e.resume(t)
			must(t, e.rdb.HDel(ctx, key("lane"), "flagged").Err())
			e.pause(t)
		}, true, false},
		"the web UI's end of a pause is noted, and trouble's flag is not up": {func(t *testing.T, e *env) {
			e.troubleBy(t, ledger.Breaker)
			e.pause(t)
			e.mirror(t, account)
			e.resumedThere(t, queue)
			e.resume(t)
			must(t, e.rdb.HDel(ctx, key("lane"), "flagged").Err())
		}, false, true},
		"the bulk queue's flag is not up": {func(t *testing.T, e *env) {
			e.pause(t)
			e.mirror(t, account)
			e.resumedThere(t, bulkQueue)
		}, true, false},
		"the bulk queue's flag is still up": {func(t *testing.T, e *env) {
			set(t, e, bulkQueue, "groupphoto:half")
		}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				tt.half(t, e)
				owner := e.lane(t).Trouble
				for range 2 {
					e.mirror(t, account)
					e.stands(t, tt.operator, owner, tt.held)
				}
				e.resumedThere(t, queue)
				e.mirror(t, account)
				e.stands(t, false, owner, tt.held)
				if !tt.held && !e.pausedThere(t, queue) {
					t.Error("the web UI could not pause the queue")
				}
				e.mirror(t, account)
				e.stands(t, !tt.held, owner, tt.held)
			})
		})
	}
}

// Given any order of pauses, resumes, trouble and looks, here and in the web UI; then what an operator changed last counts, and
// the flag is there while that or trouble holds the account, as soon as somebody has looked.
func TestProperty_TheLastPauseCounts(t *testing.T) {
	t.Parallel()
	e := newMini(t)
	queue := tasks.Queue(account)
	rapid.Check(t, func(rt *rapid.T) {
		e.mini.FlushDB()
		var want bool
		var heldTo time.Time
		agreed, looked := true, true // both sides said the same since the last look; nothing has changed since
		change := func(paused bool, do func() bool) func(*rapid.T) {
			return func(rt *rapid.T) {
				if !agreed || !do() {
					rt.Skip() // two changes between two looks have no order that anybody could know
				}
				agreed, looked = want == paused, false
				want = paused
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"pause":        change(true, func() bool { e.pause(t); return true }),
			"resume":       change(false, func() bool { e.resume(t); return true }),
			"pause there":  change(true, func() bool { return e.pausedThere(t, queue) }),
			"resume there": change(false, func() bool { e.resumedThere(t, queue); return true }),
			"trouble": func(rt *rapid.T) {
				hold := e.probed(t, "", rapid.SampledFrom([]ledger.Status{ledger.StatusDown, ledger.StatusAway}).Draw(rt, "status"), first, most)
				heldTo, looked = e.at.Add(hold), false
			},
			"pass": func(rt *rapid.T) {
				e.pass(t, rapid.SampledFrom([]time.Duration{time.Second, first, most}).Draw(rt, "time"))
				looked = false
			},
			"look": func(*rapid.T) {
				e.mirror(t, account)
				agreed, looked = true, true
			},
			"": func(rt *rapid.T) {
				s, closed := e.lane(t), want || e.at.Before(heldTo)
				if agreed && !s.PausedSince.IsZero() != want && looked || agreed && looked && (s.Closed != closed || e.flagged(t, queue) != closed) {
					rt.Fatalf("got %+v and flag %t; want paused: %t, closed: %t", s, e.flagged(t, queue), want, closed)
				}
			},
		})
	})
}
