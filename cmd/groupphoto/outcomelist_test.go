package main

import (
	"strings"
	"testing"
)

func TestOutcomeList(t *testing.T) {
	t.Parallel()
	// given two updates, one of which the provider refuses
	th := newTheatre(t, "false:n=1")
	th.work(t)
	for _, id := range []string{"no", "yes"} {
		call(t, th.env, "update", "--group", group, "--photo", picture(t), "--id", id, "--wait", "20s")
	}
	// when they are listed, then the last one is the first, with what is to know
	r := call(t, th.env, "outcome", "list")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if r.code != exitDone || len(lines) != 2 || !strings.Contains(lines[0], "UTC  updated  main  "+group+"  yes") ||
		!strings.Contains(lines[1], "refused") || !strings.Contains(lines[1], "no_reason_given") {
		t.Errorf("exit code %d:\n%s%s", r.code, r.out, r.err)
	}
	r = call(t, th.env, "outcome", "list", "--state", "refused", "--since", "1h", "--group", group+"@g.us", "-o", "json")
	if r.code != exitDone || object(t, r.out)["id"] != "no" {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
	if r = call(t, th.env, "outcome", "list", "--limit", "1"); strings.Count(r.out, "\n") != 1 || !strings.Contains(r.err, "there are more") {
		t.Errorf("got %s and %s", r.out, r.err)
	}
	if r = call(t, th.env, "outcome", "list", "--state", "expired"); r.code != exitDone || r.out != "" || !strings.Contains(r.err, "no update has ended so") {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
}

func TestOutcomeList_BadFlags(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args []string
		says string
	}{
		{[]string{"--state", "done"}, `--state "done": must be one of updated`},
		{[]string{"--reason", "no_reason_givn"}, "did you mean no_reason_given?"},
		{[]string{"--group", "5511999999999"}, "5511999999999"},
		{[]string{"--limit", "-1"}, "must not be negative"},
		{[]string{"--since", "-1h"}, "must not be negative"},
	} {
		if r := call(t, nil, append([]string{"outcome", "list"}, row.args...)...); r.code != exitUsage || !strings.Contains(r.err, row.says) {
			t.Errorf("%v: exit code %d: %s", row.args, r.code, r.err)
		}
	}
}
