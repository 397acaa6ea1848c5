package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
)

func (a *app) campaignCancelCommand() *cobra.Command {
	var why string
	var yes bool
	cmd := &cobra.Command{
		Use:   "cancel NAME",
		Short: "End a campaign: rows that wait are cancelled",
		Long: `End a campaign: rows that wait count as cancelled at once, calls under way end and
count as what they come to. On a terminal it asks first; elsewhere it does not. The
rows can be sent after all with 'campaign retry NAME --state cancelled'. Cancelling
what was cancelled changes nothing; a campaign that has finished is exit code 1.`,
	}
	cmd.Flags().StringVar(&why, "why", "", "`text` for whoever looks at the campaign")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return a.campaignFlags(cmd, func(ctx context.Context, k *campaignAct) error {
		info, err := k.gp.CampaignInfo(ctx, k.name)
		if err != nil {
			return err
		}
		left := info.Counts[enqueue.Waiting] + info.Counts[enqueue.Queued]
		if k.inTerminal && !yes && left > 0 && info.State != enqueue.CampaignCancelled {
			if err := k.ask(ctx, k.say("%d of the %d rows of campaign %s have not gone and would be cancelled. Go on? [y/N] ", left, info.Total, info.Name)); err != nil {
				return err
			}
		}
		changed, err := k.gp.CancelCampaign(ctx, k.name, actor(), why)
		if err != nil {
			return err
		}
		if info, err = k.gp.CampaignInfo(ctx, k.name); err != nil {
			return err
		}
		if err := k.print(info, changed, nil); err != nil {
			return err
		}
		switch {
		case info.State == enqueue.CampaignFinished:
			return fmt.Errorf("it had finished: %w", enqueue.ErrCampaignClosed)
		case !changed:
			k.tell(k.text("it was cancelled already"))
		case info.Counts[enqueue.Calling] > 0:
			k.tell(k.text("calls under way end, and count as what they come to"))
		}
		k.tell(k.say("to send the cancelled rows after all: groupphoto campaign retry %s --state cancelled", k.name))
		return nil
	})
}

// ask asks a person, who may say yes in either language.
func (k *campaignAct) ask(ctx context.Context, question string) error {
	fmt.Fprint(k.err, question)
	yes, err := k.agreed(ctx, "y", "yes", "s", "sim")
	if err == nil && !yes {
		err = &exitError{exitFailure, errors.New(k.text("nothing was changed"))}
	}
	return err
}
