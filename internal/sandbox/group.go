package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Group is one group as the sandbox knows it.
type Group struct {
	ID string `json:"id"`
	// PhotoHash is that of Call; "" while no photo was ever set.
	PhotoHash string `json:"photoHash,omitempty"`
	// JPEG is the current photo; nil if there is none or it was given by address. It must not be changed.
	JPEG []byte `json:"-"`
	// Host is where the current photo's address points, when it was given by address.
	Host string `json:"host,omitempty"`
	// ChangedAt is when the photo was last set, Changes how often it was.
	ChangedAt time.Time `json:"changedAt"`
	Changes   int       `json:"changes"`
	// Calls counts the updates that named the group, with the last answer given.
	Calls      int    `json:"calls"`
	LastStatus int    `json:"lastStatus"`
	LastAnswer string `json:"lastAnswer"`
}

type group struct {
	Group

	created time.Time
}

// Group returns one group, and false if no call has named it yet.
func (s *Sandbox) Group(id string) (Group, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.groups[id]
	if !ok {
		return Group{}, false
	}
	return g.Group, true
}

// Groups returns all groups in the order of their ids.
func (s *Sandbox) Groups() []Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	groups := make([]Group, 0, len(s.groups))
	for _, g := range s.groups {
		groups = append(groups, g.Group)
	}
	slices.SortFunc(groups, func(a, b Group) int { return strings.Compare(a.ID, b.ID) })
	return groups
}

// madeGroup is the id of one of the groups that are there from the beginning, from 1.
func madeGroup(n int) string { return fmt.Sprintf("120363%012d-group", 900_000_000_000+n) }

// meet makes sure that a group exists: demos need no set-up. It returns when it was created.
func (s *Sandbox) meet(id string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[id] == nil {
		s.groups[id] = &group{Group: Group{ID: id}, created: s.now()}
	}
	return s.groups[id].created
}

// land shows a photo on a group that exists.
func (s *Sandbox) land(c *Call, p sentPhoto) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[c.GroupID]
	g.PhotoHash, g.JPEG, g.Host = p.hash, p.jpeg, p.host
	g.ChangedAt = s.now()
	g.Changes++
	c.Landed = true
}

// isGroupID accepts the two documented forms: <digits>-group and <phone>-<unix seconds>.
func isGroupID(id string) bool {
	left, right, ok := strings.Cut(id, "-")
	if !ok {
		return false
	}
	if right == "group" {
		return digits(left, 10, 20)
	}
	return digits(left, 8, 15) && digits(right, 10, 10)
}

func digits(s string, least, most int) bool {
	return len(s) >= least && len(s) <= most && strings.Trim(s, "0123456789") == ""
}
