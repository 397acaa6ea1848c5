package plugchat

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// verdict is what a status means, with the sentence for people.
type verdict struct {
	class  Class
	reason string
	says   string
}

// statuses holds every status that means something of its own here. The rest goes by its hundreds: see verdictOf.
var statuses = map[int]verdict{
	http.StatusUnauthorized:         {Account, ReasonCredentials, "PlugChat does not accept the token"},
	http.StatusPaymentRequired:      {Account, ReasonSubscription, "PlugChat asks for payment"},
	http.StatusForbidden:            {Account, ReasonNotAllowed, "PlugChat does not allow this account to call"},
	http.StatusMethodNotAllowed:     {Account, ReasonWrongMethod, "something between us and PlugChat takes no POST here; check the base URL and any proxy or redirect"},
	http.StatusProxyAuthRequired:    {Account, ReasonProxyLogin, "a proxy on the way asks for a login"},
	http.StatusUnsupportedMediaType: {Account, ReasonWrongContentType, "something between us and PlugChat does not take application/json; check the base URL and any proxy"},

	http.StatusRequestTimeout:  {Throttled, ReasonThrottled, "PlugChat asks to send the request again later"},
	http.StatusTooEarly:        {Throttled, ReasonThrottled, "PlugChat asks to send the request again later"},
	http.StatusTooManyRequests: {Throttled, ReasonThrottled, "PlugChat asks for fewer calls"},

	http.StatusServiceUnavailable: {Transient, ReasonUnavailable, "PlugChat is not available at the moment"},

	http.StatusBadGateway:     {Lost, ReasonNoAnswer, "a gateway got no answer from PlugChat"},
	http.StatusGatewayTimeout: {Lost, ReasonNoAnswer, "a gateway got no answer from PlugChat in time"},
	// Cloudflare's own: between it and PlugChat something failed, perhaps after the request went through.
	520: {Lost, ReasonNoAnswer, "a gateway got no usable answer from PlugChat"},
	521: {Lost, ReasonNoAnswer, "a gateway could not connect to PlugChat"},
	522: {Lost, ReasonNoAnswer, "a gateway could not connect to PlugChat in time"},
	523: {Lost, ReasonNoAnswer, "a gateway could not find PlugChat"},
	524: {Lost, ReasonNoAnswer, "a gateway got no answer from PlugChat in time"},
}

// verdictOf is the one place where a status gets its meaning. 200 is decided by its body, this is what it means without a boolean.
func verdictOf(status int) verdict {
	if v, ok := statuses[status]; ok {
		return v
	}
	switch status / 100 {
	case 3:
		return verdict{Account, ReasonRedirected, "PlugChat answers with a redirect, which is not followed"}
	case 4:
		return verdict{Permanent, ReasonProviderRejects, "PlugChat rejects this request"}
	case 5:
		return verdict{Ambiguous, ReasonProviderError, "PlugChat failed"}
	default:
		return verdict{Unclear, ReasonUnclearAnswer, "the answer is neither true nor false"}
	}
}

// phrases are what texts in replies say of the account, whatever the status. The first match counts.
var phrases = []struct {
	verdict

	words []string
}{
	{verdict{Throttled, ReasonThrottled, "WhatsApp or PlugChat asks for fewer calls"},
		[]string{"overlimit", "over-limit", "rate limit", "rate-limit", "ratelimit", "too many requests", "throttl"}},
	{verdict{Account, ReasonSubscription, "the account's subscription has ended"}, []string{"subscri"}},
	{verdict{Account, ReasonCredentials, "PlugChat does not accept the client token"}, []string{"client-token", "client token"}},
	{verdict{Account, ReasonDisconnected, "the number is not connected to WhatsApp"}, []string{"not connected", "restore the session"}},
	{verdict{Account, ReasonNotAllowed, "PlugChat does not allow this account to call"}, []string{"not allowed"}},
}

// refusals are what the texts beside a false say when it is final. They count before phrases, and only there: on other statuses the same words are about the account.
var refusals = []string{"forbidden", "not admin", "not an admin", "not-authorized", "only admin", "admins only"}

// readAnswer turns a whole reply into a boolean or an error.
func (c *Client) readAnswer(got reply) (bool, *Error) {
	value, isBoolean := false, false
	if got.status == http.StatusOK && !got.long {
		value, isBoolean = readValue(got.body)
	}
	if value {
		return true, nil
	}
	v := verdictOf(got.status)
	text := strings.ToLower(explanation(got.body))
	if isBoolean {
		if containsAny(text, refusals) {
			return false, c.failure(got, verdict{Refused, ReasonNotAdmin, "the number may not change this group's photo"})
		}
		if said, ok := phraseOf(text); ok {
			return false, c.failure(got, said)
		}
		return false, nil
	}
	if said, ok := phraseOf(text); ok && !v.aboutTheWay() {
		v = said
	}
	return false, c.failure(got, v)
}

// aboutTheWay says whether the way to PlugChat is wrong, as a redirect, 405 and 415 tell: their pages say "not allowed" too, and mean the method.
func (v verdict) aboutTheWay() bool {
	return v.reason == ReasonRedirected || v.reason == ReasonWrongMethod || v.reason == ReasonWrongContentType
}

// readValue returns the boolean "value" of a JSON object; the second result is false for everything that is not exactly that.
func readValue(body []byte) (value, isBoolean bool) {
	members, ok := readObject(body)
	raw, contradictory := members.last("value")
	if !ok || contradictory {
		return false, false
	}
	return string(raw) == "true", string(raw) == "true" || string(raw) == "false"
}

func phraseOf(text string) (verdict, bool) {
	for _, p := range phrases {
		if containsAny(text, p.words) {
			return p.verdict, true
		}
	}
	return verdict{}, false
}

func containsAny(text string, words []string) bool {
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

func (c *Client) failure(got reply, v verdict) *Error {
	detail := v.says
	if v.reason == ReasonRedirected {
		detail += "; it points to " + redirectHost(got.header)
	} else {
		detail += c.quote(got.body)
	}
	return &Error{
		Class: v.class, Reason: v.reason, Status: got.status, Sent: true,
		RetryAfter: retryAfter(got.header, time.Now()), Detail: c.clean.clean(detail),
	}
}

// quote returns ": " and what the reply says, or a word on what it is instead.
func (c *Client) quote(body []byte) string {
	text := c.clean.clean(explanation(body))
	switch {
	case text != "":
		return ": " + text
	case len(body) == 0:
		return ": the reply is empty"
	case isHTML(body):
		return ": the reply is a web page"
	case !json.Valid(body):
		return ": the reply is not JSON"
	default:
		return ""
	}
}

// redirectHost names the host of the Location header and nothing else of it.
func redirectHost(h http.Header) string {
	u, err := url.Parse(h.Get("Location"))
	switch {
	case err != nil:
		return "an address that is not a URL"
	case u.Host == "":
		return "the same host"
	default:
		return u.Host
	}
}

// Bounds of RetryAfter: less than a second is no advice, and more than an hour is no reason to keep an account still.
const (
	minRetryAfter = time.Second
	maxRetryAfter = time.Hour
)

// retryAfter reads the Retry-After header, as seconds or as a date; 0 if it is missing or neither.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds > int(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return max(time.Duration(seconds)*time.Second, minRetryAfter)
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), minRetryAfter), maxRetryAfter)
}
