package tasks

import "slices"

// Reason is one word for why an update ended or waits. Every word that can
// appear is in Reasons, with what it means and what a person should do.
type Reason string

// Reasons that come from the update itself and from our own bookkeeping.
const (
	BadTask     Reason = "bad_task"
	ExpiredTime Reason = "out_of_time"
	NewerUpdate Reason = "newer_update"
	Stopped     Reason = "stopped"
	Interrupted Reason = "interrupted"
)

// Reasons that come from the provider's answers.
const (
	NoReasonGiven    Reason = "no_reason_given"
	NotAdmin         Reason = "not_admin"
	NotAllowed       Reason = "not_allowed"
	NotInGroup       Reason = "not_in_group"
	GroupGone        Reason = "group_gone"
	Throttled        Reason = "throttled"
	Credentials      Reason = "credentials"
	Subscription     Reason = "subscription"
	Disconnected     Reason = "disconnected"
	WrongMethod      Reason = "wrong_method"
	WrongContentType Reason = "wrong_content_type"
	Redirected       Reason = "redirected"
	ProviderRejects  Reason = "provider_rejects"
	ProviderError    Reason = "provider_error"
	Unavailable      Reason = "unavailable"
	NoAnswer         Reason = "no_answer"
	UnclearAnswer    Reason = "unclear_answer"
	TooLate          Reason = "too_late"
	ProxyLogin       Reason = "proxy_login"
	BadCall          Reason = "bad_call"
	Canceled         Reason = "canceled"
)

// PhotoReason is the prefix of the reasons that come from fetching or making
// the photo; the rest of the word is the cause.
const PhotoReason = "photo_"

// Advice explains one Reason.
type Advice struct {
	Reason Reason
	Means  string // what happened, in one clause
	Mend   string // what a person should do; "" when nothing is to be done
}

const sendAgain = "groupphoto retry ID"

var advice = []Advice{
	{BadTask, "the task in the queue is not a well-formed update", "enqueue through the Go client, the command line or the HTTP API"},
	{ExpiredTime, "its time ran out before it could be sent", "send it again with a later expiry: " + sendAgain},
	{NewerUpdate, "a newer update of the same group went out", ""},
	{Stopped, "somebody cancelled it", "to send it after all: " + sendAgain},
	{Interrupted, "a worker stopped while it was under way", ""},

	{NoReasonGiven, "the provider answered false and gave no reason", "see that the number may change this group's photo, then: " + sendAgain},
	{NotAdmin, "only admins may change this group's photo and the number is not one", "make the number an admin, then: " + sendAgain},
	{NotAllowed, "the provider does not allow this call", "check the account's IP list and permissions with the provider"},
	{NotInGroup, "the number is not in the group", "add the number to the group, then: " + sendAgain},
	{GroupGone, "the group does not exist", "check the group id"},
	{Throttled, "the provider asks for slower calls", "wait; if it stays, raise GROUPPHOTO_PACE"},
	{Credentials, "the provider does not accept the token", "check PLUGCHAT_TOKEN and PLUGCHAT_AUTH_SCHEME: groupphoto doctor"},
	{Subscription, "the account's subscription has ended", "renew it with the provider; waiting updates go on by themselves"},
	{Disconnected, "the number is not connected to WhatsApp", "reconnect it in the provider's panel; waiting updates go on by themselves"},
	{WrongMethod, "the provider says wrong method (405)", "check PLUGCHAT_BASE_URL and any proxy: the request must arrive as POST"},
	{WrongContentType, "the provider says wrong content type (415)", "check PLUGCHAT_BASE_URL and any proxy: Content-Type must arrive as application/json"},
	{Redirected, "the provider's address answers with a redirect, which is never followed", "set PLUGCHAT_BASE_URL to the address that answers itself"},
	{ProviderRejects, "the provider rejects this request", "check the group id and the photo, then: " + sendAgain},
	{ProviderError, "the provider reports an error of its own", "see the provider's status, then: " + sendAgain},
	{Unavailable, "the provider could not be reached", "see the network and the provider's status, then: " + sendAgain},
	{NoAnswer, "the call went out and no answer came back; the change may have landed", "look at the group, then if needed: " + sendAgain},
	{UnclearAnswer, "the provider's answer was neither true nor false", "check PLUGCHAT_BASE_URL: groupphoto doctor"},
	{TooLate, "the turn to call had passed before the request could be written", ""},

	{ProxyLogin, "a proxy in between asks for a login (407)", "give the worker a way to the provider without that proxy"},
	{BadCall, "the request could not be built", "look at the worker's log and report it"},
	{Canceled, "the call was stopped before it went out", ""},

	{"photo_bad_url", "the photo's URL cannot be used", "give a full http:// or https:// URL on port 80 or 443"},
	{"photo_refused_address", "the photo's address, host or port must not be asked", "use a public address on port 80 or 443, or allow it with GROUPPHOTO_PHOTO_ALLOW, _HOSTS or _PORTS"},
	{"photo_not_found", "the photo's address answers that there is nothing to give", "check the URL in a browser without a login; a signed URL may have ended"},
	{"photo_too_large", "the photo's file is too large", "give a file of at most 10 MiB"},
	{"photo_redirects", "the photo's address leads through too many or refused redirects", "give the URL at the end of the redirects"},
	{"photo_unavailable", "the photo's server could not deliver it", "see that the server answers, then: " + sendAgain},
	{"photo_timeout", "the photo's server took too long", "see that the server answers within 15 seconds, then: " + sendAgain},
	{"photo_network", "the photo's server could not be reached", "check the host name and the network, then: " + sendAgain},
	{"photo_not_an_image", "the photo is not an image", "give the image itself, not a page that shows it"},
	{"photo_unsupported_format", "the photo's format is not supported", "export it as JPEG or PNG"},
	{"photo_too_small", "the photo is too small", "give one with at least 192 pixels on its short side"},
	{"photo_extreme_ratio", "the photo is too long for a square cut", "cut it to a square, or set GROUPPHOTO_PHOTO_EXTREME=pad"},
	{"photo_too_many_pixels", "the photo has too many pixels", "give one with at most 25 million pixels"},
	{"photo_too_complex", "the photo is too complex to decode or to shrink to its limit", "export it again as a plain JPEG"},
	{"photo_corrupt", "the photo's file is damaged", "export it again"},
	{"photo_too_slow", "the photo took too long to decode", "export it smaller, then: " + sendAgain},
	{"photo_bad_base64", "the photo's Base64 cannot be read", "send a data URI: data:image/jpeg;base64,… on one line"},
	{"photo_empty", "the photo is empty", "give a file with an image in it"},
	{"photo_missing", "the photo is no longer in the photo store", "enqueue the update again with its photo"},
}

// Reasons lists every reason word with what it means and what to do.
func Reasons() []Advice { return slices.Clone(advice) }

// Known reports whether the word is in Reasons.
func (r Reason) Known() bool { return r.find() != nil }

// Means says what happened in one clause; "" for a word that is not known.
func (r Reason) Means() string {
	if a := r.find(); a != nil {
		return a.Means
	}
	return ""
}

// Mend says what a person should do; "" when nothing is to be done or the word
// is not known.
func (r Reason) Mend() string {
	if a := r.find(); a != nil {
		return a.Mend
	}
	return ""
}

func (r Reason) find() *Advice {
	i := slices.IndexFunc(advice, func(a Advice) bool { return a.Reason == r })
	if i < 0 {
		return nil
	}
	return &advice[i]
}
