package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// events lists what people are told of the account, as "type owner".
func (e *env) events(t testing.TB) (lines []string, events []ledger.Event) {
	t.Helper()
	for after := ""; ; {
		event, ok, err := e.NextEvent(t.Context(), account, after)
		must(t, err)
		if !ok {
			return lines, events
		}
		after = event.Position
		lines, events = append(lines, event.Type+" "+string(event.Owner)), append(events, event)
	}
}

func TestEvents_OnePairForEachOwner(t *testing.T) {
	t.Parallel()
	// Given what happens to an account, then people are told once that it is
	// paused and once that it goes on, for each owner, and nothing of a suspicion.
	normally := func(t *testing.T, e *env, id string) {
		t.Helper()
		e.tick(t)
		x := e.started(t, id, inGroup(9))
		x.ask(t, ledger.Go)
		x.give(t, "ok", normal)
	}
	opens := func(t *testing.T, e *env) *run {
		t.Helper()
		x := e.started(t, "a", inGroup(1))
		x.ask(t, ledger.Go)
		x.fails(t, 1)
		e.skip(t, first)
		return x
	}
	for name, tt := range map[string]struct {
		story func(t *testing.T, e *env)
		want  []string
	}{
		"an operator, and copies": {func(t *testing.T, e *env) {
			for range 2 {
				_, err := e.Pause(t.Context(), account, "op", "")
				must(t, err)
			}
			for range 2 {
				_, err := e.Resume(t.Context(), account, "op")
				must(t, err)
			}
		}, []string{"paused operator", "resumed operator"}},
		"the web UI": {func(t *testing.T, e *env) {
			must(t, e.rdb.Set(t.Context(), flagKey(tasks.Queue(account)), time.Now().Unix(), 0).Err())
			e.mirror(t, account)
			e.mirror(t, account)
			must(t, e.rdb.Del(t.Context(), flagKey(tasks.Queue(account))).Err())
			e.mirror(t, account)
			e.mirror(t, account)
		}, []string{"paused operator", "resumed operator"}},
		"a lone suspicion": {func(t *testing.T, e *env) {
			e.suspected(t, "a")
			e.probe(t, ledger.StatusUp, first, most)
			normally(t, e, "b")
		}, nil},
		"a suspect alone": {func(t *testing.T, e *env) {
			x := e.suspected(t, "a")
			for range 3 {
				e.probe(t, ledger.StatusUp, first, most)
				e.skip(t, most)
				x.next().ask(t, ledger.Go)
				x.blamed(t)
			}
			e.probe(t, ledger.StatusUp, first, most)
			normally(t, e, "b")
		}, []string{"paused account", "resumed account"}},
		"explained, down for long": {func(t *testing.T, e *env) {
			e.suspected(t, "a")
			for range 3 {
				e.probe(t, ledger.StatusDown, first, most)
				e.skip(t, most)
			}
			e.probe(t, ledger.StatusUp, first, most)
			normally(t, e, "b")
		}, []string{"paused account", "resumed account"}},
		"the breaker, open for long": {func(t *testing.T, e *env) {
			x := opens(t, e)
			for range 3 {
				e.probe(t, ledger.StatusUnknown, first, most)
				e.tick(t)
				x.next().ask(t, ledger.Go)
				x.fails(t, 1)
				e.skip(t, most)
			}
			e.probe(t, ledger.StatusUp, first, most)
			normally(t, e, "b")
		}, []string{"paused breaker", "resumed breaker"}},
		"the breaker, then /status says down": {func(t *testing.T, e *env) {
			opens(t, e)
			e.probe(t, ledger.StatusDown, first, most)
			e.skip(t, most)
			e.probe(t, ledger.StatusUp, first, most)
			normally(t, e, "b")
		}, []string{"paused breaker", "resumed breaker", "paused account", "resumed account"}},
		"the breaker, then the account": {func(t *testing.T, e *env) {
			x := opens(t, e)
			e.probe(t, ledger.StatusUnknown, first, most)
			e.tick(t)
			x.next().ask(t, ledger.Go)
			x.blamed(t)
			e.probe(t, ledger.StatusUp, first, most)
			normally(t, e, "b")
		}, []string{"paused breaker", "resumed breaker", "paused account", "resumed account"}},
		"both stand beside each other": {func(t *testing.T, e *env) {
			opens(t, e)
			_, err := e.Pause(t.Context(), account, "op", "")
			must(t, err)
			e.probe(t, ledger.StatusUp, first, most)
			_, err = e.Resume(t.Context(), account, "op")
			must(t, err)
			normally(t, e, "b")
		}, []string{"paused breaker", "paused operator", "resumed operator", "resumed breaker"}},
		"throttling": {func(t *testing.T, e *env) {
			x := e.started(t, "a")
			x.ask(t, ledger.Go)
			x.slower(t, time.Minute)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, e *env) {
				tt.story(t, e)
				lines, events := e.events(t)
				if diff := cmp.Diff(tt.want, lines); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				for _, event := range events {
					if event.Since.IsZero() || event.At.IsZero() || event.Owner == ledger.Operator && event.By == "" || event.Owner != ledger.Operator && event.Reason == "" {
						t.Errorf("event %+v; want since, when, by whom and why", event)
					}
				}
				if s := e.lane(t); s.Closed || s.Trouble != "" {
					t.Errorf("the account stands as %+v; want it open", s)
				}
			})
		})
	}
}

func TestEvents_WhatWasToldIsNoted(t *testing.T) {
	t.Parallel()
	// Given events, when the first was told outside, then the lane says so, and which
	// is the newest; the next one is behind it.
	each(t, func(t *testing.T, e *env) {
		_, err := e.Pause(t.Context(), account, "op", "the phone is charging")
		must(t, err)
		_, err = e.Resume(t.Context(), account, "another")
		must(t, err)
		_, events := e.events(t)
		must(t, e.Hooked(t.Context(), account, events[0].Position))
		s := e.lane(t)
		if s.Hooked != events[0].Position || s.Event != events[1].Position {
			t.Errorf("told up to %q of %q; want %q, %q", s.Hooked, s.Event, events[0].Position, events[1].Position)
		}
		next, ok, err := e.NextEvent(t.Context(), account, s.Hooked)
		if err != nil || !ok || next.Type != "resumed" || next.By != "another" || next.Detail != "the phone is charging" || !next.Since.Equal(events[0].Since) {
			t.Errorf("NextEvent = %+v, %t, %v", next, ok, err)
		}
	})
}
