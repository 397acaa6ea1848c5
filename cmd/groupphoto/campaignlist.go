package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
)

// campaignLooks are the commands that only look at campaigns.
func (a *app) campaignLooks() []*cobra.Command {
	return []*cobra.Command{
		a.campaignListCommand(), a.campaignStatusCommand(), a.campaignWatchCommand(),
		a.campaignExportCommand(), a.campaignVerifyCommand(), a.campaignLogCommand(),
	}
}

func (a *app) campaignListCommand() *cobra.Command {
	var lang string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the campaigns, the newest first",
		Long: `List the campaigns that are kept, the newest first, with how far each has come. With
-o json every campaign is one line, as of 'campaign status'.`,
		Args:              arguments(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := a.language(lang)
			if err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return a.withClient(cmd.Context(), func(ctx context.Context, c config, gp *client) error {
				return (&campaignAct{app: a, language: l, config: c, gp: gp}).list(ctx)
			})
		},
	}
	a.outputFlag(cmd)
	a.redisFlag(cmd)
	a.langFlag(cmd, &lang)
	return cmd
}

func (k *campaignAct) list(ctx context.Context) error {
	all, err := k.gp.Campaigns(ctx)
	if err != nil {
		return err
	}
	if k.json() {
		for _, info := range all {
			if err := printJSON(k.out, info); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		k.tell(k.text("there are no campaigns; start one with: groupphoto campaign start FILE"))
		return nil
	}
	tab := tabwriter.NewWriter(k.out, 0, 0, 2, ' ', 0)
	for _, info := range all {
		cells := []string{info.Name, k.stateText(info), k.part(info), k.rest(info, time.Now()), k.config.stamp(info.AcceptedAt)}
		for i, cell := range cells {
			cells[i] = strings.Map(plain, cell)
		}
		fmt.Fprintln(tab, strings.Join(cells, "\t"))
	}
	if err := tab.Flush(); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}

// part is how much of a campaign has ended.
func (k *campaignAct) part(info enqueue.CampaignInfo) string {
	return k.say("%d of %d rows, %d %%", rowsEnded(info), info.Total, percent(info))
}

// rowsEnded is how many rows have ended.
func rowsEnded(info enqueue.CampaignInfo) int64 {
	return info.Total - info.Counts[enqueue.Waiting] - info.Counts[enqueue.Queued] - info.Counts[enqueue.Calling]
}

// percent is 100 only when all rows have ended.
func percent(info enqueue.CampaignInfo) int64 {
	if info.Total == 0 {
		return 100
	}
	return rowsEnded(info) * 100 / info.Total
}

// rest is how fast a campaign goes, and for how long still; "" when it does not go.
func (k *campaignAct) rest(info enqueue.CampaignInfo, now time.Time) string {
	if info.State != enqueue.CampaignRunning || info.RatePerSecond <= 0 {
		return ""
	}
	text := rateText(info.RatePerSecond)
	if info.ETASeconds == nil {
		return text
	}
	left := time.Duration(*info.ETASeconds * float64(time.Second))
	return k.say("%s, done in about %s (%s)", text, short(left), k.config.stamp(now.Add(left)))
}

// rateText writes a rate so that slow ones can be read too.
func rateText(perSecond float64) string {
	switch {
	case perSecond >= 10:
		return fmt.Sprintf("%.0f/s", perSecond)
	case perSecond >= 0.95:
		return fmt.Sprintf("%.1f/s", perSecond)
	case perSecond*60 >= 0.95:
		return fmt.Sprintf("%.1f/min", perSecond*60)
	}
	return fmt.Sprintf("%.1f/h", perSecond*3600)
}
