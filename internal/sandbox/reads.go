package sandbox

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// marshal makes the answer of a read; its values are our own and can always be written.
func marshal(v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return failing(http.StatusInternalServerError, textInternalError)
	}
	return jsonAnswer(http.StatusOK, string(body))
}

// read asks the dial about a read. done is false when the read goes its normal way.
func (s *Sandbox) read(x *exchange) (a answer, done bool) {
	fate, patient := s.dialled(x)
	if !patient {
		return answer{drop: dropHang}, true
	}
	a = fate.answer()
	return a, fate.Kind != ""
}

// status answers GET /api/whatsapp/status in the documented shape: error is filled on the happy path too.
func (s *Sandbox) status(x *exchange) answer {
	if a, done := s.read(x); done {
		return a
	}
	shown := struct {
		Connected           bool   `json:"connected"`
		Session             bool   `json:"session"`
		Error               string `json:"error"`
		SmartphoneConnected bool   `json:"smartphoneConnected"`
	}{true, true, textConnected, true}
	if text := s.accountTrouble(x.call.Account); text != "" {
		connected := text == textSubscription
		shown.Connected, shown.SmartphoneConnected, shown.Error = connected, connected, text
	}
	return marshal(shown)
}

// accountTrouble is the text of what ails an account as a whole; "" if nothing does. All endpoints agree on it.
func (s *Sandbox) accountTrouble(account string) string {
	switch {
	case s.stateOf(account, "disconnected", "disconnected-false"):
		return textNotConnected
	case s.stateOf(account, "session-lost"):
		return textRestore
	case s.stateOf(account, "expired"):
		return textSubscription
	}
	return ""
}

// stateOf tells whether a state holds for the whole account; one that is put on a single group says nothing of the number.
func (s *Sandbox) stateOf(account string, kinds ...string) bool {
	return s.holds(account, "", kinds...)
}

type participant struct {
	Phone        string `json:"phone"`
	IsAdmin      bool   `json:"isAdmin"`
	IsSuperAdmin bool   `json:"isSuperAdmin"`
	Short        string `json:"short,omitempty"`
	Name         string `json:"name,omitempty"`
}

// metadata answers GET /api/whatsapp/group-metadata/{groupId} in the documented shape.
func (s *Sandbox) metadata(x *exchange) answer {
	id := x.r.PathValue("id")
	s.note(func() { x.call.GroupID = clip(id) })
	if a, done := s.read(x); done {
		return a
	}
	account := x.call.Account
	if text := s.accountTrouble(account); text != "" {
		return failing(http.StatusBadRequest, text)
	}
	if !isGroupID(id) || s.holds(account, id, "gone") {
		return failing(http.StatusNotFound, "group not found")
	}
	created := s.meet(id).UnixMilli()
	mine, other := phoneOf(account), "5511777777777"
	owner := mine
	if s.holds(account, id, "not-admin", "plain-member", "not-member") {
		owner = other
	}
	people := []participant{{mine, owner == mine, owner == mine, "Me", "This number"}, {other, true, owner == other, "Plug", "Another admin"}}
	if s.holds(account, id, "not-member") {
		people = people[1:]
	}
	return marshal(struct {
		Phone          string        `json:"phone"`
		Owner          string        `json:"owner"`
		Subject        string        `json:"subject"`
		Creation       int64         `json:"creation"`
		InvitationLink string        `json:"invitationLink"`
		Participants   []participant `json:"participants"`
		SubjectTime    int64         `json:"subjectTime"`
		SubjectOwner   string        `json:"subjectOwner"`
	}{
		id, owner, subject(id), created, "https://chat.whatsapp.com/sandbox", people, created, owner,
	})
}

// subject is the name of a group, made from the end of its id so that people can tell groups apart.
func subject(id string) string {
	if len(id) > len("-group") && id[len(id)-len("-group"):] == "-group" {
		id = id[:len(id)-len("-group")]
	}
	return "Group " + id[max(len(id)-4, 0):]
}

type chat struct {
	Name             string  `json:"name"`
	Phone            string  `json:"phone"`
	Unread           string  `json:"unread"`
	LastMessageTime  string  `json:"lastMessageTime"`
	IsMuted          string  `json:"isMuted"`
	IsMarkedSpam     string  `json:"isMarkedSpam"`
	ProfileThumbnail *string `json:"profileThumbnail"`
	MessagesUnread   int     `json:"messagesUnread"`
}

// chats answers GET /api/whatsapp/chats?page=&pageSize=: one person, and every group that there is. Pages count from 1; without pageSize all come at once.
func (s *Sandbox) chats(x *exchange) answer {
	if a, done := s.read(x); done {
		return a
	}
	if text := s.accountTrouble(x.call.Account); text != "" {
		return failing(http.StatusBadRequest, text)
	}
	list := []chat{{"Plug-suporte", "5511999999999", "0", "1622991687", "0", "false", nil, 0}}
	for _, g := range s.Groups() {
		if s.holds(x.call.Account, g.ID, "gone", "not-member") {
			continue
		}
		c := chat{subject(g.ID), g.ID, "0", unix(g.ChangedAt), "0", "false", nil, 0}
		if g.JPEG != nil {
			link := "http://" + x.r.Host + "/sandbox/photo/" + g.ID + "?v=" + g.PhotoHash[:8]
			c.ProfileThumbnail = &link
		}
		list = append(list, c)
	}
	size, err := strconv.Atoi(x.r.URL.Query().Get("pageSize"))
	if err != nil || size < 1 {
		return marshal(list)
	}
	page, err := strconv.Atoi(x.r.URL.Query().Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	// Bounded first, so that their product can't overflow.
	size, page = min(size, len(list)), min(page, len(list)+1)
	from := min((page-1)*size, len(list))
	return marshal(list[from:min(from+size, len(list))])
}

func unix(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.Unix(), 10)
}
