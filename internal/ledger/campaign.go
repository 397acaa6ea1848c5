package ledger

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

// A campaign is a named set of rows. It has one part for every account, whose keys
// all lie in the account's slot, and a small head that says what holds for all
// parts. Rows lie packed in chunks and are named by their number: chunk n holds the
// rows from n × 1000 + 1, every chunk belongs to one part, and a row that moves to
// another account gets a new number there. In a campaign of one account numbers are
// places in the input. rows.lua says how a part looks in Redis.

//go:embed rows.lua
var rowsLua string

// newRowScript joins what all scripts share, what those about rows share, and one
// script's own text.
func newRowScript(text string) *redis.Script { return newScript(rowsLua + "\n" + text) }

// Widths that rows.lua has as well.
const (
	chunkWidth = 1000
	feedWidth  = 3
	endWidth   = 28
)

// Queued is where a row stands that has been fed to its queue and not been called.
const Queued tasks.State = "queued"

// Errors about campaigns.
var (
	// ErrNoCampaign says that there is no such campaign, or no longer.
	ErrNoCampaign = errors.New("no such campaign")
	// ErrCampaignBusy says that another process is accepting the campaign, or moving
	// its rows between other accounts.
	ErrCampaignBusy = errors.New("the campaign is being worked on by another process")
	// ErrCampaignClosed says that the campaign was cancelled or has expired.
	ErrCampaignClosed = errors.New("the campaign is closed")
	// ErrNoRow says that a campaign has no such row.
	ErrNoRow = errors.New("no such row")
)

// letters are how rows.lua writes states. Rows that have moved away (l, m) have
// none: they count where they are.
var letters = map[byte]tasks.State{
	'w': tasks.Waiting, 'q': Queued, 'c': tasks.Calling, 'r': tasks.Retrying,
	'U': tasks.Updated, 'R': tasks.Refused, 'F': tasks.Failed, 'S': tasks.Superseded,
	'N': tasks.Unchanged, 'E': tasks.Expired, 'X': tasks.Cancelled,
}

// letterOf is the other way round; "" for a state that rows do not have.
func letterOf(state tasks.State) string {
	for letter, s := range letters {
		if s == state {
			return string(letter)
		}
	}
	return ""
}

// RowStates lists the states that rows can be in, in a fixed order.
func RowStates() []tasks.State { return slices.Sorted(maps.Values(letters)) }

// Counts says how many rows are in each state.
type Counts map[tasks.State]int64

// Sum is how many rows there are.
func (c Counts) Sum() (n int64) {
	for _, k := range c {
		n += k
	}
	return n
}

// Open is how many rows have not ended.
func (c Counts) Open() (n int64) {
	for state, k := range c {
		if !state.Ended() {
			n += k
		}
	}
	return n
}

func (c Counts) add(other Counts) {
	for state, n := range other {
		c[state] += n
	}
}

// keyHeads begins every key of the heads: all of them in one slot.
const (
	keyHeads     = "groupphoto:{campaigns}:h:"
	keyHeadLogs  = "groupphoto:{campaigns}:log:"
	keyHeadNames = "groupphoto:{campaigns}:names"
	keyHeadKnown = "groupphoto:{campaigns}:known"
)

func keyHead(id string) string           { return keyHeads + id }
func keyHeadLog(id string) string        { return keyHeadLogs + id }
func keyPart(account, id string) string  { return accountKey(account, "c:"+id) }
func keyCampaigns(account string) string { return accountKey(account, "campaigns") }
func keyFeeder(account string) string    { return accountKey(account, "feeder") }

// chunkKey names one of the strings of a chunk: r, s, f or d.
func chunkKey(part string, kind byte, chunk int64) string {
	return fmt.Sprintf("%s:%c:%d", part, kind, chunk)
}

// chunkOf is where a row lies.
func chunkOf(row int64) (chunk int64, at int) {
	return (row - 1) / chunkWidth, int((row - 1) % chunkWidth)
}

// CampaignRow is one row as it was given.
type CampaignRow struct {
	// Line is where the row stands in its input. Lines rise.
	Line    int64
	Account string
	Group   tasks.GroupID
	Photo   tasks.PhotoRef
	// Ref travels to the outcome; Extra is kept and given back as it is.
	Ref, Extra string
}

// RowRef names a row of a part as it was fed: what a row's update id says, and the
// account of the queue that it came from.
type RowRef struct {
	Account  string
	Campaign string
	Row      int64
	Feed     int64
}

// RowRefOf reads an update's id; ok is false for one that is no row's.
func RowRefOf(account, id string) (r RowRef, ok bool) {
	row, ok := tasks.ParseRowID(id)
	return RowRef{account, row.Campaign, row.Row, row.Feed}, ok
}

// RowOfName reads how the ledger names a row whatever its feeds, as the groups' order
// and Repairs do; ok is false for the id of an update of its own.
func RowOfName(name string) (id tasks.RowID, ok bool) {
	id, ok = tasks.ParseRowID(name + ".1")
	return tasks.RowID{Campaign: id.Campaign, Row: id.Row}, ok
}

// ID is the id of the row's update.
func (r RowRef) ID() string {
	return tasks.RowID{Campaign: r.Campaign, Row: r.Row, Feed: r.Feed}.String()
}

func (r RowRef) part() string { return keyPart(r.Account, r.Campaign) }

// RowEnd is how a row ended.
type RowEnd struct {
	State         tasks.State
	Value         *bool
	Reason        tasks.Reason
	Detail        string
	Attempts      int
	HTTPStatus    int
	Photo         string
	PreviousPhoto string
	FinishedAt    time.Time
	// Took is the time from the first claim to the end.
	Took time.Duration
}

// EndOf is what a row keeps of an outcome.
func EndOf(o tasks.Outcome) RowEnd {
	return RowEnd{
		State: o.State, Value: o.Value, Reason: o.Reason, Detail: o.Detail, Attempts: o.Attempts, HTTPStatus: o.HTTPStatus,
		Photo: o.Photo, PreviousPhoto: o.PreviousPhoto, FinishedAt: o.FinishedAt, Took: o.Duration(),
	}
}
