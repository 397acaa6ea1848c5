package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
)

// shownProblems is how many problems are shown in text.
const shownProblems = 50

type sheetCheckFlags struct {
	sheetFlags

	times whenFlags
	fetch bool
}

func (a *app) campaignCheckCommand() *cobra.Command {
	var f sheetCheckFlags
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Read a campaign's sheet and say all that is wrong with it; nothing is changed anywhere",
		Long: `Read a campaign's sheet and say all that is wrong with it, how many rows each account
has, and how long they take at its pace. Nothing is sent and nothing is stored; no
Redis is needed. FILE is CSV (comma, semicolon or tab) or JSONL; - is stdin. Columns:
group (or grupo), photo (or foto), account (or conta, número); without a header they
stand in this order. Photo files are looked for beside the sheet, and every
different one is made once, as 'groupphoto photo' does. What is behind URLs is looked
at only with --fetch.

With --groups, rows that name no account go to numbers in their groups: to the one that
would be through first, by its pace and, when REDIS_URL is set, by what waits there.

Exit codes: 0 all rows are good (with --skip-invalid: one at least), 2 there are
problems, 1 the sheet cannot be read to its end.`,
		Example: `  groupphoto campaign check grupos.csv
  groupphoto campaign check grupos.csv --photo logo.png --skip-invalid --rejects bad.csv
  groupphoto campaign check grupos.csv --photo logo.png --groups groups.csv --accounts sales,support`,
		Args: arguments("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			lang, err := a.language(f.lang)
			if err == nil && f.photo == "-" {
				err = errors.New("--photo: give a file, a URL or a data URI; stdin can be the sheet")
			}
			if err == nil {
				err = f.check(a.account, args[0])
			}
			if err == nil {
				err = f.times.judge()
			}
			if err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return a.checkCampaign(cmd.Context(), f, lang, args[0])
		},
	}
	a.sheetFlags(cmd, &f.sheetFlags)
	f.times.add(cmd)
	cmd.Flags().BoolVar(&f.fetch, "fetch", false, "fetch what is behind the URLs, each once, and make the photos of it")
	return cmd
}

// check is one run of campaign check.
type check struct {
	*app
	language

	flags   sheetCheckFlags
	config  config
	path    string
	name    string        // as the person gave it
	data    *bufio.Writer // on stdout: a sheet can have a million problems
	quiet   bool          // nothing is printed of a sheet without problems
	reader  *sheet.Reader
	photos  *rowPhotos
	roster  *roster         // nil without --groups
	kept    json.RawMessage // of the sheet's campaign when it was started before
	rejects *rejects        // nil when nobody asked
	tally   tally
	first   []rowProblem
	shown   *progress
	lines   int    // of the sheet, about, once they have been counted
	own     string // the name of the campaign that is started; "" while it is only checked
	outlook outlook
	late    lateLinks
	others  []overlap
}

func (a *app) checkCampaign(ctx context.Context, f sheetCheckFlags, lang language, path string) error {
	c, err := a.config(ctx, nil)
	if err != nil {
		return err
	}
	k, err := a.newCheck(ctx, c, f, lang, path)
	if err != nil {
		return err
	}
	defer k.photos.close()
	var settings tasks.CampaignSettings
	if settings, k.outlook.from, err = f.times.resolve(c, time.Now()); err != nil {
		return err
	}
	k.outlook.schedule, _ = settings.Schedule() // judged before
	k.outlook.look = func(names []string) map[string]int64 {
		k.shown.clear()
		return a.lookAhead(ctx, c, lang, names)
	}
	return k.run(ctx)
}

func (a *app) newCheck(ctx context.Context, c config, f sheetCheckFlags, lang language, path string) (k *check, err error) {
	k = &check{app: a, language: lang, flags: f, config: c, path: path, name: path, data: bufio.NewWriter(a.out), tally: newTally(), shown: newProgress(a)}
	if k.tally.paces, err = c.paces(); err != nil {
		return nil, err
	}
	a.limitMemory(c)
	if k.photos, err = newRowPhotos(ctx, a, c, f.fetch); err != nil {
		return nil, badInput(err)
	}
	k.outlook = outlook{from: time.Now(), pace: k.tally.pace}
	return k, nil
}

// run goes through the sheet once and tells what it found. A sheet with problems is
// an error, unless they are to be skipped.
func (k *check) run(ctx context.Context) error {
	if err := k.employ(ctx); err != nil {
		return err
	}
	reader, file, err := k.openSheet(ctx, k.path, k.flags.sheetFlags, k.roster)
	if err != nil {
		return k.flushed(k.noSheet(err))
	}
	defer file.Close() //nolint:errcheck // it was only read
	k.reader = reader
	if err := k.photos.shared(k.flags.photo); err != nil {
		return err
	}
	if k.flags.rejects != "" {
		if k.rejects, err = newRejects(k.flags.rejects, reader.Format(), k.path, k.flags.photo); err != nil {
			return err
		}
		defer k.rejects.drop()
	}
	err = k.rows(ctx)
	k.shown.clear()
	if err == nil && k.tally.good > 0 && k.own == "" {
		k.others = k.overlaps(ctx)
	}
	if err == nil {
		err = k.finish()
	}
	return k.flushed(err)
}

// employ reads who is in which group, and gives rows to the numbers that are.
func (k *check) employ(ctx context.Context) error {
	if k.flags.groups == "" {
		return nil
	}
	who, names, err := k.app.roster(ctx, k.language, k.flags.groupsFlags)
	if err != nil {
		return err
	}
	senders := keptSenders(k.kept, names)
	if senders == nil {
		ahead := k.lookAhead(ctx, k.config, k.language, names)
		if ahead == nil && k.own == "" {
			k.outlook.look = nil // told already
		}
		if senders, err = k.config.senders(names, ahead); err != nil {
			return err
		}
	}
	who.employ(senders)
	k.roster = who
	return nil
}

// flushed sees to it that what was said is said whatever follows.
func (k *check) flushed(err error) error {
	if failed := k.data.Flush(); failed != nil {
		return fmt.Errorf("writing to stdout: %w", failed)
	}
	return err
}

// progress tells how far it has come, at the row that begins in a line.
func (k *check) progress(line int) {
	if !k.shown.due() {
		return
	}
	if k.lines == 0 && k.path != "-" {
		k.lines = countLines(k.path)
	}
	text := k.many(k.tally.rows, "row", "rows")
	if n := k.photos.ready.Load(); n > 0 {
		text += k.say(", %d photos made", n)
	}
	k.shown.tell(line, k.lines, text)
}

// noSheet tells what was given instead of a sheet.
func (k *check) noSheet(err error) error {
	p, ok := errors.AsType[*sheet.Problem](err)
	if !ok {
		return err
	}
	if k.json() {
		if err := printJSON(k.data, k.told(*p, language{})); err != nil {
			return err
		}
	}
	return badInput(errors.New(clip(k.name, 200) + ": " + k.sentence(k.told(*p, k.language))))
}

// rows goes through the sheet. A row whose photo is still being made waits, and
// those after it too, so that all is told in the order of the sheet.
func (k *check) rows(ctx context.Context) error {
	var waiting []waitingRow
	settle := func(down int) error {
		for len(waiting) > down {
			if err := k.row(waiting[0].row, waiting[0].problems, waiting[0].photo.wait()); err != nil {
				return err
			}
			waiting = waiting[1:]
		}
		return nil
	}
	for row, problems := range k.reader.Rows() {
		if ctx.Err() != nil {
			break
		}
		var photo *verdict
		if len(problems) == 0 {
			photo = k.photos.of(row.Photo)
		}
		for len(waiting) > 0 && waiting[0].photo.done() {
			if err := settle(len(waiting) - 1); err != nil {
				return err
			}
		}
		if len(waiting) == 0 && photo.done() {
			if err := k.row(row, problems, photo); err != nil {
				return err
			}
			continue
		}
		waiting = append(waiting, waitingRow{row.Clone(), problems, photo})
		if err := settle(mostWaiting); err != nil {
			return err
		}
	}
	err := settle(0)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("checking the sheet: %w", context.Cause(ctx))
	case err != nil:
		return err
	}
	return k.reader.Err()
}

// mostWaiting bounds the rows that wait for a photo: each may hold a picture.
const mostWaiting = 16

type waitingRow struct {
	row      sheet.Row
	problems []sheet.Problem
	photo    *verdict
}

// row settles one row.
func (k *check) row(row sheet.Row, problems []sheet.Problem, photo *verdict) error {
	told := make([]rowProblem, 0, len(problems)+1)
	for _, p := range problems {
		told = append(told, k.told(p, k.tongue()))
	}
	if photo != nil && photo.reason != "" {
		told = append(told, k.badPhoto(row, photo))
	}
	if photo != nil && photo.failed != nil {
		return photo.failed
	}
	k.tally.add(row, len(told))
	if len(told) == 0 && !k.photos.fetch {
		k.late.judge(row, func() time.Time { return k.outlook.after(row.Account, k.tally.accounts[row.Account]-1) })
	}
	k.progress(row.Line)
	for _, p := range told {
		switch {
		case k.json():
			if err := printJSON(k.data, p); err != nil {
				return err
			}
		case len(k.first) < shownProblems:
			k.first = append(k.first, p)
		}
	}
	if len(told) == 0 || k.rejects == nil {
		return nil
	}
	return k.rejects.write(row, k.why(told))
}

// tongue is the language of what goes to stdout.
func (k *check) tongue() language {
	if k.json() {
		return language{}
	}
	return k.language
}

// finish prints the summary and gives the exit code.
func (k *check) finish() error {
	if k.tally.rows == 0 {
		return k.noSheet(&sheet.Problem{Reason: sheet.EmptySheet})
	}
	if k.rejects != nil {
		if err := k.rejects.keep(); err != nil {
			return err
		}
	}
	if !k.quiet || k.tally.bad > 0 {
		if err := k.print(); err != nil {
			return err
		}
	}
	if k.tally.bad == 0 || k.flags.skipInvalid && k.tally.good > 0 {
		return nil
	}
	return &exitError{code: exitUsage}
}
