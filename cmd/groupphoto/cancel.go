package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/tasks"
)

func (a *app) cancelCommand() *cobra.Command {
	return a.lookUpFlags(&cobra.Command{
		Use:   "cancel ID",
		Short: "Stop an update that has not ended",
		Long: `Stop an update that has not ended. A call that is under way is not broken off:
it ends, and the update is not called again. An update that has ended already
stays as it is, which is exit code 1.`,
		Args:              arguments("ID"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withClient(cmd.Context(), func(ctx context.Context, c config, gp *client) error {
				d, err := gp.Cancel(ctx, args[0], a.who(), a.where()...)
				if err != nil {
					return explainMissing(err)
				}
				if err := a.printOutcome(c, d); err != nil {
					return err
				}
				switch {
				case d.Outcome.State == tasks.Cancelled:
					return nil
				case d.Outcome.State.Ended():
					return fmt.Errorf("update %s had ended before as %s", d.Outcome.ID, d.Outcome.State)
				default:
					fmt.Fprintln(a.err, "a call is under way; the update is not called again after it")
					return nil
				}
			})
		},
	})
}

// who names the person at the terminal for outcomes.
func (a *app) who() string {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if user := a.env[name]; user != "" && len(user) <= 64 {
			return user
		}
	}
	return "the command line"
}
