package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/plugchat-go/groupphoto/tasks"
)

// whenFlags say when a campaign's rows may go.
type whenFlags struct {
	at, hours, days string

	// begun means that the campaign was started before: then an --at that has passed is
	// no mistake, but the same command again.
	begun bool
}

func (f *whenFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.at, "at", "", "`time` at which the first row may go, such as '2026-01-31 18:00'")
	flags.StringVar(&f.hours, "hours", "", "the `hours` in which rows go, in the zone of GROUPPHOTO_TZ, such as 09:00-18:00; they may cross midnight")
	flags.StringVar(&f.days, "days", "", "the `days` on which rows go, such as mon-fri or mon,wed,sat")
}

// judge finds what is wrong with them, as far as no settings are needed.
func (f *whenFlags) judge() error {
	if _, err := (tasks.CampaignSettings{Hours: f.hours, Days: f.days}).Schedule(); err != nil {
		return fmt.Errorf("--hours and --days: %w", err)
	}
	return nil
}

// resolve gives what they ask for, and the moment from which rows may go.
func (f *whenFlags) resolve(c config, now time.Time) (s tasks.CampaignSettings, from time.Time, err error) {
	s = tasks.CampaignSettings{Hours: f.hours, Days: f.days}
	if f.hours != "" || f.days != "" {
		s.Zone = c.zone.String()
	}
	if _, err := s.Schedule(); err != nil {
		return s, now, badInput(err)
	}
	if f.at == "" {
		return s, now, nil
	}
	at, err := parseTime(f.at, c.zone)
	switch {
	case err != nil:
		return s, now, badInput(err)
	case at.Before(now) && f.begun:
		return s, now, nil
	case at.Before(now):
		return s, now, badInput(fmt.Errorf("--at %q: has passed", clip(f.at, 40)))
	}
	return s, at, nil
}
