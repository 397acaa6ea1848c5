package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/sandbox"
	"github.com/plugchat-go/groupphoto/tasks"
)

// manyGroups is a sheet of n groups.
func manyGroups(n int) string {
	var text strings.Builder
	text.WriteString("grupo\n")
	for i := range n {
		fmt.Fprintf(&text, "%d-group\n", 120363000000000000+i)
	}
	return text.String()
}

// callsByGroup counts the calls that would have changed a photo.
func (th theatre) callsByGroup() map[string]int {
	calls := map[string]int{}
	for _, c := range th.box.Calls() {
		if strings.HasSuffix(c.Path, "/update-group-photo") {
			calls[c.GroupID]++
		}
	}
	return calls
}

func TestCampaignRun_WithoutRedis(t *testing.T) {
	t.Parallel()
	// Given a sheet, a token and no Redis, when it is run as a trial, interrupted in the
	// middle and run again, then every group is called once, the report holds every
	// outcome, and the results sheet says how each row ended.
	th := newTheatre(t, "false:group=120363000000000007-group")
	delete(th.env, "REDIS_URL")
	th.env["GROUPPHOTO_PACE"] = "20ms"
	path := file(t, "Grupos da Páscoa.csv", manyGroups(60))
	args := []string{"campaign", "run", path, "--photo", picture(t)}
	r := call(t, th.env, append(args, "--trial", "5")...)
	if r.code != exitUnfinished || !strings.Contains(r.out, "60: 5 updated, 55 waiting") || !strings.Contains(r.err, "without --trial for the rest") {
		t.Fatalf("trial: %d %s%s", r.code, r.out, r.err)
	}
	running := serve(t, th.env, args...)
	running.find(`it goes on: 5 of 60 rows`)
	redistest.Eventually(t, 20*time.Second, func() bool { return th.posts() >= 20 }, "no calls")
	if code := running.stop(); code != exitInterrupted || !strings.Contains(running.text.String(), "the same command again goes on") {
		t.Fatalf("interrupted: %d %s", code, running.text)
	}
	if r = call(t, th.env, args...); r.code != exitPartly || !strings.Contains(r.out, "60: 59 updated, 1 refused") || !strings.Contains(r.err, "with --retry") {
		t.Fatalf("again: %d %s%s", r.code, r.out, r.err)
	}
	for group, n := range th.callsByGroup() {
		if n != 1 {
			t.Errorf("group %s was called %d times", group, n)
		}
	}
	base := strings.TrimSuffix(path, ".csv")
	results, err := os.ReadFile(base + ".results.csv")
	if err != nil || strings.Count(string(results), ",updated,") != 59 || strings.Count(string(results), ",refused,") != 1 {
		t.Errorf("the results (%v):\n%s", err, results)
	}
	report, err := os.ReadFile(base + ".report.jsonl")
	if err != nil || strings.Count(string(report), `"type":"row"`) != 60 || strings.Contains(string(report), markedToken) {
		t.Errorf("the report (%v):\n%s", err, report)
	}
	// and when the refused one is wanted again, then it alone is called.
	th.box.SetDial()
	if r = call(t, th.env, append(args, "--retry", "--lang", "pt")...); r.code != exitDone || !strings.Contains(r.err, "59 de 60 linhas já têm resultado") {
		t.Errorf("retry: %d %s%s", r.code, r.out, r.err)
	}
	if n := th.posts(); n != 61 {
		t.Errorf("%d calls; want 61", n)
	}
	// and a run of what is done calls nobody.
	if r = call(t, th.env, args...); r.code != exitDone || th.posts() != 61 {
		t.Errorf("when all is done: %d, %d calls", r.code, th.posts())
	}
}

func TestCampaignRun_OnARedis(t *testing.T) {
	t.Parallel()
	// Given a Redis, when a campaign is run, then it is there afterwards, and no report is
	// written.
	th := newTheatre(t)
	path := file(t, "spring.csv", manyGroups(10))
	out := filepath.Join(t.TempDir(), "done.jsonl")
	r := call(t, th.env, "campaign", "run", path, "--photo", picture(t), "--out", out)
	if r.code != exitDone || !strings.Contains(r.out, "10: 10 updated") {
		t.Fatalf("%d %s%s", r.code, r.out, r.err)
	}
	if o := statusOf(t, th.env, "spring"); o["state"] != "finished" {
		t.Errorf("it stands %v", o)
	}
	if files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(files) != 1 {
		t.Errorf("beside the sheet are %v", files)
	}
	if text, err := os.ReadFile(out); err != nil || strings.Count(string(text), "updated") != 10 {
		t.Errorf("the results (%v): %s", err, text)
	}
}

func TestCampaignRun_Refused(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	delete(th.env, "REDIS_URL")
	sheet := file(t, "g.csv", "grupo,conta\n120363000000000001-group,sales\n")
	foreign := file(t, "other.jsonl", "{\"a\":1}\n")
	good := file(t, "good.csv", manyGroups(1))
	for _, tt := range []struct {
		name, want string
		args       []string
	}{
		{"an account that is not here", "account sales is not configured here, and 1 row of the sheet name it", []string{sheet, "--photo", picture(t)}},
		{"another file as report", "line 1 is not one of a report", []string{good, "--photo", picture(t), "--report", foreign}},
		{"a report that cannot be", "--report: ", []string{good, "--photo", picture(t), "--report", "/no/such/folder/r"}},
		{"no photo", "no_photo", []string{good}},
	} {
		if r := call(t, th.env, append([]string{"campaign", "run"}, tt.args...)...); r.code != exitUsage || !strings.Contains(r.out+r.err, tt.want) {
			t.Errorf("%s: %d %s%s", tt.name, r.code, r.out, r.err)
		}
	}
	delete(th.env, "PLUGCHAT_TOKEN")
	if r := call(t, th.env, "campaign", "run", good, "--photo", picture(t)); r.code != exitUsage || !strings.Contains(r.err, "PLUGCHAT_TOKEN") {
		t.Errorf("without a token: %d %s", r.code, r.err)
	}
	if th.posts() > 0 {
		t.Errorf("%d calls were made", th.posts())
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.jsonl")
	open := func() *report {
		t.Helper()
		r, err := openReport(path)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	ended := func(r *report, key string, state tasks.State) {
		t.Helper()
		if err := r.write(reportLine{Type: "row", Key: key, Line: 2, Outcome: &tasks.Outcome{ID: "c.1.1", Account: "main", State: state}}); err != nil {
			t.Fatal(err)
		}
	}
	r := open()
	if err := r.begin("c", false); err != nil {
		t.Fatal(err)
	}
	ended(r, "a", tasks.Refused)
	ended(r, "b", tasks.Updated)
	if _, err := openReport(path); err == nil && lockFile(r.file) == nil {
		t.Log("this system cannot lock files")
	} else if err == nil {
		t.Error("two runs have the report")
	}
	ended(r, "a", tasks.Updated)
	if _, err := r.file.WriteString(`{"type":"row","key":"c","outc`); err != nil { // the machine fails
		t.Fatal(err)
	}
	_ = r.close()
	for range 2 { // with the torn line last, and then in the middle
		r = open()
		if len(r.known) != 2 || r.known["a"].State != tasks.Updated || r.known["b"].State != tasks.Updated {
			t.Errorf("known are %v", r.known)
		}
		if err := r.begin("c", false); err != nil {
			t.Fatal(err)
		}
		_ = r.close()
	}
	r = open()
	if err := r.begin("c", true); err != nil || len(r.known) != 0 {
		t.Errorf("again: %v, %v", err, r.known)
	}
	_ = r.close()
	if r = open(); len(r.known) != 0 {
		t.Errorf("after again: %v", r.known)
	}
	_ = r.close()
}

// newBox makes a sandbox for tests of real processes.
func newBox() *sandbox.Sandbox { return sandbox.New(sandbox.Config{Tokens: []string{markedToken}}) }
