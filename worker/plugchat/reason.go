package plugchat

import "strconv"

// Class says what kind of end a call had. What to do about it is the caller's decision.
type Class int

// The classes. The zero value is the one that claims least.
const (
	// Unclear is an answer that says neither yes nor no: 200 with anything but a JSON boolean, or a status that means nothing here.
	Unclear Class = iota
	// Refused is a final no with a reason: the account may not change this group's photo.
	Refused
	// Throttled asks for a slower pace; RetryAfter may say for how long.
	Throttled
	// Account is trouble with the token, the plan, the number's session or our own address and settings: every call of the account would meet it.
	Account
	// Permanent is a no to this very request: the same again ends the same.
	Permanent
	// Ambiguous is an error of PlugChat that may be about this request or about PlugChat.
	Ambiguous
	// Transient means that nothing was written, or that PlugChat is away for a while: try again.
	Transient
	// Lost means that the request was written and its answer did not come: the change may or may not have landed.
	Lost
)

var classNames = [...]string{"unclear", "refused", "throttled", "account", "permanent", "ambiguous", "transient", "lost"}

// String returns the class in lower case, or "class(n)" for a number that is none.
func (c Class) String() string {
	if c < 0 || int(c) >= len(classNames) {
		return "class(" + strconv.Itoa(int(c)) + ")"
	}
	return classNames[c]
}

// The reasons, each with what a person should do.
const (
	// ReasonNotAdmin: make the number an admin of the group, or let all members edit the group's info.
	ReasonNotAdmin = "not_admin"
	// ReasonNotInGroup: add the number to the group.
	ReasonNotInGroup = "not_in_group"
	// ReasonGroupGone: check the group id; WhatsApp knows no such group, or none any more.
	ReasonGroupGone = "group_gone"
	// ReasonThrottled: nothing, or lower the account's pace if it comes often.
	ReasonThrottled = "throttled"
	// ReasonCredentials: check the account's token in PlugChat's panel, and the authorization scheme.
	ReasonCredentials = "credentials"
	// ReasonNotAllowed: PlugChat lets neither this token nor this machine's address do it; check the plan and the list of allowed addresses.
	ReasonNotAllowed = "not_allowed"
	// ReasonSubscription: renew the account's subscription with PlugChat.
	ReasonSubscription = "subscription"
	// ReasonDisconnected: reconnect the WhatsApp number in PlugChat's panel.
	ReasonDisconnected = "disconnected"
	// ReasonWrongMethod: the base URL or a proxy is wrong, since we always send POST; check the base URL.
	ReasonWrongMethod = "wrong_method"
	// ReasonWrongContentType: the base URL or a proxy is wrong, since we always send application/json; check the base URL.
	ReasonWrongContentType = "wrong_content_type"
	// ReasonRedirected: PlugChat has moved; set the base URL to the host that the detail names, if you trust it.
	ReasonRedirected = "redirected"
	// ReasonProxyLogin: a proxy on the way asks for a login; mend the proxy's settings.
	ReasonProxyLogin = "proxy_login"
	// ReasonProviderRejects: PlugChat does not take this request; check the group id and the photo.
	ReasonProviderRejects = "provider_rejects"
	// ReasonProviderError: PlugChat failed; if it repeats for one group only, check that group and its photo.
	ReasonProviderError = "provider_error"
	// ReasonUnavailable: PlugChat cannot be reached; check the network if it lasts.
	ReasonUnavailable = "unavailable"
	// ReasonNoAnswer: look at the group: the photo may have changed although no answer came.
	ReasonNoAnswer = "no_answer"
	// ReasonUnclearAnswer: the answer is none that PlugChat documents; check the base URL, and look at the group.
	ReasonUnclearAnswer = "unclear_answer"
	// ReasonTooLate: nothing; the call was not made because its moment had passed.
	ReasonTooLate = "too_late"
	// ReasonCanceled: nothing; the caller gave up before the call was made.
	ReasonCanceled = "canceled"
	// ReasonBadCall: mend the group id or the photo that the caller passed; nothing was sent.
	ReasonBadCall = "bad_call"
)
