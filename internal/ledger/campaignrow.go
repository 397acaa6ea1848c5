package ledger

import (
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed campaign_call.lua
var campaignCallLua string

//go:embed campaign_snooze.lua
var campaignSnoozeLua string

//go:embed campaign_settle.lua
var campaignSettleLua string

var (
	campaignCallScript   = newRowScript(campaignCallLua)
	campaignSnoozeScript = newRowScript(campaignSnoozeLua)
	campaignSettleScript = newRowScript(campaignSettleLua)
)

// RowVerdict is the answer to what a run wants of its row.
type RowVerdict string

// The answers.
const (
	RowOK     RowVerdict = "ok"
	RowStale  RowVerdict = "stale"  // it was fed again or moved since: this run has no row
	RowEnded  RowVerdict = "ended"  // it has an end
	RowPaused RowVerdict = "paused" // CallRow: its campaign is paused; back to waiting with it
	RowClosed RowVerdict = "closed" // CallRow: its campaign was cancelled, or has expired
)

// CallRow says that a row's call begins. With RowEnded the state is its end, with
// RowClosed what it has to end as. Saying it again changes nothing. Errors:
// ErrNoRow, and Redis'.
func (l *Ledger) CallRow(ctx context.Context, r RowRef) (RowVerdict, tasks.State, error) {
	return l.askRow(ctx, "beginning a row's call", campaignCallScript, r)
}

// SnoozeRow says that a run ends and its row does not. With tasks.Waiting its task
// is gone and it is fed again; with tasks.Retrying, or Queued when it was not called
// yet, its task runs again. With RowEnded the state is its end. Saying it again
// changes nothing. Errors: ErrNoRow, and Redis'.
func (l *Ledger) SnoozeRow(ctx context.Context, r RowRef, to tasks.State) (RowVerdict, tasks.State, error) {
	return l.askRow(ctx, "putting a row off", campaignSnoozeScript, r, letterOf(to))
}

// SettleRow writes down how a row ended, once for every time it is fed: the first
// end wins, and is returned with RowEnded. last says that it was its part's last
// row. Sending it again after a lost reply is safe. Errors: ErrNoRow, and Redis'.
func (l *Ledger) SettleRow(ctx context.Context, r RowRef, e RowEnd) (v RowVerdict, state tasks.State, last bool, err error) {
	answer, err := l.run(ctx, "recording a row's end", campaignSettleScript, []string{r.part()}, append([]any{r.Row, r.Feed}, e.args()...)...)
	if err != nil {
		return "", "", false, err
	}
	switch answer.text(0) {
	case "ok":
		return RowOK, e.State, answer.text(1) != "", nil
	case "already":
		return RowEnded, letters[answer.text(1)[0]], false, nil
	case "unknown":
		return "", "", false, fmt.Errorf("row %s: %w", r.ID(), ErrNoRow)
	}
	return RowStale, "", false, nil
}

// args are what campaign_settle.lua wants behind row and feed.
func (e RowEnd) args() []any {
	return []any{letterOf(e.State), e.pack(), string(e.Reason), e.Detail, packPhoto(e.Photo), packPhoto(e.PreviousPhoto)}
}

// packPhoto writes a reference into the photo store in half its length; every other
// text stays. unpackPhoto reads both.
func packPhoto(text string) string {
	ref, err := tasks.ParsePhoto(text)
	if err != nil || ref.Wire() != text {
		return text
	}
	raw, err := hex.DecodeString(ref.Hash())
	switch {
	case err != nil || len(raw) == 0:
		return text
	case ref.Kind == tasks.PhotoSource:
		return "\x02" + string(raw)
	}
	return "\x01" + string(raw)
}

func unpackPhoto(word string) string {
	switch {
	case strings.HasPrefix(word, "\x01"):
		return tasks.MadeRef(hex.EncodeToString([]byte(word[1:]))).Wire()
	case strings.HasPrefix(word, "\x02"):
		return tasks.SourceRef(hex.EncodeToString([]byte(word[1:]))).Wire()
	}
	return word
}

// pack writes the first 16 bytes of an end, numbers with the lowest byte first. What
// is more than they hold is cut to the most.
func (e RowEnd) pack() []byte {
	value := uint16(0)
	if e.Value != nil {
		value = 1
		if *e.Value {
			value = 2
		}
	}
	most := func(n, limit int64) uint64 { return uint64(min(max(0, n), limit)) } //nolint:gosec // not negative
	finished := int64(0)
	if !e.FinishedAt.IsZero() {
		finished = e.FinishedAt.UnixMilli()
	}
	b := binary.LittleEndian.AppendUint16(make([]byte, 0, 16), value)
	b = binary.LittleEndian.AppendUint16(b, uint16(most(int64(e.Attempts), math.MaxUint16)))   //nolint:gosec // cut
	b = binary.LittleEndian.AppendUint16(b, uint16(most(int64(e.HTTPStatus), math.MaxUint16))) //nolint:gosec // cut
	at := binary.LittleEndian.AppendUint64(nil, most(finished, 1<<48-1))
	b = append(b, at[:6]...)
	return binary.LittleEndian.AppendUint32(b, uint32(most(e.Took.Milliseconds(), math.MaxUint32))) //nolint:gosec // cut
}

func (l *Ledger) askRow(ctx context.Context, what string, script *redis.Script, r RowRef, more ...any) (RowVerdict, tasks.State, error) {
	answer, err := l.run(ctx, what, script, []string{r.part()}, append([]any{r.Row, r.Feed}, more...)...)
	if err != nil {
		return "", "", err
	}
	if answer.text(0) == "unknown" {
		return "", "", fmt.Errorf("row %s: %w", r.ID(), ErrNoRow)
	}
	var state tasks.State
	if letter := answer.text(1); letter != "" {
		state = letters[letter[0]]
	}
	return RowVerdict(answer.text(0)), state, nil
}
