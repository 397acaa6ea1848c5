package ledger_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// rowsModel is what must be true of the campaigns of a few accounts, kept apart
// from Redis: one plain struct per row, and every task that ever was.
type rowsModel struct {
	t         *testing.T
	rt        *rapid.T
	e         *env
	fault     *fault
	campaigns []*modelCampaign
	tasks     []modelTask // living and dead ones
	feeder    string
	question  int
	steps     int
	answer    []ledger.FedRow // to the latest question
	asked     ledger.FeedRequest
}

type modelCampaign struct {
	id     string
	rows   []*modelRow
	paused bool
	closed tasks.State
	trial  int
	moving [2]string
}

type modelRow struct {
	line    int64
	account string
	number  int64
	feed    int64
	// state is where it stands; waiting and retrying in a closed campaign stay so here,
	// and show as what closed it.
	state   tasks.State
	transit bool // between two accounts
	end     ledger.RowEnd
	fed     bool          // under way: there was or is a task
	settled map[int64]int // ends by feed number
	// The record: which task's run it is ("": there is none), how often it was called,
	// and whether that run holds a turn.
	holder string
	calls  int
	turn   bool
	ripe   bool // retrying: it is due
}

// asleep is a row without a task.
func (r *modelRow) asleep() bool { return r.state == tasks.Waiting || r.state == tasks.Retrying }

// back puts a row that is under way to where it is fed again.
func (r *modelRow) back(ripe bool) {
	r.fed, r.state = false, tasks.Retrying
	if r.ripe = ripe; r.calls == 0 {
		r.state = tasks.Waiting
		r.forget()
	}
}

func (r *modelRow) forget() { r.holder, r.calls, r.turn = "", 0, false }

type modelTask struct {
	c   *modelCampaign
	row *modelRow
	ledger.FedRow
}

var modelAccounts = []string{"main", "sales", "backup"}

// fault lets the client's commands fail: so many go well, then the request is lost,
// or only its answer.
type fault struct {
	mu                sync.Mutex // parts are gone through side by side
	armed, answerOnly bool
	left              int
}

var errCut = errors.New("the line was cut")

func (f *fault) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (f *fault) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return f.pass(func() error { return next(ctx, cmd) })
	}
}

func (f *fault) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return f.pass(func() error { return next(ctx, cmds) })
	}
}

func (f *fault) pass(do func() error) error {
	f.mu.Lock()
	armed, answerOnly := f.armed, f.answerOnly
	if armed {
		f.left--
	}
	left := f.left
	f.mu.Unlock()
	switch {
	case !armed:
		return do()
	case left > 0:
		err := do()
		if redis.HasErrorPrefix(err, "NOSCRIPT") {
			f.mu.Lock()
			f.left++ // only the first time: every run must count the same
			f.mu.Unlock()
		}
		return err
	case left == 0 && answerOnly:
		_ = do() // it happens, and nobody hears of it
	}
	return errCut
}

// cut makes one call of the ledger in which the line is cut somewhere.
func (m *rowsModel) cut(do func() error) error {
	m.fault.set(true, rapid.IntRange(1, 14).Draw(m.rt, "commands that go well"), rapid.Bool().Draw(m.rt, "the last one arrives"))
	defer m.fault.set(false, 0, false)
	return do()
}

func (f *fault) set(armed bool, left int, answerOnly bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.left, f.answerOnly = armed, left, answerOnly
}

func (m *rowsModel) fail(format string, args ...any) { m.rt.Helper(); m.rt.Fatalf(format, args...) }

func (m *rowsModel) ok(what string, err error) {
	if err != nil {
		m.rt.Helper()
		m.fail("%s: %v", what, err)
	}
}

// begin accepts one to three campaigns; on the way there the line may be cut.
func (m *rowsModel) begin() {
	for i := range rapid.IntRange(1, 3).Draw(m.rt, "campaigns") {
		size := rapid.SampledFrom([]int{1, 2, 3, 5, 8, 8, 12, 20}).Draw(m.rt, "rows")
		if i == 0 && rapid.IntRange(0, 19).Draw(m.rt, "more than a chunk") == 19 {
			size = 1003
		}
		accounts := modelAccounts[:rapid.IntRange(1, 2).Draw(m.rt, "accounts")]
		input := sheet(size, accounts...)
		for n := range input { // each row its own group: their order is another model's
			input[n].Group = tasks.GroupID(strconv.Itoa(120363000000000000+10_000*i+n) + "-group")
		}
		r := m.e.asking("c"+strconv.Itoa(i), func(r *ledger.CampaignRequest) { r.Trial = rapid.SampledFrom([]int{0, 0, 2}).Draw(m.rt, "trial") })
		for range rapid.IntRange(0, 2).Draw(m.rt, "accepting breaks off") {
			if err := m.cut(func() error { _, err := m.e.AcceptCampaign(m.t.Context(), r, given(input)); return err }); err != nil {
				m.unheld(r.Name)
			}
		}
		got, err := m.e.AcceptCampaign(m.t.Context(), r, given(input))
		m.ok("AcceptCampaign", err)
		c := &modelCampaign{id: got.ID, trial: r.Trial}
		m.catchUp(c)
		m.campaigns = append(m.campaigns, c)
		for i := range input {
			c.rows = append(c.rows, &modelRow{line: input[i].Line, account: input[i].Account, state: tasks.Waiting, settled: map[int64]int{}})
		}
		for i, v := range m.views(c) {
			c.rows[i].number = v.Row
		}
	}
}

// unheld lets the next acceptor begin at once.
func (m *rowsModel) unheld(name string) {
	id, err := m.e.rdb.HGet(m.t.Context(), "groupphoto:{campaigns}:names", name).Result()
	if errors.Is(err, redis.Nil) {
		return
	}
	m.ok("the name", err)
	m.ok("dropping the lease", m.e.rdb.HSet(m.t.Context(), "groupphoto:{campaigns}:h:"+id, "held", "1").Err())
}

func (m *rowsModel) views(c *modelCampaign) []ledger.RowView {
	head, err := m.e.Campaign(m.t.Context(), c.id)
	m.ok("Campaign", err)
	var all []ledger.RowView
	for v, err := range m.e.CampaignRows(m.t.Context(), head, ledger.RowFilter{}) {
		m.ok("CampaignRows", err)
		all = append(all, v)
	}
	return all
}

// shown is what people see of a row.
func (c *modelCampaign) shown(r *modelRow) tasks.State {
	if c.closed != "" && r.asleep() {
		return c.closed
	}
	return r.state
}

// check compares everything with Redis after every step.
func (m *rowsModel) check() {
	for _, c := range m.campaigns {
		want := ledger.Counts{}
		for _, state := range ledger.RowStates() {
			want[state] = 0
		}
		var here []*modelRow
		for _, r := range c.rows {
			want[c.shown(r)]++
			if !r.transit {
				here = append(here, r)
			}
			for feed, n := range r.settled {
				if n > 1 {
					m.fail("line %d of %s ended %d times in feed %d", r.line, c.id, n, feed)
				}
			}
		}
		s, err := m.e.CampaignStatus(m.t.Context(), c.id)
		m.ok("CampaignStatus", err)
		for state, n := range want {
			if s.Counts[state] != n {
				m.fail("%s counts %v; want %v", c.id, s.Counts, want)
			}
		}
		m.compareRows(c, here)
		if m.steps++; m.steps%8 > 0 { // what it counts has been compared by now
			continue
		}
		checks, err := m.e.VerifyCampaign(m.t.Context(), s.Campaign, false)
		m.ok("VerifyCampaign", err)
		for i, check := range checks {
			if !check.Agrees || s.Parts[i].Counts.Sum() != check.Total {
				m.fail("%s, account %s: %+v", c.id, check.Account, check)
			}
		}
	}
}

func (m *rowsModel) compareRows(c *modelCampaign, here []*modelRow) {
	views := m.views(c)
	if len(views) != len(here) {
		m.fail("%s shows %d rows; want %d", c.id, len(views), len(here))
	}
	for i, v := range views {
		r := here[i]
		if v.Given.Line != r.line || v.Given.Account != r.account || v.Row != r.number || v.Feed != r.feed || v.State != c.shown(r) {
			m.fail("%s shows %+v; want %+v", c.id, v, *r)
		}
		if r.end.State != "" && r.state.Ended() && v.End.Reason != r.end.Reason {
			m.fail("%s shows the end %+v; want %+v", c.id, v.End, r.end)
		}
	}
}

func (m *rowsModel) campaign(rt *rapid.T) *modelCampaign {
	return rapid.SampledFrom(m.campaigns).Draw(rt, "campaign")
}

func (m *rowsModel) task(rt *rapid.T) modelTask {
	if len(m.tasks) == 0 {
		rt.Skip("nothing was fed")
	}
	if rapid.Bool().Draw(rt, "a recent one") {
		return m.tasks[len(m.tasks)-1-rapid.IntRange(0, min(5, len(m.tasks)-1)).Draw(rt, "how recent")]
	}
	return rapid.SampledFrom(m.tasks).Draw(rt, "task")
}

// current says whether the task is the one that its row was fed for last, and the
// row is still where the task is.
func (x modelTask) current() bool {
	return !x.row.transit && x.row.account == x.Account && x.row.number == x.Row && x.row.feed == x.Feed
}

func (m *rowsModel) want(what string, x modelTask, got ledger.RowVerdict, err error, want ledger.RowVerdict) {
	m.rt.Helper()
	if err != nil || got != want {
		m.fail("%s of %s through %s = %q, %v; want %q (row %+v)", what, x.ID(), x.Account, got, err, want, *x.row)
	}
}

// open says whether rows of the campaign may be fed, and how many of an account.
func (c *modelCampaign) feedable(account string) int {
	if c.paused || c.closed != "" {
		return 0
	}
	waiting, others, due := 0, 0, 0
	for _, r := range c.rows {
		switch {
		case r.transit || r.account != account:
		case r.state == tasks.Waiting:
			waiting++
		default:
			others++
			if r.state == tasks.Retrying && r.ripe {
				due++
			}
		}
	}
	if c.trial > 0 {
		waiting = max(0, min(waiting, c.trial-others))
	}
	return waiting + due
}

func (c *modelCampaign) rowAt(account string, number int64) *modelRow {
	i := slices.IndexFunc(c.rows, func(r *modelRow) bool { return !r.transit && r.account == account && r.number == number })
	if i < 0 {
		return nil
	}
	return c.rows[i]
}
