package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/sheet"
	"github.com/plugchat-go/groupphoto/tasks"
)

// photoLife is how long a photo is kept that was made for a campaign which is then
// not started. An accepted campaign prolongs it; fetching the photos of a long sheet
// may take hours before that.
const photoLife = 24 * time.Hour

// starting is one run of campaign start: the sheet is read twice, first to check it and
// to make its photos, then to give its rows away.
type starting struct {
	*check

	gp       *client
	ledger   *ledger.Ledger
	flags    startFlags
	campaign enqueue.Campaign
	before   enqueue.CampaignInfo // the one of this name, if there is one
	repeats  bool                 // before stays as it is, unless the sheet is another
	spool    string               // what stdin was written to; "" without
	sum      hash.Hash            // of the sheet as it was checked
	taken    int                  // rows given away
	planned  []plan
	here     []string // the accounts that this process can serve; nil: others do
}

func (a *app) newStart(ctx context.Context, c config, gp *client, f startFlags, lang language, path string) (*starting, error) {
	s := &starting{gp: gp, ledger: ledger.New(gp.rdb, c.keep), flags: f, sum: sha256.New()}
	var err error
	if s.before, err = gp.CampaignInfo(ctx, f.name); err != nil && !errors.Is(err, enqueue.ErrNoCampaign) {
		return nil, err
	}
	s.repeats = s.before.ID != "" && (!f.again || !closed(s.before))
	f.times.begun = f.times.begun || s.repeats
	if s.campaign, err = f.campaign(c, time.Now()); err != nil {
		return nil, err
	}
	source := path
	if path == "-" {
		if s.spool, err = a.spool(ctx); err != nil {
			return nil, err
		}
		source = s.spool
		f.folder = "."
	}
	f.copy = s.sum
	s.check, err = a.newCheck(ctx, c, sheetCheckFlags{sheetFlags: f.sheetFlags, fetch: f.fetch}, lang, source)
	if err != nil {
		s.close()
		return nil, err
	}
	s.name, s.quiet = path, true
	s.photos.store = func(ctx context.Context, jpeg []byte) (tasks.PhotoRef, error) {
		return s.ledger.StorePhoto(ctx, tasks.PhotoMade, jpeg, time.Now().Add(photoLife))
	}
	return s, nil
}

// closed says that nothing of a campaign is left to do.
func closed(info enqueue.CampaignInfo) bool {
	return info.State == enqueue.CampaignFinished || info.State == enqueue.CampaignCancelled
}

func (s *starting) close() {
	if s.check != nil {
		s.photos.close()
	}
	if s.spool != "" {
		_ = os.Remove(s.spool)
	}
}

// spool writes stdin into a file that only this user can read.
func (a *app) spool(ctx context.Context) (string, error) {
	file, err := os.CreateTemp("", "groupphoto-*")
	if err != nil {
		return "", fmt.Errorf("keeping stdin in a file: %w", err)
	}
	_, err = io.Copy(file, &impatient{ctx: ctx, r: a.in})
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
		return "", fmt.Errorf("keeping stdin in a file: %w", err)
	}
	return file.Name(), nil
}

func (s *starting) run(ctx context.Context) error {
	receipt, err := s.accept(ctx)
	if err != nil {
		return err
	}
	return s.tellStarted(ctx, receipt)
}

// accept checks the sheet and has its campaign accepted.
func (s *starting) accept(ctx context.Context) (enqueue.CampaignReceipt, error) {
	var none enqueue.CampaignReceipt
	var err error
	s.kept, s.own = s.before.Settings.Sheet, s.campaign.Name
	if s.campaign.Start.After(s.outlook.from) {
		s.outlook.from = s.campaign.Start
	}
	if s.outlook.schedule, err = s.campaign.Settings.Schedule(); err != nil {
		return none, badInput(err)
	}
	s.outlook.look = func(names []string) map[string]int64 { return s.ahead(ctx, names) }
	if err := s.check.run(ctx); err != nil {
		return none, err
	}
	if err := s.served(); err != nil {
		return none, err
	}
	format := s.reader.Format()
	s.reader = nil // its table of groups is large
	if err := s.timely(); err != nil {
		return none, err
	}
	var senders []sender
	if s.roster != nil {
		senders = s.roster.senders
		s.roster.employ(senders) // from the beginning
	}
	s.campaign.Settings.Sheet = newSheetMeta(s.name, format, senders).json()
	switch given := s.photos.given; {
	case given.Kind == tasks.PhotoURL:
		s.campaign.Photo = enqueue.URL(given.Wire())
	case given.Kind != tasks.PhotoNone:
		s.campaign.Photo = enqueue.Stored(given.Wire())
	}
	receipt, err := s.gp.StartCampaign(ctx, s.campaign, s.given(ctx))
	s.shown.clear()
	return receipt, s.notStarted(err)
}

// served refuses rows of accounts that nobody would send, where this process does.
func (s *starting) served() error {
	if s.here == nil {
		return nil
	}
	for _, name := range s.tally.names() {
		if !slices.Contains(s.here, name) {
			return badInput(errors.New(s.say("account %s is not configured here, and %s of the sheet name it; known: %s",
				name, s.many(s.tally.accounts[name], "row", "rows"), joinSome(s.here, 10))))
		}
	}
	return nil
}

// notStarted says in a person's words why the campaign was not accepted.
func (s *starting) notStarted(err error) error {
	name := s.campaign.Name
	differs, ok := errors.AsType[*enqueue.CampaignDiffersError](err)
	switch {
	case ok:
		return badInput(errors.New(s.say("there is a campaign %s already, and it has other rows or photos: %s; give this one another --name", name, differs.Difference())))
	case errors.Is(err, enqueue.ErrCampaignBusy):
		return &exitError{exitFailure, errors.New(s.say("campaign %s is being worked on by another process; try again in a moment", name))}
	}
	return err
}

// given reads the sheet once more and gives its good rows away.
func (s *starting) given(ctx context.Context) iter.Seq2[enqueue.CampaignRow, error] {
	return func(yield func(enqueue.CampaignRow, error) bool) {
		sum, flags := sha256.New(), s.check.flags.sheetFlags
		flags.copy = sum
		reader, file, err := s.openSheet(ctx, s.path, flags, s.roster)
		if err != nil {
			yield(enqueue.CampaignRow{}, s.changed())
			return
		}
		defer file.Close() //nolint:errcheck // it was only read
		for row, problems := range reader.Rows() {
			photo, good, err := s.photoOf(row)
			if len(problems) > 0 || err == nil && !good {
				continue // told of when the sheet was checked
			}
			s.taken++
			s.progressOf(s.taken)
			extra := extraOf(reader.Format(), row)
			if !yield(enqueue.CampaignRow{Line: int64(row.Line), GroupID: string(row.Group), Photo: photo, Account: row.Account, Extra: extra}, err) || err != nil {
				return
			}
		}
		if err := reader.Err(); err != nil {
			yield(enqueue.CampaignRow{}, err)
		} else if s.taken != s.tally.good || !bytes.Equal(sum.Sum(nil), s.sum.Sum(nil)) {
			yield(enqueue.CampaignRow{}, s.changed())
		}
	}
}

func (s *starting) changed() error {
	return badInput(errors.New(s.say("%s was changed while it was read; nothing was started", clip(s.name, 200))))
}

// photoOf is the photo that a row sends, as the check left it; good is false when it
// cannot be made.
func (s *starting) photoOf(row sheet.Row) (p enqueue.Photo, good bool, err error) {
	if row.Photo.None() {
		return p, true, nil
	}
	v := s.photos.of(row.Photo)
	switch {
	case v == nil && row.Photo.Ref.Kind == tasks.PhotoURL:
		return enqueue.URL(row.Photo.Ref.Wire()), true, nil
	case v == nil:
		return enqueue.Stored(row.Photo.Ref.Wire()), true, nil
	case v.wait().reason != "":
		return p, false, nil
	case v.failed != nil:
		return p, true, v.failed
	}
	return enqueue.Stored(v.ref.Wire()), true, nil
}

func (s *starting) progressOf(rows int) {
	if s.shown.due() {
		s.shown.tell(rows, s.tally.good, s.say("%d of %s", rows, s.many(s.tally.good, "row", "rows")))
	}
}

// timely refuses a campaign that cannot be through before its rows expire. One that
// is there already keeps its own time, and has made a part of its way.
func (s *starting) timely() error {
	s.planned = s.plans()
	if s.repeats || len(s.planned) == 0 {
		return nil
	}
	last := slices.MaxFunc(s.planned, func(a, b plan) int { return a.until.Compare(b.until) })
	if !last.until.After(s.campaign.Expires) {
		return nil
	}
	return badInput(errors.New(s.say("account %s would be through %s, after its rows expire %s; give a longer --expires, or more accounts",
		last.account, s.config.stamp(last.until), s.config.stamp(s.campaign.Expires))))
}

// ahead counts what stands before the campaign; it is not needed to start one.
func (s *starting) ahead(ctx context.Context, names []string) map[string]int64 {
	count, err := s.config.ahead(ctx, s.gp.rdb, names)
	if err != nil {
		return nil
	}
	for _, part := range s.before.Accounts { // its own rows
		count[part.Account] = max(0, count[part.Account]-part.Counts[enqueue.Waiting]-part.Counts[enqueue.Queued])
	}
	return count
}
