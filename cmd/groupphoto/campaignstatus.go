package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/tasks"
)

func (a *app) campaignStatusCommand() *cobra.Command {
	var examples int
	cmd := &cobra.Command{
		Use:   "status NAME",
		Short: "Show how far a campaign has come, and what went wrong",
		Long: `Show how far a campaign has come: how many rows are in which state, over all and for
each account, how fast it goes and how long it will take, and what went wrong by
reason, with examples and what to do about it. The counts always add up to the total.`,
		PreRunE: func(*cobra.Command, []string) error {
			if examples < 0 || examples > 1000 {
				return errors.New("--examples: must be 0 to 1000")
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&examples, "examples", 3, "so `many` rows of each reason")
	return a.campaignFlags(cmd, func(ctx context.Context, k *campaignAct) error {
		info, err := k.gp.CampaignInfo(ctx, k.name)
		if err != nil {
			return err
		}
		if examples > 0 && len(info.Failures) > 0 {
			if info.Failures, err = k.gp.CampaignExamples(ctx, info, examples); err != nil {
				return err
			}
		}
		return k.status(info)
	})
}

func (k *campaignAct) status(info enqueue.CampaignInfo) error {
	if k.json() {
		return printJSON(k.out, info)
	}
	now := time.Now()
	pairs := []string{
		k.text("campaign"), info.Name, "id", info.ID, k.text("state"), k.stateText(info), k.text("rows"), countsText(info),
		k.text("progress"), strings.TrimSuffix(fmt.Sprintf("%d %%, %s", percent(info), k.rest(info, now)), ", "),
	}
	if len(info.Accounts) > 1 {
		for _, part := range info.Accounts {
			pairs = append(pairs, k.text("account"), part.Account+": "+countsText(enqueue.CampaignInfo{Total: part.Total, Counts: part.Counts}))
		}
	}
	pairs = append(pairs, k.text("hours"), k.hours(info, now))
	if info.Trial > 0 {
		pairs = append(pairs, k.text("trial"), k.say("%d rows of each account", info.Trial))
	}
	if info.Moving[0] != "" {
		pairs = append(pairs, k.text("moving"), k.say("from %s to %s; go on with: groupphoto campaign move %s --from %s --to %s",
			info.Moving[0], info.Moving[1], info.Name, info.Moving[0], info.Moving[1]))
	}
	pairs = append(pairs, k.text("started"), k.startedText(info), k.text("finished"), k.config.stamp(info.FinishedAt))
	if info.FinishedAt.IsZero() {
		pairs = append(pairs, k.text("expires"), k.config.stamp(info.Expires))
	}
	if err := printFields(k.out, pairs...); err != nil {
		return err
	}
	return k.failures(info)
}

func (k *campaignAct) startedText(info enqueue.CampaignInfo) string {
	text := k.config.stamp(info.StartedAt)
	if text == "" {
		text = k.config.stamp(info.Start)
	}
	if info.By != "" {
		text += k.say(" by %s", info.By)
	}
	return text
}

// hours says when rows go, and when that changes next.
func (k *campaignAct) hours(info enqueue.CampaignInfo, now time.Time) string {
	schedule, err := info.Settings.Schedule()
	if err != nil || schedule.Always() {
		return ""
	}
	text := strings.TrimSpace(info.Settings.Hours + " " + info.Settings.Days + " " + info.Settings.Zone)
	open, until := schedule.Open(now)
	if open {
		return text + k.say(", open until %s", k.config.stamp(until))
	}
	return text + k.say(", closed until %s", k.config.stamp(until))
}

// mend says what to do about rows that ended for a reason.
func (k *campaignAct) mend(reason tasks.Reason, campaign string) string {
	const one = "groupphoto retry ID"
	all := "groupphoto campaign retry " + campaign + " --reason " + string(reason)
	if k.alone { // no other command can reach them
		all = k.text("the same command with --retry")
	}
	text := reason.Mend()
	if base, again := strings.CutSuffix(text, ", then: "+one); again && strings.HasPrefix(string(reason), tasks.PhotoReason) {
		return k.text(base) + k.text(", then: ") + all
	}
	return strings.ReplaceAll(k.text(text), one, all)
}

// failures lists what went wrong, each with what to do and examples.
func (k *campaignAct) failures(info enqueue.CampaignInfo) error {
	var text strings.Builder
	for _, f := range info.Failures {
		line := fmt.Sprintf("%s, %s", f.State, k.many(int(f.Rows), "row", "rows"))
		if f.Reason != "" {
			line += fmt.Sprintf(": %s: %s", f.Reason, k.text(f.Means))
		}
		if mend := k.mend(f.Reason, info.Name); mend != "" {
			line += "; " + mend
		}
		fmt.Fprintf(&text, "\n%s\n", strings.Map(plain, line))
		for _, e := range f.Examples {
			fmt.Fprintf(&text, "  %s\n", k.say("line %d: %s through %s", e.Line, e.Group, e.Account))
		}
		if more := f.Rows - int64(len(f.Examples)); more > 0 && len(f.Examples) > 0 {
			fmt.Fprintf(&text, "  %s\n", k.say("… and %d more: groupphoto campaign export %s --state %s", more, info.Name, f.State))
		}
	}
	if _, err := fmt.Fprint(k.out, text.String()); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}
