package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestCampaignLooks_Text(t *testing.T) {
	t.Parallel()
	// Given a campaign of two accounts with a refused row, when people look at it, then all
	// that there is to know is said, in their language, and the log says who did what.
	s := sow(t)
	for _, tt := range []struct {
		args string
		want []string
	}{
		{"status spring", []string{
			"campaign  spring", "rows      10: 2 updated, 1 refused, 7 waiting", "progress  30 %", "account   main: 5: 2 updated, 1 refused, 2 waiting",
			"account   b: 5: 5 waiting", "by ana", "refused, 1 row: not_admin: ", "line 5: 120363000000000004-group through main",
		}},
		{"status spring --lang pt", []string{"campanha   spring", "30 %", "conta      b: 5: 5 waiting", "refused, 1 linha: not_admin: só administradores podem mudar", "torne o número administrador, depois: groupphoto campaign retry spring --reason not_admin", "linha 5: 120363000000000004-group pela main"}},
		{"list", []string{"spring  running  3 of 10 rows, 30 %"}},
		{"verify spring", []string{"10 rows counted, in 2 accounts: the counters agree"}},
		{"log spring", []string{"  start  ana"}},
		{"export spring --state refused", []string{"group,photo,account,line,sender,state", "120363000000000004-group,https://cdn.example.com/spring.png,main,5,main,refused,not_admin"}},
		{"export spring --as jsonl --account b", []string{`"state":"waiting"`}},
	} {
		r := call(t, s.env, append([]string{"campaign"}, strings.Fields(tt.args)...)...)
		if r.code != exitDone {
			t.Errorf("%s: %d %s", tt.args, r.code, r.err)
		}
		lacks(t, r.out, tt.want...)
	}
	o := statusOf(t, s.env, "spring")
	if o["state"] != "running" || len(o["accounts"].([]any)) != 2 || len(o["failures"].([]any)) != 1 {
		t.Errorf("status as JSON: %v", o)
	}
	for args, want := range map[string]string{
		"status sprong": `did you mean "spring"?`, "export spring --state gone": "--state", "export spring --as xml": "--as", "watch none": "there is no campaign",
		"status spring --examples 2000": "--examples",
	} {
		if r := call(t, s.env, append([]string{"campaign"}, strings.Fields(args)...)...); r.code == exitDone || !strings.Contains(r.err, want) {
			t.Errorf("%s: %d %s", args, r.code, r.err)
		}
	}
}

func TestCampaignVerify_TellsAndRepairs(t *testing.T) {
	t.Parallel()
	s := sow(t)
	info, err := s.gp.CampaignInfo(t.Context(), "spring")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.rdb.HSet(t.Context(), "groupphoto:{main}:c:"+info.ID, "U", 7).Err(); err != nil {
		t.Fatal(err)
	}
	r := call(t, s.env, "campaign", "verify", "spring")
	if r.code != exitFailure || !strings.Contains(r.out, "main: updated: counter 7, rows 2") || !strings.Contains(r.err, "set them right with --repair") {
		t.Errorf("%d %s%s", r.code, r.out, r.err)
	}
	if r = call(t, s.env, "campaign", "verify", "spring", "--repair"); r.code != exitFailure || !strings.Contains(r.err, "they were set right") {
		t.Errorf("repairing: %d %s", r.code, r.err)
	}
	if r = call(t, s.env, "campaign", "verify", "spring"); r.code != exitDone {
		t.Errorf("afterwards: %d %s%s", r.code, r.out, r.err)
	}
}

func TestCampaignWatch_ExitCodes(t *testing.T) {
	t.Parallel()
	yes := true
	end := func(state tasks.State) ledger.RowEnd {
		e := ledger.RowEnd{State: state}
		if state == tasks.Updated {
			e.Value = &yes
		}
		return e
	}
	s := sow(t)
	if r := call(t, s.env, "campaign", "watch", "spring", "--timeout", "100ms"); r.code != exitUnfinished || !strings.Contains(r.err, "it has not ended: 3 of 10 rows, 30 %") {
		t.Errorf("with a time-out: %d %s", r.code, r.err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if r := callWith(t, ctx, nil, s.env, "campaign", "watch", "spring"); r.code == exitDone {
		t.Errorf("interrupted: %d %s", r.code, r.err)
	}
	s.end(t, "main", end(tasks.Updated), end(tasks.Unchanged))
	s.end(t, "b", end(tasks.Updated), end(tasks.Updated), end(tasks.Updated), end(tasks.Updated), end(tasks.Updated))
	if r := call(t, s.env, "campaign", "watch", "spring"); r.code != exitPartly || !strings.Contains(r.err, "10 of 10 rows, 100 %") || !strings.Contains(r.out, "state     finished") {
		t.Errorf("finished with a refused row: %d %s%s", r.code, r.out, r.err)
	}
	s = sow(t)
	if r := call(t, s.env, "campaign", "cancel", "spring", "--yes"); r.code != exitDone {
		t.Fatal(r.err)
	}
	if r := call(t, s.env, "campaign", "watch", "spring"); r.code != exitStopped {
		t.Errorf("cancelled: %d %s", r.code, r.err)
	}
}

func TestScreen_DrawsOverWhatItDrew(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := newScreen(&out)
	s.draw([]string{"one", "two"})
	if _, err := s.Write([]byte("a message\n")); err != nil {
		t.Fatal(err)
	}
	s.draw([]string{"three " + strings.Repeat("é", 100)})
	s.leave()
	s.draw([]string{"below"})
	want := "one\x1b[K\ntwo\x1b[K\n" + "\x1b[2A\r\x1b[J" + "a message\n" + "one\x1b[K\ntwo\x1b[K\n" +
		"\x1b[2A\rthree " + strings.Repeat("é", 72) + "…\x1b[K\n\x1b[J" + "below\x1b[K\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}
