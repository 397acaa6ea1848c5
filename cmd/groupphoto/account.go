package main

import (
	"context"
	"fmt"
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
	cmd.AddCommand(a.accountListCommand())
	return cmd
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
	Account  string     `json:"account"`
	State    string     `json:"state"` // working, trouble or paused
	Served   bool       `json:"served"`
	LastSeen *time.Time `json:"lastSeen"`
	Reason   string     `json:"reason"`
	Since    *time.Time `json:"since"`
	NextTry  *time.Time `json:"nextTry"`
	Tries    int        `json:"tries"`
	Calling  int        `json:"calling"`
	Waiting  int        `json:"waiting"`
	Later    int        `json:"later"`
	Archived int        `json:"archived"`
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
	if l.Paused {
		lines = append(lines, "a queue is paused in the asynq web UI; resume it there")
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
