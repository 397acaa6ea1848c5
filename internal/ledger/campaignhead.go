package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/tasks"
)

//go:embed campaign_wish.lua
var campaignWishLua string

//go:embed campaign_apply.lua
var campaignApplyLua string

//go:embed campaign_sweep.lua
var campaignSweepLua string

var (
	campaignWishScript  = newScript(campaignWishLua)
	campaignApplyScript = newRowScript(campaignApplyLua)
	campaignSweepScript = newRowScript(campaignSweepLua)
)

// Campaign is a campaign's head: what holds for all its parts.
type Campaign struct {
	ID, Name, By string
	// Settings are the caller's own, kept as they are.
	Settings string
	// Accounts have or had rows of it.
	Accounts []string
	Total    int64
	// Accepted is when it was whole; no row goes out before Start or after Expires.
	Accepted, Start, Expires time.Time
	SkipUnchanged            bool
	// Trial is how many rows per account may go before somebody resumes; 0: all.
	Trial int
	// PausedSince is when it was paused; zero: it is not. By and For say who, and
	// what for.
	PausedSince        time.Time
	PausedBy, PauseWhy string
	// Closed is tasks.Cancelled or tasks.Expired, "" when it is open.
	Closed             tasks.State
	ClosedAt           time.Time
	ClosedBy, CloseWhy string
	// Pass is how often rows were made to wait again; Moves how often rows were moved
	// between accounts.
	Pass, Moves int
	// Moving is the move that is not done yet: from and to; "" is none.
	Moving [2]string

	digest  string
	version int64
	until   time.Time
	places  int64
	home    int64 // the chunks before this one were accepted; moves brought the others
}

// Campaign reads a head by id or name. Errors: ErrNoCampaign, and Redis'.
func (l *Ledger) Campaign(ctx context.Context, idOrName string) (Campaign, error) {
	var byID *redis.MapStringStringCmd
	var byName *redis.StringCmd
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		byID, byName = p.HGetAll(ctx, keyHead(idOrName)), p.HGet(ctx, keyHeadNames, idOrName)
		return nil
	}); err != nil && !errors.Is(err, redis.Nil) {
		return Campaign{}, fmt.Errorf("reading campaign %s: %w", idOrName, err)
	}
	id, fields := idOrName, byID.Val()
	if fields["state"] != "ready" && byName.Val() != "" {
		var err error
		id = byName.Val()
		if fields, err = l.rdb.HGetAll(ctx, keyHead(id)).Result(); err != nil {
			return Campaign{}, fmt.Errorf("reading campaign %s: %w", idOrName, err)
		}
	}
	if fields["state"] != "ready" {
		return Campaign{}, fmt.Errorf("campaign %s: %w", idOrName, ErrNoCampaign)
	}
	return readHead(id, fields), nil
}

// Campaigns lists the accepted campaigns, the newest first.
func (l *Ledger) Campaigns(ctx context.Context) ([]Campaign, error) {
	ids, err := l.rdb.ZRevRange(ctx, keyHeadKnown, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("listing campaigns: %w", err)
	}
	heads := make([]*redis.MapStringStringCmd, len(ids))
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			heads[i] = p.HGetAll(ctx, keyHead(id))
		}
		return nil
	}); err != nil && len(ids) > 0 {
		return nil, fmt.Errorf("listing campaigns: %w", err)
	}
	var all []Campaign
	for i, id := range ids {
		if f := heads[i].Val(); f["state"] == "ready" {
			all = append(all, readHead(id, f))
		} else if err := l.rdb.ZRem(ctx, keyHeadKnown, id).Err(); err != nil { // past its time
			return nil, fmt.Errorf("forgetting a campaign: %w", err)
		}
	}
	return all, nil
}

func readHead(id string, f map[string]string) Campaign {
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(f[name], 10, 64) // our own scripts wrote it; absent is zero
		return n
	}
	c := Campaign{
		ID: id, Name: f["name"], By: f["by"], Settings: f["settings"], Accounts: strings.Fields(f["accounts"]), Total: number("total"),
		Accepted: stamp(f["accepted"]), Start: stamp(f["start"]), Expires: stamp(f["expires"]), SkipUnchanged: f["skip"] != "",
		Trial: int(number("trial")), PausedSince: stamp(f["paused"]), Pass: int(number("pass")), Moves: int(number("moves")),
		digest: f["digest"], version: number("version"), until: stamp(f["until"]), places: number("places"),
		home: number("home"),
	}
	if !c.PausedSince.IsZero() {
		c.PausedBy, c.PauseWhy = f["paused_by"], f["paused_why"]
	}
	if f["closed"] != "" {
		c.Closed, c.ClosedAt, c.ClosedBy, c.CloseWhy = letters[f["closed"][0]], stamp(f["closed_at"]), f["closed_by"], f["closed_why"]
	}
	if moving := strings.Fields(f["moving"]); len(moving) > 1 {
		c.Moving = [2]string{moving[0], moving[1]}
	}
	return c
}

// PauseCampaign stops feeding a campaign and sends its queued rows back to waiting
// as their workers come to them; calls under way end. It says false when it was
// paused. Errors: ErrNoCampaign, ErrCampaignClosed, and Redis'.
func (l *Ledger) PauseCampaign(ctx context.Context, id, by, why string) (bool, error) {
	return l.wish(ctx, id, "pause", by, why)
}

// ResumeCampaign ends a pause, and a trial. It says false when there was neither.
// Errors as of PauseCampaign.
func (l *Ledger) ResumeCampaign(ctx context.Context, id, by string) (bool, error) {
	return l.wish(ctx, id, "resume", by, "")
}

// CancelCampaign ends a campaign: rows that wait count as cancelled at once, those
// under way end when their workers come to them. It says false when it was closed.
// Errors: ErrNoCampaign, and Redis'.
func (l *Ledger) CancelCampaign(ctx context.Context, id, by, why string) (bool, error) {
	return l.wish(ctx, id, "cancel", by, why)
}

// ExpireCampaign is CancelCampaign for a campaign whose time is over: its rows
// count as expired.
func (l *Ledger) ExpireCampaign(ctx context.Context, id string) (bool, error) {
	return l.wish(ctx, id, "expire", "", "its time ran out")
}

func (l *Ledger) wish(ctx context.Context, id, wish, by, why string) (bool, error) {
	answer, err := l.run(ctx, "writing down a campaign's state", campaignWishScript,
		[]string{keyHead(id), keyHeadLog(id)}, wish, by, why)
	if err != nil {
		return false, err
	}
	switch answer.text(0) {
	case "unknown":
		return false, fmt.Errorf("campaign %s: %w", id, ErrNoCampaign)
	case "closed":
		return false, fmt.Errorf("campaign %s: %w", id, ErrCampaignClosed)
	}
	c, err := l.Campaign(ctx, id)
	if err != nil {
		return false, err
	}
	if err := l.ApplyCampaign(ctx, c); err != nil {
		return false, err
	}
	if c.Closed != "" {
		err = l.SweepCampaign(ctx, c)
	}
	return answer.text(0) == "ok", err
}

// ApplyCampaign brings what the head says to all parts. The feeder does it again
// for its own part, so that a process that died half-way leaves nothing behind. It
// may be called at any time.
func (l *Ledger) ApplyCampaign(ctx context.Context, c Campaign) error {
	return l.eachPart(ctx, c.Accounts, func(account string) error {
		answer, err := l.run(ctx, "bringing a campaign's state to account "+account, campaignApplyScript,
			[]string{keyPart(account, c.ID), keyCampaigns(account)}, c.version, flag(!c.PausedSince.IsZero()), letterOf(c.Closed),
			unixMillis(c.Expires), unixMillis(c.Start), c.Trial, c.places, unixMillis(c.until))
		if err == nil && answer.text(0) == "sweep" {
			return fmt.Errorf("campaign %s: rows of account %s are being closed: %w", c.ID, account, ErrCampaignBusy)
		}
		return err
	})
}

// eachPart does something for several accounts, a few at a time, and returns the
// first problem.
func (l *Ledger) eachPart(ctx context.Context, accounts []string, do func(account string) error) error {
	const most = 16
	for some := range slices.Chunk(accounts, most) {
		errs := make(chan error, len(some))
		for _, account := range some {
			go func() { errs <- do(account) }()
		}
		var first error
		for range some {
			if err := <-errs; first == nil {
				first = err
			}
		}
		if first != nil {
			return first
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// sweepChunks are swept in one script: about a millisecond of Redis.
const sweepChunks = 50

// SweepCampaign writes to the rows of a closed campaign what they count as. It may
// be called at any time, and left half done.
func (l *Ledger) SweepCampaign(ctx context.Context, c Campaign) error {
	return l.eachPart(ctx, c.Accounts, func(account string) error {
		for {
			answer, err := l.run(ctx, "closing a campaign's rows", campaignSweepScript, []string{keyPart(account, c.ID)},
				sweepChunks, string(tasks.Stopped), string(tasks.ExpiredTime))
			if err != nil || answer.number(0) == 0 {
				return err
			}
		}
	})
}

// CampaignEvent is one line of what was done to a campaign by whom.
type CampaignEvent struct {
	At            time.Time
	What, By, Why string
}

// CampaignLog lists what was done to a campaign, the oldest first.
func (l *Ledger) CampaignLog(ctx context.Context, id string) ([]CampaignEvent, error) {
	lines, err := l.rdb.LRange(ctx, keyHeadLog(id), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("reading the log of campaign %s: %w", id, err)
	}
	events := make([]CampaignEvent, len(lines))
	for i, line := range lines {
		at, rest, _ := strings.Cut(line, " ")
		what, rest, _ := strings.Cut(rest, " ")
		by, why, _ := strings.Cut(rest, "\t")
		events[i] = CampaignEvent{stamp(at), what, by, why}
	}
	return events, nil
}
