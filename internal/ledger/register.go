package ledger

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed register.lua
var registerLua string

var registerScript = newScript(registerLua)

// Entry is an update about to be enqueued. Update.Account, EnqueuedAt and
// ExpiresAt must be set.
type Entry struct {
	ID     string
	Update tasks.Update
	// Due is when a scheduled update is to run; zero is now.
	Due time.Time
}

// Registration is what became of an Entry.
type Registration int

// The ways a registration can end.
const (
	Entered Registration = iota // entered now
	Again                       // entered before with the same content, not ended
	Ended                       // entered before with the same content, and ended
	Reused                      // the id stands for another content
)

// Registered answers for one Entry.
type Registered struct {
	Registration Registration
	// Update is what the task must carry: for Again the update as it was first
	// entered, so that a repeated enqueue cannot change it.
	Update  tasks.Update
	Due     time.Time
	Outcome tasks.Outcome // for Ended
}

// Register enters updates of one account, all in one script call: a few
// hundred at a time, so that Redis is not held up. The answers are in the order
// of the entries. After an error nothing is known of any of them; calling again
// with the same entries is safe.
func (l *Ledger) Register(ctx context.Context, account string, entries []Entry) ([]Registered, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	keys := make([]string, 0, len(entries)+1)
	args := make([]any, 0, 4*len(entries))
	keys = append(keys, keySeq(account))
	for _, e := range entries {
		keys = append(keys, keyRecord(account, e.ID))
		args = append(args, e.Update.Fingerprint(), e.Update.Marshal(),
			unixMillis(e.Due), unixMillis(e.Update.ExpiresAt.Add(Outlive)))
	}
	answers, err := l.run(ctx, "entering updates into the ledger", registerScript, keys, args...)
	if err != nil {
		return nil, err
	}
	if len(answers) != len(entries) {
		return nil, fmt.Errorf("entering updates into the ledger: %d answers for %d updates", len(answers), len(entries))
	}
	out := make([]Registered, len(entries))
	for i, e := range entries {
		if out[i], err = registered(e, answers[i]); err != nil {
			return nil, fmt.Errorf("update %s: %w", e.ID, err)
		}
	}
	return out, nil
}

func registered(e Entry, given any) (Registered, error) {
	if seq, entered := given.(int64); entered {
		e.Update.Seq = seq
		return Registered{Registration: Entered, Update: e.Update, Due: e.Due}, nil
	}
	list, _ := given.([]any)
	answer := reply(list)
	switch answer.text(0) {
	case "again":
		u, err := tasks.ParseUpdate([]byte(answer.text(2)), e.Update.Account)
		if err != nil {
			return Registered{}, fmt.Errorf("reading the update as it was entered: %w", err)
		}
		u.Seq = answer.number(1)
		if sentAgain := answer.time(5); !sentAgain.IsZero() {
			u.EnqueuedAt, u.ExpiresAt = answer.time(4), sentAgain
		}
		return Registered{Registration: Again, Update: u, Due: answer.time(3)}, nil
	case "ended":
		o, err := decodeOutcome(answer.text(1))
		return Registered{Registration: Ended, Update: e.Update, Outcome: o}, err
	case "reused":
		return Registered{Registration: Reused, Update: e.Update}, nil
	}
	return Registered{}, fmt.Errorf("the ledger answered %q", answer.text(0))
}
