package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
)

// startFacts is the JSON of a campaign that was started.
type startFacts struct {
	Skipped int         `json:"skipped"` // rows with problems
	Plans   []planFacts `json:"plans"`
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
		facts := startFacts{Skipped: s.tally.bad, Plans: []planFacts{}}
		for _, p := range s.planned {
			facts.Plans = append(facts.Plans, planFacts{p.account, p.rows, p.ahead, p.until.UTC()})
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
	if err := printFields(s.out, pairs...); err != nil {
		return err
	}
	if info.Trial > 0 {
		k.tell(k.say("after %d rows of each account it waits for: groupphoto campaign resume %s", info.Trial, r.Name))
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
	k.tell(k.say("the same campaign has finished; to send all rows once more: --again; to send those that did not work: groupphoto campaign retry %s", r.Name))
	return nil
}
