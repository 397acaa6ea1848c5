package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/plugchat-go/groupphoto/enqueue"
)

// manyWrong makes one refusal of the problems of fields.
func manyWrong(wrong []fieldProblem) *refusal {
	refused := invalid.because("the fields in errors cannot be used")
	if len(wrong) == 1 {
		refused.detail = "one field cannot be used: " + wrong[0].Detail
	}
	refused.fields = wrong
	return refused
}

// verdicts say what an error of the client means to a caller, the first match
// counting. One without a field is about the whole request.
var verdicts = []struct {
	err     error
	problem problem
	field   string
	reason  string
}{
	{enqueue.ErrIDReused, idReused, fieldID, idReused.Reason},
	{enqueue.ErrExpired, expired, fieldExpires, expired.Reason},
	{enqueue.ErrUnknownAccount, unknownAccount, fieldAccount, unknownAccount.Reason},
	{enqueue.ErrPhotoTooLarge, tooLarge, fieldPhoto, tooLarge.Reason},
	{enqueue.ErrGroupID, invalid, fieldGroup, notGroup},
	{enqueue.ErrPhoto, invalid, fieldPhoto, notPhoto},
	{enqueue.ErrID, invalid, fieldID, notID},
	{enqueue.ErrInvalid, invalid, "", otherProblem},
}

// judge turns an error of the client into what the caller is told. What is none
// of the caller's business is logged and not told.
func (s *Server) judge(r *http.Request, doing string, err error) *refusal {
	for _, v := range verdicts {
		if errors.Is(err, v.err) {
			detail := told(err)
			field := fieldProblem{pointer(v.field), v.reason, detail}
			return &refusal{problem: v.problem, detail: detail, fields: []fieldProblem{field}}
		}
	}
	switch {
	case errors.Is(err, enqueue.ErrNotFound):
		return unknownUpdate.because("no account has an update of that id; outcomes are kept for a while only")
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // the caller hung up: nobody is there to be answered
	case errors.Is(err, enqueue.ErrUnavailable), errors.Is(err, enqueue.ErrClosed), errors.Is(err, context.DeadlineExceeded):
		s.log.WarnContext(r.Context(), "http.redis_away", slog.String(keyDoing, doing), slog.String(keyError, err.Error()))
		return unavailable.because("it is not known whether the request took effect; make it again with the same id or Idempotency-Key")
	}
	s.log.ErrorContext(r.Context(), "http.failed", slog.String(keyDoing, doing), slog.String(keyError, err.Error()))
	return internalError.because("the log of the worker says what")
}

// told is the client's error for the caller: without what it wraps it in, and
// without values, but for names of accounts, which help and are no secret.
func told(err error) string {
	if errors.Is(err, enqueue.ErrUnknownAccount) {
		return trimDoing(err.Error())
	}
	return trimDoing(withoutValues(err))
}

func trimDoing(text string) string {
	text = strings.TrimPrefix(text, "enqueuing the update: ")
	return strings.TrimPrefix(text, "preparing the update: ")
}
