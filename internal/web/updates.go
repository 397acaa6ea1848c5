package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/tasks"
)

const (
	// maxWait is the longest ?wait= of a request.
	maxWait = 60 * time.Second
	// redisPatience is how long a request waits for Redis before it says that
	// Redis is not available.
	redisPatience = 10 * time.Second
)

// updates answers /v1/updates.
func (s *Server) updates(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		allow(w, http.MethodPost)
		return
	}
	receipt, refused := s.accept(w, r)
	if refused != nil {
		refused.send(w)
		return
	}
	at := url.URL{Path: "/v1/updates/" + receipt.ID, RawQuery: url.Values{"account": {receipt.Account}}.Encode()}
	w.Header().Set("Location", at.String())
	status := http.StatusAccepted
	if receipt.Duplicate {
		w.Header().Set(replayedHeader, "true")
	}
	if receipt.Outcome != nil {
		status = http.StatusOK // nothing is left to be done
	}
	writeJSON(w, "application/json", status, receipt)
}

// accept reads a request and enqueues what it asks for.
func (s *Server) accept(w http.ResponseWriter, r *http.Request) (enqueue.Receipt, *refusal) {
	var none enqueue.Receipt
	if refused := checkHeaders(r); refused != nil {
		return none, refused
	}
	key, refused := idempotencyKey(r.Header)
	if refused != nil {
		return none, refused
	}
	release, refused := s.slot(r)
	defer release()
	if refused != nil {
		return none, refused
	}
	o, refused := readObject(w, r)
	if refused != nil {
		return none, refused
	}
	wish, wrong := readWish(o)
	if len(wrong) > 0 {
		return none, manyWrong(wrong)
	}
	id := wish.id
	if key != "" {
		id = keyID(key)
		if wish.id != "" && wish.id != id {
			return none, conflictingIDs.because("the Idempotency-Key becomes the id of the update; leave one of the two out, or make them the same")
		}
	}
	if id != "" {
		wish.opts = append(wish.opts, enqueue.ID(id))
	}
	ctx, cancel := context.WithTimeout(r.Context(), redisPatience)
	defer cancel()
	receipt, err := s.cfg.Updates.UpdateGroupPhoto(ctx, wish.update, wish.opts...)
	if err != nil {
		return none, s.judge(r, "enqueuing", err)
	}
	return receipt, nil
}

// update answers /v1/updates/{id}.
func (s *Server) update(w http.ResponseWriter, r *http.Request) {
	q, refused := readQuery(r)
	switch {
	case refused == nil && r.Method == http.MethodDelete:
		s.cancelUpdate(w, r, q)
		return
	case refused == nil && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		s.showUpdate(w, r, q)
		return
	case refused == nil:
		allow(w, "GET, HEAD, DELETE")
		return
	}
	refused.send(w)
}

func (s *Server) showUpdate(w http.ResponseWriter, r *http.Request, q query) {
	o, err := s.lookUp(r.Context(), q)
	if err != nil {
		s.judge(r, "looking up", err).send(w)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, o)
}

// lookUp waits as long as was asked for, then tells what stands.
func (s *Server) lookUp(ctx context.Context, q query) (enqueue.Outcome, error) {
	if q.wait > 0 {
		waiting, cancel := context.WithTimeout(ctx, q.wait)
		unhook := context.AfterFunc(s.stopping, cancel) //nolint:contextcheck // the end of the server cuts the wait short as well
		o, err := s.cfg.Updates.Wait(waiting, q.id, q.where()...)
		gaveUp := waiting.Err() != nil
		unhook()
		cancel()
		if err == nil || !gaveUp || ctx.Err() != nil {
			return o, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	return s.cfg.Updates.Outcome(ctx, q.id, q.where()...)
}

// cancelUpdate stops an update. Cancelling a second time is no mistake: the
// first answer may have been lost.
func (s *Server) cancelUpdate(w http.ResponseWriter, r *http.Request, q query) {
	ctx, cancel := context.WithTimeout(r.Context(), redisPatience)
	defer cancel()
	d, err := s.cfg.Updates.Cancel(ctx, q.id, byHTTP, q.where()...)
	switch state := d.Outcome.State; {
	case err != nil:
		s.judge(r, "cancelling", err).send(w)
	case state == enqueue.Cancelled:
		writeJSON(w, "application/json", http.StatusOK, d.Outcome)
	case state.Ended():
		alreadyEnded.write(w, fmt.Sprintf("it ended as %s at %s", state, d.Outcome.FinishedAt.UTC().Format(time.RFC3339)))
	default: // a call is under way, after which there will be no other
		writeJSON(w, "application/json", http.StatusAccepted, d.Outcome)
	}
}

// query is what the address of an update says.
type query struct {
	id, account string
	wait        time.Duration
}

func (q query) where() []enqueue.Where {
	if q.account == "" {
		return nil
	}
	return []enqueue.Where{enqueue.OfAccount(q.account)}
}

func readQuery(r *http.Request) (query, *refusal) {
	q := query{id: r.PathValue("id")}
	if tasks.CheckKnownID(q.id) != nil {
		return q, unknownUpdate.because("that is no update's id: those have 1 to 64 of A-Z, a-z, 0-9, _ and -")
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, badQuery.because("the query cannot be read; write ?account=main&wait=30s")
	}
	for name, list := range values {
		switch {
		case name != "account" && (name != "wait" || r.Method == http.MethodDelete):
			return q, badQuery.because("only account, and for GET wait, can be asked for")
		case len(list) != 1:
			return q, badQuery.because("account and wait can be given once")
		}
	}
	if q.account = values.Get("account"); values.Has("account") && tasks.CheckAccount(q.account) != nil {
		return q, badQuery.because("account must be 1 to 32 of a-z, 0-9 and -")
	}
	if values.Has("wait") {
		var ok bool
		if q.wait, ok = parseWait(values.Get("wait")); !ok {
			return q, badQuery.because("wait must be from 0 to 60 seconds, such as 30s")
		}
	}
	return q, nil
}

func parseWait(text string) (time.Duration, bool) {
	d, err := time.ParseDuration(text)
	if seconds, plain := strconv.ParseUint(text, 10, 8); plain == nil { // 30 means 30 s
		d, err = time.Duration(seconds)*time.Second, nil
	}
	return d, err == nil && d >= 0 && d <= maxWait
}
