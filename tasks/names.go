package tasks

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
)

// TypeUpdate is the asynq task type of one update. asynq matches handler
// patterns by prefix, so no other task type may begin with it.
const TypeUpdate = "groupphoto:update"

// DefaultAccount is the account used where none is named.
const DefaultAccount = "main"

// How our tasks ask asynq to treat them. Attempts and life are counted in the
// ledger, so the engine's own limits must never bite: it archives a task whose
// retries are used up even when the handler only waited, and waiting counts
// against the time-out.
const (
	// EngineRetries is as many as asynq can keep, in 32 bits; it only compares them.
	EngineRetries = math.MaxInt32
	// EngineTimeout is longer than any wait for a turn; in whole seconds, because
	// the engine cuts the rest off.
	EngineTimeout = 7 * 24 * time.Hour
	// EngineRetention is how long an ended update is to be seen in the asynq web UI.
	EngineRetention = 24 * time.Hour
)

const (
	queuePrefix = "photo."
	bulkSuffix  = ".bulk"
)

var (
	accountPattern  = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	idPattern       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	campaignPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// Queue returns the asynq queue of an account's single updates.
func Queue(account string) string { return queuePrefix + account }

// BulkQueue returns the asynq queue of an account's campaign rows, which a
// lane serves only when Queue is empty.
func BulkQueue(account string) string { return queuePrefix + account + bulkSuffix }

// QueueAccount returns the account that a queue name belongs to; ok is false
// for queues of others.
func QueueAccount(queue string) (account string, ok bool) {
	account, ok = strings.CutPrefix(queue, queuePrefix)
	if !ok {
		return "", false
	}
	account = strings.TrimSuffix(account, bulkSuffix)
	return account, accountPattern.MatchString(account)
}

// CheckAccount returns nil when name can name an account: 1 to 32 characters
// of a-z, 0-9 and "-". The name goes into Redis and into queue names.
func CheckAccount(name string) error {
	if accountPattern.MatchString(name) {
		return nil
	}
	return fmt.Errorf("account name %q: must be 1 to 32 of a-z, 0-9 and -", clip(name, 40))
}

// CheckID returns nil when id can identify an update: 1 to 64 characters of
// A-Z, a-z, 0-9, "_" and "-".
func CheckID(id string) error {
	if idPattern.MatchString(id) {
		return nil
	}
	return fmt.Errorf("update id %q: must be 1 to 64 of A-Z, a-z, 0-9, _ and -", clip(id, 70))
}

// clip shortens text for an error message without cutting a character.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
