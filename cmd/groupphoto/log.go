package main

import (
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// logger writes to stderr: for people on a terminal, as JSON elsewhere, unless
// the settings say otherwise.
func (a *app) logger(c config) *slog.Logger { return newLogger(a.err, c, a.errTerminal, a.colour()) }

func newLogger(w io.Writer, c config, terminal, colour bool) *slog.Logger {
	if c.logFormat == "json" || c.logFormat == "auto" && !terminal {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: c.logLevel}))
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{Level: c.logLevel, TimeFormat: time.TimeOnly, NoColor: !colour}))
}

// colour tells whether stderr may be coloured: on a terminal that can, unless
// NO_COLOR says no.
func (a *app) colour() bool {
	return a.errTerminal && a.env["NO_COLOR"] == "" && a.env["TERM"] != "dumb"
}
