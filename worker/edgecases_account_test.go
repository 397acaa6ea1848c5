package worker_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
)

// trouble is an answer that says that the account cannot work: it holds all of the
// account, costs no attempt, and passes by itself.
type trouble struct {
	name, rule string
	reason     tasks.Reason
	silent     bool // /status says so too, in words: no update is tried meanwhile
	says       string
}

// holdsTheAccount submits updates of many groups, turns the dial to the trouble and back, and
// checks that the account was held as a whole.
func holdsTheAccount(t *testing.T, c trouble) {
	t.Helper()
	const n, inFlight = 6, 2
	r := edgeMini(t, func(_ *edgeRig, c *worker.Config) { c.Accounts[0].Concurrency = inFlight })
	r.dial(c.rule)
	ids := r.submitMany("u", n)
	r.start()
	s := r.held(ledger.Provider, c.reason)
	if !strings.Contains(s.Detail, c.says) {
		t.Errorf("the detail is %q, without %q", s.Detail, c.says)
	}
	redistest.Eventually(t, 20*time.Second, func() bool { return r.lane().Calling == 0 }, "a call does not end")
	before := len(r.box.Calls()) // those that were under way together have ended
	redistest.Eventually(t, 20*time.Second, func() bool { return len(r.box.Calls()) >= before+2 }, "nothing is probed")
	for _, id := range ids {
		// A call under way is an attempt until its answer gives it back.
		redistest.Eventually(t, 5*time.Second, func() bool { return r.spent(id) == 0 }, "%s: an attempt was spent for the account's trouble", id)
	}
	calls := r.box.Calls()
	r.dial()
	for _, id := range ids {
		if o := r.wait(id); o.State != tasks.Updated || r.spent(id) != 1 {
			t.Errorf("%s: spent %d, got %+v", id, r.spent(id), o)
		}
	}
	r.resumed()
	updates := 0
	for i, call := range calls {
		if i >= before && call.InFlight > 1 {
			t.Errorf("probe %d came with %d others", i, call.InFlight-1)
		}
		if endpoint(call) == "update" {
			updates++
		}
	}
	if updates > len(calls)-1 || c.silent && updates > inFlight {
		t.Errorf("%d updates were tried during the trouble: %s", updates, r.asked())
	}
}

func TestEdge03_UnauthorizedStopsTheAccount(t *testing.T) {
	t.Parallel()
	for _, c := range []trouble{
		{"401", "401:on=all", tasks.Credentials, false, "token"},
		{"403", "403:on=all", tasks.NotAllowed, false, "forbidden"},
		{"client token", "400:on=all,text=your client-token is not configured", tasks.Credentials, false, "is not configured"},
		{"not allowed, though /status answers", "400:text=this IP is not allowed", tasks.NotAllowed, false, "IP is not allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// Given updates of six groups, when the provider does not let the account in,
			// then the account is held, one call at a time probes, no attempt is spent,
			// and all end as updated when it lets it in again.
			holdsTheAccount(t, c)
		})
	}
}

func TestEdge04_DisconnectedIsProbedWithGrowingGaps(t *testing.T) {
	t.Parallel()
	for _, c := range []trouble{
		{"disconnected", "disconnected", tasks.Disconnected, true, "not connected"},
		{"session to be restored", "session-lost", tasks.Disconnected, true, "restore the session"},
		{"answered with a plain false", "disconnected-false", tasks.Disconnected, true, "not connected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// Given updates of six groups, when the number is offline, then the account is
			// held and only /status is asked, and all end as updated when it is back.
			holdsTheAccount(t, c)
		})
	}
	t.Run("gaps", func(t *testing.T) {
		t.Parallel()
		// Given a number that stays offline, when it is probed again and again, then
		// each gap is at least twice the one before, up to the longest.
		r := edgeMini(t, policy(func(p *worker.Policy) { p.Hold, p.MaxHold = 20*time.Millisecond, 80*time.Millisecond }))
		r.dial("disconnected")
		r.submit("late", tasks.Update{})
		r.start()
		redistest.Eventually(t, 20*time.Second, func() bool { return len(r.calls("status")) >= 4 }, "it is not probed again and again")
		probes := r.calls("status")
		r.dial()
		// The first answers a suspicion and begins the second hold.
		for i, least := range []time.Duration{40, 80, 80} {
			if gap := probes[i+1].Start.Sub(probes[i].Start); gap < (least-2)*time.Millisecond {
				t.Errorf("probe %d came %s after the one before, not %d ms", i+2, gap, least)
			}
		}
		r.ends("late", tasks.Updated, "", 2)
		if len(r.calls("update")) != 2 || r.spent("late") != 1 {
			t.Errorf("spent %d, asked %s", r.spent("late"), r.asked())
		}
	})
}

func TestEdge05_SubscriptionLapsesMidCampaign(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given an account at work, when its subscription ends although /status says
		// connected, then what waits is held with that reason and costs nothing; when it is
		// paid, all end as updated without a hand.
		r := edge(t, rdb).start()
		r.submit("before", tasks.Update{GroupID: groupB})
		r.ends("before", tasks.Updated, "", 1)
		r.dial("expired")
		ids := r.submitMany("row", 8)
		s := r.held(ledger.Provider, tasks.Subscription)
		if !strings.Contains(s.Detail, "subscribe to this instance") || !strings.Contains(s.Why.Mend(), "go on by themselves") {
			t.Errorf("people are told %q and %q", s.Detail, s.Why.Mend())
		}
		tried := r.calls("update")[1:]
		r.dial()
		for _, id := range ids {
			if o := r.wait(id); o.State != tasks.Updated || r.spent(id) != 1 {
				t.Errorf("%s: spent %d, got %+v", id, r.spent(id), o)
			}
		}
		r.resumed()
		// The second call shows that it is not the first one's own fault, each further one waits for the hold.
		for i := 2; i < len(tried); i++ {
			if gap := tried[i].Start.Sub(tried[i-1].Start); gap < 90*time.Millisecond {
				t.Errorf("call %d came %s after the one before", i+1, gap)
			}
		}
	})
}

func TestEdge06_ThrottledInAnyForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, rule string
		rest       time.Duration // that the provider wants, at least
	}{
		{"429 with Retry-After", "429:n=1,retry-after=1s", time.Second},
		{"429 without", "429:n=1", 50 * time.Millisecond},
		{"a text beside false", "overlimit:n=1", 50 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// Given three updates, when the provider asks once for slower calls, then nobody
			// calls for the time it wants, the gap is twice as wide, no attempt is spent, and
			// each photo that is accepted narrows the gap by a twentieth.
			r := edgeMini(t).dial(c.rule)
			r.submit("first", tasks.Update{})
			r.start()
			redistest.Eventually(t, 10*time.Second, func() bool { return r.lane().Widen == 2 }, "the gap is not wider")
			if s := r.lane(); s.WidenedWhy != tasks.Throttled || s.Trouble != "" || s.WidenedAt.IsZero() {
				t.Errorf("got %+v", s)
			}
			r.ends("first", tasks.Updated, "", 2)
			r.submit("second", tasks.Update{GroupID: groupB})
			r.ends("second", tasks.Updated, "", 1)
			if s := r.lane(); s.Widen != 1.805 || r.spent("first") != 1 {
				t.Errorf("widened %g times after two photos, spent %d", s.Widen, r.spent("first"))
			}
			calls := r.calls("update")
			if rest := calls[1].Start.Sub(calls[0].End); rest < c.rest-5*time.Millisecond {
				t.Errorf("called again after %s, not %s", rest, c.rest)
			}
			// Without a pace a throttled account has one of half a second, twice as wide.
			if gap := calls[2].Start.Sub(calls[1].Start); gap < 900*time.Millisecond {
				t.Errorf("the next call came %s after", gap)
			}
		})
	}
	t.Run("a burst of false", func(t *testing.T) {
		t.Parallel()
		// Given updates of three groups, when all draw a plain false, then the gap is wider.
		r := edgeMini(t, policy(func(p *worker.Policy) { p.RefusalRetries = -1 })).dial("false")
		ids := r.submitMany("no", 3)
		r.start()
		for _, id := range ids {
			r.ends(id, tasks.Refused, tasks.NoReasonGiven, 1)
		}
		if s := r.lane(); s.Widen != 1.5 || s.WidenedWhy != "refusals" {
			t.Errorf("got %+v", s)
		}
	})
	t.Run("two processes", func(t *testing.T) {
		t.Parallel()
		// Given two workers of one account, when twelve updates run, then one call is in
		// flight at a time.
		r := edge(t, redistest.Real(t).Client(t)).dial("slow:latency=5ms")
		other := setup(t, r.rdb, r.client)
		ids := r.submitMany("u", 12)
		r.start()
		other.start()
		for _, id := range ids {
			r.ends(id, tasks.Updated, "", 1)
		}
		for _, call := range r.box.Calls() {
			if call.InFlight != 1 {
				t.Errorf("%d calls in flight", call.InFlight)
			}
		}
	})
}

func TestEdge08_RedirectIsNeverFollowed(t *testing.T) {
	t.Parallel()
	t.Run("holds the account", func(t *testing.T) {
		t.Parallel()
		// Given updates of six groups, when the provider redirects, then the account is
		// held and people are told where to.
		holdsTheAccount(t, trouble{"redirect", "redirect:on=all", tasks.Redirected, false, "moved.invalid"})
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			// Given another host that would take the call, when the base URL redirects to it,
			// then it is never called, and no attempt is spent.
			var to string
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				http.Redirect(w, req, to+req.URL.Path, status)
			}))
			t.Cleanup(front.Close)
			r := edgeMini(t, func(r *edgeRig, c *worker.Config) {
				to = r.url
				client := edgeClient(t, front.URL, time.Second)
				c.Accounts[0].Caller, c.Accounts[0].Reader = client, client
			})
			r.submit("moved", tasks.Update{})
			r.start()
			s := r.held(ledger.Provider, tasks.Redirected)
			if !strings.Contains(s.Why.Mend(), "PLUGCHAT_BASE_URL") || r.spent("moved") != 0 {
				t.Errorf("spent %d, people are told %q", r.spent("moved"), s.Why.Mend())
			}
			r.wantAsked("")
		})
	}
}

func TestEdge09_WrongMethodOrContentType(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		trouble

		advice string
	}{
		{trouble{"405", "405", tasks.WrongMethod, false, "no POST here"}, "must arrive as POST"},
		{trouble{"415", "415", tasks.WrongContentType, false, "does not take application/json"}, "must arrive as application/json"},
		{trouble{"405 to everything", "405:on=all", tasks.WrongMethod, false, "no"}, "must arrive as POST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// Given updates of six groups, when something on the way refuses the request's
			// form, then the account is held with the provider's own advice, and goes on when mended.
			if mend := c.reason.Mend(); !strings.Contains(mend, c.advice) || !strings.Contains(mend, "PLUGCHAT_BASE_URL") {
				t.Errorf("people are told %q", mend)
			}
			holdsTheAccount(t, c.trouble)
		})
	}
}
