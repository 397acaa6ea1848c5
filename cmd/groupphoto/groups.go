package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

const (
	// chatsTimeout bounds each request for a page of chats.
	chatsTimeout = time.Minute
	// numbersAtOnce is how many numbers are asked at the same time, each one page after the other.
	numbersAtOnce = 8
)

func (a *app) groupsCommand() *cobra.Command {
	var names []string
	var flag string
	cmd := &cobra.Command{
		Use:   "groups",
		Short: "List the groups that numbers are in: where a campaign's ids come from",
		Long: `List the groups that the numbers of configured accounts are in, with their names, as
PlugChat's list of chats has them. Nothing is changed, and no Redis is needed.

With -o csv it is a sheet with the columns group, name and account: for 'campaign
check' and 'campaign start', as the sheet itself or behind --groups. Text that a
spreadsheet would take for a formula has an apostrophe before it.

PlugChat is asked in pages of 200 chats, people and lists among them: two calls for a
number with up to 200 chats, and one more for about every 200 beyond. They take no
turn of the number's pace. How many it were is said on stderr. When one number
cannot be read, nothing is printed.

A list of chats is not the group's own word: a group that the number has left may
still be in it, and one in which nothing was ever written may be missing.`,
		Example: `  groupphoto groups --account main
  groupphoto groups --account main,sales -o csv > groups.csv`,
		Args:              arguments(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lang, err := a.language(flag)
			for _, name := range names {
				if err == nil {
					err = tasks.CheckAccount(name)
				}
			}
			if err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return a.listGroups(cmd.Context(), lang, names)
		},
	}
	a.outputFlag(cmd, "csv")
	cmd.Flags().StringSliceVar(&names, "account", nil, "`names` of the accounts, with commas between (default: all that are configured)")
	_ = cmd.RegisterFlagCompletionFunc("account", a.completeConfigured) // fails only for a flag that is not there
	a.langFlag(cmd, &flag)
	return cmd
}

// groupFacts is the JSON of one group of one number.
type groupFacts struct {
	GroupID tasks.GroupID `json:"groupId"`
	Name    string        `json:"name"` // "" where PlugChat gives none
	Account string        `json:"account"`
}

// listing is what was read of one number.
type listing struct {
	groups       []groupFacts
	chats, calls int
	err          error
}

func (a *app) listGroups(ctx context.Context, lang language, names []string) error {
	c, err := a.config(ctx, nil)
	if err != nil {
		return err
	}
	chosen, err := chooseAll(c, names)
	if err != nil {
		return err
	}
	found := make([]listing, len(chosen))
	var asking errgroup.Group
	asking.SetLimit(numbersAtOnce)
	for i, number := range chosen {
		asking.Go(func() error {
			found[i] = readGroups(ctx, number)
			return nil
		})
	}
	_ = asking.Wait() // what failed is told for each number
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var problems []error
	var all []groupFacts
	for i, l := range found {
		if l.err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %w", lang.text("account"), chosen[i].name, l.err))
			continue
		}
		all = append(all, l.groups...)
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	if err := a.printGroups(all); err != nil {
		return err
	}
	for i, l := range found {
		fmt.Fprintln(a.err, lang.say("%s: %s among %s (%s)", chosen[i].name, lang.many(len(l.groups), "group", "groups"), lang.many(l.chats, "chat", "chats"), lang.many(l.calls, "call", "calls")))
	}
	return nil
}

// chooseAll finds accounts that can be worked with, each once; all of them for no names.
func chooseAll(c config, names []string) ([]account, error) {
	if len(names) == 0 {
		all, err := c.accounts()
		return all, err
	}
	var chosen []account
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue
		}
		one, err := chooseSound(c, name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, one)
	}
	return chosen, nil
}

// readGroups reads the chats of one number, and keeps the groups by their names.
func readGroups(ctx context.Context, number account) listing {
	caller, err := newCaller(number, chatsTimeout)
	if err != nil {
		return listing{err: badInput(err)}
	}
	defer caller.CloseIdle()
	var l listing
	known := map[tasks.GroupID]bool{} // a group can have two spellings
	for page, err := range caller.Chats(ctx) {
		if err != nil {
			l.err = advised(err)
			return l
		}
		l.calls++
		l.chats += len(page)
		for _, chat := range page {
			id, err := tasks.ParseGroupID(chat.Phone)
			if err != nil || known[id] {
				continue // a person, a channel, a list
			}
			known[id] = true
			l.groups = append(l.groups, groupFacts{id, nameOf(chat, id), number.name})
		}
	}
	slices.SortFunc(l.groups, func(a, b groupFacts) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.GroupID), string(b.GroupID)))
	})
	return l
}

// advised adds what a person should do to an error of a call.
func advised(err error) error {
	e, ok := errors.AsType[*plugchat.Error](err)
	if !ok {
		return err
	}
	if mend := statusMend(e.Reason); mend != "" {
		return fmt.Errorf("%w; %s", err, mend)
	}
	return err
}

// nameOf is what a group is called; "" where its id stands in the place of the name.
func nameOf(chat plugchat.Chat, id tasks.GroupID) string {
	if same, err := tasks.ParseGroupID(chat.Name); err == nil && same == id {
		return ""
	}
	return chat.Name
}

// printGroups writes the groups in the form that was asked for.
func (a *app) printGroups(all []groupFacts) error {
	switch a.output {
	case "csv":
		return a.printGroupSheet(all)
	case "json":
		for _, g := range all {
			if err := printJSON(a.out, g); err != nil {
				return err
			}
		}
		return nil
	}
	tab := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, g := range all {
		fmt.Fprintf(tab, "%s\t%s\t%s\n", g.GroupID, strings.Map(plain, cmp.Or(g.Name, "-")), g.Account)
	}
	if err := tab.Flush(); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}

// printGroupSheet writes CSV with a byte order mark, by which Excel knows UTF-8.
func (a *app) printGroupSheet(all []groupFacts) error {
	w, err := sheet.NewWriter(a.out, sheet.Format{
		Kind: sheet.CSV, Delimiter: ',', Encoding: sheet.UTF8, BOM: true,
		Columns: []sheet.Column{{Name: "group", Role: sheet.GroupColumn}, {Name: "name"}, {Name: "account", Role: sheet.AccountColumn}},
	})
	for _, g := range all {
		if err == nil {
			err = w.Write(sheet.Row{Cells: []string{string(g.GroupID), g.Name, g.Account}})
		}
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}
