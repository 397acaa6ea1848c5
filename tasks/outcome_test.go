package tasks_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/tasks"
)

func fullOutcome() tasks.Outcome {
	value := true
	return tasks.Outcome{
		ID: "order-881", Account: "sales", GroupID: newGroup, Campaign: "easter", Ref: "881", By: "backend",
		State: tasks.Updated, Value: &value, Attempts: 2, HTTPStatus: 200,
		Photo: "sha256:" + hash, PreviousPhoto: "sha256:" + strings.Repeat("f", 64),
		EnqueuedAt: time.Date(2026, 1, 31, 15, 0, 0, 0, time.UTC),
		StartedAt:  time.Date(2026, 1, 31, 15, 0, 1, 0, time.UTC),
		FinishedAt: time.Date(2026, 1, 31, 15, 0, 3, 500_000_000, time.UTC),
	}
}

// The JSON is the same in Redis, in asynq's result, on the command line and
// over HTTP: keys, their order, and null where nothing is known.
func TestOutcome_MarshalPinned(t *testing.T) {
	t.Parallel()
	no := false
	refused := fullOutcome()
	refused.State, refused.Value, refused.Reason, refused.Detail = tasks.Refused, &no, tasks.NotAdmin, "said so"
	zoned := fullOutcome()
	zoned.FinishedAt = zoned.FinishedAt.In(time.FixedZone("-03", -3*60*60)).Add(999 * time.Microsecond)
	full := `{"id":"order-881","account":"sales","groupId":"120363019502650977-group","campaign":"easter","ref":"881","by":"backend",` +
		`"state":"updated","value":true,"reason":"","detail":"","attempts":2,"httpStatus":200,"photo":"sha256:` + hash + `",` +
		`"previousPhoto":"sha256:` + strings.Repeat("f", 64) + `","enqueuedAt":"2026-01-31T15:00:00Z","startedAt":"2026-01-31T15:00:01Z",` +
		`"finishedAt":"2026-01-31T15:00:03.5Z","durationMs":2500}`
	tests := []struct {
		name    string
		outcome tasks.Outcome
		want    string
	}{
		{"everything", fullOutcome(), full},
		{"time in another zone and finer than milliseconds", zoned, full},
		{"refused", refused, strings.Replace(full, `"state":"updated","value":true,"reason":"","detail":""`,
			`"state":"refused","value":false,"reason":"not_admin","detail":"said so"`, 1)},
		{"nothing known", tasks.Outcome{ID: "x", State: tasks.Waiting},
			`{"id":"x","account":"","groupId":"","campaign":"","ref":"","by":"","state":"waiting","value":null,"reason":"","detail":"",` +
				`"attempts":0,"httpStatus":0,"photo":"","previousPhoto":"","enqueuedAt":null,"startedAt":null,"finishedAt":null,"durationMs":0}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(tt.outcome)
			if err != nil {
				t.Fatalf("Marshal: %v", err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
			var back tasks.Outcome
			if err := json.Unmarshal(got, &back); err != nil {
				t.Fatalf("Unmarshal: %v", err)
			}
			again, err := json.Marshal(back)
			if diff := cmp.Diff(string(got), string(again)); err != nil || diff != "" {
				t.Errorf("round trip: %v (-first +second):\n%s", err, diff)
			}
		})
	}
}

func TestOutcome_Unmarshal(t *testing.T) {
	t.Parallel()
	var got tasks.Outcome
	if err := json.Unmarshal([]byte(`{"id":"a","state":"updated","value":null,"later":"field","finishedAt":null}`), &got); err != nil {
		t.Fatalf("unknown keys: %v", err)
	}
	if diff := cmp.Diff(tasks.Outcome{ID: "a", State: tasks.Updated}, got); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	for _, bad := range []string{`[]`, `{"value":"true"}`, `{"attempts":"1"}`, `{"startedAt":"noon"}`, `{`} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("Unmarshal(%s) gives no error", bad)
		}
	}
}

func TestOutcome_Duration(t *testing.T) {
	t.Parallel()
	o := fullOutcome()
	if got := o.Duration(); got != 2500*time.Millisecond {
		t.Errorf("Duration = %s; want 2.5s", got)
	}
	o.StartedAt, o.FinishedAt = o.FinishedAt, o.StartedAt
	if got := o.Duration(); got != 0 {
		t.Errorf("Duration of an end before its start = %s; want 0", got)
	}
	for name, open := range map[string]tasks.Outcome{"not started": {FinishedAt: o.FinishedAt}, "not ended": {StartedAt: o.StartedAt}} {
		if got := open.Duration(); got != 0 {
			t.Errorf("%s: Duration = %s; want 0", name, got)
		}
	}
}

func TestOutcome_DetailIsClipped(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, detail, want string }{
		{"short", "said so", "said so"},
		{"exactly as long as allowed", strings.Repeat("x", 200), strings.Repeat("x", 200)},
		{"one too many", strings.Repeat("x", 201), strings.Repeat("x", 197) + "…"},
		{"cut inside a letter of two bytes", strings.Repeat("é", 150), strings.Repeat("é", 98) + "…"},
		{"cut inside a picture of four bytes", "x" + strings.Repeat("🙂", 100), "x" + strings.Repeat("🙂", 49) + "…"},
		{"Latin-1 of a strange server", strings.Repeat("\xe9", 200), ""},
		{"Latin-1, too long", strings.Repeat("n\xe3o ", 100), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			encoded, err := json.Marshal(tasks.Outcome{Detail: tt.detail})
			if err != nil {
				t.Fatalf("Marshal: %v", err)
			}
			var got tasks.Outcome
			if err := json.Unmarshal(encoded, &got); err != nil {
				t.Fatalf("Unmarshal: %v", err)
			}
			if len(got.Detail) > tasks.MaxDetail || !utf8.ValidString(got.Detail) {
				t.Errorf("the detail has %d bytes, valid UTF-8 %t; want at most %d, valid", len(got.Detail), utf8.ValidString(got.Detail), tasks.MaxDetail)
			}
			if tt.want != "" && got.Detail != tt.want {
				t.Errorf("detail %q; want %q", got.Detail, tt.want)
			}
		})
	}
}

func TestOutcome_Sentence(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		outcome tasks.Outcome
		want    string
	}{
		{"updated", tasks.Outcome{State: tasks.Updated}, ""},
		{"detail without reason", tasks.Outcome{Detail: "already there"}, "already there"},
		{"reason alone", tasks.Outcome{Reason: tasks.NewerUpdate}, "newer_update: a newer update of the same group went out"},
		{"reason with mend", tasks.Outcome{Reason: tasks.GroupGone}, "group_gone: the group does not exist; mend: check the group id"},
		{"detail instead of the reason's own words", tasks.Outcome{Reason: tasks.GroupGone, Detail: "answered 404"},
			"group_gone: answered 404; mend: check the group id"},
		{"a campaign's row", tasks.Outcome{ID: "c1.7.1", Campaign: "c1", Reason: tasks.NotAdmin},
			"not_admin: only admins may change this group's photo and the number is not one; mend: make the number an admin, then: groupphoto campaign retry c1 --reason not_admin"},
		{"word of a later version", tasks.Outcome{Reason: "later_word", Detail: "so it is"}, "later_word: so it is"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.outcome.Sentence(); got != tt.want {
				t.Errorf("Sentence = %q; want %q", got, tt.want)
			}
		})
	}
}

func TestState_Ended(t *testing.T) {
	t.Parallel()
	for _, s := range []tasks.State{"updated", "unchanged", "refused", "failed", "superseded", "expired", "cancelled"} {
		if !s.Ended() {
			t.Errorf("%s has not ended", s)
		}
	}
	for _, s := range []tasks.State{"scheduled", "waiting", "calling", "retrying", "", "UPDATED", "done"} {
		if s.Ended() {
			t.Errorf("%q has ended", s)
		}
	}
}
