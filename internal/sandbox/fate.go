package sandbox

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Texts as the real services give them.
const (
	textSubscription  = "To continue sending a message, you must subscribe to this instance again"
	textNotConnected  = "You are not connected."
	textRestore       = "You need to restore the session."
	textConnected     = "You are already connected."
	textOverlimit     = "rate-overlimit"
	redirectTarget    = "https://moved.invalid/api/whatsapp/update-group-photo"
	textWrongMethod   = "method not allowed"
	textWrongType     = "unsupported media type"
	textBadRequest    = "bad request"
	textInternalError = "internal server error"
)

// lands tells whether a rule lets the photo change before it gives its answer.
func (r Rule) lands() bool {
	return strings.HasPrefix(r.Kind, "land-then-") || r.Kind == "plain-member"
}

// answer is what the rule does to a call; a zero status and no drop means that the call goes its normal way.
func (r Rule) answer() answer {
	switch r.Kind {
	case "plain-member":
		return jsonAnswer(http.StatusOK, answerTrue)
	case "false", "not-admin", "not-member", "gone", "disconnected-false":
		return jsonAnswer(http.StatusOK, answerFalse)
	case "false-text":
		return falseBecause(cmp.Or(r.Text, "forbidden"))
	case "overlimit", "pace":
		return falseBecause(textOverlimit)
	case "html":
		return htmlAnswer(http.StatusOK, "PlugChat")
	case "empty":
		return answer{status: http.StatusOK}
	case "string":
		return jsonAnswer(http.StatusOK, `{"value":"true"}`)
	case "null":
		return jsonAnswer(http.StatusOK, `{"value":null}`)
	case "hang", "land-then-hang":
		return answer{drop: dropHang}
	case "reset", "land-then-reset":
		return answer{drop: dropReset}
	case "redirect":
		return answer{status: http.StatusMovedPermanently, header: http.Header{"Location": {redirectTarget}}}
	case "disconnected":
		return failing(http.StatusBadRequest, textNotConnected)
	case "session-lost":
		return failing(http.StatusBadRequest, textRestore)
	case "expired":
		return failing(http.StatusBadRequest, textSubscription)
	default:
		return r.statusAnswer()
	}
}

// statusAnswer is the answer of the kinds that are named by an HTTP status.
func (r Rule) statusAnswer() answer {
	switch r.Kind {
	case "400":
		return failing(http.StatusBadRequest, cmp.Or(r.Text, textBadRequest))
	case "401":
		return failing(http.StatusUnauthorized, cmp.Or(r.Text, "the token is invalid"))
	case "403":
		return failing(http.StatusForbidden, cmp.Or(r.Text, "forbidden"))
	case "404":
		return failing(http.StatusNotFound, cmp.Or(r.Text, "not found"))
	case "405":
		return failing(http.StatusMethodNotAllowed, textWrongMethod)
	case "415":
		return failing(http.StatusUnsupportedMediaType, textWrongType)
	case "429", "throttle":
		return r.retrying(failing(http.StatusTooManyRequests, "too many requests"))
	case "500":
		return failing(http.StatusInternalServerError, cmp.Or(r.Text, textInternalError))
	case "502":
		return htmlAnswer(http.StatusBadGateway, "502 Bad Gateway")
	case "503":
		return r.retrying(htmlAnswer(http.StatusServiceUnavailable, "503 Service Temporarily Unavailable"))
	case "504", "land-then-504":
		return htmlAnswer(http.StatusGatewayTimeout, "504 Gateway Time-out")
	default:
		return answer{}
	}
}

func (r Rule) retrying(a answer) answer {
	if r.RetryAfter > 0 {
		a.header = http.Header{"Retry-After": {strconv.Itoa(int(r.RetryAfter / time.Second))}}
	}
	return a
}

func falseBecause(text string) answer {
	a := failing(http.StatusOK, text)
	a.body = `{"value":false,` + a.body[1:]
	return a
}
