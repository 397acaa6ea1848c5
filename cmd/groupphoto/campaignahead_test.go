package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

// waiting makes a Redis in which four updates and a campaign of six rows wait for
// shop, one of them to come later, and a cancelled campaign waits for nobody.
func waiting(t *testing.T) *redistest.MiniServer {
	t.Helper()
	mini := redistest.Mini(t)
	rdb := mini.Client(t)
	gp, err := enqueue.New(rdb)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gp.Close() })
	for i := range 4 {
		u := enqueue.Update{GroupID: fmt.Sprintf("12036301950265%04d-group", i), Photo: enqueue.URL("https://example.com/a.png"), Account: "shop"}
		var opts []enqueue.Option
		if i == 0 {
			opts = append(opts, enqueue.At(time.Now().Add(time.Hour)))
		}
		if _, err := gp.UpdateGroupPhoto(t.Context(), u, opts...); err != nil {
			t.Fatal(err)
		}
	}
	photo, err := tasks.ParsePhoto("https://example.com/a.png")
	if err != nil {
		t.Fatal(err)
	}
	l := ledger.New(rdb, 0)
	for _, name := range []string{"open", "over"} {
		rows := func(yield func(ledger.CampaignRow, error) bool) {
			for i := range int64(6) {
				if !yield(ledger.CampaignRow{Line: i + 1, Account: "shop", Group: tasks.GroupID(fmt.Sprintf("12036301950265%04d-group", i)), Photo: photo}, nil) {
					return
				}
			}
		}
		c, err := l.AcceptCampaign(t.Context(), ledger.CampaignRequest{Name: name, By: "tester", Expires: time.Now().Add(time.Hour)}, rows)
		if err != nil {
			t.Fatal(err)
		}
		if name == "over" {
			if _, err := l.CancelCampaign(t.Context(), c.ID, "tester", ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	return mini
}

func TestCampaignCheck_WhatWaitsCountsWhenRowsAreGiven(t *testing.T) {
	t.Parallel()
	redis := waiting(t)
	before, err := redis.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	logo := put(t, filepath.Join(dir, "logo.png"), string(half(t, 300, 300)))
	groups, sheet := "group,account\n", "grupo\n"
	for i := range 12 {
		id := fmt.Sprintf("120363900000000%03d-group", i)
		groups, sheet = groups+id+",shop\n"+id+",club\n", sheet+id+"\n"
	}
	args := []string{"campaign", "check", put(t, filepath.Join(dir, "s.csv"), sheet), "--photo", logo, "--groups", put(t, filepath.Join(dir, "g.csv"), groups), "-o", "json"}
	for _, tt := range []struct {
		name, url, says string
		want            map[string]any
	}{
		{"ten wait", redis.URL(), "", map[string]any{"shop": 1.0, "club": 11.0}},
		{"no Redis named", "", "", map[string]any{"shop": 6.0, "club": 6.0}},
		{"Redis away", "redis://:marked-password@127.0.0.1:1", "the numbers' queues are taken for empty: opening Redis at", map[string]any{"shop": 6.0, "club": 6.0}},
		{"Redis of another process", "embedded:", "", map[string]any{"shop": 6.0, "club": 6.0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := map[string]string{}
			if tt.url != "" {
				env["REDIS_URL"] = tt.url
			}
			got := call(t, env, args...)
			_, summary := checked(t, got.out)
			rows := rowsOf(summary)
			if diff := cmp.Diff(tt.want, rows); diff != "" || got.code != 0 {
				t.Errorf("exit code %d; rows (-want +got):\n%s", got.code, diff)
			}
			if (got.err == "") != (tt.says == "") || !strings.HasPrefix(got.err, tt.says) || strings.Contains(got.err, "marked") {
				t.Errorf("stderr %q; want %q", got.err, tt.says)
			}
		})
	}
	after, err := redis.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sortedFields(before), sortedFields(after)); diff != "" {
		t.Errorf("it changed something (-before +after):\n%s", diff)
	}
}

// sortedFields brings what Redis gives in any order into one.
func sortedFields(dump map[string]string) map[string][]string {
	all := make(map[string][]string, len(dump))
	for key, fields := range dump {
		all[key] = slices.Sorted(strings.SplitSeq(fields, "\n"))
	}
	return all
}

func TestKeptSenders(t *testing.T) {
	t.Parallel()
	senders := []sender{{"shop", 10 * time.Second, 7}, {"club", 0, 0}}
	kept, err := json.Marshal(struct {
		Separator string   `json:"separator"`
		Senders   []sender `json:"senders"`
	}{";", senders})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		kept  string
		names []string
		want  []sender
	}{
		{"the same", string(kept), []string{"shop", "club"}, senders},
		{"in another order", string(kept), []string{"club", "shop"}, nil},
		{"others", string(kept), []string{"shop"}, nil},
		{"none kept", `{"separator":";"}`, []string{"shop", "club"}, nil},
		{"nothing kept", ``, []string{"shop"}, nil},
		{"something else", `[1]`, []string{"shop"}, nil},
	} {
		if diff := cmp.Diff(tt.want, keptSenders(json.RawMessage(tt.kept), tt.names)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
