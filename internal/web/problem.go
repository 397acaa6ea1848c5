package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// problem is one kind of refusal, as RFC 9457 has it. Reason is a stable word
// for programs; the type is the place on the index page that explains it.
type problem struct {
	Reason string
	Status int
	Title  string
}

// The problems. A word once given never changes its meaning.
var (
	malformed      = problem{"malformed", http.StatusBadRequest, "the body is not well-formed JSON"}
	badQuery       = problem{"bad_query", http.StatusBadRequest, "the query cannot be used"}
	badKey         = problem{"bad_idempotency_key", http.StatusBadRequest, "the Idempotency-Key cannot be used"}
	conflictingIDs = problem{"conflicting_ids", http.StatusBadRequest, "header and body name different ids"}
	unauthorized   = problem{"unauthorized", http.StatusUnauthorized, "a token is asked for"}
	foreignHost    = problem{"foreign_host", http.StatusForbidden, "the request was made to a foreign host name"}
	foreignOrigin  = problem{"foreign_origin", http.StatusForbidden, "the request came from a page of another origin"}
	unknownUpdate  = problem{"unknown_update", http.StatusNotFound, "there is no such update, or no longer"}
	noPage         = problem{"no_such_page", http.StatusNotFound, "there is nothing at this address"}
	wrongMethod    = problem{"wrong_method", http.StatusMethodNotAllowed, "this address does not take that method"}
	readOnly       = problem{"read_only", http.StatusMethodNotAllowed, "the asynq web UI is read-only here"}
	tooSlow        = problem{"too_slow", http.StatusRequestTimeout, "the body did not arrive in time"}
	alreadyEnded   = problem{"already_ended", http.StatusConflict, "the update had ended already"}
	tooLarge       = problem{"too_large", http.StatusRequestEntityTooLarge, "the body or the photo is too large"}
	notJSON        = problem{"not_json", http.StatusUnsupportedMediaType, "the body must be plain JSON"}
	invalid        = problem{"invalid", http.StatusUnprocessableEntity, "the update cannot be accepted as it is"}
	expired        = problem{"expired", http.StatusUnprocessableEntity, "the update has expired already"}
	unknownAccount = problem{"unknown_account", http.StatusUnprocessableEntity, "no worker has ever served the account"}
	idReused       = problem{"id_reused", http.StatusUnprocessableEntity, "the id stands for an update with another content"}
	internalError  = problem{"internal", http.StatusInternalServerError, "something went wrong here"}
	unavailable    = problem{"unavailable", http.StatusServiceUnavailable, "Redis is not available"}
	busy           = problem{"busy", http.StatusServiceUnavailable, "too many large requests at a time"}
)

// problems lists them all for the index page and its test.
var problems = []problem{
	malformed, badQuery, badKey, conflictingIDs, unauthorized, foreignHost, foreignOrigin, unknownUpdate, noPage,
	wrongMethod, readOnly, tooSlow, alreadyEnded, tooLarge, notJSON, invalid, expired, unknownAccount, idReused,
	internalError, unavailable, busy,
}

// retryAfter is how many seconds a caller should let pass after a 503.
const retryAfter = 5

// fieldProblem is what is wrong with one field of the body.
type fieldProblem struct {
	// Pointer is a JSON pointer into the body; "" is the whole of it.
	Pointer string `json:"pointer"`
	Reason  string `json:"reason"`
	Detail  string `json:"detail"`
}

type problemBody struct {
	Type   string         `json:"type"`
	Reason string         `json:"reason"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail"`
	Errors []fieldProblem `json:"errors,omitempty"`
}

// Type is a relative reference to the problem's place on the index page.
func (p problem) Type() string { return "/#" + p.Reason }

// write answers with the problem. detail is made by us and repeats nothing that
// could be secret.
func (p problem) write(w http.ResponseWriter, detail string, fields ...fieldProblem) {
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	writeJSON(w, "application/problem+json", p.Status, problemBody{p.Type(), p.Reason, p.Title, p.Status, detail, fields})
}

// refusal is a problem on its way to the caller.
type refusal struct {
	problem

	detail string
	fields []fieldProblem
}

func (p problem) because(detail string) *refusal { return &refusal{problem: p, detail: detail} }

func (r *refusal) send(w http.ResponseWriter) { r.write(w, r.detail, r.fields...) }

func noSuchPage(w http.ResponseWriter, _ *http.Request) {
	noPage.write(w, "nothing is served at this address; see the page at /")
}

func allow(w http.ResponseWriter, methods string) {
	w.Header().Set("Allow", methods)
	wrongMethod.write(w, "use "+methods)
}

func writeJSON(w http.ResponseWriter, contentType string, status int, body any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // it is never shown as a page, and people read it
	if err := enc.Encode(body); err != nil {
		panic("web: an answer of texts and numbers did not marshal: " + err.Error()) // cannot happen: no field can fail
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a caller that hung up is no error of ours
}
