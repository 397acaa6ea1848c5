package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed claim.lua
var claimLua string

// The scripts of a run are the same for rows, with what they need for those.
var (
	claimScript    = newScript(claimLua)
	claimRowScript = newRowScript(claimLua)
)

// Verdict is the ledger's answer to "may this update go on?".
type Verdict string

// The verdicts of Claim and Turn.
const (
	Run        Verdict = "run"        // Claim: this run is the one
	Go         Verdict = "go"         // Turn: call now
	Wait       Verdict = "wait"       // Turn: not yet
	Settled    Verdict = "ended"      // there is an outcome
	Held       Verdict = "held"       // Claim: another run is in the middle of a call
	Lost       Verdict = "lost"       // another run has claimed it since
	IsExpired  Verdict = "expired"    // its time ran out
	IsStopped  Verdict = "cancelled"  // somebody cancelled it
	IsOld      Verdict = "superseded" // a newer update of the group went out
	IsThere    Verdict = "unchanged"  // the group shows this photo, and skipping was asked for
	BadForeign Verdict = "foreign"    // its seq was never given out
	Gone       Verdict = "gone"       // the row is another task's, or waits to be fed again: nothing is to be done
)

// ErrForeignSeq says that a task carries a seq above the account's counter.
var ErrForeignSeq = errors.New("the task's seq was never given out for this account")

// Handle names one run of one update. Token must differ between runs.
type Handle struct {
	Account string
	ID      string
	Group   tasks.GroupID
	Token   string
	// Row is the campaign's row that the update is, of the same account; nil for
	// one of its own.
	Row *RowRef
}

// name is what the ledger knows the update by. A row has one name whatever its
// feeds, so that what it has spent, and what it is suspected of, stays known.
func (h Handle) name() string {
	if h.Row != nil {
		return h.Row.Campaign + "." + strconv.FormatInt(h.Row.Row, 10)
	}
	return h.ID
}

func (h Handle) record() string { return keyRecord(h.Account, h.name()) }

// withRow completes keys and arguments of a script, and chooses the one for rows.
func (h Handle) withRow(single, row *redis.Script, keys []string, args []any) (*redis.Script, []string, []any) {
	if h.Row == nil {
		return single, keys, args
	}
	return row, append(keys, h.Row.part()), append(args, h.Row.Row, h.Row.Feed)
}

// Claim is where an update stands as a run begins.
type Claim struct {
	Verdict Verdict
	// Seq, Started, EnqueuedAt and ExpiresAt are the update's for good.
	Seq                            int64
	Started, EnqueuedAt, ExpiresAt time.Time
	// Calls were made so far; Spent of them count against the attempts.
	Calls, Spent int
	// Guilty is how often an answer that told of the account's trouble turned out
	// to be about this update alone. Each is in Spent.
	Guilty int
	// Policy is what the last Release left there.
	Policy string
	// Previous is the group's photo before the first call, if it is known.
	Previous string
	// By is the newer update's id for IsOld, who cancelled for IsStopped.
	By string
	// Wait is how long the other run's turn lasts at most, for Held.
	Wait time.Duration
	// Outcome is set for Settled.
	Outcome tasks.Outcome
	// Why is what became of the row, for Gone.
	Why RowVerdict
}

// Claim begins a run: it asks whether anything is left to do and takes the
// update from any earlier run that is not in the middle of a call. A missing
// record (a hand-written task) is made from the update. Errors: Redis', and
// ErrForeignSeq.
func (l *Ledger) Claim(ctx context.Context, h Handle, u tasks.Update) (Claim, error) {
	keys := []string{h.record(), keySeq(h.Account), keyGroup(h.Account, h.Group)}
	entered, payload := u, []byte(nil)
	entered.Seq = 0
	if h.Row == nil { // a row's is kept by its campaign
		payload = entered.Marshal()
	}
	args := []any{
		h.Token, u.Fingerprint(), payload, u.Seq, unixMillis(u.EnqueuedAt), unixMillis(u.ExpiresAt),
		millis(DefaultLife), millis(MaxLease), millis(Outlive),
	}
	script, keys, args := h.withRow(claimScript, claimRowScript, keys, args)
	answer, err := l.run(ctx, "claiming the update", script, keys, args...)
	if err != nil {
		return Claim{}, err
	}
	c := Claim{Verdict: Verdict(answer.text(0))}
	switch c.Verdict {
	case Settled:
		c.Outcome, err = decodeOutcome(answer.text(1))
	case Held:
		c.Wait = answer.duration(1)
	case BadForeign:
		err = fmt.Errorf("%w: it says %d, the counter stands at %d", ErrForeignSeq, u.Seq, answer.number(1))
	case Gone:
		c.Why = RowVerdict(answer.text(1))
	default:
		c.Seq, c.ExpiresAt, c.EnqueuedAt, c.Started = answer.number(1), answer.time(2), answer.time(3), answer.time(4)
		c.Calls, c.Spent = int(answer.number(5)), int(answer.number(6))
		c.Policy, c.Previous, c.By = answer.text(7), unpackPhoto(answer.text(8)), answer.text(9)
		c.Guilty = int(answer.number(10))
	}
	return c, err
}
