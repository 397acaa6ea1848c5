package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
)

func (a *app) retryCommand() *cobra.Command {
	var wait durationFlag
	cmd := &cobra.Command{
		Use:   "retry ID",
		Short: "Send an update that has ended once more",
		Long: `Send an update that has ended once more, as the newest wish for its group, with
a new expiry. An update that has not ended stays as it is.`,
		Args:              arguments("ID"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("wait") && wait <= 0 {
				return &usageError{cmd.CommandPath(), errWait}
			}
			return a.withClient(cmd.Context(), func(ctx context.Context, c config, gp *client) error {
				r, err := gp.Retry(ctx, args[0], a.where()...)
				if errors.Is(err, enqueue.ErrTaskBusy) {
					return fmt.Errorf("update %s is not sent again yet: %w", args[0], err)
				}
				if err != nil {
					return explainMissing(err)
				}
				if r.Duplicate {
					fmt.Fprintf(a.err, "update %s has not ended; it goes on as it is\n", r.ID)
				}
				if wait > 0 {
					return a.await(ctx, c, gp, r, wait.duration(), false)
				}
				d, err := gp.Details(ctx, r.ID, enqueue.OfAccount(r.Account))
				if err != nil {
					return explainMissing(err)
				}
				return a.printReceipt(c, d.Outcome.GroupID, r)
			})
		},
	}
	cmd.Flags().Var(&wait, "wait", "wait so long for the end, telling on stderr what happens")
	return a.lookUpFlags(cmd)
}
