package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

const (
	// readTimeout bounds a question to the provider about the account or a group. A
	// turn's lease has room for two behind the call itself.
	readTimeout = 10 * time.Second
	// statusServes is how long one answer of /status is believed.
	statusServes = time.Minute
)

// probe asks the provider about an account in trouble, unless another process
// does.
func (l *lane) probe() {
	defer l.host.askAlone()()
	ctx, cancel := context.WithTimeout(l.stop, readTimeout+5*time.Second)
	defer cancel()
	id := rand.Text()
	mine, err := l.ledger.BeginProbe(ctx, l.account.Name, id, readTimeout+5*time.Second)
	if err == nil && !mine {
		return // it stays due while another process asks: looking at once would go on all the while
	}
	if err == nil {
		status, why, detail := l.host.asked(l.policy.Hold)
		if status != ledger.StatusAway {
			status, why, detail = l.status(ctx)
			l.host.answered(status, why, detail)
		}
		if l.stop.Err() != nil {
			return // another process asks when this one's time is over
		}
		var hold time.Duration
		hold, err = l.ledger.Probed(ctx, l.account.Name, id, status, why, detail, l.policy.Hold, l.policy.MaxHold)
		l.log.Info("account.probed", "status", status, "reason", why, "detail", detail, "hold_ms", hold.Milliseconds())
	}
	if err != nil && l.stop.Err() == nil {
		l.log.Warn("account.unprobed", "error", err)
		return
	}
	l.nudge()
}

// status asks /status, and says what its answer means for the account.
func (l *lane) status(ctx context.Context) (s ledger.Status, why tasks.Reason, detail string) {
	if l.account.Reader == nil {
		return ledger.StatusUnknown, "", ""
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	got, err := l.account.Reader.Status(ctx)
	if err == nil && got.Connected {
		return ledger.StatusUp, "", ""
	}
	if err == nil {
		return ledger.StatusDown, tasks.Disconnected, got.Detail
	}
	e, ok := errors.AsType[*plugchat.Error](err)
	if !ok {
		return ledger.StatusUnknown, "", ""
	}
	switch e.Class {
	case plugchat.Account:
		if ofAccount(e) {
			return ledger.StatusDown, tasks.Reason(e.Reason), e.Detail
		}
		return ledger.StatusAway, tasks.Reason(e.Reason), e.Detail
	case plugchat.Transient, plugchat.Lost, plugchat.Ambiguous:
		return ledger.StatusAway, tasks.Reason(e.Reason), e.Detail
	default: // a provider without /status, or one that wants fewer questions
		return ledger.StatusUnknown, tasks.Reason(e.Reason), e.Detail
	}
}

// ofAccount says whether an answer to a question tells in words that the account
// cannot work. A mere 401, 403, 405 or redirect may be about asking alone, behind a
// proxy for instance: whether photos can be set only a call tells.
func ofAccount(e *plugchat.Error) bool {
	return e.Class == plugchat.Account && (e.Reason == plugchat.ReasonDisconnected || e.Reason == plugchat.ReasonSubscription)
}

// explain looks for the reason of a plain false: is the number connected, is it in
// the group, may it change the photo? It returns nil when nothing was found out,
// and else the error that the false stands for. It is called while the turn is
// held, so that an account asks one question at a time.
func (l *lane) explain(ctx context.Context, r *run) error {
	if l.account.Reader == nil {
		return nil
	}
	if err := l.connected(ctx); err != nil {
		return err
	}
	if l.policy.NoMetadata {
		return nil
	}
	if may, err := l.ledger.MayRead(ctx, l.account.Name, l.policy.ReadGap); err != nil || !may {
		return nil //nolint:nilerr // an explanation is worth no waiting
	}
	limited, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	m, err := l.account.Reader.Metadata(limited, string(r.Group))
	if e, ok := errors.AsType[*plugchat.Error](err); ok && (e.Class == plugchat.Refused || ofAccount(e)) {
		return e
	}
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	switch member, admin, known := m.Member(l.account.Phone); {
	case !known:
		return nil
	case !member:
		return refusal(plugchat.ReasonNotInGroup, "the provider answered false, and does not list this number among the group's members")
	case !admin:
		return refusal(plugchat.ReasonNotAdmin, "the provider answered false, and this number is no admin of the group")
	}
	return nil
}

func refusal(reason, detail string) error {
	return &plugchat.Error{Class: plugchat.Refused, Reason: reason, Detail: detail, Status: 200, Sent: true}
}

// connected asks /status, unless its last answer still serves. An answer that the
// account cannot work is returned as the error that holds the account.
func (l *lane) connected(ctx context.Context) error {
	// One after the other: calls that are answered together need one answer.
	l.asking.Lock()
	defer l.asking.Unlock()
	s, err := l.ledger.Lane(ctx, l.account.Name)
	if err == nil && s.Trouble == ledger.Provider && s.Told && s.Until.After(s.Now) {
		return &plugchat.Error{Class: plugchat.Account, Reason: string(s.Why), Detail: s.Detail, Status: 200, Sent: true}
	}
	if age := s.Now.Sub(s.StatusAt); err != nil || !s.StatusAt.IsZero() && age >= 0 && age < statusServes {
		return nil //nolint:nilerr // nothing is known, so the false stands for itself
	}
	if time.Since(l.asked) < statusServes { // it said nothing, which serves as long
		return nil
	}
	status, why, detail := l.status(ctx)
	if status == ledger.StatusUnknown || status == ledger.StatusAway {
		l.asked = time.Now()
		return nil
	}
	if _, err := l.ledger.Probed(ctx, l.account.Name, "", status, why, detail, l.policy.Hold, l.policy.MaxHold); err != nil {
		return nil //nolint:nilerr // as above
	}
	if status == ledger.StatusUp {
		return nil
	}
	return &plugchat.Error{Class: plugchat.Account, Reason: string(why), Detail: detail, Status: 200, Sent: true}
}
