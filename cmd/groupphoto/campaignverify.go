package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
)

func (a *app) campaignVerifyCommand() *cobra.Command {
	var repair bool
	cmd := &cobra.Command{
		Use:   "verify NAME",
		Short: "Count every row of a campaign anew and compare with its counters",
		Long: `Count every row of a campaign anew, each account's at one moment, and say whether the
counters that 'campaign status' shows agree.

Exit codes: 0 they agree; 1 they do not, or did not before --repair set them right.`,
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "set counters that do not agree to what the rows say")
	return a.campaignFlags(cmd, func(ctx context.Context, k *campaignAct) error {
		checks, err := k.gp.VerifyCampaign(ctx, k.name, repair)
		if err != nil {
			return err
		}
		return k.verified(checks, repair)
	})
}

func (k *campaignAct) verified(checks []enqueue.CampaignCheck, repair bool) error {
	agree, rows := true, int64(0)
	for _, c := range checks {
		agree = agree && c.Agrees
		rows += c.Total + c.Leaving
		switch {
		case k.json():
			if err := printJSON(k.out, c); err != nil {
				return err
			}
		case !c.Agrees:
			fmt.Fprintln(k.out, strings.Map(plain, k.difference(c)))
		}
	}
	if !agree {
		text := k.text("counters and rows do not agree; set them right with --repair")
		if repair {
			text = k.text("counters and rows did not agree; they were set right")
		}
		return &exitError{exitFailure, errors.New(text)}
	}
	if !k.json() {
		fmt.Fprintln(k.out, k.say("%s counted, in %s: the counters agree", k.many(int(rows), "row", "rows"), k.many(len(checks), "account", "accounts")))
	}
	return nil
}

// difference is what the counters of an account say, and what its rows do.
func (k *campaignAct) difference(c enqueue.CampaignCheck) string {
	var parts []string
	for _, state := range allStates {
		if c.Counters[state] != c.Counted[state] {
			parts = append(parts, k.say("%s: counter %d, rows %d", state, c.Counters[state], c.Counted[state]))
		}
	}
	return fmt.Sprintf("%s: %s", c.Account, strings.Join(parts, ", "))
}

// allStates are those that a row can be in.
var allStates = []enqueue.State{
	enqueue.Updated, enqueue.Unchanged, enqueue.Refused, enqueue.Failed, enqueue.Superseded, enqueue.Expired, enqueue.Cancelled,
	enqueue.Calling, enqueue.Queued, enqueue.Retrying, enqueue.Waiting,
}

func (a *app) campaignLogCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "log NAME",
		Short: "List who did what to a campaign, and when",
		Long: `List who did what to a campaign, and when, the oldest first. What it did by itself, such
as pausing after its trial, was done by nobody.`,
	}
	return a.campaignFlags(cmd, func(ctx context.Context, k *campaignAct) error {
		events, err := k.gp.CampaignLog(ctx, k.name)
		if err != nil {
			return err
		}
		tab := tabwriter.NewWriter(k.out, 0, 0, 2, ' ', 0)
		for _, e := range events {
			if k.json() {
				if err := printJSON(k.out, e); err != nil {
					return err
				}
				continue
			}
			by := e.By
			if by == "" {
				by = "-"
			}
			fmt.Fprintln(tab, strings.TrimRight(strings.Map(plain, k.config.stamp(e.At))+"\t"+strings.Map(plain, e.What)+"\t"+
				strings.Map(plain, by)+"\t"+strings.Map(plain, e.Why), "\t "))
		}
		if err := tab.Flush(); err != nil {
			return fmt.Errorf("writing to stdout: %w", err)
		}
		return nil
	})
}
