package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/tasks"
)

// retryFlags choose the rows that go again.
type retryFlags struct {
	states, reasons, accounts []string
	through                   string
	expires                   durationFlag
}

func (a *app) campaignRetryCommand() *cobra.Command {
	var f retryFlags
	var r enqueue.Retry
	cmd := &cobra.Command{
		Use:   "retry NAME",
		Short: "Send rows of a campaign again that were refused or failed, or ran out of time",
		Long: `Send rows of a campaign once more, as the newest wishes for their groups: all that
were refused or failed or ran out of time, or those that the flags choose. How they
ended before stays known. A campaign that was cancelled or has run out of time goes
on with them.`,
		Example: `  groupphoto campaign retry spring
  groupphoto campaign retry spring --reason not_admin,not_in_group
  groupphoto campaign retry spring --account sales --through support`,
		PreRunE: func(cmd *cobra.Command, _ []string) (err error) {
			if cmd.Flags().Changed("expires") && f.expires <= 0 {
				return errors.New("--expires: must be more than 0")
			}
			r, err = f.retry(time.Now())
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.states, "state", nil, "rows in these `states`: refused, failed, superseded, expired, cancelled (default refused,failed,expired; all of them with --reason)")
	flags.StringSliceVar(&f.reasons, "reason", nil, "only rows with one of these reason `words`")
	flags.StringSliceVar(&f.accounts, "account", nil, "only rows of these accounts, by `name`")
	flags.StringVar(&f.through, "through", "", "send them through this account instead, by `name`; all rows of the campaign must have ended")
	flags.Var(&f.expires, "expires", "send no row of the campaign later than this, from now; never earlier than it says already (default GROUPPHOTO_EXPIRES)")
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(retryStates, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
	_ = cmd.RegisterFlagCompletionFunc("reason", cobra.FixedCompletions(reasonWords(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("account", a.completeAccount)
	_ = cmd.RegisterFlagCompletionFunc("through", a.completeAccount)
	return a.campaignFlags(cmd, func(ctx context.Context, k *campaignAct) error {
		r.By = actor()
		rows, err := k.gp.RetryCampaign(ctx, k.name, r)
		if err != nil {
			return err
		}
		info, err := k.gp.CampaignInfo(ctx, k.name)
		if err != nil {
			return err
		}
		if err := k.print(info, rows > 0, &rows, k.text("sent again"), k.many(int(rows), "row", "rows"), k.text("expires"), k.config.stamp(info.Expires)); err != nil {
			return err
		}
		if rows == 0 {
			k.tell(k.text("no row has ended so; nothing is sent again"))
			return nil
		}
		k.tellNext(info)
		return nil
	})
}

// retryStates are those in which rows may be sent again.
var retryStates = []string{"refused", "failed", "superseded", "expired", "cancelled"}

func reasonWords() []string {
	var words []string
	for _, advice := range tasks.Reasons() {
		words = append(words, string(advice.Reason))
	}
	return words
}

// retry reads the flags, and reports every problem at once.
func (f retryFlags) retry(now time.Time) (enqueue.Retry, error) {
	r := enqueue.Retry{Accounts: f.accounts, Account: f.through}
	var read reader
	for _, s := range f.states {
		if !slices.Contains(retryStates, s) {
			read.fail("--state", s, "one of "+strings.Join(retryStates, ", "))
		}
		r.States = append(r.States, tasks.State(s))
	}
	for _, word := range f.reasons {
		if !tasks.Reason(word).Known() {
			hint := "a reason word; see docs/reasons.md"
			if near := tasks.Nearest(word, reasonWords()); near != "" {
				hint = "a reason word; did you mean " + near + "?"
			}
			read.fail("--reason", word, hint)
		}
		r.Reasons = append(r.Reasons, tasks.Reason(word))
	}
	for _, account := range append(slices.Clone(f.accounts), f.through) {
		if account != "" {
			read.note(tasks.CheckAccount(account))
		}
	}
	if f.expires > 0 {
		r.Expires = now.Add(f.expires.duration())
	}
	return r, errors.Join(read.problems...)
}
