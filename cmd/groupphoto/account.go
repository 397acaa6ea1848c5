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

func (a *app) accountCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "account",
		Short: "Look after accounts: the numbers that photos are changed through",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return &usageError{cmd.CommandPath(), unknownCommand(cmd, args[0])}
		},
	}
	cmd.AddCommand(a.accountListCommand(), a.accountPauseCommand(), a.accountResumeCommand())
	return cmd
}

func (a *app) accountPauseCommand() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "pause ACCOUNT",
		Short: "Stop an account: calls under way end, and no other is begun",
		Long: `Stop an account, over all workers: calls under way end, and no other is begun until
'account resume'. Its queues show as paused in the asynq web UI; pausing and
resuming there is the same.`,
		Args:              arguments("ACCOUNT"),
		ValidArgsFunction: a.completeAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withClient(cmd.Context(), func(ctx context.Context, _ config, gp *client) error {
				changed, err := gp.Pause(ctx, args[0], a.who(), why)
				return a.told(changed, err, "paused; go on with: groupphoto account resume "+args[0], "was paused already")
			})
		},
	}
	a.redisFlag(cmd)
	cmd.Flags().StringVar(&why, "reason", "", "`text` for whoever looks at the account")
	return cmd
}

func (a *app) accountResumeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resume ACCOUNT",
		Short: "Let a paused account go on",
		Long: `Let a paused account go on. Trouble that the provider makes is not ended by this: the
account goes on by itself when that is over.`,
		Args:              arguments("ACCOUNT"),
		ValidArgsFunction: a.completeAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withClient(cmd.Context(), func(ctx context.Context, _ config, gp *client) error {
				changed, err := gp.Resume(ctx, args[0])
				return a.told(changed, err, "goes on", "was not paused")
			})
		},
	}
	a.redisFlag(cmd)
	return cmd
}

// told says on stderr what a command came to.
func (a *app) told(changed bool, err error, done, before string) error {
	switch {
	case err != nil:
		return err
	case changed:
		fmt.Fprintln(a.err, done)
	default:
		fmt.Fprintln(a.err, before)
	}
	return nil
}

func (a *app) accountListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show every account: who serves it, what waits, and what holds it up",
		Long: `Show every account that a worker serves or ever served, or that has updates: who
serves it, what waits, and what holds it up. Nothing is asked of the provider.`,
		Args:              arguments(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withClient(cmd.Context(), func(ctx context.Context, c config, gp *client) error {
				lanes, err := gp.Lanes(ctx)
				if err != nil {
					return err
				}
				return a.printLanes(c, lanes)
			})
		},
	}
	a.outputFlag(cmd)
	a.redisFlag(cmd)
	return cmd
}

// laneFacts is the JSON of one account.
type laneFacts struct {
	Account     string     `json:"account"`
	State       string     `json:"state"` // working, trouble or paused
	Served      bool       `json:"served"`
	LastSeen    *time.Time `json:"lastSeen"`
	Reason      string     `json:"reason"`
	Since       *time.Time `json:"since"`
	NextTry     *time.Time `json:"nextTry"`
	PausedSince *time.Time `json:"pausedSince"`
	PausedBy    string     `json:"pausedBy"`
	PausedFor   string     `json:"pausedFor"`
	Tries       int        `json:"tries"`
	Calling     int        `json:"calling"`
	Waiting     int        `json:"waiting"`
	Later       int        `json:"later"`
	Archived    int        `json:"archived"`
}

func laneState(l enqueue.Lane) string {
	switch {
	case l.Paused:
		return "paused"
	case l.Trouble != "":
		return "trouble"
	}
	return "working"
}

func (a *app) printLanes(c config, lanes []enqueue.Lane) error {
	if len(lanes) == 0 {
		fmt.Fprintln(a.err, "there is no account yet: no worker has run on this Redis, and no update was enqueued")
		return nil
	}
	tab := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, l := range lanes {
		if a.json() {
			if err := printJSON(a.out, laneFacts{
				Account: l.Name, State: laneState(l), Served: l.Served, LastSeen: utcOrNull(l.LastSeen), Reason: string(l.Trouble),
				Since: utcOrNull(l.Since), NextTry: utcOrNull(l.NextTry), Tries: l.Tries,
				PausedSince: utcOrNull(l.PausedSince), PausedBy: l.PausedBy, PausedFor: l.PausedFor,
				Calling: l.Calling, Waiting: l.Waiting, Later: l.Later, Archived: l.Archived,
			}); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\n", l.Name, laneState(l), attended(c, l), counts(l))
		for _, line := range heldUp(c, l) {
			fmt.Fprintf(tab, "\t%s\n", line)
		}
	}
	if err := tab.Flush(); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}

func utcOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func attended(c config, l enqueue.Lane) string {
	switch {
	case l.Served:
		return "served"
	case l.LastSeen.IsZero():
		return "never served"
	}
	return "not served since " + c.stamp(l.LastSeen)
}

func counts(l enqueue.Lane) string {
	return fmt.Sprintf("%d waiting, %d calling, %d later, %d archived", max(0, l.Waiting-l.Calling), l.Calling, l.Later, l.Archived)
}

// heldUp says what keeps an account from working, and what to do about it.
func heldUp(c config, l enqueue.Lane) []string {
	var lines []string
	switch {
	case !l.PausedSince.IsZero():
		text := "paused since " + c.stamp(l.PausedSince)
		if l.PausedBy != "" {
			text += " by " + l.PausedBy
		}
		if l.PausedFor != "" {
			text += ": " + l.PausedFor
		}
		lines = append(lines, strings.Map(plain, text)+"; go on with: groupphoto account resume "+l.Name)
	case l.Paused:
		lines = append(lines, "its bulk queue is paused in the asynq web UI; resume it there")
	}
	if l.Trouble != "" {
		text := fmt.Sprintf("%s since %s: %s", l.Trouble, c.stamp(l.Since), l.Trouble.Means())
		lines = append(lines, withMend(text, l.Trouble.Mend()),
			fmt.Sprintf("next try at %s, after %d in vain; no attempt is spent", c.stamp(l.NextTry), l.Tries))
	}
	if !l.Served && l.Waiting+l.Later > 0 {
		lines = append(lines, "nobody works at its updates; start a worker with: groupphoto worker")
	}
	return lines
}
