package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/photo"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// trial is one real change of a test group, with what came of it.
type trial struct {
	account  account
	prepared enqueue.Prepared
	jpeg     []byte         // the finished photo; nil where the URL is passed on
	photo    plugchat.Photo // the same as it is sent
	ref      tasks.PhotoRef // the finished photo, or the URL

	exchange     *exchange // nil when no call was made
	value        bool
	err          error
	next, only   worker.Next // what a worker would do, and what became of this one
	outcome      tasks.Outcome
	recorded     bool
	took, waited time.Duration
}

func (a *app) checkLive(ctx context.Context, c config, chosen account, f checkFlags) error {
	t := &trial{account: chosen}
	wire := &tape{inner: plugchat.NewTransport(nil)}
	cfg := callerConfig(chosen, worker.DefaultHTTPTimeout)
	cfg.Transport = wire
	caller, err := plugchat.New(cfg)
	if err != nil {
		return badInput(fmt.Errorf("account %s: %w", chosen.name, err))
	}
	defer caller.CloseIdle()
	if err := t.prepare(ctx, a, c, f); err != nil {
		return err
	}
	if err := a.warn(ctx, t, f); err != nil {
		return err
	}
	call := func(notAfter time.Time) {
		// A call that has begun is not broken off: it might have landed.
		ctx := context.WithoutCancel(ctx)
		began := time.Now()
		t.value, t.err = caller.UpdateGroupPhoto(ctx, plugchat.Call{GroupID: string(t.prepared.Update.GroupID), Photo: t.photo, NotAfter: notAfter})
		t.took = time.Since(began)
		t.exchange = wire.shown(caller, chosen, t.body())
		t.next = chosen.policy(c).AfterCall(t.value, t.err, c.expires)
		t.only = chosen.policy(c).OnlyCall(t.value, t.err)
	}
	if f.noRedis {
		o := tasks.Outcome{Attempts: 1, EnqueuedAt: t.prepared.Update.EnqueuedAt, StartedAt: time.Now().UTC().Truncate(time.Millisecond)}
		call(time.Time{})
		t.outcome = t.ended(o)
	} else if err := a.inTurn(ctx, c, t, f.wait.duration(), call); err != nil {
		return err
	}
	if err := a.printTrial(c, t); err != nil {
		return err
	}
	switch {
	case ctx.Err() != nil && t.exchange == nil:
		return context.Cause(ctx)
	case !t.recorded && !f.noRedis: // why has been told
		return &exitError{code: exitFailure}
	}
	return exitByOutcome(t.outcome.State)
}

// prepare checks the input and makes the photo, as a worker would.
func (t *trial) prepare(ctx context.Context, a *app, c config, f checkFlags) error {
	given, err := t.picture(ctx, a, c, f.photo)
	if err != nil {
		return err
	}
	update := enqueue.Update{GroupID: f.group, Photo: given, Account: t.account.name, Ref: "account check", By: a.who()}
	// It lives a little longer than it waits: the end is written by us, and not by a clock.
	t.prepared, err = enqueue.Prepare(update, enqueue.ExpiresIn(f.wait.duration()+5*time.Minute))
	if err != nil {
		return err
	}
	if t.ref.Kind == tasks.PhotoURL {
		return nil
	}
	maker, err := photo.New(c.photo.make)
	if err != nil {
		return badInput(err)
	}
	made, err := maker.Make(ctx, t.prepared.Picture)
	if err != nil {
		return &exitError{sourceCode(err), fmt.Errorf("%s: %w", sourceName(f.photo), sourceError(err))}
	}
	t.jpeg, t.photo = made.JPEG, plugchat.JPEG(made.JPEG)
	t.ref = tasks.MadeRef(tasks.HashHex(sha256.Sum256(made.JPEG)))
	return nil
}

// picture gets the bytes of the photo, or the URL where it is passed on.
func (t *trial) picture(ctx context.Context, a *app, c config, source string) (enqueue.Photo, error) {
	if source == "" {
		b, err := samples()[0].look.draw(asPNG)
		return enqueue.Bytes(b), err
	}
	w := workshop{app: a, config: c, fetcher: fetch.New(c.photo.from)}
	defer w.fetcher.CloseIdle()
	wrong := func(err error) (enqueue.Photo, error) {
		if e, ok := errors.AsType[*fileError](err); ok { // names the file itself
			return enqueue.Photo{}, badInput(e)
		}
		return enqueue.Photo{}, &exitError{sourceCode(err), fmt.Errorf("%s: %w", sourceName(source), sourceError(err))}
	}
	if ref, err := tasks.ParsePhoto(source); c.photo.passURL && err == nil && ref.Kind == tasks.PhotoURL {
		if err := w.fetcher.Check(ctx, source); err != nil {
			return wrong(err)
		}
		t.ref, t.photo = ref, plugchat.URL(source)
		return enqueue.URL(source), nil
	}
	b, _, err := w.load(ctx, source)
	if err != nil {
		return wrong(err)
	}
	return enqueue.Bytes(b), nil
}

// body is the request's body as it may be shown.
func (t *trial) body() string {
	shown := t.ref.String()
	if t.jpeg != nil {
		shown = fmt.Sprintf("data:image/jpeg;base64,… (%d bytes)", len(t.jpeg))
	}
	return fmt.Sprintf(`{"groupId":"%s","groupPhoto":"%s"}`, t.prepared.Update.GroupID, shown)
}

// warn says what is about to happen, and asks whether it may.
func (a *app) warn(ctx context.Context, t *trial, f checkFlags) error {
	fmt.Fprintf(a.err, "WARNING: this changes the photo of group %s for all its members, through account %s; a notice of it appears in the group.\n",
		t.prepared.Update.GroupID, t.account.name)
	if f.noRedis {
		fmt.Fprintln(a.err, "WARNING: without Redis it takes no turn: neither the number's pace nor other calls to the group are waited for, and it is recorded nowhere.")
	}
	if f.yes {
		return nil
	}
	fmt.Fprint(a.err, "go on? [y/N] ")
	yes, err := a.agreed(ctx, "y", "yes")
	if err == nil && !yes {
		err = &exitError{exitFailure, errors.New("nothing was done")}
	}
	return err
}

// agreed reads one line from a person, and says whether it is one of the words that
// mean yes. What reads it is left behind when the person gives up, until the process
// ends.
func (a *app) agreed(ctx context.Context, yes ...string) (bool, error) {
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.in).ReadString('\n') // no line is no yes
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case line := <-answer:
		return slices.Contains(yes, line), nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// inTurn makes the call in its turn, and records it.
func (a *app) inTurn(ctx context.Context, c config, t *trial, wait time.Duration, call func(notAfter time.Time)) error {
	gp, err := a.connect(ctx, c)
	if err == nil {
		defer gp.close()
		err = redisconn.EnsureSchema(ctx, gp.rdb)
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w; without Redis there is no turn, and the pace of the number cannot be held; to call all the same: --no-redis", err)
	}
	if err != nil {
		return err
	}
	turn := newTurn(c, gp.rdb, t, &narrator{app: a, config: c})
	if err := turn.enter(ctx); err != nil {
		return err
	}
	turn.narrator.say(fmt.Sprintf("entered as update %s of account %s", turn.ID, turn.Account))
	notAfter, end := turn.take(ctx, wait)
	if end == nil {
		call(notAfter)
	} else {
		t.only = *end
	}
	//nolint:contextcheck // what was called must be recorded, whoever gives up
	if t.recorded, err = turn.settle(context.WithoutCancel(ctx)); err != nil {
		fmt.Fprintf(a.err, "groupphoto: %v\n", err)
	}
	return nil
}

// ended completes the outcome by what the call came to.
func (t *trial) ended(o tasks.Outcome) tasks.Outcome {
	u := t.prepared.Update
	o.ID, o.Account, o.GroupID, o.Ref, o.By = t.prepared.ID, u.Account, u.GroupID, u.Ref, u.By
	o.State, o.Value, o.Reason, o.Detail, o.HTTPStatus = t.only.End, t.only.Value, t.only.Reason, t.only.Detail, t.only.Status
	o.FinishedAt = time.Now().UTC().Truncate(time.Millisecond)
	if t.ref.Kind != tasks.PhotoNone {
		o.Photo = t.ref.String()
	}
	if o.Detail == "" && o.State != tasks.Updated {
		o.Detail = o.Reason.Means()
	}
	return o
}
