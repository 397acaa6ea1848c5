package ledger_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// repairs lists what is to be repaired as "id seq".
func (e *env) repairs(t testing.TB) []string {
	t.Helper()
	list, err := e.Repairs(t.Context(), account)
	must(t, err)
	var out []string
	for _, r := range list {
		out = append(out, fmt.Sprint(r.ID, " ", r.Seq))
	}
	return out
}

func (e *env) repaired(t testing.TB) {
	t.Helper()
	list, err := e.Repairs(t.Context(), account)
	must(t, err)
	for _, r := range list {
		must(t, e.Repaired(t.Context(), account, r))
	}
}

// late is an answer of an older call, sent to the ledger, that says whether a repair is needed.
type late func(t *testing.T, x *run) (send func() bool)

func settles(state tasks.State, lost bool) late {
	return func(t *testing.T, x *run) func() bool {
		s := ledger.Settlement{
			Handle: x.Handle, Turn: x.request().Turn, Seq: x.claim.Seq, Process: x.process, Outcome: x.outcome(t, state),
			Answer: ledger.Answer{Said: ledger.SaidFailing, Trip: 9, Lost: lost},
		}
		if state == tasks.Updated {
			s.Accepted, s.Answer = photo1, ledger.Answer{Said: ledger.SaidTrue}
		}
		return func() bool {
			r, err := x.e.Settle(t.Context(), s)
			must(t, err)
			return r.Repair
		}
	}
}

func releases(lost bool) late {
	return func(t *testing.T, x *run) func() bool {
		r := ledger.ReleaseRequest{
			Handle: x.Handle, Turn: x.request().Turn, Seq: x.claim.Seq, Process: x.process, State: tasks.Retrying,
			Answer: ledger.Answer{Said: ledger.SaidFailing, Trip: 9, Lost: lost},
		}
		return func() bool {
			got, err := x.e.Release(t.Context(), r)
			must(t, err)
			return got.Repair
		}
	}
}

func TestRepair_OfAnAnswerThatCameLate(t *testing.T) {
	t.Parallel()
	// Given an older call whose lease is over and a newer one that began since, when
	// the older one's answer comes and its photo may be there, then there is one repair
	// with the newer photo, whatever became of the older update; a copy says the
	// same until it is done, and then nothing.
	meanwhile := map[string]func(t *testing.T, e *env, x *run){
		"it is open": func(*testing.T, *env, *run) {},
		"another run has it": func(t *testing.T, e *env, x *run) {
			e.start(t, ledger.Registered{Update: x.update}, x.ID, "second", ledger.IsOld)
		},
		"it has ended": func(t *testing.T, e *env, x *run) {
			e.start(t, ledger.Registered{Update: x.update}, x.ID, "second", ledger.IsOld).end(t, tasks.Superseded, "", func(s *ledger.Settlement) { s.Turn = "" })
		},
	}
	for name, tt := range map[string]struct {
		answer late
		repair bool
	}{
		"true":                           {settles(tasks.Updated, false), true},
		"no answer, to be tried again":   {releases(true), true},
		"no answer, the last attempt":    {settles(tasks.Failed, true), true},
		"a no":                           {settles(tasks.Refused, false), false},
		"an error that changed nothing":  {releases(false), false},
		"an error, and the last attempt": {settles(tasks.Failed, false), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				for when, then := range meanwhile {
					must(t, e.rdb.FlushDB(t.Context()).Err())
					older, newer := e.started(t, "older"), e.started(t, "newer")
					older.ask(t, ledger.Go)
					e.skip(t, lease)
					newer.ask(t, ledger.Go, paceless)
					then(t, e, older)
					var want []string
					if tt.repair {
						want = []string{fmt.Sprint("newer ", newer.claim.Seq)}
					}
					send := tt.answer(t, older)
					for range 2 {
						if got := send(); got != tt.repair {
							t.Errorf("%s: a repair is needed: %t; want %t", when, got, tt.repair)
						}
						if diff := cmp.Diff(want, e.repairs(t)); diff != "" {
							t.Errorf("%s: repairs (-want +got):\n%s", when, diff)
						}
					}
					e.repaired(t)
					if got := send(); got || len(e.repairs(t)) != 0 {
						t.Errorf("%s: a copy after the repair: %t, %q", when, got, e.repairs(t))
					}
				}
			})
		})
	}
}

func TestRepair_NoneInOrder(t *testing.T) {
	t.Parallel()
	// Given an older update whose answer came before the newer one's call began, when
	// copies of that answer arrive during and after the newer call, then nothing is to
	// be repaired; neither is it after the newer one's own answers.
	for name, answer := range map[string]late{"true": settles(tasks.Updated, false), "no answer": releases(true), "the last attempt": settles(tasks.Failed, true)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				older, newer := e.started(t, "older"), e.started(t, "newer")
				older.ask(t, ledger.Go)
				send := answer(t, older)
				copied := func() {
					t.Helper()
					if send() || len(e.repairs(t)) != 0 {
						t.Errorf("repairs %q; want none", e.repairs(t))
					}
				}
				copied()
				newer.ask(t, ledger.Go, paceless)
				copied()
				newer.give(t, "ok", says(ledger.SaidFailing, first, most), func(r *ledger.ReleaseRequest) { r.Answer.Lost, r.Answer.Trip = true, 9 })
				newer.next().ask(t, ledger.Go, paceless)
				newer.end(t, tasks.Updated, "", said(ledger.SaidTrue))
				copied()
			})
		})
	}
}
