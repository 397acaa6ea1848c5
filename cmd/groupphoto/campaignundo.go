package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
)

func (a *app) campaignUndoCommand() *cobra.Command {
	var name string
	var trial int
	var anyTime bool
	cmd := &cobra.Command{
		Use:   "undo NAME",
		Short: "Start a campaign that restores the photos from before another one",
		Long: `Start another campaign that shows in every group the photo it had before, where
that is known and still stored, and nothing else was done to the group since. It
goes in the hours and on the days of the campaign that it undoes. Rows of that
campaign that have not ended are not undone, so pause or cancel it first. The same
again changes nothing.

Exit codes: 0 started, or started before; 1 there is nothing to restore.`,
		Example: `  groupphoto campaign undo spring --trial 5`,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("trial") && trial < 1 {
				return errors.New("--trial: must be 1 or more")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "`name` of the campaign that restores the photos (default NAME-undo)")
	cmd.Flags().IntVar(&trial, "trial", 0, "so `many` rows of each account, then pause")
	cmd.Flags().BoolVar(&anyTime, "any-time", false, "go at once, whatever the hours of the campaign")
	return a.campaignFlags(cmd, func(ctx context.Context, k *campaignAct) error {
		return k.undo(ctx, enqueue.Undo{Name: name, Trial: trial, By: actor()}, anyTime)
	})
}

func (k *campaignAct) undo(ctx context.Context, u enqueue.Undo, anyTime bool) error {
	info, err := k.gp.CampaignInfo(ctx, k.name)
	if err != nil {
		return err
	}
	u.Settings = info.Settings
	if anyTime {
		u.Settings.Hours, u.Settings.Days = "", ""
	}
	open := info.Counts[enqueue.Waiting] + info.Counts[enqueue.Queued] + info.Counts[enqueue.Calling]
	if open > 0 && info.State != enqueue.CampaignCancelled {
		k.tell(k.say("rows of %s that have not ended, and are not undone: %d; to stop them: groupphoto campaign cancel %s", info.Name, open, k.name))
	}
	r, err := k.gp.UndoCampaign(ctx, k.name, u)
	if err != nil && !errors.Is(err, enqueue.ErrNoRows) {
		return err
	}
	if printed := k.printUndo(r); printed != nil {
		return printed
	}
	if err != nil {
		return &exitError{exitFailure, errors.New(k.say("there is nothing to restore in campaign %s", info.Name))}
	}
	if info, err = k.gp.CampaignInfo(ctx, r.ID); err != nil {
		return err
	}
	if r.Before {
		k.tell(k.text("it was started before"))
	}
	if info.Trial > 0 && info.State == enqueue.CampaignRunning {
		k.tell(k.say("after %s of each account it waits for: groupphoto campaign resume %s", k.many(info.Trial, "row", "rows"), r.Name))
	}
	undoing := *k
	undoing.name = r.Name
	undoing.tellNext(info)
	return nil
}

func (k *campaignAct) printUndo(r enqueue.UndoReceipt) error {
	if k.json() {
		return printJSON(k.out, r)
	}
	left := ""
	if n := r.Changed + r.Unknown + r.Gone; n > 0 {
		left = k.say("%d: changed since %d, photo before unknown %d, no longer stored %d", n, r.Changed, r.Unknown, r.Gone)
	}
	name := "" // there is none when nothing is restored
	if r.ID != "" {
		name = r.Name
	}
	return printFields(k.out, k.text("campaign"), name, k.text("restores"), k.many(int(r.Restored), "photo", "photos"), k.text("leaves"), left)
}
