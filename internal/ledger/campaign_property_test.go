package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// Given campaigns of a few accounts, when rows are fed, lost, called, put off and
// settled, and campaigns are paused, cancelled, moved and retried, in any order,
// each of it more than once and broken off anywhere, then the totals add up after
// every step, no row ends twice in a pass, and none is lost.
func TestProperty_CampaignsAddUpWhateverHappens(t *testing.T) {
	t.Parallel()
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		e := newMini(t)
		anyOrder(t, e, func() { e.mini.FlushDB() })
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		rdb := redistest.Real(t, "--appendonly", "no").Client(t)
		anyOrder(t, &env{Ledger: ledger.New(rdb, keep), rdb: rdb}, func() { rdb.FlushDB(t.Context()) })
	})
}

func anyOrder(t *testing.T, e *env, empty func()) {
	t.Helper()
	cut := &fault{}
	e.rdb.AddHook(cut)
	rapid.Check(t, func(rt *rapid.T) {
		empty()
		m := &rowsModel{t: t, rt: rt, e: e, fault: cut, feeder: "f0"}
		m.begin()
		rt.Repeat(map[string]func(*rapid.T){
			"feed": m.feed, "feed more": m.feed, "feed again": m.feedAgain, "other feeder": m.otherFeeder, "call": m.call, "snooze": m.snooze,
			"settle": m.settle, "settle more": m.settle, "pause": m.pause, "resume": m.resume, "close": m.close, "pass": m.pass,
			"move": m.move, "look for tasks": m.lookForTasks, "catch up": m.catchUpAll, "": func(*rapid.T) { m.check() },
		})
		m.finish()
	})
}

func (m *rowsModel) feed(rt *rapid.T) {
	m.question++
	m.asked = ledger.FeedRequest{
		Account: rapid.SampledFrom(modelAccounts).Draw(rt, "account"), Feeder: m.feeder, Lease: 5 * time.Minute, // a run takes its time
		Question: fmt.Sprint(m.question), Room: rapid.IntRange(1, 5).Draw(rt, "room"),
	}
	m.answer = m.fed(m.asked)
	if rapid.IntRange(0, 3).Draw(rt, "the feeder dies before it enqueues") == 0 {
		return
	}
	m.enqueue(m.answer)
}

// fed asks, and holds the answer against what waits.
func (m *rowsModel) fed(r ledger.FeedRequest) []ledger.FedRow {
	want := 0
	for _, c := range m.campaigns {
		want += c.feedable(r.Account)
	}
	got, err := m.e.Feed(m.t.Context(), r)
	if err != nil || got.Held > 0 || len(got.Rows) != min(want, r.Room) {
		m.fail("Feed of %d to %s = %d rows, held %s, %v; %d could go", r.Room, r.Account, len(got.Rows), got.Held, err, want)
	}
	for _, f := range got.Rows {
		row := m.of(f.Campaign).rowAt(f.Account, f.Row)
		if row == nil || !row.asleep() || f.Feed != row.feed+1 || f.Given.Line != row.line {
			m.fail("Feed gave %+v; the row is %v", f, row)
		}
		row.feed, row.state, row.fed = f.Feed, ledger.Queued, true
	}
	return got.Rows
}

func (m *rowsModel) enqueue(rows []ledger.FedRow) {
	for _, f := range rows {
		c := m.of(f.Campaign)
		if row := c.rowAt(f.Account, f.Row); row != nil {
			m.tasks = append(m.tasks, modelTask{c, row, f})
		}
	}
}

func (m *rowsModel) of(id string) *modelCampaign {
	i := slices.IndexFunc(m.campaigns, func(c *modelCampaign) bool { return c.id == id })
	if i < 0 {
		m.fail("there is no campaign %s", id)
	}
	return m.campaigns[i]
}

// feedAgain repeats the latest question: the same rows, and nothing more happens.
func (m *rowsModel) feedAgain(rt *rapid.T) {
	if m.asked.Feeder != m.feeder {
		rt.Skip("nobody asked")
	}
	got, err := m.e.Feed(m.t.Context(), m.asked)
	if err != nil || got.Held > 0 || !slices.Equal(got.Rows, m.answer) {
		m.fail("asked again: %v, held %s, %v; first: %v", got.Rows, got.Held, err, m.answer)
	}
}

// otherFeeder is held while there is one, and is the one when its lease is over.
func (m *rowsModel) otherFeeder(rt *rapid.T) {
	if m.asked.Feeder != m.feeder {
		rt.Skip("nobody asked")
	}
	r := m.asked
	r.Feeder, r.Question = "intruder", "q"
	if got, err := m.e.Feed(m.t.Context(), r); err != nil || got.Held <= 0 || len(got.Rows) > 0 {
		m.fail("a second feeder got %d rows, held %s, %v", len(got.Rows), got.Held, err)
	}
	m.otherFeederTakesOver()
}

func (m *rowsModel) otherFeederTakesOver() {
	m.question++
	m.feeder = fmt.Sprint("f", m.question)
	for _, account := range modelAccounts {
		m.ok("dropping the lease", m.e.rdb.HSet(m.t.Context(), "groupphoto:{"+account+"}:feeder", "until", "1").Err())
	}
}

func (m *rowsModel) pause(rt *rapid.T) {
	c := m.campaign(rt)
	m.wish(c, func() error { _, err := m.e.PauseCampaign(m.t.Context(), c.id, "x", "y"); return err })
}

func (m *rowsModel) resume(rt *rapid.T) {
	c := m.campaign(rt)
	m.wish(c, func() error { _, err := m.e.ResumeCampaign(m.t.Context(), c.id, "x"); return err })
}

func (m *rowsModel) close(rt *rapid.T) {
	if rapid.IntRange(0, 2).Draw(rt, "really") > 0 {
		rt.Skip("not now")
	}
	c := m.campaign(rt)
	m.wish(c, func() (err error) {
		if rapid.Bool().Draw(rt, "cancel") {
			_, err = m.e.CancelCampaign(m.t.Context(), c.id, "x", "y")
		} else {
			_, err = m.e.ExpireCampaign(m.t.Context(), c.id)
		}
		return err
	})
}

// wish does something to a head, perhaps breaking off in the middle; then the
// feeders catch up, and the head says what came of it.
func (m *rowsModel) wish(c *modelCampaign, do func() error) {
	var err error
	if rapid.IntRange(0, 3).Draw(m.rt, "break off") == 0 {
		err = m.cut(do)
	} else if err = do(); err != nil && !errors.Is(err, ledger.ErrCampaignClosed) {
		m.fail("a wish for %s: %v", c.id, err)
	}
	if errors.Is(err, ledger.ErrCampaignClosed) != (c.closed != "") && !errors.Is(err, errCut) && err != nil {
		m.fail("a wish for %s, closed %q: %v", c.id, c.closed, err)
	}
	m.catchUp(c)
}

// catchUp is what feeders do now and then. The model learns from the head whether
// a wish that broke off was heard; sweeping is brought to its end.
func (m *rowsModel) catchUp(c *modelCampaign) {
	head, err := m.e.Campaign(m.t.Context(), c.id)
	m.ok("Campaign", err)
	c.paused, c.closed, c.trial = !head.PausedSince.IsZero(), head.Closed, head.Trial
	for err = ledger.ErrCampaignBusy; errors.Is(err, ledger.ErrCampaignBusy); {
		m.ok("SweepCampaign", m.e.SweepCampaign(m.t.Context(), head))
		err = m.e.ApplyCampaign(m.t.Context(), head)
	}
	m.ok("ApplyCampaign", err)
	m.ok("SweepCampaign", m.e.SweepCampaign(m.t.Context(), head))
	if c.closed != "" {
		c.sweep()
	}
}

// sweep ends what waits in a closed campaign.
func (c *modelCampaign) sweep() {
	for _, r := range c.rows {
		if r.asleep() && !r.transit {
			r.state, r.end = c.closed, ledger.RowEnd{}
			r.forget()
		}
	}
}

func (m *rowsModel) catchUpAll(*rapid.T) {
	for _, account := range modelAccounts {
		_, err := m.e.CampaignsOf(m.t.Context(), account)
		m.ok("CampaignsOf", err)
	}
	for _, c := range m.campaigns {
		m.learn(c)
		m.catchUp(c)
	}
}

// pass retries ended rows, perhaps breaking off; those that wait then are read back.
func (m *rowsModel) pass(rt *rapid.T) {
	c := m.campaign(rt)
	r := ledger.PassRequest{
		States:  rapid.SampledFrom([][]tasks.State{nil, {tasks.Cancelled}, {tasks.Refused, tasks.Updated}}).Draw(rt, "states"),
		Reasons: rapid.SampledFrom([][]tasks.Reason{nil, {tasks.NotAdmin, tasks.Stopped}}).Draw(rt, "reasons"),
	}
	if c.moving != [2]string{} {
		rt.Skip("rows are on their way")
	}
	states := r.States
	if states == nil {
		states = []tasks.State{tasks.Refused, tasks.Failed, tasks.Expired}
	}
	if c.closed != "" {
		c.sweep()
	}
	chosen := map[*modelRow]bool{}
	for _, row := range c.rows {
		reason := row.end.Reason
		if row.end.State == "" && row.state == tasks.Cancelled {
			reason = tasks.Stopped
		}
		chosen[row] = slices.Contains(states, row.state) && (r.Reasons == nil || slices.Contains(r.Reasons, reason))
	}
	do := func() error { _, err := m.e.PassCampaign(m.t.Context(), c.id, r); return err }
	broken := rapid.IntRange(0, 3).Draw(rt, "break off") == 0
	if broken {
		_ = m.cut(do)
	} else {
		m.ok("PassCampaign", do())
	}
	m.catchUp(c)
	for i, v := range m.views(c) {
		row := c.rows[i]
		switch {
		case !chosen[row]:
		case v.State == tasks.Waiting:
			row.state, row.end = tasks.Waiting, ledger.RowEnd{}
			if row.feed > 0 { // what is left of the earlier pass is stale from now on
				row.feed++
			}
		case !broken:
			m.fail("PassCampaign of %v %v left line %d as %s", states, r.Reasons, row.line, v.State)
		}
	}
}

// move moves rows, perhaps breaking off; where they are is read back, and only
// those that may have moved can be anywhere else.
func (m *rowsModel) move(rt *rapid.T) {
	c := m.campaign(rt)
	from, to := rapid.SampledFrom(modelAccounts).Draw(rt, "from"), rapid.SampledFrom(modelAccounts).Draw(rt, "to")
	goesOn := c.moving != [2]string{}
	if goesOn {
		from, to = c.moving[0], c.moving[1]
	}
	do := func() error { _, err := m.e.MoveCampaign(m.t.Context(), c.id, from, to, "x"); return err }
	var err error
	if rapid.IntRange(0, 2).Draw(rt, "break off") == 0 {
		err = m.cut(do)
	} else if err = do(); err != nil && !errors.Is(err, ledger.ErrCampaignClosed) && !errors.Is(err, ledger.ErrNoRow) {
		m.fail("MoveCampaign: %v", err)
	}
	m.learn(c)
	m.catchUp(c)
	for _, r := range c.rows {
		if err == nil && (r.transit || !goesOn && r.account == from && movable(r)) {
			m.fail("MoveCampaign from %s to %s left %+v", from, to, *r)
		}
	}
}

func movable(r *modelRow) bool {
	return r.transit || r.asleep() || r.state == ledger.Queued
}

// learn reads where the rows are. One that is not where it was had to be movable,
// and one that is nowhere is on its way in a move that is not done.
func (m *rowsModel) learn(c *modelCampaign) {
	head, err := m.e.Campaign(m.t.Context(), c.id)
	m.ok("Campaign", err)
	c.moving = head.Moving
	seen := map[int64]ledger.RowView{}
	for _, v := range m.views(c) {
		if _, twice := seen[v.Given.Line]; twice {
			m.fail("line %d of %s is there twice", v.Given.Line, c.id)
		}
		seen[v.Given.Line] = v
	}
	for _, r := range c.rows {
		v, there := seen[r.line]
		switch {
		case there && !r.transit && v.Given.Account == r.account && v.Row == r.number:
			continue
		case !movable(r) || !there && c.moving == [2]string{}:
			m.fail("line %d of %s was %+v and is %+v (there: %t)", r.line, c.id, *r, v, there)
		}
		*r = modelRow{line: r.line, account: v.Given.Account, number: v.Row, state: tasks.Waiting, transit: !there, settled: map[int64]int{}}
	}
}

// lookForTasks is the feeder's look at rows without news, of which some have tasks.
func (m *rowsModel) lookForTasks(rt *rapid.T) {
	m.look(func() bool { return rapid.Bool().Draw(rt, "its task is there") })
}

func (m *rowsModel) look(there func() bool) {
	for _, account := range modelAccounts {
		fed := 0
		for _, c := range m.campaigns {
			m.age(account, c.id)
			for _, r := range c.rows {
				if r.fed && r.account == account {
					fed++
				}
			}
		}
		quiet, err := m.e.Quiet(m.t.Context(), account, "", ledger.QuietAfter, 10_000)
		if err != nil || len(quiet) != fed {
			m.fail("Quiet = %d rows, %v; %d are under way", len(quiet), err, fed)
		}
		for _, ref := range quiet {
			row := m.of(ref.Campaign).rowAt(account, ref.Row)
			if row == nil || !row.fed || row.feed != ref.Feed {
				m.fail("Quiet gave %+v; the row is %v", ref, row)
			}
			missing, found := []ledger.RowRef{ref}, []ledger.RowRef(nil)
			if there() {
				missing, found = found, missing
			} else {
				row.back(true)
			}
			n, err := m.e.BackRows(m.t.Context(), account, ref.Campaign, missing, found)
			if err != nil || n != len(missing) {
				m.fail("BackRows of %s = %d, %v; want %d", ref.ID(), n, err, len(missing))
			}
		}
	}
}

// ripen makes all retrying rows due.
func (m *rowsModel) ripen() {
	for _, account := range modelAccounts {
		for _, c := range m.campaigns {
			later := "groupphoto:{" + account + "}:c:" + c.id + ":later"
			rows, err := m.e.rdb.ZRange(m.t.Context(), later, 0, -1).Result()
			m.ok("reading what is retrying", err)
			for _, row := range rows {
				m.ok("ripening", m.e.rdb.ZAdd(m.t.Context(), later, redis.Z{Score: 1, Member: row}).Err())
			}
			for _, r := range c.rows {
				r.ripe = true
			}
		}
	}
}

// age makes the news of a part's rows old.
func (m *rowsModel) age(account, id string) {
	fed := "groupphoto:{" + account + "}:c:" + id + ":fed"
	rows, err := m.e.rdb.ZRange(m.t.Context(), fed, 0, -1).Result()
	m.ok("reading what is under way", err)
	for _, row := range rows {
		m.ok("ageing", m.e.rdb.ZAdd(m.t.Context(), fed, redis.Z{Score: 1, Member: row}).Err())
	}
}
