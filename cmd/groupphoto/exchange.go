package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// exchange is one request and its answer as they may be shown: without the token
// and without the photo.
type exchange struct {
	Request message  `json:"request"`
	Answer  *message `json:"answer"` // null when there was none
}

// message is one side of an exchange.
type message struct {
	Line    string              `json:"line"`
	Headers map[string][]string `json:"headers"`
	Body    string              `json:"body"`
}

// telling are the headers of an answer that help to understand it; the rest is noise.
var telling = []string{
	"Allow", "Cf-Cache-Status", "Cf-Mitigated", "Cf-Ray", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Location",
	"Retry-After", "Server", "Transfer-Encoding", "Via", "Www-Authenticate", "X-Powered-By", "X-Request-Id",
}

// maxRecorded is what is kept of an answer's body; 200 bytes of it are shown.
const maxRecorded = 8 << 10

// tape is a transport that remembers the last exchange. It never looks into the
// request's body: the photo is there. It serves one call at a time.
type tape struct {
	inner   http.RoundTripper
	request *http.Request
	answer  *http.Response
	body    bytes.Buffer
}

// RoundTrip makes the request as it is.
func (t *tape) RoundTrip(r *http.Request) (*http.Response, error) {
	t.request, t.answer = r, nil
	t.body.Reset()
	resp, err := t.inner.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	t.answer = resp
	resp.Body = &listened{ReadCloser: resp.Body, to: &t.body}
	return resp, nil
}

// CloseIdleConnections is the inner transport's.
func (t *tape) CloseIdleConnections() {
	if inner, ok := t.inner.(interface{ CloseIdleConnections() }); ok {
		inner.CloseIdleConnections()
	}
}

// listened keeps the beginning of what is read.
type listened struct {
	io.ReadCloser
	to *bytes.Buffer
}

// Read passes on what it keeps.
func (l *listened) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	l.to.Write(p[:min(n, maxRecorded-l.to.Len())])
	return n, err
}

// shown is the exchange as it may be seen; body is the request's, in the words of
// who made it. nil: there was no request.
func (t *tape) shown(caller *plugchat.Client, a account, body string) *exchange {
	if t.request == nil {
		return nil
	}
	r := t.request
	x := &exchange{Request: message{
		Line: fmt.Sprintf("%s %s HTTP/1.1", r.Method, hide(a.token, r.URL.RequestURI())), Body: body,
		Headers: map[string][]string{"Host": {r.URL.Host}, "Content-Length": {fmt.Sprint(r.ContentLength)}},
	}}
	for name, values := range r.Header {
		for _, value := range values {
			x.Request.Headers[name] = append(x.Request.Headers[name], hide(a.token, value))
		}
	}
	if t.answer == nil {
		return x
	}
	x.Answer = &message{
		Line: caller.Clean(t.answer.Proto + " " + t.answer.Status), Body: caller.Clean(t.body.String()), Headers: map[string][]string{},
	}
	for name, values := range t.answer.Header {
		if !slices.Contains(telling, name) && !strings.HasPrefix(name, "X-Ratelimit-") {
			continue
		}
		for _, value := range values {
			x.Answer.Headers[name] = append(x.Answer.Headers[name], caller.Clean(value))
		}
	}
	return x
}

// hide takes the token out of what we send ourselves.
func hide(token plugchat.Secret, text string) string {
	return strings.ReplaceAll(text, string(token), token.String())
}

// write prints both sides as they went over the wire, indented.
func (x *exchange) write(w io.Writer, took string) error {
	err := x.Request.write(w, "request")
	if x.Answer == nil {
		_, none := fmt.Fprintf(w, "no answer, after %s\n\n", took)
		return errors.Join(err, none)
	}
	return errors.Join(err, x.Answer.write(w, "answer after "+took))
}

func (m message) write(w io.Writer, title string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %s\n", title, m.Line)
	names := make([]string, 0, len(m.Headers))
	for name := range m.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range m.Headers[name] {
			fmt.Fprintf(&b, "  %s: %s\n", name, strings.Map(plain, value))
		}
	}
	fmt.Fprintf(&b, "\n  %s\n\n", m.Body)
	_, err := io.WriteString(w, b.String())
	return err
}
