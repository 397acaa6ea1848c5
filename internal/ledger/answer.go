package ledger

import (
	_ "embed"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed lane.lua
var laneLua string

//go:embed answer.lua
var answerLua string

// newLaneScript is newScript for those that change how an account stands.
func newLaneScript(text string) *redis.Script { return newScript(laneLua + "\n" + text) }

// Said is what an answer says of the account.
type Said string

// The kinds of answers.
const (
	SaidNothing Said = ""          // no call, or nothing that counts
	SaidTrue    Said = "true"      // the photo was accepted
	SaidFalse   Said = "false"     // a plain no
	SaidNormal  Said = "normal"    // another answer about this very update: the account works
	SaidSlower  Said = "throttled" // the provider wants slower calls
	SaidAccount Said = "account"   // the account cannot work
	SaidFailing Said = "failing"   // no usable answer
)

// Answer is what a call came to, as far as it concerns the account. The zero
// value changes nothing.
type Answer struct {
	Said Said
	// Why and Detail are for people, for all kinds but true and false.
	Why    tasks.Reason
	Detail string
	// First is how long nobody calls: the rest that the provider wants for
	// SaidSlower, the first hold of trouble, which doubles up to Most, for
	// SaidAccount and SaidFailing.
	First, Most time.Duration
	// Trip is how many failing answers in a row open the breaker, for SaidFailing; at least 1.
	Trip int
	// Lost says that the photo may have changed although no answer came.
	Lost bool
	// Late is how long after the turn was granted the request was written.
	Late time.Duration
}

func (a Answer) args(h Handle) []any {
	return []any{
		string(a.Said), string(a.Why), a.Detail, millis(a.First), millis(min(max(a.Most, a.First), maxHold)), max(1, a.Trip), flag(a.Lost),
		millis(a.Late), h.name(), keyRecord(h.Account, ""),
	}
}
