package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/tasks"
)

// printJSON writes one object as one line.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // for people and jq, not for pages
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}

// joinedJSON is one object with the fields of two.
func joinedJSON(a, b any) ([]byte, error) {
	first, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	second, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	return append(append(first[:len(first)-1], ','), second[1:]...), nil
}

// printFields writes names and values in two columns, leaving out empty values.
func printFields(w io.Writer, pairs ...string) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(tab, "%s\t%s\n", pairs[i], strings.Map(plain, pairs[i+1]))
		}
	}
	if err := tab.Flush(); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}

// printOutcome writes where an update stands: as JSON, or as a few lines.
func (a *app) printOutcome(c config, d enqueue.Details) error {
	o := d.Outcome
	if a.json() {
		return printJSON(a.out, o)
	}
	when := c.stamp(o.FinishedAt)
	switch {
	case o.State == tasks.Scheduled:
		when = "due " + c.stamp(d.Due)
	case o.State == tasks.Retrying && !d.Again.IsZero():
		when = "again " + c.stamp(d.Again)
		if !d.Again.After(time.Now()) {
			when = "again when its turn comes"
		}
	case !o.State.Ended():
		when = "enqueued " + c.stamp(o.EnqueuedAt)
	}
	return printFields(a.out,
		string(o.State), fmt.Sprintf("%s through %s", o.GroupID, o.Account),
		"id", o.ID, "ref", o.Ref, "photo", o.Photo, "calls", calls(o), "time", when,
		"why", why(o), "mend", mend(o),
	)
}

// why says what happened, in words.
func why(o tasks.Outcome) string {
	text := o.Detail
	if text == "" {
		text = o.Reason.Means()
	}
	if o.Reason == "" {
		return text
	}
	return strings.TrimSuffix(string(o.Reason)+": "+text, ": ")
}

// mend says what a person should do, with the update's own id. One that comes again
// by itself is not to be sent again.
func mend(o tasks.Outcome) string {
	if o.State == tasks.Updated || o.State == tasks.Unchanged {
		return ""
	}
	text := o.Mend()
	if !o.State.Ended() {
		text, _, _ = strings.Cut(text, ", then")
	}
	return text
}

func calls(o tasks.Outcome) string {
	text := attempts(o.Attempts)
	if o.HTTPStatus != 0 {
		text += fmt.Sprintf(", HTTP %d", o.HTTPStatus)
	}
	if o.State.Ended() && !o.StartedAt.IsZero() {
		text += ", " + short(o.Duration())
	}
	return text
}

func attempts(n int) string {
	switch n {
	case 0:
		return "no attempt"
	case 1:
		return "1 attempt"
	default:
		return fmt.Sprintf("%d attempts", n)
	}
}

func (a *app) printReceipt(c config, group tasks.GroupID, r enqueue.Receipt) error {
	if a.json() {
		return printJSON(a.out, r)
	}
	word := "accepted"
	if r.Duplicate {
		word = "known"
	}
	due := ""
	if !r.Due.IsZero() {
		due = c.stamp(r.Due)
	}
	return printFields(a.out,
		word, fmt.Sprintf("%s through %s", group, r.Account),
		"id", r.ID, "state", string(r.State), "due", due, "expires", c.stamp(r.ExpiresAt),
	)
}

// stamp prints a time in the chosen zone, with the zone named; "" for none.
func (c config) stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(c.zone).Format("2006-01-02 15:04:05 MST")
}

// clock prints the time of day in the chosen zone.
func (c config) clock(t time.Time) string { return t.In(c.zone).Format(time.TimeOnly) }

// short prints a duration as people say it, in at most two units.
func short(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + short(-d)
	case d == 0:
		return "0 s"
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%d ms", max(1, d.Milliseconds()))
	case d < 10*time.Second:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return twoUnits(d.Round(time.Second), time.Minute, "min", time.Second, "s")
	case d < 48*time.Hour:
		return twoUnits(d.Round(time.Minute), time.Hour, "h", time.Minute, "min")
	default:
		return twoUnits(d.Round(time.Hour), 24*time.Hour, "d", time.Hour, "h")
	}
}

func twoUnits(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	text := fmt.Sprintf("%d %s", d/big, bigName)
	if rest := d % big / small; rest > 0 {
		text += fmt.Sprintf(" %d %s", rest, smallName)
	}
	return text
}

// withMend joins what happened and what to do about it into one sentence.
func withMend(what, mend string) string {
	if mend == "" {
		return what
	}
	return strings.TrimSuffix(what, ".") + "; mend: " + mend
}

// mendOf says what a person should do about a reason word.
func mendOf(reason string) string { return tasks.Reason(reason).Mend() }
