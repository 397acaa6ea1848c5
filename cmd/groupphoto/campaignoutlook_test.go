package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestCampaignCheck_LooksAhead(t *testing.T) {
	t.Parallel()
	// Given a Redis with a campaign that has rows of the same groups to send, and a sheet with
	// signed links, when the sheet is checked, then what stands before its rows, when they
	// would be through in their hours, the links that end before, and the rows of the other
	// campaign are told, and nothing is changed.
	s := sow(t) // seven of ten rows wait, five of b and two of main
	s.env["GROUPPHOTO_PACE"] = "30m"
	soon := time.Now().UTC().Add(90 * time.Minute)
	signed := "https://pics.example.com/a.png?X-Amz-Date=" + soon.Add(-time.Hour).Format("20060102T150405Z") + "&X-Amz-Expires=3600&X-Amz-Signature=marked-query"
	path := file(t, "g.csv", "grupo,foto,conta\n120363000000000001-group,"+signed+",b\n120363000000000099-group,"+signed+",spare\n")
	before := s.rdb.Keys(t.Context(), "*").Val()
	r := call(t, s.env, "campaign", "check", path, "--hours", time.Now().UTC().Add(-time.Hour).Format("15:04")+"-"+time.Now().UTC().Add(9*time.Hour).Format("15:04"))
	if r.code != exitDone {
		t.Fatal(r.err)
	}
	lacks(t, r.out, "account  b: 1 row, 30 min at one call in 30 min, behind 5 others, through about ", "account  spare: 1 row, 30 min at one call in 30 min, through about ",
		"1 end before their turn, unless --fetch fetches them now: line 2 ends ", "1 row of campaign spring still to go to the same groups")
	if strings.Contains(r.out+r.err, "marked-query") {
		t.Error("a link's query is shown")
	}
	var facts sheetFacts
	if err := json.Unmarshal([]byte(call(t, s.env, "campaign", "check", path, "-o", "json").out), &facts); err != nil {
		t.Fatal(err)
	}
	if facts.LateLinks != 1 || len(facts.Overlaps) != 1 || facts.Accounts[0].Ahead+facts.Accounts[1].Ahead != 5 || facts.Accounts[0].Until.Before(time.Now()) {
		t.Errorf("the summary is %+v", facts)
	}
	if after := s.rdb.Keys(t.Context(), "*").Val(); len(after) != len(before) {
		t.Errorf("keys before: %d, after: %d", len(before), len(after))
	}
}

func TestLinkExpires(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]string{
		"https://b.s3.amazonaws.com/k?X-Amz-Date=20260102T030405Z&X-Amz-Expires=60&X-Amz-Signature=a": "2026-01-02T03:05:05Z",
		"https://storage.googleapis.com/k?X-Goog-Date=20260102T030405Z&X-Goog-Expires=3600":           "2026-01-02T04:04:05Z",
		"https://d.cloudfront.net/k?Expires=1767323045&Signature=a&Key-Pair-Id=b":                     "2026-01-02T03:04:05Z",
		"https://a.blob.core.windows.net/k?se=2026-01-02T03%3A04%3A05Z&sig=a":                         "2026-01-02T03:04:05Z",
		"https://pps.whatsapp.net/v/t61?oh=01_Q&oe=69573665":                                          "2026-01-02T03:07:17Z",
		"https://example.com/a.png":           "",
		"https://example.com/a.png?Expires=1": "",
		"https://example.com/a.png?se=soon":   "",
	} {
		at, signed := linkExpires(link)
		got := ""
		if signed {
			got = at.UTC().Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%s: %q; want %q", link, got, want)
		}
	}
}
