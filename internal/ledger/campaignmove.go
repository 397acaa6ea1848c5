package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed campaign_carry.lua
var campaignCarryLua string

//go:embed campaign_leave.lua
var campaignLeaveLua string

//go:embed campaign_land.lua
var campaignLandLua string

//go:embed campaign_left.lua
var campaignLeftLua string

var (
	campaignCarryScript = newRowScript(campaignCarryLua)
	campaignLeaveScript = newRowScript(campaignLeaveLua)
	campaignLandScript  = newRowScript(campaignLandLua)
	campaignLeftScript  = newRowScript(campaignLeftLua)
)

// MoveCampaign moves the rows of a campaign that have not ended from one account
// to another and returns how many. Those that are being called stay: the same again
// takes them along once they wait. When it breaks off, the rows in between wait
// and no account sends them, until it is called again, by anybody. Errors:
// ErrNoCampaign, ErrCampaignClosed, ErrCampaignBusy while another move of the
// campaign is not done, and Redis'.
func (l *Ledger) MoveCampaign(ctx context.Context, id, from, to, by string) (int64, error) {
	c, err := l.Campaign(ctx, id)
	switch {
	case err != nil:
		return 0, err
	case from == to:
		return 0, fmt.Errorf("moving rows from account %s to itself: %w", from, ErrNoRow)
	case c.Closed != "" && c.Moving != [2]string{from, to}: // a move that broke off comes to its end
		return 0, fmt.Errorf("campaign %s: %w", id, ErrCampaignClosed)
	}
	return l.move(ctx, c, "begin", from, to, by)
}

// move begins a move, or goes on with one.
func (l *Ledger) move(ctx context.Context, c Campaign, how, from, to, by string) (int64, error) {
	chunks, err := l.chunksOf(ctx, from, c.ID)
	if err != nil {
		return 0, err
	}
	begun, err := l.carry(ctx, c.ID, how, from, to, len(chunks), by)
	if err != nil || begun.text(0) == "over" {
		return 0, err
	}
	if c, err = l.Campaign(ctx, c.ID); err != nil {
		return 0, err
	}
	if err := l.ApplyCampaign(ctx, c); err != nil {
		return 0, err
	}
	var moved int64
	for i, n := range chunks[:min(len(chunks), int(begun.number(3)))] {
		rows, err := l.moveChunk(ctx, c.ID, from, to, n, begun.number(2)+int64(i), begun.number(1))
		if moved += rows; err != nil {
			return moved, err
		}
	}
	if c.Closed != "" {
		if err := l.SweepCampaign(ctx, c); err != nil {
			return moved, err
		}
	}
	_, err = l.carry(ctx, c.ID, "done", from, to, 0, by)
	return moved, err
}

func (l *Ledger) carry(ctx context.Context, id, how, from, to string, chunks int, by string) (reply, error) {
	answer, err := l.run(ctx, "moving rows between accounts", campaignCarryScript,
		[]string{keyHead(id), keyHeadLog(id)}, how, from, to, chunks, by)
	if err != nil {
		return nil, err
	}
	switch answer.text(0) {
	case "unknown":
		return nil, fmt.Errorf("campaign %s: %w", id, ErrNoCampaign)
	case "busy":
		return nil, fmt.Errorf("campaign %s: its rows are being moved from %s to %s: %w", id, answer.text(1), answer.text(2), ErrCampaignBusy)
	}
	return answer, nil
}

// moveChunk takes three steps, each of which may be taken again: rows leave, and
// count nowhere; they land; what is left of them is marked.
func (l *Ledger) moveChunk(ctx context.Context, id, from, to string, n, target, move int64) (int64, error) {
	source := []string{keyPart(from, id)}
	answer, err := l.run(ctx, "taking rows from account "+from, campaignLeaveScript, source, n, move)
	if err != nil {
		return 0, err
	}
	states := answer.text(0)
	leaving := int64(strings.Count(states, "l"))
	if leaving == 0 || states == "closed" { // or "over"
		return 0, nil
	}
	packed, err := l.rdb.Get(ctx, chunkKey(source[0], 'r', n)).Bytes()
	if err != nil {
		return 0, fmt.Errorf("reading rows of account %s: %w", from, err)
	}
	rows, err := unpack(to, packed)
	if err != nil {
		return 0, fmt.Errorf("reading rows of account %s: %w", from, err)
	}
	p := packer{account: to, chunk: target}
	for i, row := range rows {
		if i < len(states) && states[i] == 'l' {
			p.add(row)
		}
	}
	if _, err := l.run(ctx, "giving rows to account "+to, campaignLandScript,
		[]string{keyPart(to, id), keyCampaigns(to)}, target, p.count, p.bytes()); err != nil {
		return 0, err
	}
	_, err = l.run(ctx, "marking rows of account "+from, campaignLeftScript, source, n, move)
	return leaving, err
}

// CampaignsOf returns the campaigns that an account has rows left of, for its
// feeder: what their heads say has been brought to the account, and what another
// process began and did not finish has been finished. Heads that are gone are left
// out.
func (l *Ledger) CampaignsOf(ctx context.Context, account string) ([]Campaign, error) {
	ids, err := l.rdb.ZRange(ctx, keyCampaigns(account), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("listing the campaigns of account %s: %w", account, err)
	}
	heads := make([]*redis.MapStringStringCmd, len(ids))
	if _, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			heads[i] = p.HGetAll(ctx, keyHead(id))
		}
		return nil
	}); err != nil && len(ids) > 0 {
		return nil, fmt.Errorf("listing the campaigns of account %s: %w", account, err)
	}
	var all []Campaign
	var problems []error
	for i, id := range ids {
		if heads[i].Val()["state"] == "ready" {
			c := readHead(id, heads[i].Val())
			all = append(all, c)
			problems = append(problems, l.catchUp(ctx, c, account)) // one that is stuck must not stop the others
		}
	}
	return all, errors.Join(problems...)
}

func (l *Ledger) catchUp(ctx context.Context, c Campaign, account string) error {
	mine := c
	mine.Accounts = []string{account}
	if err := l.ApplyCampaign(ctx, mine); err != nil {
		return err
	}
	if c.Closed != "" {
		if err := l.SweepCampaign(ctx, mine); err != nil {
			return err
		}
	}
	if c.Moving[0] == account {
		_, err := l.move(ctx, c, "go on", c.Moving[0], c.Moving[1], "")
		return err
	}
	return nil
}
