package sandbox_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/internal/sandbox"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

// outcomeOf is a reason, or what came without an error.
func outcomeOf(t testing.TB, value string, err error) string {
	t.Helper()
	if err == nil {
		return value
	}
	e, ok := errors.AsType[*plugchat.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *plugchat.Error", err)
	}
	return e.Reason
}

// seen is what each endpoint says of one state.
type seen struct{ Update, Status, Metadata, Chats string }

func (s *stage) look(t testing.TB, phone, group string) seen {
	t.Helper()
	words := func(is bool, yes, no string) string {
		if is {
			return yes
		}
		return no
	}
	var got seen
	value, err := s.update(t, group)
	got.Update = outcomeOf(t, words(value, "true", "false"), err)
	status, err := s.client.Status(t.Context())
	got.Status = outcomeOf(t, words(status.Connected, "connected", "offline"), err)
	metadata, err := s.client.Metadata(t.Context(), group)
	member, admin, known := metadata.Member(phone)
	got.Metadata = outcomeOf(t, words(admin, "admin", words(member, "member", words(known, "outside", "unknown"))), err)
	code, list := s.send(t, "GET", "/api/whatsapp/chats", "", map[string]string{"Authorization": token})
	got.Chats = words(code == 200, words(strings.Contains(list, `"`+group+`"`), "listed", "not listed"), "refused")
	return got
}

func TestStates_EveryEndpointAgrees(t *testing.T) {
	t.Parallel()
	healthy := seen{"true", "connected", "admin", "listed"}
	offline := seen{"disconnected", "offline", "disconnected", "refused"}
	want := map[string]seen{
		"disconnected": offline, "disconnected-false": {"false", "offline", "disconnected", "refused"}, "session-lost": offline,
		"expired":      {"subscription", "connected", "subscription", "refused"},
		"not-admin":    {"false", "connected", "member", "listed"},
		"plain-member": {"true", "connected", "member", "listed"},
		"not-member":   {"false", "connected", "outside", "not listed"},
		"gone":         {"false", "connected", "group_gone", "not listed"},
	}
	for _, kind := range sandbox.Kinds() {
		if _, err := sandbox.ParseRule(kind.Name + ":on=status"); err == nil || !strings.Contains(err.Error(), "no option") {
			continue // no state: it can be put on an endpoint
		}
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			want, ok := want[kind.Name]
			if !ok {
				t.Fatal("no expectation for this state")
			}
			s := newStage(t, sandbox.Config{}, 0)
			metadata, err := s.client.Metadata(t.Context(), newGroup)
			if err != nil || len(metadata.Participants) != 2 || metadata.Subject != "Group 0977" {
				t.Fatalf("got %v, %v", metadata, err)
			}
			phone := metadata.Participants[0].Phone
			// given a state of the whole account, when every endpoint is asked, then their answers fit together.
			s.box.SetDial(rule(t, kind.Name))
			if diff := cmp.Diff(want, s.look(t, phone, newGroup)); diff != "" {
				t.Errorf("seen (-want +got):\n%s", diff)
			}
			// and given one of a single group, then other groups are healthy.
			s.box.SetDial(rule(t, kind.Name+":group="+newGroup))
			if diff := cmp.Diff(healthy, s.look(t, phone, oldGroup)); diff != "" {
				t.Errorf("another group (-want +got):\n%s", diff)
			}
			s.box.SetDial()
			if diff := cmp.Diff(healthy, s.look(t, phone, newGroup)); diff != "" {
				t.Errorf("afterwards (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDial_RulesOnReads(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ rule, status, metadata string }{
		{"401", "credentials", "credentials"},
		{"403", "not_allowed", "not_in_group"},
		{"403:text=203.0.113.7 not allowed", "not_allowed", "not_allowed"},
		{"404", "provider_rejects", "group_gone"},
		{"404:text=item-not-found", "provider_rejects", "group_gone"},
		{"405", "wrong_method", "wrong_method"},
		{"429:retry-after=7s", "throttled", "throttled"},
		{"500", "provider_error", "provider_error"},
		{"500:text=rate-overlimit", "throttled", "throttled"},
		{"502", "no_answer", "no_answer"},
		{"503:retry-after=7s", "unavailable", "unavailable"},
		{"html", "unclear_answer", "unclear_answer"},
		{"empty", "unclear_answer", "unclear_answer"},
		{"false", "unclear_answer", "unclear_answer"},
		{"hang", "unavailable", "unavailable"},
		{"reset", "unavailable", "unavailable"},
		{"redirect", "redirected", "redirected"},
		{"slow:latency=1h", "unavailable", "unavailable"},
		{"slow:latency=20ms", "connected", "listed"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			// given a rule for one call on one endpoint, when all are asked, then only that one meets it, once, and an update changes the group meanwhile.
			kind, options, _ := strings.Cut(tc.rule, ":")
			timeout := time.Duration(0)
			if kind == "hang" || tc.rule == "slow:latency=1h" {
				timeout = 300 * time.Millisecond
			}
			s := newStage(t, sandbox.Config{}, timeout)
			on := func(endpoint string) sandbox.Rule {
				return rule(t, strings.TrimSuffix(kind+":on="+endpoint+",n=1,"+options, ","))
			}
			status := func() (string, error) {
				_, err := s.client.Status(t.Context())
				return outcomeOf(t, "connected", err), err
			}
			metadata := func() (string, error) {
				_, err := s.client.Metadata(t.Context(), newGroup)
				return outcomeOf(t, "listed", err), err
			}
			s.box.SetDial(on("status"), on("metadata"))
			if value, err := s.update(t, newGroup); err != nil || !value || len(s.box.Dial()) != 2 {
				t.Errorf("update: got %t, %v, dial %v", value, err, s.box.Dial())
			}
			for _, want := range []struct{ status, metadata string }{{tc.status, tc.metadata}, {"connected", "listed"}} {
				for _, read := range []struct {
					want string
					ask  func() (string, error)
				}{{want.status, status}, {want.metadata, metadata}} {
					s.client.CloseIdle() // a read on a used connection that breaks is repeated by net/http, as it may
					got, err := read.ask()
					if got != read.want {
						t.Errorf("got %s, %v, want %s", got, err, read.want)
					}
					if e, ok := errors.AsType[*plugchat.Error](err); ok && strings.Contains(options, "retry-after") && e.RetryAfter != 7*time.Second {
						t.Errorf("got Retry-After %s", e.RetryAfter)
					}
				}
			}
		})
	}
}
