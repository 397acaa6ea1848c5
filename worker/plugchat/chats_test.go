package plugchat_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// chatsOf reads all chats, and how many requests that took.
func chatsOf(t testing.TB, transport http.RoundTripper) (list []plugchat.Chat, pages int, err error) {
	t.Helper()
	for page, err := range newClient(t, plugchat.Config{Transport: transport}).Chats(t.Context()) {
		if err != nil {
			return list, pages, err
		}
		list = append(list, page...)
		pages++
	}
	return list, pages, nil
}

func TestChats_ReadsTheDocumentedForm(t *testing.T) {
	t.Parallel()
	// given the documented answer and what may come in its place, when chats are read, then the request is the documented one and each chat comes once.
	seen := make(chan []string, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- []string{r.Method, r.RequestURI, r.Header.Get("Authorization")}
		_, _ = io.WriteString(w, `[
			{"name":"Plug-suporte","phone":"5511999999999","unread":"0","lastMessageTime":"1622991687","isMuted":"0","isMarkedSpam":"false","profileThumbnail":null,"messagesUnread":0},
			{"name":"Quem vem?! a&b ?x=1 \u202e\nsim","phone":"120363019502650977-group","isGroup":true,"profileThumbnail":"https://pps.whatsapp.net/v/x.jpg?oh=1"},
			{"name":7,"phone":120363019502650978}, {"phone":" 5511999999999-1623281429 "}, {"name":"no id"}, {"name":"twice","phone":"120363019502650977-group"},
			{"name":"`+strings.Repeat("é", 200)+`","phone":"x"}]`)
	}))
	t.Cleanup(server.Close)
	var got []plugchat.Chat
	for page, err := range newClient(t, plugchat.Config{BaseURL: server.URL + "/p"}).Chats(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page...)
	}
	for _, page := range []string{"1", "2"} {
		if diff := cmp.Diff([]string{"GET", "/p/api/whatsapp/chats?page=" + page + "&pageSize=200", token}, <-seen); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	}
	want := []plugchat.Chat{
		{Phone: "5511999999999", Name: "Plug-suporte"}, {Phone: "120363019502650977-group", Name: "Quem vem?! a&b ?x=1 sim"}, {Phone: "120363019502650978"},
		{Phone: "5511999999999-1623281429"}, {Phone: "x", Name: strings.Repeat("é", 98) + "…"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("chats (-want +got):\n%s", diff)
	}
	if text := renderings(t, fmt.Sprint(got[0], got)); strings.Contains(text, "5511") || strings.Contains(text, "suporte") {
		t.Errorf("printed as %s", text)
	}
}

// shelf is a server with a list of chats. moves tells which chat gets a message before a request, by its number; it comes to the top.
type shelf struct {
	chats  []string
	clamp  int  // the longest page; 0: none
	zero   bool // pages count from 0
	deaf   bool // all at once, whatever page is asked for
	strict bool // page 0 is a fault
	moves  map[int]int
	asked  []int
}

func newShelf(n int) *shelf {
	s := &shelf{}
	for i := range n {
		s.chats = append(s.chats, fmt.Sprintf("1203630195026%05d-group", i))
	}
	return s
}

func (s *shelf) RoundTrip(r *http.Request) (*http.Response, error) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	size, _ := strconv.Atoi(r.URL.Query().Get("pageSize"))
	if i, ok := s.moves[len(s.asked)]; ok {
		moved := s.chats[i]
		s.chats = append([]string{moved}, append(append([]string{}, s.chats[:i]...), s.chats[i+1:]...)...)
	}
	s.asked = append(s.asked, page)
	if page == 0 && s.strict {
		return answering(400, nil, `{"error":"page must be positive"}`)(r)
	}
	if s.clamp > 0 {
		size = min(size, s.clamp)
	}
	if !s.zero {
		page = max(page, 1) - 1
	}
	from := min(page*size, len(s.chats))
	shown := s.chats[from:min(from+size, len(s.chats))]
	if s.deaf {
		shown = s.chats
	}
	list := []map[string]string{}
	for _, phone := range shown {
		list = append(list, map[string]string{"phone": phone, "name": "a name"})
	}
	body, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	return answering(200, nil, string(body))(r)
}

func TestChats_PagesAsServersMayGiveThem(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		n     int
		shelf shelf
		asked []int
	}{
		{"no chat", 0, shelf{}, []int{1, 0}},
		{"no chat, and page 0 is a fault", 0, shelf{strict: true}, []int{1, 0}},
		{"a page", 37, shelf{}, []int{1, 2}},
		{"a full page", 200, shelf{}, []int{1, 2}},
		{"a little more", 201, shelf{}, []int{1, 2, 1}},
		{"full pages", 400, shelf{}, []int{1, 2, 3, 1}},
		{"many", 950, shelf{}, []int{1, 2, 3, 4, 5, 1}},
		{"shorter pages than asked for", 250, shelf{clamp: 100}, []int{1, 2, 3, 1}},
		{"shorter pages, the last is full", 200, shelf{clamp: 100}, []int{1, 2, 3, 1}},
		{"pages are ignored", 150, shelf{deaf: true}, []int{1, 2}},
		{"pages are ignored, more than one would hold", 1500, shelf{deaf: true}, []int{1}},
		{"pages count from 0", 120, shelf{zero: true}, []int{1, 0}},
		{"a chat moves over a border", 450, shelf{moves: map[int]int{1: 300, 2: 449}}, []int{1, 2, 3, 1}},
		{"the last chat moves away before its page", 401, shelf{moves: map[int]int{2: 400}}, []int{1, 2, 3, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(tc.n)
			all := map[string]bool{}
			for _, phone := range s.chats {
				all[phone] = true
			}
			s.clamp, s.zero, s.deaf, s.strict, s.moves = tc.shelf.clamp, tc.shelf.zero, tc.shelf.deaf, tc.shelf.strict, tc.shelf.moves
			list, pages, err := chatsOf(t, s)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.asked, s.asked); diff != "" || pages != len(s.asked) {
				t.Errorf("pages given: %d; pages asked for (-want +got):\n%s", pages, diff)
			}
			for _, chat := range list {
				if !all[chat.Phone] {
					t.Errorf("%s came twice", chat.Phone)
				}
				delete(all, chat.Phone)
			}
			if len(all) > 0 {
				t.Errorf("missed: %v", all)
			}
		})
	}
}

func TestChats_AListWithoutEndEnds(t *testing.T) {
	t.Parallel()
	n := 0
	list, pages, err := chatsOf(t, roundTripFunc(func(r *http.Request) (*http.Response, error) {
		n++
		return answering(200, nil, fmt.Sprintf(`[{"phone":"1203630195026%05d-group"}]`, n))(r)
	}))
	if e := failureOf(t, err); e.Reason != plugchat.ReasonUnclearAnswer || !strings.Contains(e.Detail, "has no end; 250 came") {
		t.Errorf("got %v", e)
	}
	if len(list) != 250 || pages != 250 {
		t.Errorf("%d chats on %d pages", len(list), pages)
	}
}

func TestChats_AFailureInBetweenEndsThem(t *testing.T) {
	t.Parallel()
	s := newShelf(500)
	list, _, err := chatsOf(t, roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if len(s.asked) == 2 {
			return answering(429, http.Header{"Retry-After": {"30"}}, "")(r)
		}
		return s.RoundTrip(r)
	}))
	if e := failureOf(t, err); e.Class != plugchat.Throttled || e.RetryAfter.Seconds() != 30 {
		t.Errorf("got %v", e)
	}
	if len(list) != 400 || len(s.asked) != 2 {
		t.Errorf("%d chats, asked for %v", len(list), s.asked)
	}
	for range newClient(t, plugchat.Config{Transport: s}).Chats(t.Context()) {
		break // who has enough is given no more
	}
	if len(s.asked) != 3 {
		t.Errorf("asked for %v", s.asked)
	}
}

func TestChats_WhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	unclear := end{Class: "unclear", Reason: "unclear_answer"}
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   end
		says   string
	}{
		{"no chats", 200, ` [] `, end{}, ""},
		{"chats in an object", 200, `{"chats":[{"phone":"1"}]}`, unclear, "no list of chats"},
		{"texts", 200, `["120363019502650977-group"]`, unclear, "a list, but not of chats"},
		{"chats without ids", 200, `[{"id":"120363019502650977-group","name":"private"}]`, unclear, `the chats have no "phone"`},
		{"an id of another kind", 200, `[{"phone":{"number":1}}]`, unclear, `have no "phone"`},
		{"a rounded number", 200, `[{"phone":1.2e17}]`, unclear, `have no "phone"`},
		{"cut off", 200, `[{"phone":"1","name":"private, not connected"},`, unclear, "the answer is not JSON"},
		{"cut off, and 500", 500, `[{"phone":"1","name":"private, not connected"},`, end{Class: "ambiguous", Reason: "provider_error"}, "PlugChat failed"},
		{"web page", 200, `<html>login</html>`, unclear, "the reply is a web page"},
		{"empty", 200, ``, unclear, "the reply is empty"},
		{"null", 200, `null`, unclear, "no list of chats"},
		{"too long", 200, `[{"phone":"1","name":"` + strings.Repeat("a", 8<<20) + `"}]`, unclear, "longer than 8 MiB"},
		{"a list, but 201", 201, `[]`, unclear, "no list of chats"},
		{"trouble beside 200", 200, `{"error":"You are not connected."}`, end{Class: "account", Reason: "disconnected"}, "not connected to WhatsApp: You are not connected."},
		{"subscription", 400, `{"error":"you must subscribe to this instance again"}`, end{Class: "account", Reason: "subscription"}, ""},
		{"chats that talk of it", 200, `[{"phone":"1","name":"You are not connected."}]`, end{}, ""},
		{"401", 401, ``, end{Class: "account", Reason: "credentials"}, "does not accept the token"},
		{"403", 403, ``, end{Class: "account", Reason: "not_allowed"}, ""},
		{"404", 404, `{"message":"Cannot GET /api/whatsapp/chats"}`, end{Class: "permanent", Reason: "provider_rejects"}, ""},
		{"405", 405, `method not allowed`, end{Class: "account", Reason: "wrong_method"}, "takes no GET here"},
		{"redirect", 301, ``, end{Class: "account", Reason: "redirected"}, "points to"},
		{"429", 429, ``, end{Class: "throttled", Reason: "throttled"}, ""},
		{"overlimit", 500, `{"error":"rate-overlimit"}`, end{Class: "throttled", Reason: "throttled"}, ""},
		{"500", 500, ``, end{Class: "ambiguous", Reason: "provider_error"}, ""},
		{"503", 503, ``, end{Class: "transient", Reason: "unavailable"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := chatsOf(t, answering(tc.status, http.Header{"Location": {"https://elsewhere.example/x"}}, tc.body))
			if err == nil {
				if tc.want != (end{}) {
					t.Fatal("no error")
				}
				return
			}
			e := failureOf(t, err)
			if diff := cmp.Diff(tc.want, end{Class: e.Class.String(), Reason: e.Reason}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if !strings.Contains(e.Detail, tc.says) || strings.Contains(e.Detail, "private") || len(e.Detail) > 200 {
				t.Errorf("detail %q; want %q in it", e.Detail, tc.says)
			}
		})
	}
}

func FuzzChats(f *testing.F) {
	for _, seed := range []string{
		`[{"phone":"120363019502650977-group","name":"a"}]`, `[]`, `[{}]`, `[{"phone":"` + token + `","name":"x ` + token + ` y"}]`, `{"error":"` + token + `"}`, `<html>`, `[{"phone":`,
	} {
		f.Add(200, seed)
		f.Add(400, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		list, _, err := chatsOf(t, answering(status, nil, body))
		texts := []string{}
		for _, chat := range list {
			texts = append(texts, chat.Phone, chat.Name)
			if chat.Phone == "" {
				t.Error("a chat without an id")
			}
		}
		if err != nil {
			texts = append(texts, failureOf(t, err).Error())
		}
		for _, text := range texts {
			if len(text) > 260 || strings.Contains(text, token) || strings.ContainsAny(text, "\n\r\x1b") {
				t.Errorf("%q", text)
			}
		}
	})
}
