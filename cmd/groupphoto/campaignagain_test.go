package main

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
)

func TestCampaignStart_TheSameCommandLater(t *testing.T) {
	t.Parallel()
	// Given a campaign with a moment to start and a long life, when it is started once more
	// after that moment, or without the flags, then it is the same and nothing is wrong; a
	// new one with those flags is refused.
	env := map[string]string{"REDIS_URL": redistest.Mini(t).URL(), "GROUPPHOTO_TZ": "UTC", "GROUPPHOTO_PACE": "30m"}
	path := file(t, "g.csv", manyGroups(2000))
	args := []string{"campaign", "start", path, "--photo", picture(t)}
	soon := time.Now().UTC().Add(2 * time.Hour).Format("2006-01-02 15:04")
	if r := call(t, env, append(args, "--expires", "50d", "--at", soon)...); r.code != exitDone {
		t.Fatal(r.err)
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"without its life", nil, exitDone, "the same campaign is there already"},
		{"after it started", []string{"--at", "2020-01-01 10:00"}, exitDone, "the same campaign is there already"},
		{"again, while it has not ended", []string{"--again", "--at", "2020-01-01 10:00"}, exitDone, "the same campaign is there already"},
		{"a new one whose time is short", []string{"--name", "new"}, exitUsage, "account main would be through "},
		{"a new one whose start has passed", []string{"--name", "new", "--at", "2020-01-01 10:00"}, exitUsage, "has passed"},
		{"a start too far ahead", []string{"--name", "new", "--at", "2099-01-01 10:00"}, exitUsage, `--at "2099-01-01 10:00": is more than a year ahead`},
		{"a life too long", []string{"--name", "new", "--expires", "9999d"}, exitUsage, "--expires: its rows would expire 20"},
	} {
		r := call(t, env, append(args, tt.args...)...)
		if r.code != tt.code || !strings.Contains(r.err, tt.want) {
			t.Errorf("%s: %d %s%s", tt.name, r.code, r.out, r.err)
		}
	}
	// and when it was cancelled, then that is said; again needs the time again.
	call(t, env, "campaign", "cancel", "g", "--yes")
	if r := call(t, env, args...); r.code != exitDone || !strings.Contains(r.err, "the same campaign was cancelled; to send all rows anew: --again") {
		t.Errorf("cancelled: %d %s", r.code, r.err)
	}
	if r := call(t, env, append(args, "--again")...); r.code != exitUsage || !strings.Contains(r.err, "account main would be through ") {
		t.Errorf("again, in too short a time: %d %s", r.code, r.err)
	}
	r := call(t, env, append(args, "--again", "--expires", "50d", "--trial", "1", "-o", "json")...)
	if o := object(t, r.out); r.code != exitDone || o["before"] != false || o["state"] != "running" || o["trial"] != 1.0 || o["ended"] != 0.0 {
		t.Errorf("again: %d %v", r.code, o)
	}
}

func TestCampaignStart_KeepsItsSenders(t *testing.T) {
	t.Parallel()
	// Given a campaign whose rows were given to two numbers, when other updates have come
	// before one of them meanwhile, then the same sheet is the same campaign, and a new
	// campaign's rows go to the free number.
	env := map[string]string{"REDIS_URL": redistest.Mini(t).URL(), "GROUPPHOTO_PACE": "10s"}
	dir := t.TempDir()
	logo, groups, text := put(t, filepath.Join(dir, "logo.png"), string(half(t, 300, 300))), "group,account\n", "grupo\n"
	for _, id := range []string{"120363900000000001-group", "120363900000000002-group", "120363900000000003-group", "120363900000000004-group"} {
		groups, text = groups+id+",shop\n"+id+",club\n", text+id+"\n"
	}
	args := []string{"campaign", "start", put(t, filepath.Join(dir, "g.csv"), text), "--photo", logo, "--groups", put(t, filepath.Join(dir, "groups.csv"), groups), "-o", "json"}
	plans := func(r result) map[string]float64 {
		rows := map[string]float64{}
		for _, p := range object(t, r.out)["plans"].([]any) {
			plan := p.(map[string]any)
			rows[plan["account"].(string)] = plan["rows"].(float64)
		}
		return rows
	}
	if got := plans(call(t, env, args...)); got["shop"] != 2 || got["club"] != 2 {
		t.Fatalf("given to %v", got)
	}
	for _, id := range []string{"1", "2", "3", "4", "5", "6"} {
		if r := call(t, env, "update", "--account", "shop", "--group", "12036390000000010"+id+"-group", "--photo", logo, "--allow-unknown-account"); r.code != exitDone {
			t.Fatal(r.err)
		}
	}
	if r := call(t, env, args...); r.code != exitDone || object(t, r.out)["before"] != true || plans(r)["shop"] != 2 {
		t.Errorf("the same: %d %s%s", r.code, r.out, r.err)
	}
	if got := plans(call(t, env, append(args, "--name", "new")...)); got["club"] != 4 {
		t.Errorf("a new one is given to %v", got)
	}
}

func TestCampaignStart_AnotherProcessAccepts(t *testing.T) {
	t.Parallel()
	// Given a process that is accepting a campaign, when another starts it, then it is told.
	server := redistest.Real(t)
	l := ledger.New(server.Client(t), 0)
	began, leave, left := make(chan struct{}), make(chan struct{}), make(chan struct{})
	rows := iter.Seq2[ledger.CampaignRow, error](func(yield func(ledger.CampaignRow, error) bool) {
		close(began)
		<-leave
		yield(ledger.CampaignRow{}, errors.New("it breaks off"))
	})
	go func() {
		defer close(left)
		_, _ = l.AcceptCampaign(context.WithoutCancel(t.Context()), ledger.CampaignRequest{Name: "g", Expires: time.Now().Add(time.Hour)}, rows)
	}()
	<-began
	env := map[string]string{"REDIS_URL": server.URL()}
	args := []string{"campaign", "start", file(t, "g.csv", manyGroups(3)), "--photo", picture(t)}
	if r := call(t, env, args...); r.code != exitFailure || !strings.Contains(r.err, "campaign g is being worked on by another process") {
		t.Errorf("in English: %d %s", r.code, r.err)
	}
	if r := call(t, env, append(args, "--lang", "pt")...); r.code != exitFailure || !strings.Contains(r.err, "outro processo") {
		t.Errorf("in Portuguese: %d %s", r.code, r.err)
	}
	close(leave)
	<-left
	if r := call(t, env, args...); r.code != exitDone {
		t.Errorf("after it broke off: %d %s", r.code, r.err)
	}
}

func TestCampaignStart_Interrupted(t *testing.T) {
	t.Parallel()
	// Given a large sheet, when the command is interrupted while its rows go into Redis,
	// then nothing of it can be fed, and the same again is accepted at once and whole.
	server := redistest.Real(t)
	rdb := server.Client(t)
	env := map[string]string{"REDIS_URL": server.URL(), "GROUPPHOTO_PACE": "1ms"}
	const rows = 60_000
	args := []string{"campaign", "start", file(t, "g.csv", manyGroups(rows)), "--photo", picture(t), "-o", "json"}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	go func() {
		for ctx.Err() == nil {
			if n, _ := rdb.Exists(ctx, "groupphoto:{campaigns}:names").Result(); n > 0 {
				interrupt()
			}
		}
	}()
	if r := callWith(t, ctx, nil, env, args...); r.code != exitInterrupted {
		t.Fatalf("interrupted: %d %s%s", r.code, r.out, r.err)
	}
	fed, err := ledger.New(rdb, 0).Feed(t.Context(), ledger.FeedRequest{Account: "main", Feeder: "f", Lease: time.Millisecond, Question: "q", Room: 10})
	if err != nil || len(fed.Rows) > 0 {
		t.Errorf("fed were %v, %v", fed.Rows, err)
	}
	if r := call(t, env, "campaign", "list"); r.out != "" {
		t.Errorf("it is there: %s", r.out)
	}
	r := call(t, env, args...)
	if o := object(t, r.out); r.code != exitDone || o["total"] != float64(rows) || o["before"] != false {
		t.Fatalf("the same again: %d %s%s", r.code, r.out, r.err)
	}
	if o := statusOf(t, env, "g"); o["counts"].(map[string]any)[string(enqueue.Waiting)] != float64(rows) {
		t.Errorf("it stands %v", o)
	}
}

func TestCampaignRun_AfterItsStart(t *testing.T) {
	t.Parallel()
	// Given a run without Redis that was begun to start later, when the same command is given
	// after that moment, then it goes on.
	th := newTheatre(t)
	delete(th.env, "REDIS_URL")
	path := file(t, "g.csv", manyGroups(2))
	args := []string{"campaign", "run", path, "--photo", picture(t), "--at"}
	if r := call(t, th.env, append(args, "2020-01-01 10:00")...); r.code != exitUsage || !strings.Contains(r.err, "has passed") {
		t.Fatalf("the first time: %d %s", r.code, r.err)
	}
	running := serve(t, th.env, append(args, time.Now().UTC().Add(time.Hour).Format("2006-01-02 15:04"))...)
	running.find("scheduled")
	running.stop()
	if r := call(t, th.env, append(args, "2020-01-01 10:00")...); r.code != exitDone || th.posts() != 2 {
		t.Errorf("the same later: %d, %d calls: %s%s", r.code, th.posts(), r.out, r.err)
	}
}
