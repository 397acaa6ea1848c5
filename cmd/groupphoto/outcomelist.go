package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/tasks"
)

type listFlags struct {
	states, reasons []string
	group           string
	since           durationFlag
	limit           int
}

func (a *app) outcomeListCommand() *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List how updates ended, the last first",
		Long: `List how updates ended, the last first, as far back as GROUPPHOTO_KEEP. An update
that was sent again has a line for each end.`,
		Example:           "  groupphoto outcome list --state refused,failed --since 24h",
		Args:              arguments(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			past, err := a.past(f)
			if err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return a.withClient(cmd.Context(), func(ctx context.Context, c config, gp *client) error {
				return a.listOutcomes(ctx, c, gp, past, f.limit)
			})
		},
	}
	a.lookUpFlags(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&f.states, "state", nil, "only these `states`: updated, refused, failed, superseded, unchanged, expired, cancelled")
	flags.StringSliceVar(&f.reasons, "reason", nil, "only with one of these reason `words`")
	flags.StringVar(&f.group, "group", "", "only of the group with this `id`")
	flags.Var(&f.since, "since", "only what ended so long ago at most, such as 90m or 7d")
	flags.IntVar(&f.limit, "limit", 100, "at most so many; 0 is all")
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(endStates(), cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
	return cmd
}

func endStates() []string {
	var names []string
	for _, s := range []tasks.State{enqueue.Updated, enqueue.Refused, enqueue.Failed, enqueue.Superseded, enqueue.Unchanged, enqueue.Expired, enqueue.Cancelled} {
		names = append(names, string(s))
	}
	return names
}

// past reads the flags, and reports every problem at once.
func (a *app) past(f listFlags) (enqueue.Past, error) {
	past := enqueue.Past{Account: a.account}
	var r reader
	for _, s := range f.states {
		if !slices.Contains(endStates(), s) {
			r.fail("--state", s, "one of "+strings.Join(endStates(), ", "))
		}
		past.States = append(past.States, tasks.State(s))
	}
	for _, word := range f.reasons {
		if reason := tasks.Reason(word); reason.Known() {
			past.Reasons = append(past.Reasons, reason)
			continue
		}
		var known []string
		for _, advice := range tasks.Reasons() {
			known = append(known, string(advice.Reason))
		}
		hint := "a reason word; see docs/reasons.md"
		if near := tasks.Nearest(word, known); near != "" {
			hint = fmt.Sprintf("a reason word; did you mean %s?", near)
		}
		r.fail("--reason", word, hint)
	}
	if f.group != "" {
		group, err := tasks.ParseGroupID(f.group)
		past.Group = group
		r.note(err)
	}
	if f.since < 0 || f.limit < 0 {
		r.note(errors.New("--since and --limit must not be negative"))
	}
	if f.since > 0 {
		past.Since = time.Now().Add(-f.since.duration())
	}
	return past, errors.Join(r.problems...)
}

func (a *app) listOutcomes(ctx context.Context, c config, gp *client, past enqueue.Past, limit int) error {
	tab := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	shown := 0
	for o, err := range gp.Outcomes(ctx, past) {
		if err != nil {
			return err
		}
		if shown == limit && limit > 0 {
			fmt.Fprintf(a.err, "there are more; --limit %d ends the list here\n", limit)
			break
		}
		shown++
		if a.json() {
			if err := printJSON(a.out, o); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\n",
			c.stamp(o.FinishedAt), o.State, o.Account, o.GroupID, o.ID, strings.Map(plain, clip(why(o), 100)))
	}
	if err := tab.Flush(); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	if shown == 0 {
		fmt.Fprintln(a.err, "no update has ended so")
	}
	return nil
}
