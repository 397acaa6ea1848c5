package sandbox_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/sandbox"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func TestStatus_FollowsTheDial(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		dial   string
		want   plugchat.Status
		reason string
	}{
		{"", plugchat.Status{Connected: true, Detail: "You are already connected."}, ""},
		{"false", plugchat.Status{Connected: true, Detail: "You are already connected."}, ""},
		{"disconnected", plugchat.Status{Detail: "You are not connected."}, ""},
		{"disconnected-false", plugchat.Status{Detail: "You are not connected."}, ""},
		{"disconnected:group=" + newGroup, plugchat.Status{Connected: true, Detail: "You are already connected."}, ""},
		{"expired", plugchat.Status{Connected: true, Detail: "To continue sending a message, you must subscribe to this instance again"}, ""},
		{"503:on=status", plugchat.Status{}, "unavailable"},
		{"reset:on=all", plugchat.Status{}, "unavailable"},
		{"html:on=status", plugchat.Status{}, "unclear_answer"},
	} {
		t.Run(tc.dial, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, sandbox.Config{}, 0)
			if tc.dial != "" {
				s.box.SetDial(rule(t, tc.dial))
			}
			got, err := s.client.Status(t.Context())
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if (err != nil) != (tc.reason != "") || err != nil && !strings.HasPrefix(err.Error(), tc.reason+":") {
				t.Errorf("got %v, want reason %q", err, tc.reason)
			}
		})
	}
}

func (s *stage) get(t testing.TB, path string, into any) int {
	t.Helper()
	status, body := s.send(t, "GET", path, "", map[string]string{"Authorization": token})
	if into != nil && status == 200 {
		if err := json.Unmarshal([]byte(body), into); err != nil {
			t.Fatalf("%s: %v in %s", path, err, body)
		}
	}
	return status
}

func TestMetadata_ShowsAdminsAndMissingGroups(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Config{}, 0)
	type group struct {
		Phone, Owner, Subject string
		Participants          []struct {
			Phone   string
			IsAdmin bool
		}
	}
	admins := func() int {
		t.Helper()
		var g group
		if status := s.get(t, "/api/whatsapp/group-metadata/"+newGroup, &g); status != 200 {
			t.Fatalf("got %d", status)
		}
		if g.Phone != newGroup || g.Subject != "Group 0977" || g.Owner == "" || len(g.Participants) != 2 {
			t.Errorf("got %+v", g)
		}
		n := 0
		for _, p := range g.Participants {
			if p.IsAdmin {
				n++
			}
		}
		return n
	}
	if got := admins(); got != 2 {
		t.Errorf("got %d admins, want both", got)
	}
	s.box.SetDial(rule(t, "not-admin:group="+newGroup))
	if got := admins(); got != 1 {
		t.Errorf("not-admin: got %d admins, want the other one only", got)
	}
	s.box.SetDial(rule(t, "gone:group="+newGroup))
	for path, want := range map[string]int{newGroup: 404, oldGroup: 200, "5511999999999": 404} {
		if got := s.get(t, "/api/whatsapp/group-metadata/"+path, nil); got != want {
			t.Errorf("%s: got %d, want %d", path, got, want)
		}
	}
	s.box.SetDial(rule(t, "disconnected"))
	if got := s.get(t, "/api/whatsapp/group-metadata/"+newGroup, nil); got != 400 {
		t.Errorf("disconnected: got %d, want 400", got)
	}
	if status, _ := s.send(t, "GET", "/api/whatsapp/status", "", nil); status != 401 {
		t.Errorf("no token: got %d, want 401", status)
	}
	if got := s.get(t, "/api/whatsapp/unknown", nil); got != 404 {
		t.Errorf("unknown endpoint: got %d, want 404", got)
	}
}

func TestChats_PagesThroughEverything(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Config{}, 0)
	for _, group := range []string{newGroup, oldGroup} {
		if _, err := s.update(t, group); err != nil {
			t.Fatal(err)
		}
	}
	phones := func(query string) []string {
		t.Helper()
		var list []struct{ Phone, Name, ProfileThumbnail, LastMessageTime string }
		if status := s.get(t, "/api/whatsapp/chats"+query, &list); status != 200 {
			t.Fatalf("%s: got %d", query, status)
		}
		phones := []string{}
		for _, c := range list {
			phones = append(phones, c.Phone)
			if c.Phone == newGroup && !strings.Contains(c.ProfileThumbnail, "/sandbox/photo/"+newGroup) {
				t.Errorf("thumbnail: got %q", c.ProfileThumbnail)
			}
		}
		return phones
	}
	all := []string{"5511999999999", newGroup, oldGroup}
	for query, want := range map[string][]string{
		"": all, "?page=1&pageSize=2": all[:2], "?page=2&pageSize=2": all[2:], "?page=3&pageSize=2": {}, "?page=0&pageSize=99": all,
		"?page=9223372036854775807&pageSize=9223372036854775807": {}, "?page=x&pageSize=-1": all,
	} {
		if diff := cmp.Diff(want, phones(query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	s.box.SetDial(rule(t, "gone:group="+newGroup))
	if slices.Contains(phones(""), newGroup) {
		t.Error("a group that is gone is still listed")
	}
}

func TestControls(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Config{}, 0)
	if _, err := s.update(t, newGroup); err != nil {
		t.Fatal(err)
	}
	if status, body := s.send(t, "GET", "/sandbox/photo/"+newGroup, "", nil); status != 200 || body != strings.TrimSpace(string(s.photo)) {
		t.Errorf("photo: got %d and %d bytes, want the %d that were sent", status, len(body), len(s.photo))
	}
	if status, _ := s.send(t, "GET", "/sandbox/photo/"+oldGroup, "", nil); status != 404 {
		t.Errorf("photo of an unknown group: got %d, want 404", status)
	}
	if status, body := s.send(t, "PUT", "/sandbox/dial", `["503:n=3","false:p=0.2"]`, nil); status != 200 || body != `["503:n=3","false:p=0.2"]` {
		t.Errorf("dial: got %d %s", status, body)
	}
	for _, bad := range []string{`["503:n=3","nope"]`, `{}`, ``, `[` + strings.Repeat(`"false",`, 1000) + `"false"]`} {
		if status, _ := s.send(t, "PUT", "/sandbox/dial", bad, nil); status != 400 {
			t.Errorf("%.30s: got %d, want 400", bad, status)
		}
	}
	if _, body := s.send(t, "GET", "/sandbox/dial", "", nil); body != `["503:n=3","false:p=0.2"]` {
		t.Errorf("dial after bad ones: got %s", body)
	}
	for _, path := range []string{"/sandbox/calls", "/sandbox/dial"} {
		for _, method := range []string{"PUT", "DELETE"} {
			status, _ := s.send(t, method, path, `[]`, map[string]string{"Sec-Fetch-Site": "cross-site"})
			if status != 403 && status != 405 {
				t.Errorf("%s %s from another site: got %d", method, path, status)
			}
		}
	}
	if len(s.box.Dial()) != 2 || len(s.box.Calls()) != 1 {
		t.Errorf("another site changed something: %d rules, %d calls", len(s.box.Dial()), len(s.box.Calls()))
	}
	_, log := s.send(t, "GET", "/sandbox/calls", "", nil)
	if !strings.Contains(log, `"groupId":"`+newGroup+`"`) || strings.Contains(log, "MARKED") {
		t.Errorf("log: got %s, want the group and not the token", log)
	}
	if status, _ := s.send(t, "DELETE", "/sandbox/calls", "", nil); status != 204 || len(s.box.Calls()) != 0 {
		t.Errorf("forgetting: got %d with %d calls left", status, len(s.box.Calls()))
	}
}

func TestPage_IsSelfContained(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Config{}, 0)
	status, page := s.send(t, "GET", "/", "", nil)
	if status != 200 || !strings.Contains(page, "prefers-color-scheme: dark") {
		t.Fatalf("got %d", status)
	}
	for _, outside := range []string{"http://", "https://", "innerHTML", " style=", " onclick=\""} {
		if strings.Contains(page, outside) {
			t.Errorf("the page holds %q", outside)
		}
	}
	if status, _ := s.send(t, "GET", "/elsewhere", "", nil); status != 404 {
		t.Errorf("another path: got %d, want 404", status)
	}
}

func TestInFlight_CountsPerAccount(t *testing.T) {
	t.Parallel()
	// given three calls of one account that are held, when all are under way, then the log has counted 1 to 3, and what hangs ends when the callers give up.
	s := newStage(t, sandbox.Config{}, 10*time.Second)
	s.box.SetDial(rule(t, "slow:latency=300ms"))
	var callers sync.WaitGroup
	for range 3 {
		callers.Go(func() {
			if value, err := s.update(t, newGroup); err != nil || !value {
				t.Errorf("got %t, %v, want true", value, err)
			}
		})
	}
	callers.Wait()
	var got []int
	for _, c := range s.box.Calls() {
		got = append(got, c.InFlight)
	}
	if diff := cmp.Diff([]int{1, 2, 3}, got); diff != "" {
		t.Errorf("in flight (-want +got):\n%s", diff)
	}
	if _, err := s.update(t, newGroup); err != nil {
		t.Fatal(err)
	}
	if got := s.box.Calls()[3].InFlight; got != 1 {
		t.Errorf("after they ended: got %d, want 1", got)
	}
}

func TestChats_GroupsFromTheBeginning(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandbox.Config{Groups: 3}, 0)
	if _, err := s.update(t, newGroup); err != nil {
		t.Fatal(err)
	}
	var got []string
	for page, err := range s.client.Chats(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, chat := range page {
			got = append(got, chat.Phone+" "+chat.Name)
		}
	}
	want := []string{
		"5511999999999 Plug-suporte", newGroup + " Group 0977", "120363900000000001-group Group 0001", "120363900000000002-group Group 0002", "120363900000000003-group Group 0003",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("chats (-want +got):\n%s", diff)
	}
}
