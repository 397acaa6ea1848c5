package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redisconn/embedded"
	"github.com/plugchat-go/groupphoto/tasks"
)

// runFlags are those of campaign run.
type runFlags struct {
	startFlags

	report, out    string
	retry, verbose bool
}

func (a *app) campaignRunCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Start a campaign, send it and watch it, all in this process",
		Long: `Start a campaign, send its rows with the accounts configured here, and watch it until it
has ended, all in this process. Without REDIS_URL nothing else is needed: an embedded
Redis is used, every outcome is added to a report beside the sheet as soon as it is
known, and the rows with their outcomes are written into a results sheet at the end.
When it is interrupted, or the machine fails, the same command again goes on, and sends
no row again that has an outcome in the report.

Exit codes: 0 every row is updated or unchanged; 6 some are not; 7 its time ran out;
5 it paused itself, and the same command again goes on; 2 there are problems; 130
interrupted.`,
		Example: `  groupphoto campaign run grupos.csv --photo logo.png --trial 5
  groupphoto campaign run grupos.csv --photo logo.png
  groupphoto campaign run grupos.csv --photo logo.png --retry`,
		Args: arguments("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			lang, err := a.language(f.lang)
			if err == nil {
				err = f.judge(cmd, a.account, args[0])
			}
			if err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return a.runCampaign(cmd.Context(), f, lang, args[0])
		},
	}
	a.redisFlag(cmd)
	a.startFlags(cmd, &f.startFlags)
	flags := cmd.Flags()
	flags.StringVar(&f.report, "report", "", "without REDIS_URL: add every outcome to this `file` (default: beside the sheet, .report.jsonl)")
	flags.StringVar(&f.out, "out", "", "write the rows with their outcomes into this `file` at the end (default without REDIS_URL: beside the sheet, .results)")
	flags.BoolVar(&f.retry, "retry", false, "send rows again that were refused or failed, or ran out of time")
	flags.BoolVar(&f.verbose, "verbose", false, "show the worker's log from GROUPPHOTO_LOG_LEVEL on")
	return cmd
}

// campaignRun is one run of campaign run.
type campaignRun struct {
	*app
	language

	flags  runFlags
	config config
	path   string
	gp     *client
	log    *slog.Logger
	screen *screen
	report *report // nil with a Redis that keeps what was done
	rows   map[rowPlace]rowMark
	broken context.CancelCauseFunc
}

type rowPlace struct {
	account string
	row     int64
}

type rowMark struct {
	line int64
	key  string
}

func (a *app) runCampaign(ctx context.Context, f runFlags, lang language, path string) (err error) {
	c, err := a.config(ctx, nil)
	if err != nil {
		return err
	}
	accounts, err := c.accounts()
	if err != nil {
		return err
	}
	r := &campaignRun{app: a, language: lang, flags: f, config: c, path: path, screen: newScreen(a.err), rows: map[rowPlace]rowMark{}}
	r.log = slog.New(&devLog{Handler: newLogger(r.screen, devLogging(c, f.verbose), true, a.colour()).Handler(), verbose: f.verbose})
	redisconn.SetLibraryLogger(nil)
	ctx, r.broken = context.WithCancelCause(ctx)
	defer r.broken(nil)
	spec := c.redis
	if c.redis.Embedded() || a.redis == "" && a.env["REDIS_URL"] == "" && a.env["REDIS_URL_FILE"] == "" {
		server, err := embedded.Start(ctx)
		if err != nil {
			return err
		}
		defer server.Close() //nolint:errcheck // never fails; see its contract
		spec = server.Spec()
		if r.report, err = openReport(r.beside(f.report, ".report.jsonl")); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.report.close()) }()
	}
	if r.gp, err = a.connectTo(ctx, c, spec); err != nil {
		return err
	}
	defer r.gp.close()
	info, err := r.start(ctx, accounts)
	if err != nil {
		return err
	}
	return r.work(ctx, info, spec, accounts)
}

// beside is a file that a flag names, or else one beside the sheet.
func (r *campaignRun) beside(given, ending string) string {
	switch {
	case given != "":
		return given
	case r.path == "-":
		return r.flags.name + ending
	}
	return strings.TrimSuffix(r.path, filepath.Ext(r.path)) + ending
}

// start has the campaign accepted, and ends the rows that earlier runs have ended.
func (r *campaignRun) start(ctx context.Context, accounts []account) (enqueue.CampaignInfo, error) {
	var none enqueue.CampaignInfo
	f := r.flags.startFlags
	if r.report != nil {
		f.again = false // what was done is in the report alone
		f.times.begun = r.report.begun
	}
	s, err := r.newStart(ctx, r.config, r.gp, f, r.language, r.path)
	if err != nil {
		return none, err
	}
	defer s.close()
	for _, account := range accounts {
		s.here = append(s.here, account.name)
	}
	receipt, err := s.accept(ctx)
	if err != nil {
		return none, err
	}
	if r.report != nil {
		err = r.learn(ctx, receipt)
	} else if r.flags.retry && receipt.Before {
		_, err = r.gp.RetryCampaign(ctx, receipt.ID, enqueue.Retry{By: actor()})
	}
	if err != nil {
		return none, err
	}
	info, err := r.gp.CampaignInfo(ctx, receipt.ID)
	if err != nil {
		return none, err
	}
	if n := rowsEnded(info); n > 0 {
		r.note(r.say("it goes on: %d of %s have an outcome from before", n, r.many(int(info.Total), "row", "rows")))
	} else {
		for _, p := range s.planned[:min(len(s.planned), shownAccounts)] {
			r.note(s.planText(p))
		}
	}
	return info, nil
}

// note writes a line for the person who watches.
func (r *campaignRun) note(text string) { fmt.Fprintln(r.screen, strings.Map(plain, text)) }

// learn tells the embedded Redis what earlier runs have done.
func (r *campaignRun) learn(ctx context.Context, receipt enqueue.CampaignReceipt) error {
	if err := r.report.begin(receipt.Name, r.flags.again); err != nil {
		return err
	}
	l := ledger.New(r.gp.rdb, r.config.keep)
	campaign, err := l.Campaign(ctx, receipt.ID)
	if err != nil {
		return err
	}
	ends := map[string][]ledger.KnownEnd{}
	for row, err := range l.CampaignRows(ctx, campaign, ledger.RowFilter{}) {
		if err != nil {
			return err
		}
		account, key := row.Given.Account, rowKey(row.Given.Group, row.Given.Account, row.Given.Photo)
		r.rows[rowPlace{account, row.Row}] = rowMark{row.Given.Line, key}
		if o, known := r.report.known[key]; known && (!r.flags.retry || !slices.Contains(retried, o.State)) {
			ends[account] = append(ends[account], ledger.KnownEnd{Row: row.Row, End: ledger.EndOf(o)})
		}
	}
	for account, list := range ends {
		if _, err := l.KnowRows(ctx, account, campaign.ID, list); err != nil {
			return err
		}
	}
	return nil
}

// retried are the states from which --retry sends rows again.
var retried = []tasks.State{tasks.Refused, tasks.Failed, tasks.Expired, tasks.Cancelled}

// ending adds an outcome to the report, before the row's turn is given back: at a crash
// no more than the calls under way are not in it. When that fails the run ends: what it
// did would be done again.
func (r *campaignRun) ending(o tasks.Outcome) {
	ref, ok := ledger.RowRefOf(o.Account, o.ID)
	mark, known := r.rows[rowPlace{o.Account, ref.Row}]
	if !ok || !known {
		return
	}
	if err := r.report.write(reportLine{Type: "row", Key: mark.key, Line: mark.line, Outcome: &o}); err != nil {
		r.broken(&exitError{exitFailure, err})
	}
}
