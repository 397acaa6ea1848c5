package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// tended is what a feeder knows of a campaign.
type tended struct {
	ledger.Campaign
	settings tasks.CampaignSettings
	schedule tasks.Schedule
	window   ledger.Window
	told     time.Time // the pause that people were told of
}

// trialOver is why a campaign pauses itself after its trial.
const trialOver = "trial"

// tendAll looks after the account's campaigns, if this process is the one to feed it;
// otherwise it says for how long it is not.
func (f *feeder) tendAll(ctx context.Context) (held time.Duration, err error) {
	l := f.lane
	fed, err := l.ledger.Feed(ctx, f.request(0))
	if err != nil || fed.Held > 0 {
		return fed.Held, err
	}
	campaigns, err := l.ledger.CampaignsOf(ctx, l.account.Name)
	if err != nil && len(campaigns) == 0 {
		return 0, err
	}
	problems := []error{err} // one campaign in trouble must not stop the others
	parts, err := l.ledger.PartsOf(ctx, l.account.Name, campaigns)
	if err != nil {
		return 0, err
	}
	before := f.campaigns
	f.campaigns = map[string]tended{}
	for i, c := range campaigns {
		t := l.known(c, before[c.ID])
		f.campaigns[c.ID] = t
		problems = append(problems, f.tend(ctx, &t, parts[i]))
		f.campaigns[c.ID] = t
	}
	for id := range before {
		if _, left := f.campaigns[id]; !left {
			l.ended(ctx, id)
		}
	}
	if err := f.lost(ctx, fed.Taken); err != nil {
		return 0, err
	}
	f.complain(errors.Join(problems...))
	f.tendedAt = time.Now()
	if len(campaigns) == 0 {
		return 0, errNoCampaigns
	}
	return 0, nil
}

// complain writes down what went wrong, once for as long as it stays the same. What
// another process is in the middle of is nothing to complain of.
func (f *feeder) complain(err error) {
	text := ""
	if err = ignoreBusy(err); err != nil {
		text = err.Error()
	}
	if text != "" && text != f.complained {
		f.lane.log.Warn("campaigns.untended", "error", err)
	}
	f.complained = text
}

// lost looks for rows whose tasks were lost: now and then, and of another feeder's
// last rows at once.
func (f *feeder) lost(ctx context.Context, taken bool) error {
	since := ledger.QuietAfter
	if taken {
		since = 0
	} else if time.Since(f.searched) < searchEvery {
		return nil
	}
	f.searched = time.Now()
	return f.search(ctx, since)
}

// known brings what was known of a campaign up to date.
func (l *lane) known(c ledger.Campaign, before tended) tended {
	t := before
	if before.ID == "" {
		var err error
		if t.settings, err = tasks.ParseCampaignSettings(c.Settings); err == nil {
			t.schedule, err = t.settings.Schedule()
		}
		if err != nil { // a newer program's
			l.log.Error("campaign.unknown_settings", "campaign", c.Name, "error", err, "note", "it waits until a worker comes that knows them")
			t.window.Shut = true
		}
		t.window.StopAt = t.settings.StopAt
	}
	t.Campaign = c
	return t
}

// tend does what a campaign's state asks for.
func (f *feeder) tend(ctx context.Context, t *tended, part ledger.PartStatus) error {
	l, now := f.lane, time.Now()
	if !t.schedule.Always() {
		open, until := t.schedule.Open(now)
		t.window.Shut, t.window.Until = !open, until
	}
	stopped := !t.PausedSince.IsZero() || t.Closed != ""
	if stopped && part.Counts[ledger.Queued] > 0 {
		if err := f.recall(ctx, t.ID); err != nil {
			return err
		}
	}
	switch {
	case t.Closed != "":
		return nil
	case !t.Expires.After(now):
		_, err := l.ledger.ExpireCampaign(ctx, t.ID)
		l.log.Info("campaign.expired", "campaign", t.Name)
		return ignoreBusy(err)
	case stopped:
		return l.tellPaused(ctx, t)
	case t.settings.StopAt > 0 && bad(part.Last) >= t.settings.StopAt:
		why := fmt.Sprintf("%d of the last %d rows of account %s were refused or failed", bad(part.Last), len(part.Last), part.Account)
		return l.pause(ctx, t, why)
	case t.Trial > 0:
		s, err := l.ledger.CampaignStatus(ctx, t.ID)
		if err != nil || !s.TrialOver() {
			return err
		}
		return l.pause(ctx, t, trialOver)
	}
	return nil
}

// ignoreBusy lets the next look go on with what another process is in the middle of.
func ignoreBusy(err error) error {
	if errors.Is(err, ledger.ErrCampaignBusy) || errors.Is(err, ledger.ErrCampaignClosed) || errors.Is(err, ledger.ErrNoCampaign) {
		return nil
	}
	return err
}

// bad counts refused and failed rows.
func bad(last []tasks.State) (n int) {
	for _, state := range last {
		if state == tasks.Refused || state == tasks.Failed {
			n++
		}
	}
	return n
}

// pause is a campaign's own: nobody did it.
func (l *lane) pause(ctx context.Context, t *tended, why string) error {
	done, err := l.ledger.PauseCampaign(ctx, t.ID, "", why)
	if done {
		l.log.Warn("campaign.paused", "campaign", t.Name, "why", why, "mend", "look at it, then: groupphoto campaign resume "+t.Name)
	}
	return ignoreBusy(err)
}

// campaignData is what an event says of a campaign.
type campaignData struct {
	ID     string                `json:"id"`
	Name   string                `json:"name"`
	State  string                `json:"state"` // paused, finished or cancelled
	Reason string                `json:"reason"`
	By     string                `json:"by"`
	Total  int64                 `json:"total"`
	Counts map[tasks.State]int64 `json:"counts"`
}

func newCampaignData(s ledger.CampaignStatus, state, reason, by string) campaignData {
	d := campaignData{ID: s.ID, Name: s.Name, State: state, Reason: reason, By: by, Total: s.Total, Counts: map[tasks.State]int64{}}
	for state, n := range s.Counts {
		if state == tasks.Retrying {
			state = ledger.Queued // as everywhere
		}
		d.Counts[state] += n
	}
	return d
}

func (d campaignData) text() string {
	text, _ := json.Marshal(d) // words and numbers cannot fail
	return string(text)
}

// tellPaused lets people outside know of a pause.
func (l *lane) tellPaused(ctx context.Context, t *tended) error {
	if t.told.Equal(t.PausedSince) {
		return nil
	}
	s, err := l.ledger.CampaignStatus(ctx, t.ID)
	if err != nil || s.PausedSince.IsZero() {
		return ignoreBusy(err)
	}
	data := newCampaignData(s, "paused", s.PauseWhy, s.PausedBy)
	if _, err := l.ledger.TellCampaign(ctx, s.Campaign, ledger.CampaignPaused, fmt.Sprint(s.PausedSince.UnixMilli()), data.text(), ""); err != nil {
		return err
	}
	t.told = s.PausedSince
	return nil
}

// ended sees whether a campaign has ended in all accounts, and lets people know.
func (l *lane) ended(ctx context.Context, id string) {
	s, err := l.ledger.CampaignStatus(ctx, id)
	if err == nil && !s.Open() {
		err = l.tellEnded(ctx, s)
	}
	if err = ignoreBusy(err); err != nil && l.stop.Err() == nil { // the janitor finds it
		l.log.Warn("campaign.untold", "campaign", id, "error", err)
	}
}

func (l *lane) tellEnded(ctx context.Context, s ledger.CampaignStatus) error {
	state, reason, by := "finished", "", ""
	switch s.Closed {
	case tasks.Cancelled:
		state, reason, by = string(tasks.Cancelled), s.CloseWhy, s.ClosedBy
	case tasks.Expired:
		reason = string(tasks.ExpiredTime)
	}
	data := newCampaignData(s, state, reason, by)
	told, err := l.ledger.TellCampaign(ctx, s.Campaign, ledger.CampaignFinished, s.Which(), data.text(), state)
	if told {
		l.log.Info("campaign.finished", "campaign", s.Name, "state", state, "rows", s.Total,
			"updated", s.Counts[tasks.Updated], "refused", s.Counts[tasks.Refused], "failed", s.Counts[tasks.Failed])
	}
	return err
}

// tells says whether the outcome of a row is to be told outside, too.
func (l *lane) tells(ctx context.Context, r *run) bool {
	if r.Row == nil || !l.hooked {
		return false
	}
	each, known := l.each.Load(r.Row.Campaign)
	if !known {
		c, err := l.ledger.Campaign(ctx, r.Row.Campaign)
		if err != nil {
			return false
		}
		settings, err := tasks.ParseCampaignSettings(c.Settings)
		each = err == nil && settings.EachOutcome
		l.each.Store(r.Row.Campaign, each)
	}
	return each.(bool)
}
