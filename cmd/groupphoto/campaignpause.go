package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) campaignPauseCommand() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "pause NAME",
		Short: "Stop a campaign: calls under way end, and no other row goes",
		Long: `Stop a campaign until 'campaign resume': calls under way end and count, and no other
row goes, within a second, however many there are. Single updates and other
campaigns go on. Pausing what is paused changes nothing, and is no error.`,
		Example: `  groupphoto campaign pause spring --why "wrong logo"`,
	}
	cmd.Flags().StringVar(&why, "why", "", "`text` for whoever looks at the campaign")
	return a.campaignFlags(cmd, func(ctx context.Context, k *campaignAct) error {
		changed, err := k.gp.PauseCampaign(ctx, k.name, actor(), why)
		if err != nil {
			return err
		}
		info, err := k.gp.CampaignInfo(ctx, k.name)
		if err != nil {
			return err
		}
		if err := k.print(info, changed, nil); err != nil {
			return err
		}
		if changed {
			k.tell(k.say("calls under way end, and no other row goes; go on with: groupphoto campaign resume %s", k.name))
		} else {
			k.tell(k.say("it was paused already; go on with: groupphoto campaign resume %s", k.name))
		}
		return nil
	})
}

func (a *app) campaignResumeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resume NAME",
		Short: "Let a paused campaign go on, or one whose trial is over",
		Long: `Let a paused campaign go on; after a trial all rows go. What else keeps it is not
ended by this: a paused account, and hours in which nothing goes. Resuming what is
not paused changes nothing, and is no error.`,
	}
	return a.campaignFlags(cmd, func(ctx context.Context, k *campaignAct) error {
		changed, err := k.gp.ResumeCampaign(ctx, k.name, actor())
		if err != nil {
			return err
		}
		info, err := k.gp.CampaignInfo(ctx, k.name)
		if err != nil {
			return err
		}
		if err := k.print(info, changed, nil); err != nil {
			return err
		}
		if !changed {
			k.tell(k.text("it was not paused"))
		}
		k.tellNext(info)
		return nil
	})
}
