package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
)

// startFacts is the JSON of a campaign that was started, behind its receipt.
type startFacts struct {
	State   enqueue.CampaignState `json:"state"`
	Ended   int64                 `json:"ended"`   // rows of it that have an outcome
	Trial   int                   `json:"trial"`   // rows of each account, then it waits; 0: all
	Skipped int                   `json:"skipped"` // rows of the sheet with problems
	Plans   []planFacts           `json:"plans"`
	// LateLinks is how many rows have signed links that end before their turn.
	LateLinks int `json:"lateLinks"`
}

type planFacts struct {
	Account string    `json:"account"`
	Rows    int       `json:"rows"`
	Ahead   int64     `json:"ahead"`
	Until   time.Time `json:"until"`
}

// tellStarted says what was accepted, or that it was before.
func (s *starting) tellStarted(ctx context.Context, r enqueue.CampaignReceipt) error {
	info, err := s.gp.CampaignInfo(ctx, r.ID)
	if err != nil {
		return err
	}
	if s.json() {
		facts := startFacts{info.State, rowsEnded(info), info.Trial, s.tally.bad, []planFacts{}, s.late.count}
		for _, p := range s.planned {
			facts.Plans = append(facts.Plans, planFacts{p.account, p.rows, p.ahead, p.until.UTC().Truncate(time.Second)})
		}
		text, err := joinedJSON(r, facts)
		if err != nil {
			return err
		}
		return printJSON(s.out, json.RawMessage(text))
	}
	k := &campaignAct{app: s.app, language: s.language, config: s.config, gp: s.gp, name: r.Name}
	if r.Before {
		return s.tellBefore(k, info, r)
	}
	pairs := []string{s.text("campaign"), r.Name, s.text("state"), k.stateText(info), s.text("rows"), s.many(int(r.Total), "row", "rows")}
	if s.tally.bad > 0 {
		pairs[5] += s.say(", %d with problems left out", s.tally.bad)
	}
	for i, p := range s.planned {
		if i == shownAccounts {
			pairs = append(pairs, "", s.say("… and %d more accounts", len(s.planned)-i))
			break
		}
		pairs = append(pairs, s.text("account"), s.planText(p))
	}
	pairs = append(pairs, s.text("expires"), s.config.stamp(r.Expires))
	if s.tally.bad == 0 { // else the summary has said so
		pairs = append(pairs, s.warnings()...)
	}
	if err := printFields(s.out, pairs...); err != nil {
		return err
	}
	if info.Trial > 0 {
		k.tell(k.say("after %s of each account it waits for: groupphoto campaign resume %s", k.many(info.Trial, "row", "rows"), r.Name))
	}
	k.tellNext(info)
	return nil
}

// tellBefore says of the same campaign that it is there, and what can be done with it.
func (s *starting) tellBefore(k *campaignAct, info enqueue.CampaignInfo, r enqueue.CampaignReceipt) error {
	if err := k.print(info, false, nil); err != nil {
		return err
	}
	if !r.Finished {
		k.tell(k.text("the same campaign is there already; nothing was changed"))
		k.tellNext(info)
		return nil
	}
	if s.flags.again {
		return errors.New(k.say("campaign %s could not be repeated; try again", r.Name))
	}
	if info.State == enqueue.CampaignCancelled {
		k.tell(k.say("the same campaign was cancelled; to send all rows anew: --again; to send the cancelled ones: groupphoto campaign retry %s --state cancelled", r.Name))
		return nil
	}
	k.tell(k.say("the same campaign has finished; to send all rows once more: --again; to send those that did not work: groupphoto campaign retry %s", r.Name))
	return nil
}
