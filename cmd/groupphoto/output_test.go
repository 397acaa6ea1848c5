package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestPrintOutcome_WhenItComesAgain(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Hour)
	c := config{zone: time.UTC}
	for name, tt := range map[string]struct {
		again time.Time
		want  string
	}{
		"later":                    {later, "again " + c.stamp(later) + "\n"},
		"held beyond its own time": {time.Now().Add(-time.Second), "again when its turn comes\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			a := &app{streams: streams{out: &out}, output: "text"}
			if err := a.printOutcome(c, enqueue.Details{Outcome: tasks.Outcome{ID: "a", State: tasks.Retrying, Reason: tasks.NoReasonGiven}, Again: tt.again}); err != nil {
				t.Fatal(err)
			}
			lacks(t, out.String(), tt.want, "see that the number may change this group's photo\n")
		})
	}
}
