package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
)

// exportFlags choose what is exported, and how it is written.
type exportFlags struct {
	states, reasons, accounts []string
	as, out                   string
}

func (a *app) campaignExportCommand() *cobra.Command {
	var f exportFlags
	var filter enqueue.CampaignFilter
	cmd := &cobra.Command{
		Use:   "export NAME",
		Short: "Write a campaign's rows with their outcomes, as a sheet like the one it came from",
		Long: `Write a campaign's rows in the order of their sheet, with its columns, separator and
byte order mark, and behind them the line of the sheet, the account, and how each row
ended. What a spreadsheet would take for a formula gets an apostrophe. An export is a
sheet again: links, with their queries, and names of files stand in it as they did,
and image data as the name that the photo store has for it.

Exit codes: 0 all is written; 1 it could not be written whole.`,
		Example: `  groupphoto campaign export spring --out spring-done.csv
  groupphoto campaign export spring --state refused,failed --as jsonl`,
		PreRunE: func(*cobra.Command, []string) (err error) {
			filter, err = f.filter()
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.states, "state", nil, "only rows in these `states`")
	flags.StringSliceVar(&f.reasons, "reason", nil, "only rows with one of these reason `words`")
	flags.StringSliceVar(&f.accounts, "account", nil, "only rows of these accounts, by `name`")
	flags.StringVar(&f.as, "as", "", "`form` to write: csv or jsonl (default: that of the sheet)")
	flags.StringVar(&f.out, "out", "", "write into this `file` (default: stdout)")
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(stateWords(), cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that is not there
	_ = cmd.RegisterFlagCompletionFunc("reason", cobra.FixedCompletions(reasonWords(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("account", a.completeAccount)
	_ = cmd.RegisterFlagCompletionFunc("as", cobra.FixedCompletions([]string{"csv", "jsonl"}, cobra.ShellCompDirectiveNoFileComp))
	return a.campaignFlags(cmd, func(ctx context.Context, k *campaignAct) error { return k.export(ctx, f, filter) })
}

func stateWords() []string {
	var words []string
	for _, state := range allStates {
		if state != enqueue.Retrying { // counts as queued
			words = append(words, string(state))
		}
	}
	return words
}

// filter reads the flags, and reports every problem at once.
func (f exportFlags) filter() (filter enqueue.CampaignFilter, err error) {
	var r reader
	for _, word := range f.states {
		if !slices.Contains(stateWords(), word) {
			r.fail("--state", word, "one of "+strings.Join(stateWords(), ", "))
		}
		filter.States = append(filter.States, tasks.State(word))
	}
	for _, word := range f.reasons {
		if !tasks.Reason(word).Known() {
			r.fail("--reason", word, "a reason word; see docs/reasons.md")
		}
		filter.Reasons = append(filter.Reasons, tasks.Reason(word))
	}
	for _, name := range f.accounts {
		r.note(tasks.CheckAccount(name))
	}
	filter.Accounts = f.accounts
	if f.as != "" && f.as != "csv" && f.as != "jsonl" {
		r.fail("--as", f.as, "csv or jsonl")
	}
	return filter, errors.Join(r.problems...)
}

// export writes the rows, into its place only when they are all there.
func (k *campaignAct) export(ctx context.Context, f exportFlags, filter enqueue.CampaignFilter) error {
	info, err := k.gp.CampaignInfo(ctx, k.name)
	if err != nil {
		return err
	}
	if f.out == "" {
		return k.exportTo(ctx, k.out, info, f.as, filter)
	}
	file, err := createBeside(f.out)
	if err != nil {
		return badInput(fmt.Errorf("--out: the file cannot be written: %w", bare(err, f.out)))
	}
	err = k.exportTo(ctx, file, info, f.as, filter)
	if err == nil {
		err = file.Chmod(0o644)
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), f.out)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("--out: %w", bare(err, f.out))
	}
	return nil
}

func (k *campaignAct) exportTo(ctx context.Context, to io.Writer, info enqueue.CampaignInfo, as string, filter enqueue.CampaignFilter) error {
	buffered := bufio.NewWriterSize(to, 256<<10)
	x, err := newExporter(buffered, readSheetMeta(info.Settings.Sheet), as)
	if err != nil {
		return err
	}
	rows := 0
	for r, err := range k.gp.CampaignRecords(ctx, info.ID, filter) {
		if err == nil {
			err = x.write(r)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", k.say("the export is incomplete, after %s", k.many(rows, "row", "rows")), errors.Join(err, x.sheet.Flush(), buffered.Flush()))
		}
		rows++
	}
	if err := errors.Join(x.sheet.Flush(), buffered.Flush()); err != nil {
		return fmt.Errorf("writing the export: %w", err)
	}
	if filter.After == 0 && len(filter.States)+len(filter.Reasons)+len(filter.Accounts) == 0 && int64(rows) < info.Total {
		k.tell(k.say("%d rows are being moved between accounts and are not in it", info.Total-int64(rows)))
	}
	return nil
}

// exported are the columns that an export has behind those of its sheet.
var exported = []string{"line", "sender", "state", "reason", "detail", "attempts", "httpStatus", "finishedAt", "durationMs", "sent", "before"}

// exporter writes records as rows of the sheet that they came from.
type exporter struct {
	from    sheet.Format // the sheet's
	to      sheet.Format // what is written
	sheet   *sheet.Writer
	cells   []string
	added   []string
	foreign bool // no sheet of ours: photos are named as the store names them
}

func newExporter(w io.Writer, m sheetMeta, as string) (x *exporter, err error) {
	x = &exporter{from: m.Format, to: m.Format, added: make([]string, len(exported)), foreign: m.foreign}
	if as != "" {
		x.to.Kind = sheet.Kind(as)
	}
	if x.to.Kind == sheet.JSONL && x.from.Kind == sheet.CSV {
		x.to.BOM, x.to.Encoding, x.to.CRLF = false, sheet.UTF8, false // for programs
	}
	if x.to.Kind == sheet.CSV && x.from.Kind == sheet.JSONL {
		x.to.Delimiter, x.to.HeaderLine = ',', 1
	}
	x.to.Columns = named(x.to.Columns)
	x.cells = make([]string, len(x.to.Columns))
	x.sheet, err = sheet.NewWriter(w, x.to, exported...)
	return x, err
}
