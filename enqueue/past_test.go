package enqueue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// list gives the ids and states of what ended, as Outcomes lists it.
func list(t *testing.T, gp *enqueue.Client, past enqueue.Past) []string {
	t.Helper()
	var ends []string
	for o, err := range gp.Outcomes(t.Context(), past) {
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, o.ID+" "+string(o.State))
	}
	return ends
}

// nextMillisecond waits until Redis' clock has moved on: ends of different accounts are told apart by it alone.
func nextMillisecond(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	began, err := rdb.Time(t.Context()).Result()
	redistest.Eventually(t, 5*time.Second, func() bool {
		now, err := rdb.Time(t.Context()).Result()
		return err == nil && now.Sub(began) > time.Millisecond
	}, "Redis' clock stands still (%v)", err)
}

func TestOutcomes_Filters(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given updates of two accounts and groups that have ended, one of them twice, and one that has not.
		const other = "120363019502650978-group"
		gp := open(t, rdb)
		for _, u := range []struct {
			id, account, group string
			state              tasks.State
		}{
			{"a", "main", group, enqueue.Updated}, {"b", "main", other, enqueue.Refused}, {"c", "second", group, enqueue.Failed}, {"d", "main", group, enqueue.Superseded},
		} {
			mustUpdate(t, gp, enqueue.Update{GroupID: u.group, Account: u.account, Photo: link, Ref: "ref-" + u.id}, enqueue.ID(u.id), enqueue.AllowUnknownAccount())
			settle(t, rdb, u.account, u.id, u.state)
			nextMillisecond(t, rdb)
		}
		mustUpdate(t, gp, update(link), enqueue.ID("open"))
		if _, err := gp.Retry(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		settle(t, rdb, "main", "a", enqueue.Refused)
		for _, row := range []struct {
			name string
			past enqueue.Past
			want []string
		}{
			{"all", enqueue.Past{}, []string{"a refused", "d superseded", "c failed", "b refused", "a updated"}},
			{"an account", enqueue.Past{Account: "second"}, []string{"c failed"}},
			{"a group", enqueue.Past{Group: other}, []string{"b refused"}},
			{"states", enqueue.Past{States: []enqueue.State{enqueue.Failed, enqueue.Updated}}, []string{"c failed", "a updated"}},
			{"a reason nobody had", enqueue.Past{Reasons: []tasks.Reason{tasks.NoAnswer}}, nil},
			{"since a moment to come", enqueue.Past{Since: time.Now().Add(time.Hour)}, nil},
			{"since long ago", enqueue.Past{Since: time.Now().Add(-time.Hour), States: []enqueue.State{enqueue.Failed}}, []string{"c failed"}},
			{"an account without any", enqueue.Past{Account: "nobody"}, nil},
		} {
			if diff := cmp.Diff(row.want, list(t, gp, row.past)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.name, diff)
			}
		}
		// The last end is whole; of an earlier one only the stream knows.
		var refs []string
		for o, err := range gp.Outcomes(t.Context(), enqueue.Past{Account: "main"}) {
			if err != nil || o.FinishedAt.IsZero() || o.Account != "main" || o.GroupID == "" {
				t.Fatalf("got %+v, %v", o, err)
			}
			refs = append(refs, o.Ref)
		}
		if diff := cmp.Diff([]string{"ref-a", "ref-d", "ref-b", ""}, refs); diff != "" {
			t.Errorf("refs (-want +got):\n%s", diff)
		}
	})
}

func TestOutcomes_Pages(t *testing.T) {
	t.Parallel()
	// Given more ends than are read at a time; then all come, each once, newest first, and reading may stop in between.
	rdb := redistest.Mini(t).Client(t)
	gp := open(t, rdb)
	const count = 450
	var want []string
	for i := range count {
		id := fmt.Sprintf("u%03d", i)
		mustUpdate(t, gp, update(link), enqueue.ID(id))
		settle(t, rdb, "main", id, enqueue.Updated)
		want = append([]string{id + " updated"}, want...)
	}
	if diff := cmp.Diff(want, list(t, gp, enqueue.Past{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for o, err := range gp.Outcomes(t.Context(), enqueue.Past{}) {
		if err != nil || o.ID != "u449" {
			t.Errorf("got %s, %v", o.ID, err)
		}
		break
	}
}

func TestOutcomes_RedisAway(t *testing.T) {
	t.Parallel()
	server := redistest.Mini(t)
	gp := open(t, server.Client(t))
	server.Close()
	for o, err := range gp.Outcomes(t.Context(), enqueue.Past{Account: "main"}) {
		if err == nil {
			t.Errorf("got %+v", o)
		}
	}
}
