package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

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
// stood last. What it shows goes to stderr. Redis may be away for a while.
func (k *campaignAct) watch(ctx context.Context) (enqueue.CampaignInfo, error) {
	w := watching{campaignAct: k}
	defer w.done()
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
			if rowsEnded(info) == info.Total {
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

// watching is what a watch has shown so far.
type watching struct {
	*campaignAct

	last  enqueue.CampaignInfo
	at    time.Time // when a line was written last
	lines int       // drawn on the terminal
	lost  bool
}

func (w *watching) away(err error) {
	if !w.lost {
		w.clear()
		w.tell(w.say("Redis does not answer; trying again: %s", err))
	}
	w.lost = true
}

func (w *watching) show(info enqueue.CampaignInfo) {
	before := w.last
	w.last, w.lost = info, false
	if before.State != info.State || before.Reason != info.Reason {
		w.clear()
		w.change(before, info)
	}
	if w.errTerminal {
		w.draw(info)
		return
	}
	now := time.Now()
	moved := rowsEnded(before) != rowsEnded(info)
	if before.ID == "" || moved && now.Sub(w.at) >= lineGap || moved && rowsEnded(info) == info.Total {
		w.at = now
		w.tell(w.line(info, now))
	}
}

// change tells that the campaign stands otherwise than before.
func (w *watching) change(before, info enqueue.CampaignInfo) {
	text := info.Name + ": " + w.stateText(info)
	switch info.State {
	case enqueue.CampaignPaused:
		text += w.say("; let it go on with: groupphoto campaign resume %s", info.Name)
	case enqueue.CampaignScheduled:
		text += w.say("; it starts %s", w.config.stamp(info.Start))
	case enqueue.CampaignRunning:
		if before.ID == "" {
			return // the progress says so
		}
	}
	w.tell(text)
}

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

// draw draws the progress over what was drawn before: a bar, and a line for every
// account when there are several.
func (w *watching) draw(info enqueue.CampaignInfo) {
	width := w.width()
	now := time.Now()
	lines := []string{bar(info, min(24, width/4)) + " " + w.line(info, now)}
	if len(info.Accounts) > 1 {
		for i, part := range info.Accounts {
			if i == shownAccounts {
				lines = append(lines, "  "+w.say("… and %d more accounts", len(info.Accounts)-i))
				break
			}
			one := enqueue.CampaignInfo{Total: part.Total, Counts: part.Counts}
			lines = append(lines, fmt.Sprintf("  %s: %s; %s", part.Account, w.part(one), states(one)))
		}
	}
	var text strings.Builder
	w.up(&text)
	for _, line := range lines {
		fmt.Fprintf(&text, "%s\x1b[K\n", fit(strings.Map(plain, line), width))
	}
	text.WriteString("\x1b[J") // accounts may have become fewer
	w.lines = len(lines)
	_, _ = io.WriteString(w.err, text.String()) // a terminal that is gone is nobody's loss
}

func (w *watching) up(text *strings.Builder) {
	if w.lines > 0 {
		fmt.Fprintf(text, "\x1b[%dA\r", w.lines)
	}
}

// clear takes the drawing away.
func (w *watching) clear() {
	if w.lines == 0 {
		return
	}
	var text strings.Builder
	w.up(&text)
	_, _ = io.WriteString(w.err, text.String()+"\x1b[J")
	w.lines = 0
}

// done leaves the last drawing where it is.
func (w *watching) done() { w.lines = 0 }

// width is how many columns a line may have.
func (w *watching) width() int {
	if file, ok := w.err.(*os.File); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 20 {
			return columns - 1
		}
	}
	return 79
}

// fit cuts a line to the width of the terminal.
func fit(text string, width int) string {
	if runes := []rune(text); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return text
}

// bar draws how much has ended.
func bar(info enqueue.CampaignInfo, width int) string {
	full := 0
	if info.Total > 0 {
		full = int(rowsEnded(info) * int64(width) / info.Total)
	}
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", max(0, width-full)) + "]"
}
