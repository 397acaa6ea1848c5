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

const (
	// watchGap is how often a campaign is looked at, and lineGap how often a line is
	// written where progress cannot be drawn, unless its state changes.
	watchGap = 500 * time.Millisecond
	lineGap  = 10 * time.Second
)

func (a *app) campaignWatchCommand() *cobra.Command {
	var timeout durationFlag
	cmd := &cobra.Command{
		Use:   "watch NAME",
		Short: "Show a campaign's progress until it has ended",
		Long: `Show a campaign's progress until it has ended: drawn on a terminal, as lines
elsewhere. A pause does not end it. Interrupting it changes nothing about the campaign.

Exit codes: 0 every row is updated or unchanged; 6 some are not; 7 the campaign was
cancelled, or its time ran out; 5 it has not ended within --timeout.`,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("timeout") && timeout <= 0 {
				return errors.New("--timeout: must be more than 0")
			}
			return nil
		},
	}
	cmd.Flags().Var(&timeout, "timeout", "give up after this, such as 30m")
	return a.campaignFlags(cmd, func(ctx context.Context, k *campaignAct) error {
		if timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, timeout.duration(), errWatched)
			defer cancel()
		}
		info, err := k.watch(ctx)
		if errors.Is(err, errWatched) {
			k.tell(k.say("it has not ended: %s", k.part(info)))
			return &exitError{code: exitUnfinished}
		}
		if err != nil {
			return err
		}
		return k.ended(info)
	})
}

// errWatched says that the time of --timeout is over.
var errWatched = errors.New("it has not ended in the time given")

// ended prints how a campaign has ended and gives the exit code.
func (k *campaignAct) ended(info enqueue.CampaignInfo) error {
	if err := k.status(info); err != nil {
		return err
	}
	if code := campaignExit(info); code != exitDone {
		return &exitError{code: code}
	}
	return nil
}

// campaignExit is the exit code of a campaign that has ended.
func campaignExit(info enqueue.CampaignInfo) int {
	switch {
	case info.State == enqueue.CampaignCancelled, info.Reason == string(tasks.ExpiredTime):
		return exitStopped
	case info.Counts[enqueue.Updated]+info.Counts[enqueue.Unchanged] < info.Total:
		return exitPartly
	}
	return exitDone
}

// watch follows a campaign until nothing of it is left to do, and returns how it
// stood last. What it shows goes to stderr. Redis may be away for a while. Where no
// other command could end a pause, that ends the watch.
func (k *campaignAct) watch(ctx context.Context) (enqueue.CampaignInfo, error) {
	w := watching{campaignAct: k}
	if k.screen == nil {
		k.screen = newScreen(k.err)
	}
	defer k.screen.leave()
	tick := time.NewTicker(watchGap)
	defer tick.Stop()
	for {
		info, err := k.gp.CampaignInfo(ctx, k.name)
		switch {
		case ctx.Err() != nil:
			return w.last, context.Cause(ctx)
		case err != nil && (!errors.Is(err, enqueue.ErrUnavailable) || w.last.ID == ""):
			return w.last, err
		case err != nil:
			w.away(err)
		default:
			w.show(info)
			if rowsEnded(info) == info.Total || k.alone && info.State == enqueue.CampaignPaused && underWay(info) == 0 {
				return info, nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return w.last, context.Cause(ctx)
		}
	}
}

func underWay(info enqueue.CampaignInfo) int64 {
	return info.Counts[enqueue.Queued] + info.Counts[enqueue.Calling]
}

// watching is what a watch has shown so far.
type watching struct {
	*campaignAct

	last enqueue.CampaignInfo
	at   time.Time // when a line was written last
	lost bool
}

func (w *watching) away(err error) {
	if !w.lost {
		w.note(w.say("Redis does not answer; trying again: %s", err))
	}
	w.lost = true
}

func (w *watching) show(info enqueue.CampaignInfo) {
	before := w.last
	w.last, w.lost = info, false
	if before.State != info.State || before.Reason != info.Reason {
		w.change(before, info)
	}
	if w.errTerminal {
		w.screen.draw(w.drawing(info))
		return
	}
	now := time.Now()
	moved := rowsEnded(before) != rowsEnded(info)
	if before.ID == "" || moved && now.Sub(w.at) >= lineGap || moved && rowsEnded(info) == info.Total {
		w.at = now
		w.note(w.line(info, now))
	}
}

// change tells that the campaign stands otherwise than before.
func (w *watching) change(before, info enqueue.CampaignInfo) {
	text := info.Name + ": " + w.stateText(info)
	switch info.State {
	case enqueue.CampaignPaused:
		if !w.alone {
			text += w.say("; let it go on with: groupphoto campaign resume %s", info.Name)
		}
	case enqueue.CampaignScheduled:
		text += w.say("; it starts %s", w.config.stamp(info.Start))
	case enqueue.CampaignRunning:
		if before.ID == "" {
			return // the progress says so
		}
	}
	w.note(text)
}

// note writes a line between what is drawn.
func (w *watching) note(text string) { fmt.Fprintln(w.screen, strings.Map(plain, text)) }

// line is the progress in one line.
func (w *watching) line(info enqueue.CampaignInfo, now time.Time) string {
	text := w.part(info) + "; " + states(info)
	if rest := w.rest(info, now); rest != "" {
		text += "; " + rest
	}
	return text
}

// states lists all states but that of the rows that only wait.
func states(info enqueue.CampaignInfo) string {
	_, text, _ := strings.Cut(countsText(info), ": ")
	return text
}

// drawing is the progress as it is drawn: a bar, and a line for every account when
// there are several.
func (w *watching) drawing(info enqueue.CampaignInfo) []string {
	lines := []string{bar(rowsEnded(info), info.Total, min(24, w.screen.width()/4)) + " " + w.line(info, time.Now())}
	if len(info.Accounts) < 2 {
		return lines
	}
	for i, part := range info.Accounts {
		if i == shownAccounts {
			return append(lines, "  "+w.say("… and %d more accounts", len(info.Accounts)-i))
		}
		one := enqueue.CampaignInfo{Total: part.Total, Counts: part.Counts}
		lines = append(lines, fmt.Sprintf("  %s: %s; %s", part.Account, w.part(one), states(one)))
	}
	return lines
}

// bar draws how much of a total is done.
func bar(done, total int64, width int) string {
	full := 0
	if total > 0 {
		full = int(done * int64(width) / total)
	}
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", max(0, width-full)) + "]"
}
