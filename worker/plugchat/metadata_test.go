package plugchat_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func metadata(t testing.TB, status int, body string) (plugchat.Metadata, error) {
	t.Helper()
	return newClient(t, plugchat.Config{Transport: answering(status, nil, body)}).Metadata(t.Context(), group)
}

func TestMetadata_ReadsTheDocumentedForm(t *testing.T) {
	t.Parallel()
	// given the documented answer, with flags as booleans and as text, when a group's metadata are asked for, then request and result are as documented.
	seen := make(chan []string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- []string{r.Method, r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Content-Type")}
		_, _ = io.WriteString(w, `{"phone":"120363019502650977-group","owner":"5511999999999","subject":"My\ngroup \u202e`+strings.Repeat("é", 200)+`","creation":1588721491000,
			"description":"you are not connected", "participants":[
			{"phone":"5511888888888","isAdmin":false,"isSuperAdmin":false},
			{"phone":"5511777777777","isAdmin":true,"isSuperAdmin":false,"short":"ZAPIs","name":"not found"},
			{"phone":"5511666666666","isAdmin":"False","isSuperAdmin":"true"}, {"phone":"12345@lid","isAdmin":"true"}, {"phone":5511,"isAdmin":null}]}`)
	}))
	t.Cleanup(server.Close)
	got, err := newClient(t, plugchat.Config{BaseURL: server.URL + "/p"}).Metadata(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"GET", "/p/api/whatsapp/group-metadata/" + group, token, ""}, <-seen); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(got.Subject, "My group éé") || len(got.Subject) > 200 {
		t.Errorf("subject: got %d bytes, %q", len(got.Subject), got.Subject)
	}
	want := []plugchat.Participant{{Phone: "5511888888888"}, {Phone: "5511777777777", Admin: true}, {Phone: "5511666666666", Admin: true}, {Phone: "12345@lid", Admin: true}, {}}
	if diff := cmp.Diff(want, got.Participants); diff != "" {
		t.Errorf("participants (-want +got):\n%s", diff)
	}
}

func TestMetadata_LargeGroups(t *testing.T) {
	t.Parallel()
	list := func(n int, name string) string {
		one := `{"phone":"5511888888888","isAdmin":false,"isSuperAdmin":false,"name":"` + name + `"}`
		return `{"subject":"s","participants":[` + one + strings.Repeat(","+one, n-1) + `]}`
	}
	for _, tc := range []struct {
		name, body string
		want       int // 0: an error
	}{
		{"the largest group", list(1024, strings.Repeat("n", 100)), 1024},
		{"more than 1 MiB", list(1024, "not found, not connected "+strings.Repeat("n", 1024)), 0},
		{"more members than a community has", list(9000, ""), 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := metadata(t, 200, tc.body)
			if len(got.Participants) != tc.want {
				t.Errorf("got %d participants, want %d", len(got.Participants), tc.want)
			}
			if tc.want == 0 && failureOf(t, err).Reason != plugchat.ReasonUnclearAnswer {
				t.Errorf("got %v, want it to be unclear", err)
			}
		})
	}
}

func TestMetadata_WhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	gone := end{Class: "refused", Reason: "group_gone"}
	outside := end{Class: "refused", Reason: "not_in_group"}
	unclear := end{Class: "unclear", Reason: "unclear_answer"}
	rejects := end{Class: "permanent", Reason: "provider_rejects"}
	notAllowed := end{Class: "account", Reason: "not_allowed"}
	throttled := end{Class: "throttled", Reason: "throttled"}
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   end
	}{
		{"metadata", 200, `{"participants":[]}`, end{}},
		{"metadata beside an error", 200, `{"participants":[],"error":"not found"}`, end{}},
		{"no list", 200, `{"subject":"not found"}`, unclear},
		{"a group's words are no answer", 200, `{"subject":"x","description":"not connected"}`, unclear},
		{"list of another kind", 200, `{"participants":{}}`, unclear},
		{"null", 200, `{"participants":null}`, unclear},
		{"two lists", 200, `{"participants":[],"participants":[{}]}`, unclear},
		{"key in another case", 200, `{"Participants":[]}`, unclear},
		{"a participant that is none", 200, `{"participants":["5511888888888"]}`, unclear},
		{"flag of another kind", 200, `{"participants":[{"phone":"5511888888888","isAdmin":1}]}`, unclear},
		{"flag that contradicts itself", 200, `{"participants":[{"isAdmin":true,"isAdmin":false}]}`, unclear},
		{"cut off", 200, `{"error":"not found","participants":[{"phone":"1"`, unclear},
		{"metadata, but 201", 201, `{"participants":[]}`, unclear},
		{"html", 200, `<title>not found</title>`, unclear},
		{"empty", 200, ``, unclear},
		{"false", 200, `{"value":false}`, unclear},
		{"error beside 200, gone", 200, `{"error":"Group does not exist"}`, gone},
		{"error beside 200, outside", 200, `{"error":"you are not in the group"}`, outside},
		{"404", 404, ``, gone},
		{"404 with a text that says nothing", 404, `{"error":"oops"}`, gone},
		{"410", 410, ``, gone},
		{"item-not-found", 400, `{"error":"item-not-found"}`, gone},
		{"item-not-found as a failure", 500, `{"error":"item-not-found"}`, gone},
		{"404 of a web server", 404, `<h1>404 Not Found</h1>`, rejects},
		{"404 of an API without this path", 404, `{"message":"Cannot GET /api/x","error":"Not Found"}`, rejects},
		{"the account's instance", 404, `{"error":"Instance not found"}`, rejects},
		{"bare 403", 403, ``, outside},
		{"403 without a word", 403, `{"statusCode":403}`, outside},
		{"403 forbidden", 403, `{"error":"Forbidden"}`, outside},
		{"403 of a web server", 403, `<h1>403 Forbidden</h1>`, notAllowed},
		{"403 with another text", 403, `{"error":"your plan has ended"}`, notAllowed},
		{"403 about the token", 403, `{"error":"forbidden: invalid token"}`, notAllowed},
		{"403 cut off", 403, `{"error":"your pl`, notAllowed},
		{"not a participant", 400, `{"reason":"not a participant"}`, outside},
		{"another 400", 400, `{"error":"Invalid phone"}`, rejects},
		{"another 500", 500, ``, end{Class: "ambiguous", Reason: "provider_error"}},
		{"address not on the list", 403, `{"error":"203.0.113.7 not allowed"}`, notAllowed},
		{"subscription", 400, `{"error":"you must subscribe to this instance again"}`, end{Class: "account", Reason: "subscription"}},
		{"client token", 400, `{"error":"your client-token is not configured, not found"}`, end{Class: "account", Reason: "credentials"}},
		{"disconnected", 404, `{"error":"You are not connected."}`, end{Class: "account", Reason: "disconnected"}},
		{"401", 401, `{"error":"not found"}`, end{Class: "account", Reason: "credentials"}},
		{"429", 429, `{"error":"forbidden"}`, throttled},
		{"overlimit", 200, `{"error":"rate-overlimit"}`, throttled},
		{"503", 503, `{"error":"not found"}`, end{Class: "transient", Reason: "unavailable"}},
		{"502", 502, `upstream not found`, end{Class: "lost", Reason: "no_answer"}},
		{"301", 301, `not found`, end{Class: "account", Reason: "redirected"}},
		{"405", 405, `{"error":"method not allowed"}`, end{Class: "account", Reason: "wrong_method"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got end
			_, err := metadata(t, tc.status, tc.body)
			if err != nil {
				e := failureOf(t, err)
				got = end{Class: e.Class.String(), Reason: e.Reason}
				if e.Status != tc.status || e.Detail == "" || len(e.Detail) > 200 {
					t.Errorf("got status %d, detail %q", e.Status, e.Detail)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("end (-want +got), %v:\n%s", err, diff)
			}
		})
	}
}

func TestMetadata_NoAnswer(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "..", `1"2`, "a/b", "a?b", strings.Repeat("1", 100)} {
		_, err := newClient(t, plugchat.Config{Transport: answering(200, nil, `{"participants":[]}`)}).Metadata(t.Context(), id)
		if e := failureOf(t, err); e.Reason != plugchat.ReasonBadCall || e.Class != plugchat.Permanent || e.Sent {
			t.Errorf("%.10q: got %v, class %s", id, err, e.Class)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	_, err := newClient(t, plugchat.Config{BaseURL: server.URL, Timeout: 50 * time.Millisecond}).Metadata(t.Context(), group)
	if e := failureOf(t, err); e.Reason != plugchat.ReasonUnavailable || e.Class != plugchat.Transient || e.Sent {
		t.Errorf("hangs: got %v, class %s, sent %t", err, e.Class, e.Sent)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = newClient(t, plugchat.Config{BaseURL: server.URL}).Metadata(ctx, group)
	if e := failureOf(t, err); e.Reason != plugchat.ReasonCanceled {
		t.Errorf("given up: got %v", err)
	}
}

func TestMember(t *testing.T) {
	t.Parallel()
	const phone = "5511987654321"
	type answer struct{ Member, Admin, Known bool }
	in, no, unknown := answer{true, false, true}, answer{false, false, true}, answer{}
	for _, tc := range []struct {
		name, phone string
		listed      []string // one with a star is an admin
		want        answer
	}{
		{"member", phone, []string{"5511888888888", phone}, in},
		{"admin", phone, []string{"5511888888888", phone + "*"}, answer{true, true, true}},
		{"listed twice", phone, []string{phone, phone + "*"}, answer{true, true, true}},
		{"not listed", phone, []string{"5511888888888*"}, no},
		{"listed without the ninth digit", phone, []string{"551187654321"}, in},
		{"asked without the ninth digit", "551187654321", []string{phone}, in},
		{"another area", phone, []string{"552187654321"}, no},
		{"a ninth digit abroad", "4911987654321", []string{"491187654321"}, no},
		{"as people write it", "+55 (11) 98765-4321", []string{phone}, in},
		{"as WhatsApp writes it", phone, []string{phone + "@c.us"}, in},
		{"as its libraries write it", phone + "@s.whatsapp.net", []string{phone}, in},
		{"no phone", "", []string{phone}, unknown},
		{"no number", "main", []string{phone}, unknown},
		{"nobody listed", phone, nil, unknown},
		{"an id beside others", phone, []string{"5511888888888", "184629384729384@lid"}, unknown},
		{"an id that looks like a number", phone, []string{"5511888888888", "184629384729384"}, unknown},
		{"an empty one", phone, []string{""}, unknown},
		{"found beside an id", phone, []string{"184629384729384@lid", phone}, in},
		{"an id with the same digits", phone, []string{phone + "@lid"}, unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var m plugchat.Metadata
			for _, listed := range tc.listed {
				number, isAdmin := strings.CutSuffix(listed, "*")
				m.Participants = append(m.Participants, plugchat.Participant{Phone: number, Admin: isAdmin})
			}
			var got answer
			got.Member, got.Admin, got.Known = m.Member(tc.phone)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("member (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{
		`{"subject":"s","participants":[{"phone":"5511888888888","isAdmin":"true","isSuperAdmin":false}]}`, `{"participants":[{}]}`, `{"error":"item-not-found"}`,
		`{"error":{"message":"` + token + `"}}`, `{"subject":"` + token + `","participants":[{"phone":"` + token + `"}]}`, "<html>", `{"participants":[`,
	} {
		f.Add(200, seed)
		f.Add(403, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		got, err := metadata(t, status, body)
		texts := []string{got.Subject, fmt.Sprint(got)}
		for _, p := range got.Participants {
			texts = append(texts, p.Phone)
		}
		if err != nil {
			texts = append(texts, failureOf(t, err).Detail)
		}
		for _, text := range texts {
			if len(text) > 200 || strings.Contains(text, token) {
				t.Errorf("%d bytes, %q, from %q", len(text), text, body)
			}
		}
		if _, isAdmin, known := got.Member("5511888888888"); isAdmin && !known || known && status != http.StatusOK {
			t.Errorf("admin %t, known %t from status %d, %q", isAdmin, known, status, body)
		}
	})
}
