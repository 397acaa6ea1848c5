package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/tasks"
)

// Event is one change of an account, or of a campaign of its, that people outside are
// told of.
type Event struct {
	Position string // where it stands in the account's stream of events
	Type     string // paused or resumed; of a campaign one of CampaignEvents
	// Data is what there is to say of a campaign, as JSON; all the following is of an account.
	Data   string
	Owner  Owner
	Reason tasks.Reason // of trouble
	Detail string       // the provider's or the operator's words
	Since  time.Time    // when that pause or trouble began
	By     string       // the operator
	At     time.Time
}

// NextEvent returns the first event behind a position, "" for the oldest there is;
// ok is false when there is none. The newest ten thousand events of an account are kept.
func (l *Ledger) NextEvent(ctx context.Context, account, after string) (e Event, ok bool, err error) {
	from := "-"
	if after != "" {
		from = "(" + after
	}
	messages, err := l.rdb.XRangeN(ctx, keyEvents(account), from, "+", 1).Result()
	if err != nil {
		return Event{}, false, fmt.Errorf("reading the account's events: %w", err)
	}
	if len(messages) == 0 {
		return Event{}, false, nil
	}
	m := messages[0]
	field := func(name string) string { s, _ := m.Values[name].(string); return s }
	ms, _, _ := strings.Cut(m.ID, "-")
	return Event{
		Position: m.ID, Type: field("type"), Data: field("data"), Owner: Owner(field("owner")), Reason: tasks.Reason(field("reason")), Detail: field("detail"),
		Since: stamp(field("since")), By: field("by"), At: stamp(ms),
	}, true, nil
}

// Hooked notes which event was told outside last.
func (l *Ledger) Hooked(ctx context.Context, account, position string) error {
	if err := l.rdb.HSet(ctx, keyLane(account), "hooked", position).Err(); err != nil {
		return fmt.Errorf("noting which event was told: %w", err)
	}
	return nil
}

// Bell returns the channel on which Redis tells who subscribes to it that a turn
// may be free ("turn"), or that the account stands otherwise than before ("state").
func Bell(account string) string { return keyLine(account) }

// BellAccount is the inverse of Bell.
func BellAccount(channel string) string {
	_, rest, _ := strings.Cut(channel, "{")
	account, _, _ := strings.Cut(rest, "}")
	return account
}

// SinglesWaiting counts the single updates that wait in asynq's queue of an account.
func (l *Ledger) SinglesWaiting(ctx context.Context, account string) (int64, error) {
	n, err := l.rdb.LLen(ctx, "asynq:{"+tasks.Queue(account)+"}:pending").Result()
	if err != nil {
		return 0, fmt.Errorf("counting the waiting single updates: %w", err)
	}
	return n, nil
}
