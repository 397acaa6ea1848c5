package tasks

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// ErrGroupID is matched by every error of ParseGroupID.
var ErrGroupID = errors.New("not a WhatsApp group id")

// GroupFault is one word for why a text is no group id.
type GroupFault string

// The faults of group ids.
const (
	GroupEmpty     GroupFault = "empty"
	GroupPerson    GroupFault = "person"
	GroupHiddenID  GroupFault = "hidden_id"
	GroupChannel   GroupFault = "channel"
	GroupBroadcast GroupFault = "broadcast"
	GroupRounded   GroupFault = "rounded" // by a spreadsheet, to scientific notation
	GroupPhone     GroupFault = "phone"
	GroupMalformed GroupFault = "malformed"
)

// GroupIDError is every error of ParseGroupID. It matches ErrGroupID.
type GroupIDError struct {
	Text  string // what was given, shortened
	Fault GroupFault
}

// Error says what is wrong with the text and what was expected.
func (e *GroupIDError) Error() string {
	return fmt.Sprintf("group id %q: %s: %s", e.Text, groupFaults[e.Fault], ErrGroupID)
}

// Unwrap returns ErrGroupID.
func (e *GroupIDError) Unwrap() error { return ErrGroupID }

const wantGroup = "expected 120363019502650977-group or 5511999999999-1623281429"

var groupFaults = map[GroupFault]string{
	GroupEmpty:     "is empty; " + wantGroup,
	GroupPerson:    "is a person, not a group",
	GroupHiddenID:  "is a person's hidden id, not a group",
	GroupChannel:   "is a channel, not a group",
	GroupBroadcast: "is a broadcast list, not a group",
	GroupRounded:   "was rounded by a spreadsheet; format the column as text and export it again",
	GroupPhone:     "is a phone number, not a group; " + wantGroup,
	GroupMalformed: wantGroup,
}

// GroupID is a group id in the form PlugChat documents: "<digits>-group", or
// "<creator's phone>-<unix seconds>" for groups made before 4 November 2021.
// Obtain one from ParseGroupID; the zero value names no group.
type GroupID string

var (
	newGroup    = regexp.MustCompile(`^[0-9]{10,20}-group$`)
	oldGroup    = regexp.MustCompile(`^[0-9]{8,15}-[0-9]{10}$`)
	bareGroup   = regexp.MustCompile(`^120363[0-9]{9,14}$`)
	digitsOnly  = regexp.MustCompile(`^\+?[0-9][0-9 ().-]{5,24}$`)
	scientific  = regexp.MustCompile(`^[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+$`)
	otherServer = []struct {
		suffix string
		fault  GroupFault
	}{
		{"@s.whatsapp.net", GroupPerson},
		{"@c.us", GroupPerson},
		{"@lid", GroupHiddenID},
		{"@newsletter", GroupChannel},
		{"@broadcast", GroupBroadcast},
		{"-broadcast", GroupBroadcast},
	}
)

// ParseGroupID returns the documented form of a group id. It takes both
// documented forms, either followed by "@g.us", and the bare "120363…" number
// that WhatsApp shows elsewhere; white space around it is ignored.
//
// Everything else is refused with a *GroupIDError, which matches ErrGroupID and
// says why: some back-ends take an empty or foreign target as a wish to change the
// account's own picture, so nothing doubtful may pass.
func ParseGroupID(text string) (GroupID, error) {
	id := strings.ToLower(strings.TrimFunc(text, ignorable))
	id = strings.TrimSuffix(id, "@g.us")
	switch {
	case newGroup.MatchString(id), oldGroup.MatchString(id):
		return GroupID(id), nil
	case bareGroup.MatchString(id):
		return GroupID(id + "-group"), nil
	}
	return "", &GroupIDError{clip(text, 60), groupFault(id)}
}

// ignorable reports white space and the invisible marks that come along when
// an id is copied from a chat window.
func ignorable(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
}

func groupFault(id string) GroupFault {
	for _, other := range otherServer {
		if strings.HasSuffix(id, other.suffix) {
			return other.fault
		}
	}
	switch {
	case id == "":
		return GroupEmpty
	case scientific.MatchString(id):
		return GroupRounded
	case digitsOnly.MatchString(id):
		return GroupPhone
	}
	return GroupMalformed
}
