package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/tasks"
)

func (a *app) campaignMoveCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "move NAME --from ACCOUNT --to ACCOUNT",
		Short: "Move rows of a campaign that have not ended to another number",
		Long: `Move the rows of a campaign that have not ended from one account to another, which
must be in the groups too. Rows that are being called stay; the same command takes
along those of them that wait by then. When it breaks off, say it again: until then
the rows in between wait.`,
		Example: `  groupphoto campaign move spring --from sales --to support`,
		PreRunE: func(*cobra.Command, []string) error {
			var problems []error
			for _, given := range [][2]string{{"--from", from}, {"--to", to}} {
				if given[1] == "" {
					problems = append(problems, errors.New(given[0]+" is missing: name an account"))
					continue
				}
				problems = append(problems, tasks.CheckAccount(given[1]))
			}
			return errors.Join(problems...)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "`account` whose rows are to move")
	cmd.Flags().StringVar(&to, "to", "", "`account` that is to carry them out")
	_ = cmd.RegisterFlagCompletionFunc("from", a.completeAccount) // fails only for a flag that is not there
	_ = cmd.RegisterFlagCompletionFunc("to", a.completeAccount)
	return a.campaignFlags(cmd, func(ctx context.Context, k *campaignAct) error {
		rows, err := k.gp.MoveCampaign(ctx, k.name, from, to, actor())
		if err != nil {
			return err
		}
		info, err := k.gp.CampaignInfo(ctx, k.name)
		if err != nil {
			return err
		}
		if err := k.print(info, rows > 0, &rows, k.text("moved"), k.say("%s from %s to %s", k.many(int(rows), "row", "rows"), from, to)); err != nil {
			return err
		}
		stay := int64(0)
		if i := slices.IndexFunc(info.Accounts, func(p enqueue.CampaignPart) bool { return p.Account == from }); i >= 0 {
			stay = info.Accounts[i].Counts[enqueue.Calling]
		}
		switch {
		case stay > 0:
			k.tell(k.say("being called, and staying with %s: %d; the same command takes along those that wait by then", from, stay))
		case rows == 0:
			k.tell(k.say("no row of %s was left to move", from))
		}
		k.tellNext(info)
		return nil
	})
}
