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
	otherServer = []struct{ suffix, what string }{
		{"@s.whatsapp.net", "is a person, not a group"},
		{"@c.us", "is a person, not a group"},
		{"@lid", "is a person's hidden id, not a group"},
		{"@newsletter", "is a channel, not a group"},
		{"@broadcast", "is a broadcast list, not a group"},
		{"-broadcast", "is a broadcast list, not a group"},
	}
)

// ParseGroupID returns the documented form of a group id. It takes both
// documented forms, either followed by "@g.us", and the bare "120363…" number
// that WhatsApp shows elsewhere; white space around it is ignored.
//
// Everything else is refused with an error that matches ErrGroupID and says
// why: some back-ends take an empty or foreign target as a wish to change the
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
	return "", fmt.Errorf("group id %q: %s: %w", clip(text, 60), groupProblem(id), ErrGroupID)
}

// ignorable reports white space and the invisible marks that come along when
// an id is copied from a chat window.
func ignorable(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
}

func groupProblem(id string) string {
	const want = "expected 120363019502650977-group or 5511999999999-1623281429"
	for _, other := range otherServer {
		if strings.HasSuffix(id, other.suffix) {
			return other.what
		}
	}
	switch {
	case id == "":
		return "is empty; " + want
	case scientific.MatchString(id):
		return "was rounded by a spreadsheet; format the column as text and export it again"
	case digitsOnly.MatchString(id):
		return "is a phone number, not a group; " + want
	}
	return want
}
