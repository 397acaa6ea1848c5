package enqueue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// serve says that a worker serves accounts.
func serve(t *testing.T, rdb redis.UniversalClient, accounts ...string) {
	t.Helper()
	if err := ledger.New(rdb, 0).Serve(t.Context(), "test", accounts...); err != nil {
		t.Fatal(err)
	}
}

// onCall takes an update as far as the call, as a worker does, and returns its
// run and its turn.
func onCall(t *testing.T, rdb redis.UniversalClient, account, id string) (ledger.Handle, string) {
	t.Helper()
	l := ledger.New(rdb, 0)
	r, err := l.Record(t.Context(), account, id)
	if err != nil {
		t.Fatal(err)
	}
	h := ledger.Handle{Account: account, ID: id, Group: r.Update.GroupID, Token: "run-" + id}
	claim, err := l.Claim(t.Context(), h, r.Update)
	if err != nil || claim.Verdict != ledger.Run {
		t.Fatalf("Claim: %v, %v", claim.Verdict, err)
	}
	turn, err := l.Turn(t.Context(), ledger.TurnRequest{Handle: h, Turn: "turn-" + id, Seq: claim.Seq, Lease: time.Minute, Limit: 10})
	if err != nil || turn.Verdict != ledger.Go {
		t.Fatalf("Turn: %+v, %v", turn, err)
	}
	return h, "turn-" + id
}

// unwelcome is an answer as if the account could not work.
var unwelcome = ledger.Answer{Said: ledger.SaidAccount, First: time.Minute, Most: time.Minute, Why: tasks.Credentials, Detail: "no"}

// told enqueues an update for main and makes its call, which is answered so.
func told(t *testing.T, rdb redis.UniversalClient, gp *enqueue.Client, id, group string, a ledger.Answer) {
	t.Helper()
	mustUpdate(t, gp, enqueue.Update{GroupID: group, Photo: link, Account: "main"}, enqueue.ID(id))
	h, turn := onCall(t, rdb, "main", id)
	release(t, rdb, h, turn, a)
}

func release(t *testing.T, rdb redis.UniversalClient, h ledger.Handle, turn string, a ledger.Answer) {
	t.Helper()
	if _, err := ledger.New(rdb, 0).Release(t.Context(), ledger.ReleaseRequest{
		Handle: h, Turn: turn, Refund: ledger.Attempt, State: tasks.Retrying, Reason: a.Why, Answer: a,
	}); err != nil {
		t.Fatal(err)
	}
}

// mirror does what a worker does every second.
func mirror(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	if _, err := ledger.New(rdb, 0).Mirror(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
}

func TestLanes(t *testing.T) {
	t.Parallel()
	allowed := enqueue.AllowUnknownAccount()
	of := func(account, group string) enqueue.Update {
		return enqueue.Update{GroupID: group, Photo: link, Account: account}
	}
	others := "5511999999999-1623281429"
	for _, tt := range []struct {
		name  string
		given func(t *testing.T, rdb redis.UniversalClient, gp *enqueue.Client)
		want  []enqueue.Lane
	}{
		{"nobody was here", func(*testing.T, redis.UniversalClient, *enqueue.Client) {}, []enqueue.Lane{}},
		{"updates and no worker", func(t *testing.T, _ redis.UniversalClient, gp *enqueue.Client) {
			mustUpdate(t, gp, of("shop", group), allowed)
			mustUpdate(t, gp, of("shop", others), allowed)
			mustUpdate(t, gp, of("shop", group), allowed, enqueue.In(time.Hour))
		}, []enqueue.Lane{{Account: enqueue.Account{Name: "shop"}, Waiting: 2, Later: 1, Slowed: 1}}},
		{"a worker and no updates", func(t *testing.T, rdb redis.UniversalClient, _ *enqueue.Client) {
			serve(t, rdb, "main")
		}, []enqueue.Lane{{Account: enqueue.Account{Name: "main", Served: true}, Slowed: 1}}},
		{"a worker that left", func(t *testing.T, rdb redis.UniversalClient, _ *enqueue.Client) {
			serve(t, rdb, "main")
			if err := ledger.New(rdb, 0).Withdraw(t.Context(), "test", "main"); err != nil {
				t.Fatal(err)
			}
		}, []enqueue.Lane{{Account: enqueue.Account{Name: "main"}, Slowed: 1}}},
		{"paused by an operator", func(t *testing.T, rdb redis.UniversalClient, gp *enqueue.Client) {
			serve(t, rdb, "main", "shop")
			if changed, err := gp.Pause(t.Context(), "shop", "tester", "it charges"); err != nil || !changed {
				t.Fatalf("Pause: %t, %v", changed, err)
			}
		}, []enqueue.Lane{
			{Account: enqueue.Account{Name: "main", Served: true}, Slowed: 1},
			{Account: enqueue.Account{Name: "shop", Served: true}, Paused: true, PausedBy: "tester", PausedFor: "it charges", Slowed: 1},
		}},
		{"the bulk queue alone is paused", func(t *testing.T, rdb redis.UniversalClient, _ *enqueue.Client) {
			serve(t, rdb, "main")
			if _, err := asynq.NewClientFromRedisClient(rdb).Enqueue(asynq.NewTask("any", nil), asynq.Queue(tasks.BulkQueue("main"))); err != nil {
				t.Fatal(err)
			}
			if err := asynq.NewInspectorFromRedisClient(rdb).PauseQueue(tasks.BulkQueue("main")); err != nil {
				t.Fatal(err)
			}
		}, []enqueue.Lane{{Account: enqueue.Account{Name: "main", Served: true}, BulkPaused: true, Waiting: 1, Slowed: 1}}},
		{"paused in the web UI, and no worker has seen it", func(t *testing.T, rdb redis.UniversalClient, gp *enqueue.Client) {
			mustUpdate(t, gp, of("main", group), allowed)
			if err := asynq.NewInspectorFromRedisClient(rdb).PauseQueue(tasks.Queue("main")); err != nil {
				t.Fatal(err)
			}
		}, []enqueue.Lane{{Account: enqueue.Account{Name: "main"}, Paused: true, Waiting: 1, Slowed: 1}}},
		{"calls under way", func(t *testing.T, rdb redis.UniversalClient, gp *enqueue.Client) {
			serve(t, rdb, "main")
			for id, g := range map[string]string{"a": group, "b": others} {
				mustUpdate(t, gp, of("main", g), enqueue.ID(id))
				onCall(t, rdb, "main", id)
			}
			mustUpdate(t, gp, of("main", group), enqueue.ID("c"))
		}, []enqueue.Lane{{Account: enqueue.Account{Name: "main", Served: true}, Calling: 2, Waiting: 3, Slowed: 1}}},
		{"archived", func(t *testing.T, rdb redis.UniversalClient, gp *enqueue.Client) {
			serve(t, rdb, "main")
			mustUpdate(t, gp, of("main", group), enqueue.ID("a"))
			if err := asynq.NewInspectorFromRedisClient(rdb).ArchiveTask(tasks.Queue("main"), "a"); err != nil {
				t.Fatal(err)
			}
		}, []enqueue.Lane{{Account: enqueue.Account{Name: "main", Served: true}, Archived: 1, Slowed: 1}}},
		{"one update's answer is under suspicion", func(t *testing.T, rdb redis.UniversalClient, gp *enqueue.Client) {
			serve(t, rdb, "main")
			told(t, rdb, gp, "a", group, unwelcome)
			mirror(t, rdb) // asynq's flag must not be taken for an operator's pause
		}, []enqueue.Lane{{
			Account: enqueue.Account{Name: "main", Served: true}, Trouble: tasks.Credentials, TroubleOf: "account", Detail: "no", Tries: 1,
			Held: true, Suspected: true, Waiting: 1, Slowed: 1,
		}}},
		{"two updates were told the same", func(t *testing.T, rdb redis.UniversalClient, gp *enqueue.Client) {
			serve(t, rdb, "main")
			mustUpdate(t, gp, of("main", others), enqueue.ID("b"))
			h, turn := onCall(t, rdb, "main", "b")
			told(t, rdb, gp, "a", group, unwelcome)
			release(t, rdb, h, turn, unwelcome)
			mirror(t, rdb)
		}, []enqueue.Lane{{
			Account: enqueue.Account{Name: "main", Served: true}, Trouble: tasks.Credentials, TroubleOf: "account", Detail: "no", Tries: 1,
			Held: true, Waiting: 2, Slowed: 1,
		}}},
		{"the breaker is open", func(t *testing.T, rdb redis.UniversalClient, gp *enqueue.Client) {
			serve(t, rdb, "main")
			told(t, rdb, gp, "a", group, ledger.Answer{Said: ledger.SaidFailing, First: time.Minute, Most: time.Minute, Trip: 1, Why: tasks.NoAnswer, Lost: true})
		}, []enqueue.Lane{{
			Account: enqueue.Account{Name: "main", Served: true}, Trouble: tasks.NoAnswer, TroubleOf: "breaker", Tries: 1,
			Held: true, Unanswered: 1, Waiting: 1, Slowed: 1,
		}}},
		{"slowed down", func(t *testing.T, rdb redis.UniversalClient, gp *enqueue.Client) {
			serve(t, rdb, "main")
			told(t, rdb, gp, "a", group, ledger.Answer{Said: ledger.SaidSlower, First: time.Minute, Why: tasks.Throttled})
		}, []enqueue.Lane{{Account: enqueue.Account{Name: "main", Served: true}, Slowed: 2, SlowedFor: tasks.Throttled, Waiting: 1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// given
			rdb := redistest.Mini(t).Client(t)
			gp := open(t, rdb)
			tt.given(t, rdb, gp)
			// when
			got, err := gp.Lanes(t.Context())
			// then
			if err != nil {
				t.Fatal(err)
			}
			times := cmpopts.IgnoreFields(enqueue.Lane{}, "PausedSince", "Since", "NextTry", "Account.LastSeen", "SlowedSince", "Rest")
			if diff := cmp.Diff(tt.want, got, times); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, l := range got {
				slowed := l.Slowed > 1
				if l.PausedSince.IsZero() != (l.PausedBy == "") || l.Since.IsZero() != (l.Trouble == "") || l.NextTry.Before(l.Since) ||
					l.SlowedSince.IsZero() == slowed || l.Rest.IsZero() == slowed {
					t.Errorf("times that do not fit: %+v", l)
				}
			}
		})
	}
}

func TestLanes_WithoutRedis(t *testing.T) {
	t.Parallel()
	gp := open(t, redistest.Mini(t).Client(t))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if lanes, err := gp.Lanes(ended); !errors.Is(err, context.Canceled) || lanes != nil {
		t.Errorf("got %v, %v", lanes, err)
	}
}

func TestDetails_WhenASuspectComesAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer ledger.Answer
	}{
		{"held as a suspect", unwelcome},
		{"throttled", ledger.Answer{Said: ledger.SaidSlower, First: time.Minute, Why: tasks.Throttled}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.Mini(t).Client(t)
			gp := open(t, rdb)
			serve(t, rdb, "main")
			// when an update is answered so, and would have come again at once
			before := time.Now()
			told(t, rdb, gp, "a", group, tt.answer)
			// then its time is that of the hold, which it cannot come before
			d, err := gp.Details(t.Context(), "a", enqueue.OfAccount("main"))
			if early := before.Add(59 * time.Second); err != nil || d.Again.Before(early) {
				t.Errorf("again at %s, %v; want not before %s", d.Again, err, early)
			}
		})
	}
}
