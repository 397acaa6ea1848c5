package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
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
	cmd.AddCommand(a.accountListCommand(), a.accountCheckCommand(), a.accountPauseCommand(), a.accountResumeCommand())
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
			return a.withClient(cmd.Context(), func(ctx context.Context, c config, gp *client) error {
				return a.resume(ctx, c, gp, args[0])
			})
		},
	}
	a.redisFlag(cmd)
	return cmd
}

// resume ends an operator's pause, and says whether that is enough.
func (a *app) resume(ctx context.Context, c config, gp *client, name string) error {
	changed, err := gp.Resume(ctx, name, a.who())
	if err != nil {
		return err
	}
	l, err := laneOf(ctx, ledger.New(gp.rdb, c.keep), enqueue.Account{Name: name})
	if err != nil || l.Trouble == "" || l.Suspected {
		return a.told(changed, nil, "goes on", "was not paused") // the pause is over, whatever is known of the rest
	}
	left := fmt.Sprintf("it is in trouble, which resuming does not end: %s; %s", troubleText(c, l), nextTryText(c, l))
	return a.told(changed, nil, withMend("the pause is over; "+left, troubleMend(l)), withMend("was not paused by anybody; "+left, troubleMend(l)))
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
	State       string     `json:"state"`  // working, slowed, suspicious, trouble or paused
	Owners      []string   `json:"owners"` // who keeps it from working: operator, account, breaker
	Served      bool       `json:"served"`
	LastSeen    *time.Time `json:"lastSeen"`
	Reason      string     `json:"reason"` // of trouble or a suspicion
	Detail      string     `json:"detail"`
	Since       *time.Time `json:"since"`
	NextTry     *time.Time `json:"nextTry"` // null when one call at a time feels its way already
	Tries       int        `json:"tries"`   // in vain, in a row
	PausedSince *time.Time `json:"pausedSince"`
	PausedBy    string     `json:"pausedBy"`
	PausedFor   string     `json:"pausedFor"`
	BulkPaused  bool       `json:"bulkPaused"`
	Slowed      float64    `json:"slowed"` // what the pace is multiplied with
	SlowedSince *time.Time `json:"slowedSince"`
	SlowedFor   string     `json:"slowedFor"` // throttled or refusals
	RestUntil   *time.Time `json:"restUntil"`
	Unanswered  int64      `json:"unanswered"`
	Calling     int        `json:"calling"`
	Waiting     int        `json:"waiting"`
	Later       int        `json:"later"`
	Archived    int        `json:"archived"`
}

func factsOf(l enqueue.Lane) laneFacts {
	f := laneFacts{
		Account: l.Name, State: laneState(l), Owners: owners(l), Served: l.Served, LastSeen: utcOrNull(l.LastSeen),
		Reason: string(l.Trouble), Detail: l.Detail, Since: utcOrNull(l.Since), Tries: l.Tries,
		PausedSince: utcOrNull(l.PausedSince), PausedBy: l.PausedBy, PausedFor: l.PausedFor, BulkPaused: l.BulkPaused,
		Slowed: max(1, l.Slowed), SlowedSince: utcOrNull(l.SlowedSince), SlowedFor: string(l.SlowedFor),
		RestUntil: utcOrNull(l.Rest), Unanswered: l.Unanswered,
		Calling: l.Calling, Waiting: max(0, l.Waiting-l.Calling), Later: l.Later, Archived: l.Archived,
	}
	if l.Held {
		f.NextTry = utcOrNull(l.NextTry)
	}
	return f
}

func (a *app) printLanes(c config, lanes []enqueue.Lane) error {
	if len(lanes) == 0 {
		fmt.Fprintln(a.err, "there is no account yet: no worker has run on this Redis, and no update was enqueued")
		return nil
	}
	if !a.json() {
		return a.printLaneTable(c, lanes)
	}
	for _, l := range lanes {
		if err := printJSON(a.out, factsOf(l)); err != nil {
			return err
		}
	}
	return nil
}

// printLaneTable writes a line for each account, and under it what holds it up.
// The columns are laid out without those lines, which would break them.
func (a *app) printLaneTable(c config, lanes []enqueue.Lane) error {
	var rows bytes.Buffer
	tab := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
	for _, l := range lanes {
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\n", l.Name, laneState(l), attended(c, l), counts(l))
	}
	err := tab.Flush()
	var text strings.Builder
	for _, l := range lanes {
		row, _ := rows.ReadString('\n') // there is one for each
		text.WriteString(row)
		lines := heldUp(c, l)
		if !l.Served && l.Waiting+l.Later > 0 {
			lines = append(lines, "nobody works at its updates; start a worker with: groupphoto worker")
		}
		for _, line := range lines {
			text.WriteString("    " + line + "\n")
		}
	}
	if err == nil {
		_, err = io.WriteString(a.out, text.String())
	}
	if err != nil {
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
