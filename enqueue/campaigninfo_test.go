package enqueue_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // a Monday

// standing is a campaign that was accepted at noon, with parts of one account each.
func standing(parts ...ledger.Counts) ledger.CampaignStatus {
	s := ledger.CampaignStatus{Counts: ledger.Counts{}}
	s.ID, s.Name, s.Accepted, s.Expires = "c1", "spring", noon, noon.Add(24*time.Hour)
	for i, counts := range parts {
		p := ledger.PartStatus{Account: string(rune('a' + i)), Total: counts.Sum(), Counts: counts}
		s.Parts = append(s.Parts, p)
		s.Accounts = append(s.Accounts, p.Account)
		s.Total += p.Total
		for state, n := range counts {
			s.Counts[state] += n
		}
	}
	return s
}

func TestCampaignInfo_State(t *testing.T) {
	t.Parallel()
	waiting, done := ledger.Counts{enqueue.Waiting: 10}, ledger.Counts{enqueue.Updated: 9, enqueue.Failed: 1}
	type status = ledger.CampaignStatus
	for _, c := range []struct {
		name   string
		status status
		change func(*status)
		state  enqueue.CampaignState
		reason string
	}{
		{"waits", standing(waiting), nil, enqueue.CampaignRunning, ""},
		{"starts tomorrow", standing(waiting), func(s *status) { s.Start = noon.Add(2 * time.Hour) }, enqueue.CampaignScheduled, ""},
		{"has started", standing(waiting), func(s *status) { s.Start = noon.Add(time.Minute) }, enqueue.CampaignRunning, ""},
		{"paused", standing(waiting), func(s *status) { s.PausedSince, s.PausedBy, s.PauseWhy = noon, "ana", "wrong logo" }, enqueue.CampaignPaused, "stopped by ana: wrong logo"},
		{"paused without a word", standing(waiting), func(s *status) { s.PausedSince, s.PausedBy = noon, "ana" }, enqueue.CampaignPaused, "stopped by ana"},
		{"paused by itself", standing(waiting), func(s *status) { s.PausedSince, s.PauseWhy = noon, "too many refused" }, enqueue.CampaignPaused, "too many refused"},
		{"paused before its start", standing(waiting), func(s *status) { s.Start, s.PausedSince = noon.Add(2*time.Hour), noon }, enqueue.CampaignPaused, ""},
		{"all ended", standing(done), nil, enqueue.CampaignFinished, ""},
		{"all ended while paused", standing(done), func(s *status) { s.PausedSince = noon }, enqueue.CampaignFinished, ""},
		{"all ended before its start", standing(done), func(s *status) { s.Start = noon.Add(2 * time.Hour) }, enqueue.CampaignFinished, ""},
		{"one account is done", standing(done, waiting), nil, enqueue.CampaignRunning, ""},
		{"a last call", standing(ledger.Counts{enqueue.Updated: 9, enqueue.Calling: 1}), nil, enqueue.CampaignRunning, ""},
		{"waits for its next try", standing(ledger.Counts{enqueue.Updated: 9, enqueue.Retrying: 1}), nil, enqueue.CampaignRunning, ""},
		{"cancelled", standing(ledger.Counts{enqueue.Updated: 9, enqueue.Cancelled: 1}), func(s *status) { s.Closed, s.ClosedBy = enqueue.Cancelled, "ana" }, enqueue.CampaignCancelled, "stopped by ana"},
		{"cancelled with a call under way", standing(ledger.Counts{enqueue.Calling: 1, enqueue.Cancelled: 1}), func(s *status) { s.Closed = enqueue.Cancelled }, enqueue.CampaignCancelled, ""},
		{"expired", standing(ledger.Counts{enqueue.Updated: 9, enqueue.Expired: 1}), func(s *status) { s.Closed = enqueue.Expired }, enqueue.CampaignFinished, "out_of_time"},
		{"expired with a call under way", standing(ledger.Counts{enqueue.Calling: 1}), func(s *status) { s.Closed = enqueue.Expired }, enqueue.CampaignRunning, "out_of_time"},
		{"expired, and nobody has seen it", standing(waiting), func(s *status) { s.Expires = noon }, enqueue.CampaignRunning, "out_of_time"},
		{"expired while paused", standing(waiting), func(s *status) { s.Expires, s.PausedSince = noon, noon }, enqueue.CampaignRunning, "out_of_time"},
		{"all ended before it expired", standing(done), func(s *status) { s.Expires = noon }, enqueue.CampaignFinished, ""},
		{"trial begins", standing(waiting), func(s *status) { s.Trial = 3 }, enqueue.CampaignRunning, ""},
		{"trial's last call", standing(ledger.Counts{enqueue.Waiting: 7, enqueue.Updated: 2, enqueue.Calling: 1}), func(s *status) { s.Trial = 3 }, enqueue.CampaignRunning, ""},
		{"trial is over", standing(ledger.Counts{enqueue.Waiting: 7, enqueue.Updated: 2, enqueue.Refused: 1}), func(s *status) { s.Trial = 3 }, enqueue.CampaignPaused, "trial"},
		{"trial of one account is over", standing(ledger.Counts{enqueue.Waiting: 7, enqueue.Updated: 3}, waiting), func(s *status) { s.Trial = 3 }, enqueue.CampaignRunning, ""},
		{"trial of an account with few rows", standing(ledger.Counts{enqueue.Waiting: 7, enqueue.Updated: 3}, ledger.Counts{enqueue.Updated: 1}), func(s *status) { s.Trial = 3 }, enqueue.CampaignPaused, "trial"},
		{"trial in which a pause falls", standing(waiting), func(s *status) { s.Trial, s.PausedSince, s.PausedBy = 3, noon, "ana" }, enqueue.CampaignPaused, "stopped by ana"},
	} {
		if c.change != nil {
			c.change(&c.status)
		}
		info, err := enqueue.InfoOf(c.status, nil, noon.Add(time.Hour))
		if err != nil || info.State != c.state || info.Reason != c.reason {
			t.Errorf("%s: %s (%q), %v; want %s (%q)", c.name, info.State, info.Reason, err, c.state, c.reason)
		}
		addsUp(t, info)
		if scheduled := c.state == enqueue.CampaignScheduled; info.StartedAt.IsZero() != scheduled {
			t.Errorf("%s: started at %s", c.name, info.StartedAt)
		}
	}
}

func TestCampaignInfo_Pace(t *testing.T) {
	t.Parallel()
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	// part has 61 ends in the hour after noon, and as many rows left as are given.
	part := func(s *ledger.CampaignStatus, n int, first, last time.Time) {
		s.Parts[n].FirstEnd, s.Parts[n].LastEnd = first, last
	}
	ended := func(left int64) ledger.Counts { return ledger.Counts{enqueue.Updated: 61, enqueue.Waiting: left} }
	events := func(words ...string) (log []ledger.CampaignEvent) {
		for i := 0; i+1 < len(words); i += 2 {
			when, err := time.Parse("15:04", words[i])
			if err != nil {
				t.Fatal(err)
			}
			log = append(log, ledger.CampaignEvent{At: noon.Truncate(24 * time.Hour).Add(time.Duration(when.Hour()*60+when.Minute()) * time.Minute), What: words[i+1]})
		}
		return log
	}
	eta := func(minutes int) *float64 {
		s := float64(minutes) * 60
		return &s
	}
	for _, c := range []struct {
		name   string
		status ledger.CampaignStatus
		change func(*ledger.CampaignStatus)
		log    []ledger.CampaignEvent
		rate   float64 // per minute
		eta    *float64
	}{
		{"nothing has ended", standing(ledger.Counts{enqueue.Waiting: 5}), nil, nil, 0, nil},
		{"one has ended", standing(ledger.Counts{enqueue.Updated: 1, enqueue.Waiting: 5}), func(s *ledger.CampaignStatus) { part(s, 0, at(0), at(0)) }, nil, 0, nil},
		{"a row a minute", standing(ended(30)), func(s *ledger.CampaignStatus) { part(s, 0, at(0), at(60)) }, nil, 1, eta(30)},
		{"two accounts side by side", standing(ended(30), ended(60)), func(s *ledger.CampaignStatus) { part(s, 0, at(0), at(60)); part(s, 1, at(0), at(60)) }, nil, 2, eta(60)},
		{"of one nothing is known", standing(ended(30), ledger.Counts{enqueue.Waiting: 1}), func(s *ledger.CampaignStatus) { part(s, 0, at(0), at(60)) }, nil, 1, nil},
		{"one is done", standing(ended(30), ended(0)), func(s *ledger.CampaignStatus) { part(s, 0, at(0), at(60)); part(s, 1, at(0), at(30)) }, nil, 1, eta(30)},
		{"finished", standing(ended(0)), func(s *ledger.CampaignStatus) { part(s, 0, at(0), at(30)) }, nil, 2, nil},
		{"paused", standing(ended(30)), func(s *ledger.CampaignStatus) { part(s, 0, at(0), at(30)); s.PausedSince = at(30) }, events("12:30", "pause"), 2, nil},
		{"an hour's pause counts not", standing(ended(30)), func(s *ledger.CampaignStatus) { part(s, 0, at(-60), at(60)) }, events("11:20", "pause", "12:20", "resume"), 1, eta(30)},
		{"it stands still", standing(ended(30)), func(s *ledger.CampaignStatus) { part(s, 0, at(0), at(30)) }, nil, 1, eta(30)},
		{"ends of an earlier pass", standing(ended(30)), func(s *ledger.CampaignStatus) {
			part(s, 0, at(-6000), at(60))
			s.Parts[0].Last = []tasks.State{"updated", "updated", "updated", "updated"}
		}, events("12:52", "again"), 0.5, eta(60)},
		{"expired, and nobody has seen it", standing(ended(30)), func(s *ledger.CampaignStatus) { part(s, 0, at(0), at(60)); s.Expires = at(60) }, nil, 1, eta(30)},
		{"its hours", standing(ended(300)), func(s *ledger.CampaignStatus) {
			part(s, 0, at(-20*60), at(60)) // since yesterday's closing time
			s.Settings = `{"hours":"12:00-16:00"}`
		}, nil, 1, eta(3*60 + 20*60 + 2*60)},
		{"in a year", standing(ended(1e9)), func(s *ledger.CampaignStatus) { part(s, 0, at(0), at(60)) }, nil, 1, nil},
	} {
		if c.change != nil {
			c.change(&c.status)
		}
		info, err := enqueue.InfoOf(c.status, c.log, at(60))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, want := "none", "none"
		if info.ETASeconds != nil {
			got = fmt.Sprintf("%.0f s", *info.ETASeconds)
		}
		if c.eta != nil {
			want = fmt.Sprintf("%.0f s", *c.eta)
		}
		if rate := info.RatePerSecond * 60; rate < c.rate-.001 || rate > c.rate+.001 || got != want {
			t.Errorf("%s: %.3f rows a minute, %s left; want %.3f and %s", c.name, rate, got, c.rate, want)
		}
	}
}

func TestCampaignInfo_JSON(t *testing.T) {
	t.Parallel()
	// The names and their order are the program's outside: others read them.
	s := standing(ledger.Counts{enqueue.Updated: 1, enqueue.Failed: 1, enqueue.Retrying: 2, enqueue.Waiting: 1})
	s.Why = []ledger.ReasonCount{{State: enqueue.Failed, Reason: "photo_empty", Rows: 1}}
	info, err := enqueue.InfoOf(s, nil, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	const counts = `"counts":{"calling":0,"cancelled":0,"expired":0,"failed":1,"queued":2,"refused":0,"superseded":0,"unchanged":0,"updated":1,"waiting":1},`
	want := `{"id":"c1","name":"spring","state":"running","reason":"","total":5,` + counts +
		`"accounts":[{"account":"a","total":5,` + counts + `"ratePerSecond":0,"etaSeconds":null}],` +
		`"ratePerSecond":0,"etaSeconds":null,"startedAt":"2026-03-02T12:00:00Z","finishedAt":null,` +
		`"by":"","acceptedAt":"2026-03-02T12:00:00Z","start":null,"expires":"2026-03-03T12:00:00Z","pass":0,"trial":0,"skipUnchanged":false,` +
		`"settings":{},"moving":[],"undoes":"",` +
		`"failures":[{"state":"failed","reason":"photo_empty","rows":1,"means":"the photo is empty","mend":"give a file with an image in it","examples":[]}]}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCampaignInfo_Failures(t *testing.T) {
	t.Parallel()
	// What has a reason, what has none, and what ended with its campaign: the rows of
	// each state add up, and every reason says what to do with the campaign's name.
	s := standing(ledger.Counts{enqueue.Refused: 5, enqueue.Failed: 2, enqueue.Cancelled: 7, enqueue.Updated: 1})
	s.Why = []ledger.ReasonCount{
		{State: enqueue.Refused, Reason: tasks.NotAdmin, Rows: 4}, {State: enqueue.Failed, Reason: "photo_not_found", Rows: 3},
		{State: enqueue.Cancelled, Reason: tasks.Stopped, Rows: 1},
	}
	info, err := enqueue.InfoOf(s, nil, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range info.Failures {
		got = append(got, fmt.Sprintf("%d %s %s: %s", f.Rows, f.State, f.Reason, f.Mend))
	}
	if diff := cmp.Diff([]string{
		"7 cancelled stopped: to send it after all: groupphoto campaign retry spring --reason stopped",
		"4 refused not_admin: make the number an admin, then: groupphoto campaign retry spring --reason not_admin",
		"2 failed photo_not_found: check the URL in a browser without a login; a signed URL may have ended",
		"1 refused : ",
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCampaignExamples_FirstOfEachReason(t *testing.T) {
	t.Parallel()
	// Given 2,500 rows over two accounts, some of which failed, when examples are asked
	// for, then they are the first of each reason, by line, and no more than wanted.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := openCampaigns(t, rdb)
		gp.mustStart(t, enqueue.Campaign{Name: "c"}, sheetRows(2500, "main", "b"))
		var ends []ledger.RowEnd
		for i := range 1000 {
			switch {
			case i%100 == 99:
				ends = append(ends, refused)
			case i == 998:
				ends = append(ends, notFound)
			default:
				ends = append(ends, updated)
			}
		}
		gp.end(t, "main", ends...)
		gp.end(t, "b", refused, refused)
		if _, err := gp.CancelCampaign(t.Context(), "c", "ana", ""); err != nil {
			t.Fatal(err)
		}
		info := gp.mustInfo(t, "c")
		failures, err := gp.CampaignExamples(t.Context(), info, 3)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range failures {
			text := fmt.Sprintf("%d %s %s:", f.Rows, f.State, f.Reason)
			for _, e := range f.Examples {
				text += fmt.Sprintf(" %d %s %s,", e.Line, e.Account, strings.TrimPrefix(string(e.Group), "120363"))
			}
			got = append(got, text)
		}
		// Rows of main stand in even lines, those of b in odd ones.
		if diff := cmp.Diff([]string{
			"1498 cancelled stopped: 7 b 000000000005-group, 9 b 000000000007-group, 11 b 000000000009-group,",
			"12 refused not_admin: 3 b 000000000001-group, 5 b 000000000003-group, 200 main 000000000198-group,",
			"1 failed photo_not_found: 1998 main 000000001996-group,",
		}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
