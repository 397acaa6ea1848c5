package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/tasks"
)

// campaignAct is one command that does something to a campaign.
type campaignAct struct {
	*app
	language

	config config
	gp     *client
	name   string // as the person gave it: a name or an id
	screen *screen
	alone  bool // no other command can reach the campaign
}

// campaignActs are the commands that act on campaigns.
func (a *app) campaignActs() []*cobra.Command {
	return []*cobra.Command{
		a.campaignPauseCommand(), a.campaignResumeCommand(), a.campaignCancelCommand(),
		a.campaignRetryCommand(), a.campaignMoveCommand(), a.campaignUndoCommand(),
	}
}

// campaignFlags gives a command that acts on one campaign what all of them have, and
// do to run.
func (a *app) campaignFlags(cmd *cobra.Command, do func(context.Context, *campaignAct) error) *cobra.Command {
	var lang string
	cmd.Args, cmd.ValidArgsFunction = arguments("NAME"), a.completeCampaign
	prepare := cmd.PreRunE // what is wrong with the command's own flags
	cmd.PreRunE = nil
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := a.language(lang)
		if err == nil && prepare != nil {
			err = prepare(cmd, args)
		}
		if err != nil {
			return &usageError{cmd.CommandPath(), err}
		}
		return a.withClient(cmd.Context(), func(ctx context.Context, c config, gp *client) error {
			k := &campaignAct{app: a, language: l, config: c, gp: gp, name: args[0]}
			return k.explained(ctx, do(ctx, k))
		})
	}
	a.outputFlag(cmd)
	a.redisFlag(cmd)
	a.langFlag(cmd, &lang)
	return cmd
}

// actor names the person who acts on a campaign, for its log.
func actor() string {
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return "unknown"
	}
	return clip(u.Username, tasks.MaxRef-len("…"))
}

// completeCampaign offers the names of campaigns to the shell. A Redis that does not
// answer offers none: a shell must not be told errors.
func (a *app) completeCampaign(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	if len(args) > 0 {
		return nil, none
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
	defer cancel()
	var names []string
	err := a.withClient(ctx, func(ctx context.Context, _ config, gp *client) error {
		all, err := gp.Campaigns(ctx)
		names = campaignNames(all)
		return err
	})
	if err != nil {
		return nil, none
	}
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, begun) }), none
}

// campaignNames are the names in use, the newest campaign's first.
func campaignNames(all []enqueue.CampaignInfo) []string {
	var names []string
	for _, info := range all {
		if !slices.Contains(names, info.Name) {
			names = append(names, info.Name)
		}
	}
	return names
}

// explained says what is wrong with a campaign in the person's language, and what to
// do about it.
func (k *campaignAct) explained(ctx context.Context, err error) error {
	fail := func(text string) error { return &exitError{exitFailure, errors.New(text)} }
	switch {
	case errors.Is(err, enqueue.ErrNoCampaign):
		text := k.say("there is no campaign %q; see: groupphoto campaign list", clip(k.name, 70))
		if all, err := k.gp.Campaigns(ctx); err == nil {
			if near := tasks.Nearest(k.name, campaignNames(all)); near != "" {
				text += k.say("; did you mean %q?", near)
			}
		}
		return fail(text)
	case errors.Is(err, enqueue.ErrCampaignBusy):
		return fail(k.say("campaign %s is being worked on by another process; try again in a moment", k.name))
	case errors.Is(err, enqueue.ErrCampaignClosed):
		info, failed := k.gp.CampaignInfo(ctx, k.name)
		switch {
		case failed != nil:
			return err
		case info.State == enqueue.CampaignCancelled:
			return fail(k.say("campaign %s was cancelled; to send its rows after all: groupphoto campaign retry %s --state cancelled", k.name, k.name))
		case info.Reason == string(tasks.ExpiredTime):
			return fail(k.say("the time of campaign %s ran out; to send its rows after all: groupphoto campaign retry %s --state expired --expires 24h", k.name, k.name))
		}
		return fail(k.say("campaign %s has finished; to send rows again: groupphoto campaign retry %s", k.name, k.name))
	}
	return err
}

// actFacts is the JSON of what a command did to a campaign.
type actFacts struct {
	ID      string                  `json:"id"`
	Name    string                  `json:"name"`
	Changed bool                    `json:"changed"`        // false: it was so before
	Rows    *int64                  `json:"rows,omitempty"` // that were moved, or are sent again
	State   enqueue.CampaignState   `json:"state"`          // where the campaign stands now
	Reason  string                  `json:"reason"`
	Total   int64                   `json:"total"`
	Counts  map[enqueue.State]int64 `json:"counts"`
}

// print writes where the campaign stands after what was done. rows is nil where none
// were chosen.
func (k *campaignAct) print(info enqueue.CampaignInfo, changed bool, rows *int64, more ...string) error {
	if k.json() {
		return printJSON(k.out, actFacts{info.ID, info.Name, changed, rows, info.State, info.Reason, info.Total, info.Counts})
	}
	return printFields(k.out, append([]string{
		k.text("campaign"), info.Name, k.text("state"), k.stateText(info), k.text("rows"), countsText(info),
	}, more...)...)
}

// stateText says where a campaign stands, and why.
func (k *campaignAct) stateText(info enqueue.CampaignInfo) string {
	if info.Reason == "" {
		return string(info.State)
	}
	reason := info.Reason
	if by, ok := strings.CutPrefix(reason, "stopped by "); ok {
		reason = k.say("stopped by %s", by)
	} else if reason == enqueue.TrialOver {
		reason = k.text("its trial is over")
	}
	return fmt.Sprintf("%s (%s)", info.State, reason)
}

// countsText lists the states that rows are in.
func countsText(info enqueue.CampaignInfo) string {
	var parts []string
	for _, state := range []tasks.State{
		enqueue.Updated, enqueue.Unchanged, enqueue.Refused, enqueue.Failed, enqueue.Superseded, enqueue.Expired, enqueue.Cancelled,
		enqueue.Calling, enqueue.Queued, enqueue.Waiting,
	} {
		if n := info.Counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return fmt.Sprintf("%d: %s", info.Total, strings.Join(parts, ", "))
}

// tell writes a line to whoever watches.
func (k *campaignAct) tell(text string) { fmt.Fprintln(k.err, strings.Map(plain, text)) }

// tellNext says how to see what comes, or what keeps it from coming.
func (k *campaignAct) tellNext(info enqueue.CampaignInfo) {
	schedule, err := info.Settings.Schedule()
	open, until := schedule.Open(time.Now())
	switch {
	case info.State == enqueue.CampaignPaused:
		k.tell(k.say("it is paused; let it go on with: groupphoto campaign resume %s", k.name))
		return
	case info.State == enqueue.CampaignScheduled:
		k.tell(k.say("it starts %s", k.config.stamp(info.Start)))
	case info.State == enqueue.CampaignRunning && err == nil && !open:
		k.tell(k.say("it goes on in its hours, from %s", k.config.stamp(until)))
	}
	k.tell(k.say("watch it: groupphoto campaign watch %s", k.name))
}
