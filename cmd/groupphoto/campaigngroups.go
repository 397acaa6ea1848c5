package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
)

// groupsFlags are those of a campaign whose rows are given to the numbers that are in
// their groups.
type groupsFlags struct {
	groups   string
	accounts []string
}

func (a *app) groupsFlags(cmd *cobra.Command, f *groupsFlags) {
	flags := cmd.Flags()
	flags.StringVar(&f.groups, "groups", "", "give rows that name no account to numbers in their groups, which this `file` lists as 'groupphoto groups -o csv' wrote it")
	flags.StringSliceVar(&f.accounts, "accounts", nil, "with --groups: `names` of the numbers, with commas between (default: all in the file)")
	_ = cmd.RegisterFlagCompletionFunc("accounts", a.completeConfigured) // fails only for a flag that is not there
}

// check judges the flags among themselves. account is --account, path the sheet's.
func (f groupsFlags) check(account, path string) error {
	switch {
	case f.groups == "" && len(f.accounts) > 0:
		return errors.New("--accounts is for --groups; write the file of groups with: groupphoto groups -o csv")
	case f.groups == "":
		return nil
	case account != "":
		return errors.New("--account: is for rows that name none, which --groups gives to numbers in their groups; leave one of the two out")
	case f.groups == "-" && path == "-":
		return errors.New("--groups: stdin is the sheet already; give a file")
	}
	for _, name := range f.accounts {
		if err := tasks.CheckAccount(name); err != nil {
			return fmt.Errorf("--accounts: %w", err)
		}
	}
	return nil
}

// shownFaults is how many problems of a file of groups are told: a program wrote it,
// so the first ones say what happened to it.
const shownFaults = 5

// roster reads which numbers are in which groups; it employs nobody yet. names are
// those of the senders.
func (a *app) roster(ctx context.Context, lang language, f groupsFlags) (r *roster, names []string, err error) {
	for _, name := range f.accounts {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	file := clip(f.groups, 200)
	list, closer, err := a.openGroups(ctx, f.groups)
	if p, ok := errors.AsType[*sheet.Problem](err); ok {
		err = fmt.Errorf("%s: %s", file, problemText(lang, *p))
	}
	if err != nil {
		return nil, nil, badInput(fmt.Errorf("--groups: %w", err))
	}
	defer closer.Close() //nolint:errcheck // it was only read
	r, faults := newRoster(names), listFaults{}
	if err := r.read(ctx, lang, list, &faults); err != nil {
		return nil, nil, fmt.Errorf("--groups: %w", err)
	}
	if faults.all == 0 && len(r.groups) == 0 {
		faults.note(lang.say("no group is in it"))
	}
	for _, name := range names {
		if faults.all == 0 && !r.has(name) {
			faults.note(lang.say("no line is of the account %s; leave it out of --accounts, or list its groups: groupphoto groups --account %s", name, name))
		}
	}
	if err := faults.error(lang, file); err != nil {
		return nil, nil, badInput(err)
	}
	if len(names) == 0 {
		names = r.names()
	}
	return r, names, nil
}

func (a *app) openGroups(ctx context.Context, path string) (*sheet.Reader, io.Closer, error) {
	opts := sheet.Options{Members: true}
	if path == "-" {
		r, err := sheet.Open(&impatient{ctx: ctx, r: a.in}, opts)
		return r, io.NopCloser(nil), err
	}
	file, err := openRegular(path)
	if err != nil {
		return nil, nil, err
	}
	r, err := sheet.Open(file, opts)
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return r, file, nil
}

// listFaults are what is wrong with a list of groups. Only the first are kept.
type listFaults struct {
	first []string
	all   int
}

func (f *listFaults) note(text string) {
	if f.all++; f.all <= shownFaults {
		f.first = append(f.first, text)
	}
}

func (f *listFaults) error(lang language, file string) error {
	lines := f.first
	if more := f.all - len(lines); more > 0 {
		lines = append(lines, lang.say("… and %d more", more))
	}
	var r reader
	for _, line := range lines {
		r.note(fmt.Errorf("--groups: %s: %s", file, line))
	}
	return errors.Join(r.problems...)
}

// read takes in a list of groups, and notes what is wrong with it.
func (r *roster) read(ctx context.Context, lang language, list *sheet.Reader, faults *listFaults) error {
	at := slices.IndexFunc(list.Format().Columns, func(c sheet.Column) bool { return c.Role == sheet.AccountColumn })
	if at < 0 {
		faults.note(lang.say("it has no column of accounts; write it with: groupphoto groups -o csv"))
		return nil
	}
	for row, problems := range list.Rows() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, p := range problems {
			faults.note(problemText(lang, p))
		}
		switch {
		case len(problems) > 0:
		case strings.TrimSpace(row.Cells[at]) == "":
			faults.note(lang.say("line %d: the account is missing", row.Line))
		default:
			r.join(row.Group, row.Account)
		}
	}
	return list.Err()
}

// senders are numbers with what decides when they would be through. Those that are
// not configured here have the pace that holds for all.
func (c config) senders(names []string, ahead map[string]int64) ([]sender, error) {
	paces, err := c.paces()
	if err != nil {
		return nil, err
	}
	list := make([]sender, 0, len(names))
	for _, name := range names {
		pace, configured := paces[name]
		if !configured {
			pace = paces[""]
		}
		list = append(list, sender{Account: name, Gap: pace, Ahead: ahead[name]})
	}
	return list, nil
}

// has says whether an account is in any group.
func (r *roster) has(account string) bool {
	number, known := r.accounts[account]
	return known && slices.ContainsFunc(r.sets, func(members []int) bool {
		_, there := slices.BinarySearch(members, number)
		return there
	})
}

// problemText is a problem of a sheet in one line.
func problemText(lang language, p sheet.Problem) string {
	return p.Where(lang.text("line"), lang.text("column")) + p.Fill(lang.text(p.Reason.Means())) + "; " + p.Fill(lang.text(p.Reason.Mend()))
}
