package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
)

// work sends the campaign's rows and watches, until nothing is left to do or the
// run is interrupted; calls under way end and are written down in any case.
func (r *campaignRun) work(ctx context.Context, info enqueue.CampaignInfo, spec redisconn.Spec, accounts []account) error {
	var used []account
	for _, account := range accounts {
		if slices.ContainsFunc(info.Accounts, func(p enqueue.CampaignPart) bool { return p.Account == account.name }) {
			used = append(used, account)
		}
	}
	ec := engineConfig{redis: spec, config: r.config, accounts: used, log: r.log, checkInterval: fastCheck}
	if r.report != nil {
		ec.ending = r.ending
	}
	e, err := startEngine(ctx, ec)
	if err != nil {
		return err
	}
	redisconn.SetLibraryLogger(r.log)
	k := &campaignAct{app: r.app, language: r.language, config: r.config, gp: r.gp, name: info.ID, screen: r.screen, alone: r.report != nil}
	_, err = k.watch(ctx)
	interrupted := ctx.Err() != nil
	if interrupted {
		r.note(r.text("calls under way are let finish"))
	}
	stopped := e.stop()
	// The end is looked at in peace: the context may have ended.
	//nolint:contextcheck // see above
	return r.finish(k, err, stopped, interrupted)
}

// finish says how the campaign stands, writes its results, and gives the exit code.
func (r *campaignRun) finish(k *campaignAct, err, stopped error, interrupted bool) error {
	if err != nil && !interrupted {
		return errors.Join(err, stopped)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	info, failed := r.gp.CampaignInfo(ctx, k.name)
	if failed == nil && len(info.Failures) > 0 {
		info.Failures, failed = r.gp.CampaignExamples(ctx, info, 3)
	}
	if failed == nil {
		failed = k.status(info)
	}
	if failed == nil {
		failed = r.results(ctx, k, info)
	}
	if all := errors.Join(failed, stopped); all != nil {
		return errors.Join(err, all)
	}
	switch {
	case interrupted:
		r.note(r.text("the same command again goes on"))
		return err
	case info.State == enqueue.CampaignPaused && info.Reason == enqueue.TrialOver:
		r.note(r.text("its trial is over; look at the groups, and give the same command without --trial for the rest"))
		return &exitError{code: exitUnfinished}
	case info.State == enqueue.CampaignPaused:
		r.note(r.say("it paused itself: %s; look at what went wrong, and give the same command again to go on", info.Reason))
		return &exitError{code: exitUnfinished}
	}
	if code := campaignExit(info); code != exitDone {
		if r.report != nil && code == exitPartly {
			r.note(r.text("to send those rows once more: the same command with --retry"))
		}
		return &exitError{code: code}
	}
	return nil
}

// results writes the rows with their outcomes.
func (r *campaignRun) results(ctx context.Context, k *campaignAct, info enqueue.CampaignInfo) error {
	out := r.flags.out
	if out == "" {
		if r.report == nil {
			return nil
		}
		out = r.beside("", ".results."+string(readSheetMeta(info.Settings.Sheet).Format.Kind))
	}
	if err := k.export(ctx, exportFlags{out: out}, enqueue.CampaignFilter{}); err != nil {
		return err
	}
	r.note(r.say("results: %s", clip(out, 200)))
	if r.report != nil {
		r.note(r.say("report: %s", clip(fmt.Sprint(r.report.file.Name()), 200)))
	}
	return nil
}
