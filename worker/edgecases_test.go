package worker_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/jpeg"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func TestEdge01_FalseWithoutAReason(t *testing.T) {
	t.Parallel()
	t.Run("connected", func(t *testing.T) {
		t.Parallel()
		// Given a number that is connected and in the group, when the provider says false
		// for ever, then it is asked once how the account stands and once about the group, the
		// update is sent once more, not before the delay, and is refused.
		const delay = 900 * time.Millisecond
		r := edgeMini(t, knownPhone, policy(func(p *worker.Policy) { p.RefusalDelay = delay })).dial("false").start()
		r.submit("no", tasks.Update{})
		r.ends("no", tasks.Refused, tasks.NoReasonGiven, 2)
		r.wantAsked("update status metadata update")
		if calls := r.calls("update"); calls[1].Start.Sub(calls[0].End) < delay {
			t.Errorf("asked again after %s", calls[1].Start.Sub(calls[0].End))
		}
	})
	t.Run("true the second time", func(t *testing.T) {
		t.Parallel()
		// Given a false that was a passing one, when the update is sent once more, then it is updated.
		r := edgeMini(t).dial("false:n=1").start()
		r.submit("yes", tasks.Update{})
		r.ends("yes", tasks.Updated, "", 2)
	})
	t.Run("final at once", func(t *testing.T) {
		t.Parallel()
		// Given an account whose false is final, when the provider says false, then it is not sent again.
		r := edgeMini(t, func(_ *edgeRig, c *worker.Config) { c.Accounts[0].RefusalRetries = new(0) }).dial("false").start()
		r.submit("no", tasks.Update{})
		r.ends("no", tasks.Refused, tasks.NoReasonGiven, 1)
		r.wantAsked("update status metadata")
	})
	t.Run("no time for another", func(t *testing.T) {
		t.Parallel()
		// Given an update that lives only a little longer than the delay, when the provider
		// says false, then that is the answer, not an expiry later.
		r := edgeMini(t, policy(func(p *worker.Policy) { p.RefusalDelay = 1000 * time.Hour })).dial("false").start()
		r.submit("no", tasks.Update{ExpiresAt: time.Now().Add(1000*time.Hour + time.Minute)})
		r.ends("no", tasks.Refused, tasks.NoReasonGiven, 1)
	})
	t.Run("not connected", func(t *testing.T) {
		t.Parallel()
		// Given a number that is offline, when the provider answers that with a plain false,
		// then the account is held, nothing is sent again, and the update costs one attempt in
		// the end: the one that was true.
		r := edgeMini(t).dial("disconnected-false").start()
		r.submit("late", tasks.Update{})
		r.held(ledger.Provider, tasks.Disconnected)
		if asked := r.asked(); !strings.HasPrefix(asked, "update status") || strings.Count(asked, "update") != 1 || strings.Contains(asked, "metadata") {
			t.Errorf("asked %s", asked)
		}
		if r.spent("late") != 0 {
			t.Errorf("spent %d", r.spent("late"))
		}
		r.dial()
		r.ends("late", tasks.Updated, "", 2)
		if r.spent("late") != 1 {
			t.Errorf("spent %d", r.spent("late"))
		}
	})
}

func TestEdge02_NotAdminOrNotInTheGroup(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, rule string
		known      bool // the account's own number
		reason     tasks.Reason
		asked      string
	}{
		{"not admin", "not-admin", true, tasks.NotAdmin, "update status metadata"},
		{"not in the group", "not-member", true, tasks.NotInGroup, "update status metadata"},
		{"group gone", "gone", true, tasks.GroupGone, "update status metadata"},
		{"group gone, number unknown", "gone", false, tasks.GroupGone, "update status metadata"},
		{"the answer says so", "false-text:text=only admins can change the photo: forbidden", false, tasks.NotAdmin, "update"},
		{"not admin, number unknown", "not-admin", false, tasks.NoReasonGiven, "update status metadata update"},
		{"not in the group, number unknown", "not-member", false, tasks.NoReasonGiven, "update status metadata update"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// Given a number that may not change the group's photo, when it says false, then
			// the update is refused: at once with the reason where that can be known, else
			// after one more try. Running the task by hand sends nothing.
			r := edgeMini(t, func(r *edgeRig, w *worker.Config) {
				if c.known {
					knownPhone(r, w)
				}
			}).dial(c.rule).start()
			r.submit("no", tasks.Update{})
			r.ends("no", tasks.Refused, c.reason, strings.Count(c.asked, "update"))
			if err := asynq.NewInspectorFromRedisClient(r.rdb).RunTask(tasks.Queue("main"), "no"); err != nil {
				t.Fatal(err)
			}
			redistest.Eventually(t, 10*time.Second, func() bool {
				return strings.HasPrefix(r.task("no", asynq.TaskStateArchived).LastErr, "already refused")
			}, "it was not archived again")
			r.wantAsked(c.asked)
			if s := r.lane(); s.Trouble != "" || s.Widen != 1 {
				t.Errorf("the account suffers for one group: %+v", s)
			}
		})
	}
	t.Run("any member may", func(t *testing.T) {
		t.Parallel()
		// Given a number that is no admin of a group that is not locked, when the photo
		// changes, then nobody asks for more.
		r := edgeMini(t, knownPhone).dial("plain-member").start()
		r.submit("yes", tasks.Update{})
		r.ends("yes", tasks.Updated, "", 1)
		r.wantAsked("update")
	})
}

func TestEdge07_NoAnswerAndThePhotoMayBeThere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule   string
		landed int
	}{{"land-then-504", 1}, {"land-then-hang", 1}, {"land-then-reset", 1}, {"504", 0}, {"hang", 0}} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			// Given a call that gets no answer, when its update waits for the next one, then it
			// is marked so, and counted for the account; it is sent again as it is still the newest.
			r := edgeMini(t, impatient(t), policy(func(p *worker.Policy) { p.Backoff, p.MaxBackoff = time.Hour, time.Hour })).dial(c.rule + ":n=1").start()
			r.submit("lost", tasks.Update{})
			r.task("lost", asynq.TaskStateRetry)
			record, err := r.ledger.Record(t.Context(), "main", "lost")
			if err != nil || record.Outcome.State != tasks.Retrying || record.Outcome.Reason != tasks.NoAnswer {
				t.Fatalf("got %+v, %v", record.Outcome, err)
			}
			if s := r.lane(); s.Unanswered != 1 || s.Trouble != "" || r.changes(groupA) != c.landed {
				t.Errorf("%d changes, got %+v", r.changes(groupA), s)
			}
			if err := asynq.NewInspectorFromRedisClient(r.rdb).RunTask(tasks.Queue("main"), "lost"); err != nil {
				t.Fatal(err)
			}
			r.ends("lost", tasks.Updated, "", 2)
			if r.changes(groupA) != c.landed+1 || r.spent("lost") != 2 {
				t.Errorf("%d changes, spent %d", r.changes(groupA), r.spent("lost"))
			}
		})
	}
	t.Run("never an answer", func(t *testing.T) {
		t.Parallel()
		// Given a gateway that never waits for the answer, when the attempts are used up, then
		// the update has failed, neither true nor false, with the advice to look at the group.
		r := edgeMini(t, policy(func(p *worker.Policy) { p.Attempts = 2 })).dial("land-then-504").start()
		r.submit("lost", tasks.Update{})
		if o := r.ends("lost", tasks.Failed, tasks.NoAnswer, 2); o.HTTPStatus != 504 || !strings.Contains(o.Reason.Mend(), "look at the group") {
			t.Errorf("got %+v", o)
		}
		if s := r.lane(); s.Unanswered != 2 {
			t.Errorf("%d are counted", s.Unanswered)
		}
	})
	t.Run("shutdown", func(t *testing.T) {
		t.Parallel()
		// Given a slow call under way, when the worker shuts down, then the call ends and is recorded.
		r := edgeMini(t).dial("slow:latency=300ms").start()
		r.submit("slow", tasks.Update{})
		redistest.Eventually(t, 10*time.Second, func() bool { return len(r.box.Calls()) == 1 }, "it is not called")
		if err := r.worker.Shutdown(); err != nil {
			t.Fatal(err)
		}
		r.ends("slow", tasks.Updated, "", 1)
	})
}

func TestEdge10_HTMLIsNotSuccess(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{"html", "empty", "string", "null"} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			// Given a host that answers 200 with something else than a boolean, when an update
			// is sent, then it fails after three calls and is never taken for updated.
			r := edgeMini(t).dial(rule).start()
			r.submit("page", tasks.Update{})
			r.ends("page", tasks.Failed, tasks.UnclearAnswer, 3)
			r.wantAsked("update update update")
		})
	}
	t.Run("a few in a row", func(t *testing.T) {
		t.Parallel()
		// Given four updates, when three in a row get a web page, then the account is held
		// and people are told to check the base URL; it goes on by itself.
		r := edgeMini(t, policy(func(p *worker.Policy) { p.BreakAfter = 3 })).dial("html:n=3")
		ids := r.submitMany("u", 4)
		r.start()
		redistest.Eventually(t, 10*time.Second, func() bool {
			s := r.lane()
			return s.Trouble == ledger.Breaker && s.Why == tasks.UnclearAnswer && s.Told && strings.Contains(s.Detail, "web page")
		}, "the account is not held")
		for _, id := range ids {
			if o := r.wait(id); o.State != tasks.Updated {
				t.Errorf("%s: got %+v", id, o)
			}
		}
		r.resumed()
	})
}

func smallJPEG(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 200, 200)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEdge18_DuplicateAndCrashAfterTheCall(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given an update that was enqueued twice and whose worker died after the call,
		// before it could record the answer,
		r := edge(t, rdb)
		u := r.submit("once", tasks.Update{})
		again, err := r.ledger.Register(t.Context(), "main", []ledger.Entry{{ID: "once", Update: u}})
		if err != nil || again[0].Registration != ledger.Again {
			t.Fatalf("got %+v, %v", again, err)
		}
		task := asynq.NewTask(tasks.TypeUpdate, u.Marshal())
		if _, err := r.hand(task); !errors.Is(err, asynq.ErrTaskIDConflict) {
			t.Fatalf("the queue took it twice: %v", err)
		}
		r.dieAfterTheCall("once", u)
		// when a worker comes, then it waits until the dead one's turn is over, sends it
		// again, and the group has had one more notice; no more than that.
		r.start()
		r.ends("once", tasks.Updated, "", 2)
		if r.changes(groupA) != 2 {
			t.Errorf("the photo was set %d times", r.changes(groupA))
		}
		// And when the engine runs it once more, although it has ended, then nothing is sent.
		if err := asynq.NewInspectorFromRedisClient(rdb).DeleteTask(tasks.Queue("main"), "once"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.hand(task); err != nil {
			t.Fatal(err)
		}
		r.ends("once", tasks.Updated, "", 2)
		r.wantAsked("update update")
	})
}

// hand gives the task of the update once to the queue.
func (r *edgeRig) hand(task *asynq.Task) (*asynq.TaskInfo, error) {
	return r.bundle.client.EnqueueContext(r.t.Context(), task, asynq.TaskID("once"), asynq.Queue(tasks.Queue("main")), asynq.Retention(time.Hour))
}

// dieAfterTheCall does what a worker does up to the provider's answer, and nothing after it.
func (r *edgeRig) dieAfterTheCall(id string, u tasks.Update) {
	r.t.Helper()
	h := ledger.Handle{Account: "main", ID: id, Group: u.GroupID, Token: "dead"}
	claim, err := r.ledger.Claim(r.t.Context(), h, u)
	if err != nil || claim.Verdict != ledger.Run {
		r.t.Fatalf("got %+v, %v", claim, err)
	}
	turn, err := r.ledger.Turn(r.t.Context(), ledger.TurnRequest{Handle: h, Turn: "dead.1", Seq: claim.Seq, Lease: 500 * time.Millisecond, Limit: 1, Process: "dead"})
	if err != nil || turn.Verdict != ledger.Go {
		r.t.Fatalf("got %+v, %v", turn, err)
	}
	value, err := r.client.UpdateGroupPhoto(r.t.Context(), plugchat.Call{GroupID: string(u.GroupID), Photo: plugchat.JPEG(smallJPEG(r.t))})
	if err != nil || !value {
		r.t.Fatalf("got %v, %v", value, err)
	}
}

func TestEdge19_OlderPhotoNeverOverwritesNewer(t *testing.T) {
	t.Parallel()
	t.Run("a late retry", func(t *testing.T) {
		t.Parallel()
		// Given two updates of one group, when the first gets no answer and the second goes
		// out meanwhile, then the group ends with the second photo, and the first is superseded by name, without another call.
		r := edgeMini(t, policy(func(p *worker.Policy) { p.Backoff, p.MaxBackoff = time.Hour, time.Hour })).dial("land-then-504:n=1").start()
		r.submit("older", tasks.Update{Photo: r.photo(10)})
		r.task("older", asynq.TaskStateRetry)
		r.submit("newer", tasks.Update{Photo: r.photo(200)})
		newer := r.ends("newer", tasks.Updated, "", 1)
		if err := asynq.NewInspectorFromRedisClient(r.rdb).RunTask(tasks.Queue("main"), "older"); err != nil {
			t.Fatal(err)
		}
		if o := r.ends("older", tasks.Superseded, tasks.NewerUpdate, 1); !strings.Contains(o.Detail, "update newer ") {
			t.Errorf("the detail is %q", o.Detail)
		}
		r.wantAsked("update update")
		if g, _ := r.box.Group(string(groupA)); "sha256:"+g.PhotoHash != newer.Photo {
			t.Errorf("the group shows %s, not %s", g.PhotoHash, newer.Photo)
		}
	})
	t.Run("out of order in the queue", func(t *testing.T) {
		t.Parallel()
		// Given two updates of one group, when the queue gives the newer one first, then
		// the older one is superseded and never sent.
		r := edgeMini(t).start()
		older := tasks.Update{GroupID: groupA, Photo: r.photo(10), Account: "main", EnqueuedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}
		registered, err := r.ledger.Register(t.Context(), "main", []ledger.Entry{{ID: "older", Update: older}})
		if err != nil {
			t.Fatal(err)
		}
		r.submit("newer", tasks.Update{Photo: r.photo(200)})
		r.ends("newer", tasks.Updated, "", 1)
		r.enqueue("older", registered[0].Update.Marshal())
		r.ends("older", tasks.Superseded, tasks.NewerUpdate, 0)
		r.wantAsked("update")
	})
}

func TestEdge22_FailedIsNotRefused(t *testing.T) {
	t.Parallel()
	// Given a provider that says no to one group and cannot be asked about another, when
	// both updates end, then the one is refused with false, the other failed with null.
	r := edgeMini(t, policy(func(p *worker.Policy) { p.Attempts, p.BreakAfter = 4, 100 })).dial("503:group="+string(groupA), "false:group="+string(groupB)).start()
	r.submit("unasked", tasks.Update{GroupID: groupA})
	r.submit("no", tasks.Update{GroupID: groupB})
	for id, want := range map[string]string{
		"unasked": `"state":"failed","value":null,"reason":"unavailable"`,
		"no":      `"state":"refused","value":false,"reason":"no_reason_given"`,
	} {
		text, err := json.Marshal(r.wait(id))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %s, %v", id, text, err)
		}
	}
	failed := r.ends("unasked", tasks.Failed, tasks.Unavailable, 4)
	refused := r.ends("no", tasks.Refused, tasks.NoReasonGiven, 2)
	if !strings.Contains(failed.Detail, "gave up after 4 attempts") || !strings.Contains(refused.Detail, "answered false 2 times") {
		t.Errorf("people read %q and %q", failed.Detail, refused.Detail)
	}
}
