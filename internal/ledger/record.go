package ledger

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed cancel.lua
var cancelLua string

//go:embed again.lua
var againLua string

var (
	cancelScript = newScript(cancelLua)
	againScript  = newScript(againLua)
)

// Record is everything the ledger knows about one update.
type Record struct {
	// Outcome is the recorded one, or where the update stands.
	Outcome tasks.Outcome
	// Update is what was entered, with its seq.
	Update tasks.Update
	// Due is when a scheduled update is to run; zero: at once.
	Due time.Time
	// Again is when a retrying or waiting update is to run next; zero: unknown.
	Again time.Time
	// Cancelling says that it will not be called again once its call ends.
	Cancelling bool
	// Claimed says that a run has taken it up since it was entered or reopened.
	Claimed bool

	encoded string // the outcome as it stands in Redis
}

// Record reads an update. Errors: ErrUnknown, and Redis'.
func (l *Ledger) Record(ctx context.Context, account, id string) (Record, error) {
	fields, err := l.rdb.HGetAll(ctx, keyRecord(account, id)).Result()
	if err != nil {
		return Record{}, fmt.Errorf("reading update %s: %w", id, err)
	}
	if fields["print"] == "" {
		return Record{}, fmt.Errorf("update %s of account %s: %w", id, account, ErrUnknown)
	}
	return readRecord(account, id, fields)
}

func readRecord(account, id string, f map[string]string) (Record, error) {
	u, err := tasks.ParseUpdate([]byte(f["payload"]), account)
	if err != nil && f["outcome"] == "" {
		return Record{}, fmt.Errorf("update %s: reading it as it was entered: %w", id, err)
	}
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(f[name], 10, 64) // our own scripts wrote it; absent is zero
		return n
	}
	u.Seq = number("seq")
	if claimed := fromMillis(number("expires")); !claimed.IsZero() {
		u.EnqueuedAt, u.ExpiresAt = fromMillis(number("enqueued")), claimed
	}
	r := Record{Update: u, Due: fromMillis(number("due")), Claimed: f["token"] != "", encoded: f["outcome"], Cancelling: f["cancel"] != "" && f["outcome"] == ""}
	if r.encoded != "" {
		r.Outcome, err = decodeOutcome(r.encoded)
		return r, err
	}
	r.Again = fromMillis(number("again"))
	r.Outcome = tasks.Outcome{
		ID: id, Account: account, GroupID: u.GroupID, Campaign: u.Campaign, Ref: u.Ref, By: u.By,
		State: tasks.State(f["state"]), Reason: tasks.Reason(f["reason"]), Detail: f["detail"],
		Attempts: int(number("calls")), HTTPStatus: int(number("status")), PreviousPhoto: unpackPhoto(f["previous"]),
		Photo: u.Photo.String(), EnqueuedAt: u.EnqueuedAt, StartedAt: fromMillis(number("started")),
	}
	r.Outcome.State = openState(r, fromMillis(number("lease")))
	return r, nil
}

// openState says where an update stands that has not ended.
func openState(r Record, lease time.Time) tasks.State {
	switch r.Outcome.State {
	case tasks.Calling:
		if lease.Before(time.Now()) {
			return tasks.Retrying // its worker is gone; another will take it up
		}
		return tasks.Calling
	case "":
		if r.Due.After(time.Now()) {
			return tasks.Scheduled
		}
		return tasks.Waiting
	default:
		return r.Outcome.State
	}
}

// Cancelled answers Cancel.
type Cancelled int

// What a Cancel came to.
const (
	CancelledNow   Cancelled = iota // it has ended as cancelled
	CancelledLater                  // a call is under way; it is not called again after it
	EndedBefore                     // it had ended already
)

// Cancel stops an update. by says who did it, "" is "somebody". The record is what stands after
// it. Errors: ErrUnknown, and Redis'.
func (l *Ledger) Cancel(ctx context.Context, account, id, by string) (Cancelled, Record, error) {
	by = cmp.Or(by, "somebody") // an empty text in the record would say that nobody did
	for {
		r, err := l.Record(ctx, account, id)
		if err != nil {
			return 0, Record{}, err
		}
		end := r.Outcome
		end.State, end.Value, end.Reason, end.FinishedAt = tasks.Cancelled, nil, tasks.Stopped, now()
		end.Detail = "cancelled by " + by
		encoded, err := json.Marshal(end)
		if err != nil {
			return 0, Record{}, fmt.Errorf("encoding the outcome: %w", err)
		}
		answer, err := l.run(ctx, "cancelling the update", cancelScript,
			[]string{keyRecord(account, id), keyOutcomes(account)},
			by, encoded, r.Outcome.Attempts, millis(l.keep), millis(Outlive), id, string(end.GroupID), millis(MaxLease), string(end.Reason),
			unixMillis(r.Update.ExpiresAt))
		if err != nil {
			return 0, Record{}, err
		}
		switch answer.text(0) {
		case "ok":
			r.Outcome = end
			return CancelledNow, r, nil
		case "calling":
			r.Cancelling = true
			return CancelledLater, r, nil
		case "ended":
			r.Outcome, err = decodeOutcome(answer.text(1))
			return EndedBefore, r, err
		case "unknown":
			return 0, Record{}, fmt.Errorf("update %s of account %s: %w", id, account, ErrUnknown)
		}
		// A call was made between our look and the script: look again.
	}
}

// Reopen makes an ended update ready to be sent once more, as the newest wish
// for its group, with a new expiry of life from now. What the task must carry
// is in the record's Update. An update that has not ended is returned as it is
// with ok false. Errors: ErrUnknown, and Redis'.
func (l *Ledger) Reopen(ctx context.Context, account, id string, life time.Duration) (r Record, ok bool, err error) {
	r, err = l.Record(ctx, account, id)
	if err != nil || r.encoded == "" {
		return r, false, err
	}
	u := r.Update
	u.EnqueuedAt = now()
	u.ExpiresAt = u.EnqueuedAt.Add(life)
	answer, err := l.run(ctx, "reopening the update", againScript, []string{keyRecord(account, id), keySeq(account)},
		r.encoded, unixMillis(u.EnqueuedAt), unixMillis(u.ExpiresAt), unixMillis(u.ExpiresAt.Add(Outlive)))
	if err != nil {
		return r, false, err
	}
	if answer.text(0) != "ok" {
		r, err = l.Record(ctx, account, id)
		return r, false, err
	}
	u.Seq = answer.number(1)
	r.Update, r.Due, r.Again, r.Cancelling, r.Claimed, r.encoded = u, time.Time{}, time.Time{}, false, false, ""
	return r, true, nil
}
