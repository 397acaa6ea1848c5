package enqueue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// CampaignState is where a campaign stands as a whole.
type CampaignState string

// The states of campaigns.
const (
	CampaignScheduled CampaignState = "scheduled" // its start has not come
	CampaignRunning   CampaignState = "running"
	CampaignPaused    CampaignState = "paused"    // by somebody, by itself, or because its trial is over
	CampaignFinished  CampaignState = "finished"  // every row has ended
	CampaignCancelled CampaignState = "cancelled" // rows under way may still end
)

// TrialOver is the Reason of a campaign that waits for somebody to resume it after
// its trial.
const TrialOver = "trial"

// CampaignInfo tells where a campaign stands. As JSON it has every key, times are
// UTC or null.
type CampaignInfo struct {
	ID, Name, By string
	State        CampaignState
	// Reason is why it is paused, cancelled or was ended before its rows were: "trial",
	// "out_of_time", "stopped by ana: wrong logo", or why it paused itself; else "".
	Reason string
	Total  int64
	// Counts says how many rows are in each state; every state that a row can be in
	// has a key, and they add up to Total: those that end a row, Waiting, Queued and
	// Calling.
	Counts   map[State]int64
	Accounts []CampaignPart
	// Failures are the rows that ended neither updated nor unchanged, by reason, the
	// most frequent first. CampaignExamples adds examples.
	Failures []CampaignFailure
	// RatePerSecond is how many rows end per second while the campaign works, as far
	// as that is known, else 0. ETASeconds is how long it takes until the last row has
	// ended; nil while nobody can know.
	RatePerSecond float64
	ETASeconds    *float64
	// AcceptedAt is when it was whole. No row goes before Start or after Expires.
	AcceptedAt, Start, Expires time.Time
	// StartedAt is when its rows could go first; zero while it is scheduled. FinishedAt
	// is when the last row ended; zero before that.
	StartedAt, FinishedAt time.Time
	// Pass is how often rows were sent again; Trial is Campaign.Trial, 0 once somebody
	// has resumed it.
	Pass, Trial   int
	SkipUnchanged bool
	Settings      tasks.CampaignSettings
	// Moving names the accounts from and to which rows are being moved; empty when
	// none are.
	Moving [2]string
	// Undoes is the id of the campaign that this one undoes; "" for all others.
	Undoes string
}

// CampaignPart is where the rows of one account stand.
type CampaignPart struct {
	Account       string          `json:"account"`
	Total         int64           `json:"total"`
	Counts        map[State]int64 `json:"counts"`
	RatePerSecond float64         `json:"ratePerSecond"`
	ETASeconds    *float64        `json:"etaSeconds"`
}

// CampaignFailure is what several rows have in common that were not carried out.
type CampaignFailure struct {
	State  State        `json:"state"`
	Reason tasks.Reason `json:"reason"`
	Rows   int64        `json:"rows"`
	// Means says what happened, Mend what a person should do; "" when nothing is to be
	// done.
	Means    string            `json:"means"`
	Mend     string            `json:"mend"`
	Examples []CampaignExample `json:"examples"`
}

// CampaignExample is a row that failed.
type CampaignExample struct {
	Line    int64         `json:"line"`
	Group   tasks.GroupID `json:"groupId"`
	Account string        `json:"account"`
}

// wireInfo fixes the JSON names and their order, which a test pins.
type wireInfo struct {
	ID            string                 `json:"id"`
	Name          string                 `json:"name"`
	State         CampaignState          `json:"state"`
	Reason        string                 `json:"reason"`
	Total         int64                  `json:"total"`
	Counts        map[State]int64        `json:"counts"`
	Accounts      []CampaignPart         `json:"accounts"`
	RatePerSecond float64                `json:"ratePerSecond"`
	ETASeconds    *float64               `json:"etaSeconds"`
	StartedAt     *time.Time             `json:"startedAt"`
	FinishedAt    *time.Time             `json:"finishedAt"`
	By            string                 `json:"by"`
	AcceptedAt    *time.Time             `json:"acceptedAt"`
	Start         *time.Time             `json:"start"`
	Expires       *time.Time             `json:"expires"`
	Pass          int                    `json:"pass"`
	Trial         int                    `json:"trial"`
	SkipUnchanged bool                   `json:"skipUnchanged"`
	Settings      tasks.CampaignSettings `json:"settings"`
	Moving        []string               `json:"moving"`
	Undoes        string                 `json:"undoes"`
	Failures      []CampaignFailure      `json:"failures"`
}

// MarshalJSON writes every key, in the documented order; times that are not known
// are null.
func (i CampaignInfo) MarshalJSON() ([]byte, error) {
	w := wireInfo{
		ID: i.ID, Name: i.Name, State: i.State, Reason: i.Reason, Total: i.Total, Counts: i.Counts, Accounts: i.Accounts,
		RatePerSecond: i.RatePerSecond, ETASeconds: i.ETASeconds, StartedAt: orNull(i.StartedAt), FinishedAt: orNull(i.FinishedAt),
		By: i.By, AcceptedAt: orNull(i.AcceptedAt), Start: orNull(i.Start), Expires: orNull(i.Expires), Pass: i.Pass, Trial: i.Trial,
		SkipUnchanged: i.SkipUnchanged, Settings: i.Settings, Moving: []string{}, Undoes: i.Undoes, Failures: i.Failures,
	}
	if i.Moving[0] != "" {
		w.Moving = i.Moving[:]
	}
	if w.Accounts == nil {
		w.Accounts = []CampaignPart{}
	}
	w.Failures = make([]CampaignFailure, len(i.Failures))
	for n, f := range i.Failures {
		if f.Examples == nil {
			f.Examples = []CampaignExample{}
		}
		w.Failures[n] = f
	}
	return json.Marshal(w)
}

// Campaigns lists the campaigns that are kept, the newest first.
func (c *Client) Campaigns(ctx context.Context) ([]CampaignInfo, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	heads, err := c.ledger.Campaigns(ctx)
	if err != nil {
		return nil, campaignFault(ctx, "listing the campaigns", err)
	}
	const most = 8 // looks at Redis at a time
	infos := make([]CampaignInfo, len(heads))
	looks, looking := errgroup.WithContext(ctx)
	looks.SetLimit(most)
	for n, head := range heads {
		looks.Go(func() error {
			info, err := c.info(looking, head.ID)
			if errors.Is(err, ErrNoCampaign) { // its time ran out just now
				return nil
			}
			infos[n] = info
			return err
		})
	}
	if err := looks.Wait(); err != nil {
		return nil, campaignFault(ctx, "listing the campaigns", err)
	}
	return slices.DeleteFunc(infos, func(i CampaignInfo) bool { return i.ID == "" }), nil
}

// CampaignInfo tells where a campaign stands, by counters alone, whatever its size.
// Errors: ErrNoCampaign, ErrUnavailable.
func (c *Client) CampaignInfo(ctx context.Context, idOrName string) (CampaignInfo, error) {
	if err := c.ready(ctx); err != nil {
		return CampaignInfo{}, err
	}
	info, err := c.info(ctx, idOrName)
	return info, campaignFault(ctx, "looking at the campaign", err)
}

func (c *Client) info(ctx context.Context, idOrName string) (CampaignInfo, error) {
	s, err := c.ledger.CampaignStatus(ctx, idOrName)
	if err != nil {
		return CampaignInfo{}, err
	}
	log, err := c.ledger.CampaignLog(ctx, s.ID)
	if err != nil {
		return CampaignInfo{}, err
	}
	return infoOf(s, log, time.Now())
}

func infoOf(s ledger.CampaignStatus, log []ledger.CampaignEvent, now time.Time) (CampaignInfo, error) {
	settings, err := tasks.ParseCampaignSettings(s.Settings)
	if err != nil {
		return CampaignInfo{}, fmt.Errorf("campaign %s: %w", s.ID, err)
	}
	i := CampaignInfo{
		ID: s.ID, Name: s.Name, By: s.By, Total: s.Total, Counts: countsOf(s.Counts), Failures: failuresOf(s),
		AcceptedAt: s.Accepted, Start: s.Start, Expires: s.Expires, Pass: s.Pass, Trial: s.Trial, SkipUnchanged: s.SkipUnchanged,
		Settings: settings, Moving: s.Moving, Undoes: undoneBy(s.Settings),
	}
	i.State, i.Reason = stateOf(s, now)
	if started := cmp.Or(s.Start, s.Accepted); i.State != CampaignScheduled {
		i.StartedAt = started
		if s.Accepted.After(started) {
			i.StartedAt = s.Accepted
		}
	}
	if !s.Open() {
		i.FinishedAt = finishedAt(s)
	}
	i.pace(s, log, now)
	return i, nil
}

// campaignStates are the keys of CampaignInfo.Counts.
var campaignStates = []State{Updated, Unchanged, Refused, Failed, Superseded, Expired, Cancelled, Waiting, Queued, Calling}

// countsOf counts retrying rows as queued: both wait for their next call.
func countsOf(counts ledger.Counts) map[State]int64 {
	all := make(map[State]int64, len(campaignStates))
	for _, state := range campaignStates {
		all[state] = counts[state]
	}
	all[Queued] += counts[Retrying]
	return all
}

// stateOf derives where a campaign stands. Finished is what its rows say, never what
// somebody wrote down.
func stateOf(s ledger.CampaignStatus, now time.Time) (CampaignState, string) {
	late := s.Closed == Expired || s.Closed == "" && s.Open() && !now.Before(s.Expires)
	reason := ""
	if late {
		reason = string(tasks.ExpiredTime)
	}
	switch {
	case s.Closed == Cancelled:
		return CampaignCancelled, stoppedBy(s.ClosedBy, s.CloseWhy)
	case !s.Open():
		return CampaignFinished, reason
	case late: // its last rows are about to end
		return CampaignRunning, reason
	case !s.PausedSince.IsZero():
		return CampaignPaused, stoppedBy(s.PausedBy, s.PauseWhy)
	case s.Start.After(now):
		return CampaignScheduled, ""
	case s.TrialOver():
		return CampaignPaused, TrialOver
	}
	return CampaignRunning, ""
}

// stoppedBy says who stopped a campaign and why. What it does by itself has nobody.
func stoppedBy(by, why string) string {
	switch {
	case by == "":
		return why
	case why == "":
		return "stopped by " + by
	}
	return "stopped by " + by + ": " + why
}

func finishedAt(s ledger.CampaignStatus) time.Time {
	last := s.LastEnd
	for _, p := range s.Parts {
		if p.Finished.After(last) {
			last = p.Finished
		}
	}
	return cmp.Or(last, s.ClosedAt)
}
