package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
)

// startFlags are those of a command that starts a campaign.
type startFlags struct {
	sheetFlags

	times                             whenFlags
	name                              string
	trial, stopAt                     int
	expires                           durationFlag
	skipUnchanged, each, again, fetch bool
}

func (a *app) campaignStartCommand() *cobra.Command {
	var f startFlags
	cmd := &cobra.Command{
		Use:   "start FILE",
		Short: "Check a sheet and start it as a campaign",
		Long: `Check a sheet as 'campaign check' does, make its photos, and start it as a campaign:
workers then change the groups' photos at their accounts' pace. Nothing is started
when a row has problems, unless --skip-invalid leaves those out. The campaign is
accepted as a whole: when the command breaks off before, nothing runs, and the same
again goes on from there. The same sheet under the same name again changes nothing;
another one is refused.

Exit codes: 0 started, or started before; 2 there are problems; 1 it could not be
started.`,
		Example: `  groupphoto campaign start grupos.csv --trial 5
  groupphoto campaign start grupos.csv --photo logo.png --hours 09:00-18:00 --days mon-fri
  groupphoto campaign start grupos.csv --photo logo.png --groups groups.csv --accounts sales,support`,
		Args: arguments("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			lang, err := a.language(f.lang)
			if err == nil {
				err = f.judge(cmd, a.account, args[0])
			}
			if err != nil {
				return &usageError{cmd.CommandPath(), err}
			}
			return a.withClient(cmd.Context(), func(ctx context.Context, c config, gp *client) error {
				s, err := a.newStart(ctx, c, gp, f, lang, args[0])
				if err != nil {
					return err
				}
				defer s.close()
				return s.run(ctx)
			})
		},
	}
	a.redisFlag(cmd)
	a.startFlags(cmd, &f)
	return cmd
}

func (a *app) startFlags(cmd *cobra.Command, f *startFlags) {
	a.sheetFlags(cmd, &f.sheetFlags)
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "`name` of the campaign (default: from the file's name)")
	f.times.add(cmd)
	flags.Var(&f.expires, "expires", "send no row later than this after the start (default 30d)")
	flags.IntVar(&f.trial, "trial", 0, "so `many` rows of each account, then pause until 'campaign resume'")
	flags.IntVar(&f.stopAt, "stop-at", 0, "pause when so `many` of an account's last 50 rows were refused or failed; 0: never (default GROUPPHOTO_CAMPAIGN_STOP)")
	flags.BoolVar(&f.skipUnchanged, "skip-unchanged", false, "make no call for groups that show the photo already, as far as is known")
	flags.BoolVar(&f.each, "each-outcome", false, "tell the webhook of every row's outcome, not only of the campaign's")
	flags.BoolVar(&f.again, "again", false, "repeat a campaign that has finished")
	flags.BoolVar(&f.fetch, "fetch", false, "fetch what is behind the rows' URLs now, each once, and not when their turn comes")
}

// judge finds what is wrong with the flags, as far as no settings are needed.
func (f *startFlags) judge(cmd *cobra.Command, account, path string) error {
	changed := cmd.Flags().Changed
	if f.name == "" {
		f.name = campaignName(path)
	}
	switch {
	case f.photo == "-":
		return errors.New("--photo: give a file, a URL or a data URI; stdin can be the sheet")
	case f.name == "" && path == "-":
		return errors.New("--name: is needed when the sheet comes on stdin")
	case f.name == "":
		return errors.New("--name: is needed, since none can be made of the file's name")
	case changed("trial") && f.trial < 1:
		return errors.New("--trial: must be 1 or more")
	case changed("expires") && f.expires <= 0:
		return errors.New("--expires: must be more than 0")
	case changed("stop-at") && (f.stopAt < 0 || f.stopAt > tasks.StopWindow):
		return fmt.Errorf("--stop-at: must be 0 to %d", tasks.StopWindow)
	}
	if !changed("stop-at") {
		f.stopAt = -1 // as the setting says
	}
	if err := tasks.CheckCampaign(f.name); err != nil {
		return fmt.Errorf("--name: %w", err)
	}
	if err := f.times.judge(); err != nil {
		return err
	}
	return f.check(account, path)
}

// longestName is the most that tasks.CheckCampaign takes.
const longestName = 64

var noName = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// campaignName makes a name of a file's: accents go, and what else no name can have.
func campaignName(path string) string {
	if path == "-" {
		return ""
	}
	base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	name := strings.Trim(noName.ReplaceAllString(sheet.Unaccented(base), "-"), "-")
	return name[:min(len(name), longestName)]
}

// campaign is what the flags ask for. Photo and what is kept of the sheet come later.
func (f startFlags) campaign(c config, now time.Time) (enqueue.Campaign, error) {
	stop := f.stopAt
	if stop < 0 {
		stop = c.campaignStop
	}
	settings, start, err := f.times.resolve(c, now)
	if err != nil {
		return enqueue.Campaign{}, err
	}
	settings.StopAt, settings.EachOutcome = stop, f.each
	g := enqueue.Campaign{
		Name: f.name, SkipUnchanged: f.skipUnchanged, Trial: f.trial, By: actor(), Again: f.again, Settings: settings,
	}
	if start.After(now) {
		g.Start = start
	}
	g.Expires = start.Add(enqueue.DefaultCampaignExpiry)
	if f.expires > 0 {
		g.Expires = start.Add(f.expires.duration())
	}
	// Before the sheet is read, which may take long.
	switch latest := now.Add(enqueue.MaxAhead); {
	case start.After(latest):
		return g, badInput(fmt.Errorf("--at %q: is more than a year ahead", clip(f.times.at, 40)))
	case g.Expires.After(latest):
		return g, badInput(fmt.Errorf("--expires: its rows would expire %s, more than a year ahead; give a shorter time", c.stamp(g.Expires)))
	}
	return g, nil
}
