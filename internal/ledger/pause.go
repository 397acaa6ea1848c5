package ledger

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed pause.lua
var pauseLua string

//go:embed mirror.lua
var mirrorLua string

//go:embed flag.lua
var flagLua string

var (
	pauseScript  = newLaneScript(pauseLua)
	mirrorScript = newLaneScript(mirrorLua)
	flagScript   = newScript(flagLua)
)

// WebUI is who paused an account whose queue was paused in asynq's web UI, or
// with another of asynq's tools.
const WebUI = "the asynq web UI"

func laneKeys(account string) []string {
	return []string{keyLane(account), keyLine(account), keyEvents(account)}
}

// Pause stops an account until Resume: no turn is granted, by any process. It
// says false when an operator had paused it before; then by and why stay as they
// were.
func (l *Ledger) Pause(ctx context.Context, account, by, why string) (bool, error) {
	answer, err := l.run(ctx, "pausing the account", pauseScript, laneKeys(account), "1", by, why)
	return err == nil && answer.text(0) == "ok", err
}

// Resume ends a Pause. It says false when there was none. Trouble stays.
func (l *Ledger) Resume(ctx context.Context, account, by string) (bool, error) {
	answer, err := l.run(ctx, "resuming the account", pauseScript, laneKeys(account), "", by, "")
	return err == nil && answer.text(0) == "ok", err
}

// Mirror brings asynq's flags and the reasons for which accounts are paused
// together, and returns how each account stands, in the order given.
//
// A queue is paused for asynq while an operator's pause or trouble holds its
// account. Our own flag differs from one that asynq's tools set, so that what
// somebody does in asynq's web UI is an operator's doing and nobody else's:
// pausing a queue there pauses the account, resuming it there ends the operator's
// pause, and trouble pauses it again. The bulk queue follows; pausing that one
// alone is left alone, since it stops campaigns only. Any number of processes may
// do this at the same time.
func (l *Ledger) Mirror(ctx context.Context, accounts ...string) ([]LaneState, error) {
	lanes, flags := make([]laneReader, len(accounts)), make([][2]*redis.StringCmd, len(accounts))
	campaigns := make([]*redis.IntCmd, len(accounts))
	var clock *redis.TimeCmd
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		clock = p.Time(ctx)
		for i, account := range accounts {
			lanes[i], campaigns[i] = readLane(ctx, p, account), p.ZCard(ctx, keyCampaigns(account))
			flags[i] = [2]*redis.StringCmd{p.Get(ctx, pausedFlag(tasks.Queue(account))), p.Get(ctx, pausedFlag(tasks.BulkQueue(account)))}
		}
		return nil
	}); err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("reading which accounts are paused: %w", err)
	}
	states := make([]LaneState, len(accounts))
	var problems []error
	for i, account := range accounts {
		states[i] = lanes[i].state(clock.Val())
		states[i].Campaigns = campaigns[i].Val()
		problems = append(problems, l.mirror(ctx, account, states[i], flags[i][0].Val(), flags[i][1].Val()))
	}
	return states, errors.Join(problems...)
}

// pausedFlag is asynq's own key: a queue is paused while it is there. asynq asks
// only whether it is; its own tools write the time into it.
func pausedFlag(queue string) string { return "asynq:{" + queue + "}:paused" }

// Our flags; theirFlag stands for one that somebody set with asynq's tools.
const (
	ourFlag   = "groupphoto:"
	theirFlag = "groupphoto:theirs:"
)

// foreign says that a flag was set with asynq's tools, and not by a Mirror.
func foreign(flag string) bool { return flag != "" && !strings.HasPrefix(flag, ourFlag) }

// newFlag differs from every other flag, so that who wants to remove one never
// removes a later one.
func newFlag() string { return ourFlag + rand.Text() }

// mirror compares one account's flags with what they should be.
func (l *Ledger) mirror(ctx context.Context, account string, s LaneState, flag, bulk string) error {
	ours, closed := strings.HasPrefix(flag, ourFlag), s.Closed
	var err error
	switch {
	case flag == "" && s.flagged != "": // somebody resumed it there
		if closed, err = l.mirrored(ctx, account, "resumed", s.flagged); err == nil && closed {
			err = l.raise(ctx, account, flag)
		}
	case strings.HasPrefix(flag, theirFlag) && s.flagged != flag && s.cleared != flag: // who took it has not heeded it yet
		closed, err = l.mirrored(ctx, account, "paused", flag)
	case flag == "" && closed, ours && closed && s.flagged != flag:
		err = l.raise(ctx, account, flag)
	case foreign(flag): // somebody paused it there
		// Whoever takes that flag away heeds it, a slower process does not do so again.
		after := theirFlag + rand.Text()
		if done, err := l.setFlag(ctx, tasks.Queue(account), flag, after); err != nil || !done {
			return err
		}
		closed, err = l.mirrored(ctx, account, "paused", after)
	case ours && s.jumped: // nobody may be there to ask for a turn, which would cut it
		closed, err = l.mirrored(ctx, account, "set", flag)
	case ours && !closed:
		if closed, err = l.mirrored(ctx, account, "clear", flag); err == nil && !closed {
			_, err = l.setFlag(ctx, tasks.Queue(account), flag, "")
		}
	}
	if err != nil {
		return err
	}
	switch {
	case closed && bulk == "":
		_, err = l.setFlag(ctx, tasks.BulkQueue(account), bulk, newFlag())
	case !closed && strings.HasPrefix(bulk, ourFlag):
		_, err = l.setFlag(ctx, tasks.BulkQueue(account), bulk, "")
	}
	return err
}

// raise puts our flag there before it is noted: a flag that is noted and missing
// would be taken for somebody's wish. For the same reason nothing is noted when
// another process was faster.
func (l *Ledger) raise(ctx context.Context, account, before string) error {
	after := newFlag()
	done, err := l.setFlag(ctx, tasks.Queue(account), before, after)
	if err != nil || !done {
		return err
	}
	_, err = l.mirrored(ctx, account, "set", after)
	return err
}

// mirrored notes what was done or seen, and says whether the account is to be paused.
func (l *Ledger) mirrored(ctx context.Context, account, what, flag string) (bool, error) {
	answer, err := l.run(ctx, "noting that an account is paused", mirrorScript, laneKeys(account), what, WebUI, millis(maxHold), flag)
	return err == nil && answer.text(0) != "", err
}

// setFlag changes asynq's flag of a queue if it still is what it was.
func (l *Ledger) setFlag(ctx context.Context, queue, before, after string) (bool, error) {
	answer, err := l.run(ctx, "pausing or resuming asynq's queue", flagScript, []string{pausedFlag(queue)}, before, after)
	return err == nil && answer.text(0) == "ok", err
}
