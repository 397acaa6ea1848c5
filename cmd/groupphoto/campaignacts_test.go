package main

import (
	"os/user"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/ledger/rowtest"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// sown is a Redis with a campaign named spring, of ten rows over the accounts main
// and b, by turns: of main's, two were updated and one was refused.
type sown struct {
	env    map[string]string
	gp     *enqueue.Client
	ledger *ledger.Ledger
	rdb    redis.UniversalClient
}

func sow(t *testing.T, change ...func(*enqueue.Campaign)) sown {
	t.Helper()
	mini := redistest.Mini(t)
	rdb := mini.Client(t)
	gp, err := enqueue.New(rdb)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gp.Close() })
	c := enqueue.Campaign{Name: "spring", Photo: enqueue.URL("https://cdn.example.com/spring.png"), By: "ana"}
	for _, f := range change {
		f(&c)
	}
	s := sown{env: map[string]string{"REDIS_URL": mini.URL(), "GROUPPHOTO_TZ": "UTC"}, gp: gp, ledger: ledger.New(rdb, 0), rdb: rdb}
	if _, err := gp.StartCampaign(t.Context(), c, func(yield func(enqueue.CampaignRow, error) bool) {
		for i := range 10 {
			if !yield(enqueue.CampaignRow{GroupID: strconv.Itoa(120363000000000000+i) + "-group", Account: []string{"main", "b"}[i%2]}, nil) {
				return
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	old, err := s.ledger.StorePhoto(t.Context(), tasks.PhotoMade, []byte("the photo before"), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	shown := tasks.MadeRef(strings.Repeat("a", 64)).Wire()
	for _, row := range s.end(t, "main",
		ledger.RowEnd{State: tasks.Updated, Value: &yes, Photo: shown, PreviousPhoto: old.Wire()},
		ledger.RowEnd{State: tasks.Updated, Value: &yes, Photo: shown},
		ledger.RowEnd{State: tasks.Refused, Value: &no, Reason: tasks.NotAdmin}) {
		if err := rdb.HSet(t.Context(), "groupphoto:{main}:g:"+string(row.Given.Group), "last", shown).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// end ends rows of an account as a worker does.
func (s sown) end(t *testing.T, account string, ends ...ledger.RowEnd) []ledger.FedRow {
	t.Helper()
	fed, err := s.ledger.Feed(t.Context(), ledger.FeedRequest{
		Account: account, Feeder: "tests", Lease: time.Minute, Question: account + strconv.Itoa(len(ends)), Room: len(ends),
	})
	rows := fed.Rows
	if err != nil || len(rows) != len(ends) {
		t.Fatalf("Feed: %d rows, %v", len(rows), err)
	}
	for i, row := range rows {
		ends[i].FinishedAt = time.Now()
		if v, _, err := rowtest.Settle(t.Context(), s.ledger, row, ends[i]); err != nil || v != ledger.RowOK {
			t.Fatalf("the end: %s, %v", v, err)
		}
	}
	return rows
}

func TestCampaignActs_Text(t *testing.T) {
	t.Parallel()
	s := sow(t)
	u, err := user.Current()
	if err != nil {
		t.Skip("the system does not say who runs this")
	}
	by := regexp.QuoteMeta(u.Username)
	const stamp = `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`
	// given a campaign, when one command follows the other, then each says where the
	// campaign stands, on stdout, and what comes next
	for _, step := range []struct {
		args     string
		code     int
		out, err string
	}{
		{
			"pause spring --why too\nbright", exitDone,
			`campaign  spring\nstate     paused \(stopped by ` + by + `: too bright\)\nrows      10: 2 updated, 1 refused, 7 waiting\n`,
			`calls under way end, and no other row goes; go on with: groupphoto campaign resume spring\n`,
		},
		{"pause spring", exitDone, `(?s).*too bright.*`, `it was paused already; go on with: groupphoto campaign resume spring\n`},
		{
			"pause spring --lang pt", exitDone, `campanha  spring\nestado    paused \(parada por ` + by + `: too bright\)\nlinhas    10: .*\n`,
			`ela já estava pausada; para continuar: groupphoto campaign resume spring\n`,
		},
		{
			"retry spring", exitDone,
			`campaign    spring\nstate       paused .*\nrows        10: 2 updated, 8 waiting\nsent again  1 row\nexpires     ` + stamp + `\n`,
			`it is paused; let it go on with: groupphoto campaign resume spring\n`,
		},
		{"resume spring", exitDone, `(?s).*state     running\n.*`, `watch it: groupphoto campaign watch spring\n`},
		{"resume spring", exitDone, `(?s).*state     running\n.*`, `it was not paused\nwatch it: groupphoto campaign watch spring\n`},
		{"retry spring", exitDone, `(?s).*sent again  0 rows\n.*`, `no row has ended so; nothing is sent again\n`},
		{"move spring --from b --to c", exitDone, `(?s).*moved     5 rows from b to c\n`, `watch it: groupphoto campaign watch spring\n`},
		{"move spring --from b --to c", exitDone, `(?s).*moved     0 rows from b to c\n`, `no row of b was left to move\nwatch it: .*\n`},
		{
			"undo spring --trial 1", exitDone,
			`campaign  spring-undo\nrestores  1 photo\nleaves    1: changed since 0, photo before unknown 1, no longer stored 0\n`,
			`rows of spring that have not ended, and are not undone: 8; to stop them: groupphoto campaign cancel spring\n` +
				`after 1 row of each account it waits for: groupphoto campaign resume spring-undo\nwatch it: groupphoto campaign watch spring-undo\n`,
		},
		{"undo spring --lang pt", exitDone, `campanha  spring-undo\nrestaura  1 .*\n`, `(?s).*ela já foi iniciada antes\n.*`},
		{
			"cancel spring", exitDone, `(?s).*state     cancelled \(stopped by ` + by + `\)\nrows      10: 2 updated, 8 cancelled\n`,
			`to send the cancelled rows after all: groupphoto campaign retry spring --state cancelled\n`,
		},
		{"cancel spring", exitDone, `(?s).*cancelled.*`, `it was cancelled already\nto send .*\n`},
		{"undo spring-undo", exitFailure, `restores  0 photos\n`, `rows of spring-undo .*: 1; .*\ngroupphoto: there is nothing to restore in campaign spring-undo\n`},
		{"pause spring", exitFailure, ``, `groupphoto: campaign spring was cancelled; to send its rows after all: groupphoto campaign retry spring --state cancelled\n`},
		{"resume spring --lang pt", exitFailure, ``, `groupphoto: a campanha spring foi cancelada; .*\n`},
		{"retry spring --state cancelled --expires 60d", exitDone, `(?s).*sent again  8 rows\n.*`, `watch it: .*\n`},
	} {
		got := call(t, s.env, append([]string{"campaign"}, strings.Split(step.args, " ")...)...)
		if got.code != step.code || !regexp.MustCompile("^"+step.out+"$").MatchString(got.out) || !regexp.MustCompile("^"+step.err+"$").MatchString(got.err) {
			t.Errorf("campaign %s: exit code %d\n%s%s\nwant %d\n%s\n%s", step.args, got.code, got.out, got.err, step.code, step.out, step.err)
		}
	}
	log, err := s.gp.CampaignLog(t.Context(), "spring")
	var words []string
	for _, e := range log {
		words = append(words, e.What)
		if e.What != "start" && e.By != u.Username {
			t.Errorf("%s by %q", e.What, e.By)
		}
	}
	if diff := cmp.Diff([]string{"start", "pause", "again", "resume", "again", "move", "move", "cancel", "again"}, words); err != nil || diff != "" {
		t.Errorf("%v, the log (-want +got):\n%s", err, diff)
	}
}

func TestCampaignActs_JSON(t *testing.T) {
	t.Parallel()
	s := sow(t)
	// given a campaign, when scripts act on it, then each gets one object
	for _, step := range []struct {
		args string
		want map[string]any
	}{
		{"pause spring", map[string]any{"name": "spring", "changed": true, "state": "paused", "total": 10.0}},
		{"pause spring", map[string]any{"changed": false, "state": "paused"}},
		{"resume spring", map[string]any{"changed": true, "state": "running", "reason": ""}},
		{"move spring --from b --to main", map[string]any{"changed": true, "rows": 5.0, "state": "running"}},
		{"undo spring", map[string]any{"name": "spring-undo", "restored": 1.0, "unknown": 1.0, "before": false}},
		{"cancel spring --lang pt", map[string]any{"changed": true, "state": "cancelled"}},
		{"retry spring", map[string]any{"changed": true, "rows": 1.0, "state": "running"}},
	} {
		got := call(t, s.env, append([]string{"campaign"}, strings.Split(step.args+" -o json", " ")...)...)
		o := object(t, got.out)
		for name, want := range step.want {
			if o[name] != want {
				t.Errorf("campaign %s: %s is %v, want %v", step.args, name, o[name], want)
			}
		}
		if counts, ok := o["counts"].(map[string]any); ok && len(counts) != 10 {
			t.Errorf("campaign %s: counts %v", step.args, counts)
		}
	}
}

func TestCampaignActs_BadInput(t *testing.T) {
	t.Parallel()
	s := sow(t)
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"pause", exitUsage, "NAME is missing"},
		{"pause spring summer", exitUsage, `argument "summer" is one too many`},
		{"pause sprong", exitFailure, `there is no campaign "sprong"; see: groupphoto campaign list; did you mean "spring"?`},
		{"resume sprong --lang pt", exitFailure, `não há campanha "sprong"; veja: groupphoto campaign list; quis dizer "spring"?`},
		{"cancel nothing-like-it", exitFailure, `there is no campaign "nothing-like-it"; see: groupphoto campaign list`},
		{"pause spring --lang de", exitUsage, `--lang "de": must be en or pt`},
		{"pause spring --why " + strings.Repeat("x", 129), exitUsage, "why is 129 bytes long"},
		{"pause spring -o xml", exitUsage, `--output "xml"`},
		{"retry spring --state updated,lost", exitUsage, `--state "lost": must be one of`},
		{"retry spring --reason not_admn", exitUsage, "did you mean not_admin?"},
		{"retry spring --account Ä", exitUsage, `account name "Ä"`},
		{"retry spring --account zz", exitUsage, `it has no rows of account "zz"; it has some of: b, main`},
		{"retry spring --expires 0s", exitUsage, "--expires: must be more than 0"},
		{"retry spring --expires 5000d", exitUsage, "more than a year ahead"},
		{"retry spring --through c", exitUsage, "groupphoto campaign move spring --from b --to c"},
		{"move spring --from b", exitUsage, "--to is missing"},
		{"move spring --from b --to b", exitUsage, "account b is where they are"},
		{"move spring --from zz --to b", exitUsage, `no rows of account "zz"`},
		{"undo spring --trial 0", exitUsage, "--trial: must be 1 or more"},
		{"undo spring --name a.b", exitUsage, `campaign id "a.b"`},
		{"undo spring --name spring", exitUsage, `there is a campaign named "spring" already`},
	} {
		before, err := s.gp.CampaignLog(t.Context(), "spring")
		if err != nil {
			t.Fatal(err)
		}
		got := call(t, s.env, append([]string{"campaign"}, strings.Split(tt.args, " ")...)...)
		if got.code != tt.code || !strings.Contains(got.err, tt.says) || got.out != "" {
			t.Errorf("campaign %s: exit code %d, %q%q; want %d and %q", tt.args, got.code, got.out, got.err, tt.code, tt.says)
		}
		if after, err := s.gp.CampaignLog(t.Context(), "spring"); err != nil || len(after) != len(before) {
			t.Errorf("campaign %s: something was done: %v, %v", tt.args, after, err)
		}
	}
}

func TestCampaignCancel_AsksOnATerminal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, types string
		args        []string
		code        int
		state       enqueue.CampaignState
		says        string
	}{
		{"yes", "y\n", nil, exitDone, enqueue.CampaignCancelled, "7 of the 10 rows of campaign spring have not gone and would be cancelled. Go on? [y/N] "},
		{"sim", "sim\n", []string{"--lang", "pt"}, exitDone, enqueue.CampaignCancelled, "Continuar? [s/N] "},
		{"no", "n\n", nil, exitFailure, enqueue.CampaignRunning, "nothing was changed"},
		{"just Return", "\n", nil, exitFailure, enqueue.CampaignRunning, "nothing was changed"},
		{"the input ends", "", nil, exitFailure, enqueue.CampaignRunning, "nothing was changed"},
		{"said before", "", []string{"--yes"}, exitDone, enqueue.CampaignCancelled, "retry spring --state cancelled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := sow(t)
			got := asked(t, s.env, tt.types, append([]string{"campaign", "cancel", "spring"}, tt.args...)...)
			info, err := s.gp.CampaignInfo(t.Context(), "spring")
			if err != nil || got.code != tt.code || info.State != tt.state || !strings.Contains(got.err, tt.says) {
				t.Errorf("exit code %d, %s, %v; want %d and %s: %s", got.code, info.State, err, tt.code, tt.state, got.err)
			}
		})
	}
}

func TestCampaignActs_WhatKeepsIt(t *testing.T) {
	t.Parallel()
	// given campaigns that cannot go now, when they are told to go on, then the command
	// says until when
	later := time.Now().Add(time.Hour)
	for _, tt := range []struct {
		name   string
		change func(*enqueue.Campaign)
		says   string
	}{
		{"hours", func(c *enqueue.Campaign) {
			from := time.Now().UTC().Add(2 * time.Hour)
			c.Settings.Hours = from.Format("15:04") + "-" + from.Add(time.Hour).Format("15:04")
		}, "it goes on in its hours, from 20"},
		{"start", func(c *enqueue.Campaign) { c.Start = later }, "it starts 20"},
	} {
		mini := redistest.Mini(t)
		gp, err := enqueue.New(mini.Client(t))
		if err != nil {
			t.Fatal(err)
		}
		c := enqueue.Campaign{Name: "c", Photo: enqueue.URL("https://cdn.example.com/spring.png")}
		tt.change(&c)
		if _, err := gp.StartCampaign(t.Context(), c, func(yield func(enqueue.CampaignRow, error) bool) {
			yield(enqueue.CampaignRow{GroupID: group}, nil)
		}); err != nil {
			t.Fatal(err)
		}
		got := call(t, map[string]string{"REDIS_URL": mini.URL(), "GROUPPHOTO_TZ": "UTC"}, "campaign", "resume", "c")
		if got.code != exitDone || !strings.Contains(got.err, tt.says) {
			t.Errorf("%s: %s, want %q", tt.name, got.err, tt.says)
		}
		if err := gp.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCampaignUndo_KeepsHours(t *testing.T) {
	t.Parallel()
	// given a campaign with hours and a stop, when it is undone, then the other one has
	// the same, unless it may go at any time
	settings := tasks.CampaignSettings{Hours: "00:00-23:59", Days: "mon-sat", Zone: "America/Sao_Paulo", StopAt: 25}
	s := sow(t, func(c *enqueue.Campaign) { c.Settings = settings })
	anyTime := tasks.CampaignSettings{Zone: settings.Zone, StopAt: 25}
	for name, want := range map[string]tasks.CampaignSettings{"hours": settings, "any-time": anyTime} {
		args := []string{"campaign", "undo", "spring", "--name", name}
		if name == "any-time" {
			args = append(args, "--any-time")
		}
		if got := call(t, s.env, args...); got.code != exitDone {
			t.Errorf("%s: %s", name, got.err)
		}
		info, err := s.gp.CampaignInfo(t.Context(), name)
		if diff := cmp.Diff(want, info.Settings); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestCampaignNames_CompleteInTheShell(t *testing.T) {
	t.Parallel()
	s := sow(t)
	for args, want := range map[string]string{"pause s": "spring\n:4\n", "cancel x": ":4\n", "undo spring s": ":4\n", "retry spring --state re": "refused\n"} {
		got := call(t, s.env, append([]string{"__complete", "campaign"}, strings.Split(args, " ")...)...)
		if got.code != exitDone || !strings.HasPrefix(got.out, want) {
			t.Errorf("%s: %q, want %q", args, got.out, want)
		}
	}
	got := call(t, map[string]string{"REDIS_URL": "redis://127.0.0.1:1"}, "__complete", "campaign", "pause", "s")
	if got.code != exitDone || !strings.HasPrefix(got.out, ":4") {
		t.Errorf("without Redis: %q", got.out)
	}
}
