package sandbox

import (
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	answerTrue  = `{"value":true}`
	answerFalse = `{"value":false}`
	typeJSON    = "application/json"
	typeHTML    = "text/html; charset=utf-8"
	// maxLogged bounds what the log keeps of an answer.
	maxLogged = 200
)

// exchange is one request of a provider's endpoint while it is answered.
type exchange struct {
	r    *http.Request
	on   string
	call *Call
}

// answer is what the sandbox will do to the caller.
type answer struct {
	status      int
	contentType string
	body        string
	header      http.Header
	// drop leaves the caller without an answer: dropHang until it gives up, dropReset at once.
	drop string
}

const (
	dropHang  = "hang"
	dropReset = "reset"
)

func jsonAnswer(status int, body string) answer {
	return answer{status: status, contentType: typeJSON, body: body}
}

func failing(status int, text string) answer {
	quoted, _ := json.Marshal(map[string]string{"error": text}) // a map of texts cannot fail
	return jsonAnswer(status, string(quoted))
}

func htmlAnswer(status int, title string) answer {
	return answer{status: status, contentType: typeHTML, body: "<!doctype html><title>" + title + "</title><h1>" + title + "</h1>"}
}

// endpoint wraps what an endpoint does with what all of them share: the log, the method, the token.
func (s *Sandbox) endpoint(on, method string, do func(*exchange) answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens := r.Header.Values("Authorization")
		call := &Call{Method: r.Method, Path: r.URL.Path}
		if len(tokens) == 1 && tokens[0] != "" {
			call.Account = AccountOf(tokens[0])
		}
		x := &exchange{r: r, on: on, call: call}
		s.begin(call)
		// Deferred, since leaving a caller without an answer is done by a panic.
		defer s.end(call, on)
		a := s.admit(method, tokens, call)
		if a.status == 0 {
			a = do(x)
		}
		s.note(func() { call.Status, call.Answer = a.status, clip(a.body) })
		a.write(w, r)
	})
}

// admit answers requests with a wrong method or token; a zero status lets them through.
func (s *Sandbox) admit(method string, tokens []string, call *Call) answer {
	switch {
	case method != "" && call.Method != method:
		a := failing(http.StatusMethodNotAllowed, "method not allowed: use "+method)
		a.header = http.Header{"Allow": {method}}
		return a
	case call.Account == "":
		return failing(http.StatusUnauthorized, "the Authorization header is missing")
	case len(s.tokens) > 0 && !slices.Contains(s.tokens, tokens[0]):
		return failing(http.StatusUnauthorized, "the token is invalid")
	}
	return answer{}
}

// dialled delays the exchange as the dial says and returns the rule that decides it, with Kind "" if none does.
// The second result is false when the caller gave up meanwhile.
func (s *Sandbox) dialled(x *exchange) (Rule, bool) {
	d := s.draw(x.on, x.call.Account, x.call.GroupID)
	texts := make([]string, len(d.rules))
	for i, r := range d.rules {
		texts[i] = r.String()
	}
	s.note(func() { x.call.Rule = strings.Join(texts, " + ") })
	if d.latency == 0 {
		return d.fate, true
	}
	timer := time.NewTimer(d.latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return d.fate, true
	case <-x.r.Context().Done():
		return Rule{}, false
	}
}

func (a answer) write(w http.ResponseWriter, r *http.Request) {
	switch a.drop {
	case dropHang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case dropReset:
		reset(w)
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.header)
	if a.contentType != "" {
		w.Header().Set("Content-Type", a.contentType)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body) // a caller that went away has nothing to be told
}

// reset breaks the connection with a RST, where the server lets us have it.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the connection just ends in order
	}
	_ = conn.Close()
}

func clip(text string) string {
	if len(text) > maxLogged {
		return strings.ToValidUTF8(text[:maxLogged], "") + "…"
	}
	return text
}
