package plugchat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// maxMetadata bounds what is read of a group's metadata: 1,024 members take about 150 KiB, and communities have more.
const maxMetadata = 1 << 20

// maxParticipants is more than the largest community holds: a list beyond it is no list of members, and would cost hundreds of MiB to read.
const maxParticipants = 8192

// Metadata is what PlugChat says of a group. It prints as the number of participants only: who is in a group is nobody's business in a log.
type Metadata struct {
	// Subject is the group's name, cleaned, at most 200 bytes.
	Subject string
	// Participants are the members in PlugChat's order, the account's own number among them if it is one of them.
	Participants []Participant
}

// Participant is one member of a group.
type Participant struct {
	// Phone is what PlugChat gives as the phone number, cleaned: usually digits with the country code, sometimes an id that is no number, "" if it is no text.
	Phone string
	// Admin says whether the member is an admin of the group, or its creator.
	Admin bool
}

// Metadata asks PlugChat for a group's name and participants. It changes nothing, and net/http may repeat it on a stale connection.
// Every error is a *Error, classified like that of a call; what only a group can answer is Refused, with ReasonGroupGone or ReasonNotInGroup.
// An answer without a JSON array "participants", or with admins in an unknown form, is Unclear.
func (c *Client) Metadata(ctx context.Context, groupID string) (Metadata, error) {
	if err := checkGroupID(groupID); err != nil {
		return Metadata{}, err
	}
	if strings.Trim(groupID, ".") == "" {
		return Metadata{}, badCall("the group id is no group id, but a way to another path")
	}
	got, err := c.get(ctx, c.metadataURL+url.PathEscape(groupID), maxMetadata)
	if err != nil {
		return Metadata{}, err
	}
	members, isObject := readObject(got.body)
	if got.status == http.StatusOK && !got.long && isObject {
		if list, ok := c.participants(members); ok {
			return Metadata{Subject: c.clean.clean(members.text("subject")), Participants: list}, nil
		}
	}
	return Metadata{}, c.groupFailure(got)
}

// Member says whether a phone number is among the participants, and an admin. Numbers are compared by their digits, and Brazilian ones with or without the ninth digit.
// The answer is not known, and then no for both, when the number is not found and that proves nothing: phone is no number, nobody is listed, or someone by an id that is no number.
func (m Metadata) Member(phone string) (member, admin, known bool) {
	wanted := phoneDigits(phone)
	known = wanted != "" && len(m.Participants) > 0
	for _, p := range m.Participants {
		digits := phoneDigits(p.Phone)
		if digits != "" && digits == wanted {
			member, admin = true, admin || p.Admin
		}
		known = known && digits != "" && len(digits) <= maxPhone
	}
	return member, admin, known || member
}

// String tells how many participants there are.
func (m Metadata) String() string {
	return fmt.Sprintf("metadata (%d participants)", len(m.Participants))
}

// GoString is String, for %#v.
func (m Metadata) GoString() string { return m.String() }

// LogValue is String, for log/slog.
func (m Metadata) LogValue() slog.Value { return slog.StringValue(m.String()) }

// Bounds of a phone number with its country code. E.164 allows 15 digits, but nobody's phone has more than 13, while WhatsApp's own ids have 14 or 15:
// such a number can be found, yet proves nothing about others.
const (
	minDigits = 8
	maxDigits = 15
	maxPhone  = 13
)

// phoneDigits returns the digits of a phone number, Brazilian ones without the ninth digit; "" for everything that is no phone number.
func phoneDigits(phone string) string {
	name, domain, hasDomain := strings.Cut(strings.TrimSpace(phone), "@")
	if hasDomain && domain != "c.us" && domain != "s.whatsapp.net" {
		return ""
	}
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()", r) {
			return -1
		}
		return r
	}, strings.TrimPrefix(name, "+"))
	if len(digits) < minDigits || len(digits) > maxDigits || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	if len(digits) == 13 && strings.HasPrefix(digits, "55") && digits[4] == '9' {
		return digits[:4] + digits[5:]
	}
	return digits
}

// participants reads the list; the second result is false for everything that is none.
func (c *Client) participants(members object) ([]Participant, bool) {
	raw, contradictory := members.last("participants")
	var items []json.RawMessage
	if contradictory || !bytes.HasPrefix(raw, []byte("[")) || json.Unmarshal(raw, &items) != nil || len(items) > maxParticipants {
		return nil, false
	}
	list := make([]Participant, 0, len(items))
	for _, item := range items {
		about, ok := readObject(item)
		admin, readable := about.flag("isAdmin")
		super, superReadable := about.flag("isSuperAdmin")
		if !ok || !readable || !superReadable {
			return nil, false
		}
		list = append(list, Participant{Phone: c.clean.clean(about.text("phone")), Admin: admin || super})
	}
	return list, true
}

// flag reads a boolean that PlugChat's documentation calls a string in one place and shows as a boolean in another. Missing and null are false;
// the second result is false for everything else, since "not an admin" is nothing to be guessed.
func (o object) flag(key string) (value, readable bool) {
	raw, contradictory := o.last(key)
	switch {
	case contradictory:
		return false, false
	case raw == nil || string(raw) == "null":
		return false, true
	}
	text := strings.ToLower(strings.Trim(string(raw), `"`))
	return text == "true", text == "true" || text == "false"
}

// What texts in replies say of a group. They count after phrases, which are about the account.
var (
	outsideWords = []string{"not in the group", "not in this group", "not in group", "not a participant", "not a member", "not part of the group", "forbidden"}
	goneWords    = []string{"not found", "not-found", "does not exist", "doesn't exist", "no such group"}
	// What is missing by these is the way to PlugChat or the account's instance, never the group.
	elsewhereWords = []string{"cannot get /", "route", "endpoint", "instance", "entity", "session", "token"}
)

func (c *Client) groupFailure(got reply) *Error {
	v := groupVerdict(got)
	if v.class != Unclear {
		return c.failure(got, v)
	}
	detail := "the answer is no group's metadata that could be read"
	if got.long {
		detail = "the group's metadata are longer than 1 MiB"
	} else if text, _ := groupText(got); text != "" || isHTML(got.body) || len(got.body) == 0 {
		detail += c.quote(got.body) // else not: what it holds was written by the group's members
	}
	return &Error{Class: Unclear, Reason: ReasonUnclearAnswer, Status: got.status, Sent: true, Detail: c.clean.clean(detail)}
}

// groupVerdict is what a reply without metadata means.
func groupVerdict(got reply) verdict {
	v := verdictOf(got.status)
	if v.aboutTheWay() {
		if v.reason == ReasonWrongMethod {
			v.says = "PlugChat, or something on the way to it, takes no GET here"
		}
		return v
	}
	text, whole := groupText(got)
	if said, ok := phraseOf(text); ok {
		return said
	}
	mayBeGroup := v.class == Permanent || v.class == Ambiguous || v.class == Unclear || got.status == http.StatusForbidden
	if !mayBeGroup || isHTML(got.body) || containsAny(text, elsewhereWords) {
		return v
	}
	switch {
	case containsAny(text, outsideWords), got.status == http.StatusForbidden && whole && text == "":
		return verdict{Refused, ReasonNotInGroup, "the number is not in this group"}
	case containsAny(text, goneWords), got.status == http.StatusNotFound, got.status == http.StatusGone:
		return verdict{Refused, ReasonGroupGone, "there is no such group"}
	}
	return v
}

// groupText is what a whole reply says, in lower case. Metadata and pieces of it are no such reply: their words are the members' own, and prove nothing.
func groupText(got reply) (text string, whole bool) {
	members, _ := readObject(got.body)
	subject, _ := members.last("subject")
	list, _ := members.last("participants")
	if got.long || inPieces(got.body) || subject != nil || list != nil {
		return "", false
	}
	return strings.ToLower(explanation(bytes.TrimSpace(got.body))), true
}
