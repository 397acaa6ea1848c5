package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestUpdate_PausedAccountIsToldAtOnce(t *testing.T) {
	t.Parallel()
	// given a worker, and an account that an operator has paused
	th := newTheatre(t)
	th.work(t)
	call(t, th.env, "account", "pause", "main", "--reason", "phone is charging")
	// when an update is waited for
	got := call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", "a", "--wait", "300ms")
	// then it says who paused it, and how it goes on
	want := regexp.MustCompile(`account main is paused since 20.* by tester: phone is charging; nothing is sent until somebody resumes it: groupphoto account resume main\n`)
	if got.code != exitUnfinished || !want.MatchString(got.err) {
		t.Errorf("exit code %d, stderr lacks %s:\n%s", got.code, want, got.err)
	}
}

// listener waits for an update of the account main, and notes what it is told of the
// account.
type listener struct {
	narrator *narrator
	gp       *client
	ledger   *ledger.Ledger
	text     *syncBuffer
	told     int
}

func newListener(t *testing.T) *listener {
	t.Helper()
	rdb := redistest.Mini(t).Client(t)
	gp, err := enqueue.New(rdb)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gp.Close() })
	text := &syncBuffer{}
	return &listener{
		narrator: &narrator{app: &app{streams: streams{err: text}}, config: config{zone: time.UTC}},
		gp:       &client{Client: gp, rdb: rdb}, ledger: ledger.New(rdb, 0), text: text,
	}
}

// says looks twice, the second time in vain, and compares what is new with a pattern
// of one line; "" is nothing.
func (l *listener) says(t *testing.T, own tasks.Reason, want string) {
	t.Helper()
	for range 2 {
		l.narrator.held(t.Context(), l.gp, "main", own)
	}
	now := l.text.String()[l.told:]
	l.told += len(now)
	if want == "" && now != "" || strings.Count(now, "\n") > 1 || !regexp.MustCompile(want).MatchString(now) {
		t.Errorf("said %q; want one line like %q", now, want)
	}
}

func TestNarrator_Held(t *testing.T) {
	t.Parallel()
	// given somebody who waits for an update
	n := newListener(t)
	l, says := n.ledger, func(own tasks.Reason, want string) { t.Helper(); n.says(t, own, want) }
	says("", "")
	// when the account is paused and resumed
	if _, err := l.Pause(t.Context(), "main", "tester", ""); err != nil {
		t.Fatal(err)
	}
	says("", `account main is paused since .* by tester; nothing is sent until somebody resumes it: groupphoto account resume main`)
	if _, err := l.Resume(t.Context(), "main", "op"); err != nil {
		t.Fatal(err)
	}
	says("", `account main goes on`)
	// and then gets into trouble
	hold(t, l)
	// then an update that has met it itself is told until when, and no reason twice
	says(tasks.Subscription, `account main is paused because of that; goes on by itself; next try at 20.*, after 2 in vain; no attempt is spent\n$`)
	says("", "")
	// and one that has not, why
	n.narrator.hold = ""
	says("", `account main is in trouble, subscription since .*: the account's subscription has ended; goes on by itself; next try at .*, after 2 in vain; no attempt is spent; mend: renew it`)
	says(tasks.Subscription, "")
	// and is paused beside it, then that is told all the same, and the trouble again when it is left
	if _, err := l.Pause(t.Context(), "main", "tester", "lunch"); err != nil {
		t.Fatal(err)
	}
	says(tasks.Subscription, `account main is paused since .* by tester: lunch; nothing is sent`)
	if _, err := l.Resume(t.Context(), "main", "op"); err != nil {
		t.Fatal(err)
	}
	says("", `account main is in trouble, subscription since`)
}

func TestNarrator_HeldByASlowerPace(t *testing.T) {
	t.Parallel()
	// given an account that the provider wants slower calls of
	n := newListener(t)
	answered(t, n.ledger, "slow", group, ledger.Answer{Said: ledger.SaidSlower, First: time.Minute, Why: tasks.Throttled})
	// then an update that waits is told until when, and the one that met it is not
	n.says(t, tasks.Throttled, "")
	n.says(t, "", `account main goes slower: the provider asked for a rest until 20.*; the pace is 2\.0 × slower since 20.*: the provider asked for slower calls`)
	// and once is enough, until it is over
	n.says(t, tasks.Throttled, "")
	if err := n.gp.rdb.Del(t.Context(), laneKey(t, n.gp.rdb)).Err(); err != nil {
		t.Fatal(err)
	}
	n.says(t, "", `account main goes at its own pace again`)
}

// laneKey finds the key of the only lane.
func laneKey(t *testing.T, rdb redis.UniversalClient) string {
	t.Helper()
	keys, err := rdb.Keys(t.Context(), "groupphoto:*:lane").Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("lanes: %v, %v", keys, err)
	}
	return keys[0]
}

func TestNarrator_HeldByASuspicion(t *testing.T) {
	t.Parallel()
	// given an account of which one update's answer may or may not tell
	n := newListener(t)
	suspicion(t, n.ledger, "held", group)
	// then nobody is told, whether it is asked about or found to be of that update
	n.says(t, "", "")
	if _, err := n.ledger.BeginProbe(t.Context(), "main", "probe", time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := n.ledger.Probed(t.Context(), "main", "probe", ledger.StatusUp, "", "", time.Minute, time.Minute); err != nil {
		t.Fatal(err)
	}
	n.says(t, "", "")
}

// hold brings the account main into trouble: one update was told of it, and /status, too.
func hold(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	suspicion(t, l, "held", group)
	if _, err := l.BeginProbe(t.Context(), "main", "probe", time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Probed(t.Context(), "main", "probe", ledger.StatusDown, tasks.Subscription, "", time.Hour, time.Hour); err != nil {
		t.Fatal(err)
	}
}

// suspicion lets one update be answered as if the account main could not work.
func suspicion(t *testing.T, l *ledger.Ledger, id string, group tasks.GroupID) {
	t.Helper()
	answered(t, l, id, group, ledger.Answer{Said: ledger.SaidAccount, First: time.Hour, Most: time.Hour, Why: tasks.Subscription})
}

// answered lets one call of the account main be answered so.
func answered(t *testing.T, l *ledger.Ledger, id string, group tasks.GroupID, a ledger.Answer) {
	t.Helper()
	ref, err := tasks.ParsePhoto("https://example.com/logo.png")
	if err != nil {
		t.Fatal(err)
	}
	h := ledger.Handle{Account: "main", ID: id, Group: group, Token: "run-" + id}
	claim, err := l.Claim(t.Context(), h, tasks.Update{Account: "main", GroupID: group, Photo: ref})
	if err != nil {
		t.Fatal(err)
	}
	turn, err := l.Turn(t.Context(), ledger.TurnRequest{Handle: h, Turn: "turn-" + id, Seq: claim.Seq, Lease: time.Minute, Limit: 1})
	if err != nil || turn.Verdict != ledger.Go {
		t.Fatalf("Turn: %+v, %v", turn, err)
	}
	if _, err := l.Release(t.Context(), ledger.ReleaseRequest{
		Handle: h, Turn: "turn-" + id, Refund: ledger.Attempt, State: tasks.Retrying, Reason: a.Why, Answer: a,
	}); err != nil {
		t.Fatal(err)
	}
}
