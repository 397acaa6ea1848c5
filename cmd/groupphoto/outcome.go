package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
)

func (a *app) outcomeCommand() *cobra.Command {
	cmd := a.lookUpFlags(&cobra.Command{
		Use:               "outcome ID",
		Short:             "Show how an update ended, or where it stands",
		Args:              arguments("ID"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withClient(cmd.Context(), func(ctx context.Context, c config, gp *client) error {
				d, err := gp.Details(ctx, args[0], a.where()...)
				if err != nil {
					return explainMissing(err)
				}
				return a.printOutcome(c, d)
			})
		},
	})
	cmd.AddCommand(a.outcomeListCommand())
	return cmd
}

// withClient reads the settings, connects, and closes afterwards.
func (a *app) withClient(ctx context.Context, do func(context.Context, config, *client) error) error {
	c, err := a.config(ctx, nil)
	if err != nil {
		return err
	}
	gp, err := a.connect(ctx, c)
	if err != nil {
		return err
	}
	defer gp.close()
	return do(ctx, c, gp)
}

// standing is what an outcome alone says, for printing.
func standing(o enqueue.Outcome) enqueue.Details { return enqueue.Details{Outcome: o} }
