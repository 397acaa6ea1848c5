package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/web"
	"github.com/plugchat-go/groupphoto/tasks"
)

// given a server on an empty Redis;
// when an update is posted, looked up, and has ended;
// then it was accepted with a place to look, stands as waiting, and the outcome is the recorded one.
func TestUpdates_AcceptedLookedUpAndEnded(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newSiteOn(t, rdb, nil)
		a := s.post(t, map[string]any{"groupId": group, "groupPhoto": "https://example.com/logo.png?sig=" + secret, "ref": "order-881"})
		wantStatus(t, a, http.StatusAccepted)
		receipt := a.json(t)
		id, _ := receipt["id"].(string)
		if id == "" || receipt["account"] != "main" || receipt["state"] != "waiting" || receipt["duplicate"] != false || receipt["outcome"] != nil {
			t.Errorf("got receipt %s", a.body)
		}
		if got, want := a.Header.Get("Location"), "/v1/updates/"+id+"?account=main"; got != want {
			t.Errorf("got Location %q, want %q", got, want)
		}

		look := s.call(t, http.MethodGet, a.Header.Get("Location"), "")
		wantStatus(t, look, http.StatusOK)
		if m := look.json(t); m["state"] != "waiting" || m["value"] != nil || m["ref"] != "order-881" || m["by"] != "http" {
			t.Errorf("got %s", look.body)
		}
		wantClean(t, "the answer", look.body, secret)

		end(t, s, id, tasks.Updated)
		look = s.call(t, http.MethodGet, "/v1/updates/"+id, "")
		wantStatus(t, look, http.StatusOK)
		var got tasks.Outcome
		if err := json.Unmarshal([]byte(look.body), &got); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(again), strings.TrimSpace(look.body)); diff != "" {
			t.Errorf("the answer is not the outcome as it marshals (-want +got):\n%s", diff)
		}
		if got.State != tasks.Updated || got.Value == nil || !*got.Value {
			t.Errorf("got %+v, want updated and true", got)
		}
	})
}

func TestUpdates_EveryFormOfPhotoAndField(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	picture := jpegBase64(t)
	for _, tt := range []struct {
		name   string
		fields map[string]any
		state  string
	}{
		{"URL", map[string]any{"groupId": group, "groupPhoto": "http://example.com/a.png"}, "waiting"},
		{"Base64", map[string]any{"groupId": group, "groupPhoto": picture}, "waiting"},
		{"data URI", map[string]any{"groupId": group, "groupPhoto": "data:image/jpeg;base64," + picture}, "waiting"},
		{"alias photo", map[string]any{"groupId": group, "photo": picture}, "waiting"},
		{"old group with server", map[string]any{"groupId": "5511999999999-1623281429@g.us", "photo": picture}, "waiting"},
		{"scheduled", map[string]any{"groupId": group, "photo": picture, "at": time.Now().Add(time.Hour).Format(time.RFC3339)}, "scheduled"},
		{"due in the past is now", map[string]any{"groupId": group, "photo": picture, "at": "2020-01-01T00:00:00Z"}, "waiting"},
		{"everything", map[string]any{
			"groupId": group, "groupPhoto": picture, "account": "main", "id": "all-1", "at": nil, "ref": "r", "by": "b",
			"skipUnchanged": true, "expiresAt": time.Now().Add(time.Hour).Format(time.RFC3339),
		}, "waiting"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := s.post(t, tt.fields)
			wantStatus(t, a, http.StatusAccepted)
			m := a.json(t)
			if m["state"] != tt.state {
				t.Errorf("got state %v, want %s", m["state"], tt.state)
			}
			if (m["due"] != nil) != (tt.state == "scheduled") || m["expiresAt"] == nil {
				t.Errorf("got due %v and expiresAt %v", m["due"], m["expiresAt"])
			}
		})
	}
}

// given an update posted with an Idempotency-Key;
// when it is posted again, quoted and bare, before and after its end, and with another content;
// then it is the same update each time, and the other content is refused.
func TestUpdates_IdempotencyKeyReplayed(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	fields := map[string]any{"groupId": group, "groupPhoto": "https://example.com/a.png"}
	first := s.post(t, fields, "Idempotency-Key", `"order-881"`)
	wantStatus(t, first, http.StatusAccepted)
	if first.json(t)["id"] != "order-881" || first.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("got %s, replayed %q", first.body, first.Header.Get("Idempotent-Replayed"))
	}
	for _, key := range []string{`"order-881"`, "order-881"} {
		again := s.post(t, fields, "Idempotency-Key", key)
		wantStatus(t, again, http.StatusAccepted)
		m := again.json(t)
		if m["id"] != "order-881" || m["duplicate"] != true || again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("key %s: got %s", key, again.body)
		}
		if again.Header.Get("Location") != first.Header.Get("Location") {
			t.Errorf("got Location %q, want %q", again.Header.Get("Location"), first.Header.Get("Location"))
		}
	}
	same := s.post(t, map[string]any{"groupId": group, "groupPhoto": "https://example.com/a.png", "id": "order-881"}, "Idempotency-Key", "order-881")
	wantStatus(t, same, http.StatusAccepted)

	other := s.post(t, map[string]any{"groupId": group, "groupPhoto": "https://example.com/b.png"}, "Idempotency-Key", "order-881")
	wantProblem(t, other, http.StatusUnprocessableEntity, "id_reused")

	end(t, s, "order-881", tasks.Refused)
	ended := s.post(t, fields, "Idempotency-Key", "order-881")
	wantStatus(t, ended, http.StatusOK)
	o, _ := ended.json(t)["outcome"].(map[string]any)
	if o["state"] != "refused" || o["value"] != false || ended.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("got %s", ended.body)
	}
}

func TestUpdates_IdempotencyKeyThatIsNoID(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	fields := map[string]any{"groupId": group, "groupPhoto": "https://example.com/a.png"}
	const key = `"order 881 / \"blue\""`
	first, again := s.post(t, fields, "Idempotency-Key", key), s.post(t, fields, "Idempotency-Key", key)
	wantStatus(t, first, http.StatusAccepted)
	id, _ := first.json(t)["id"].(string)
	if tasks.CheckID(id) != nil || !strings.HasPrefix(id, "key-") || again.json(t)["id"] != id || again.json(t)["duplicate"] != true {
		t.Errorf("got %s and %s", first.body, again.body)
	}
}

// given updates that wait, are being called, and have ended;
// when they are cancelled;
// then the first is cancelled at once, also when asked twice, the second later, the third not.
func TestUpdate_Cancelled(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for i, id := range []string{"waits", "calling", "ended"} {
		own := fmt.Sprintf("12036301950265097%d-group", i)
		wantStatus(t, s.post(t, map[string]any{"groupId": own, "photo": "https://example.com/a.png", "id": id}), http.StatusAccepted)
	}
	for range 2 {
		a := s.call(t, http.MethodDelete, "/v1/updates/waits", "")
		wantStatus(t, a, http.StatusOK)
		if m := a.json(t); m["state"] != "cancelled" || m["value"] != nil || m["reason"] != "stopped" {
			t.Errorf("got %s", a.body)
		}
	}
	startCall(t, s, "calling")
	a := s.call(t, http.MethodDelete, "/v1/updates/calling?account=main", "")
	wantStatus(t, a, http.StatusAccepted)
	if m := a.json(t); m["state"] != "calling" {
		t.Errorf("got %s", a.body)
	}
	end(t, s, "ended", tasks.Updated)
	wantProblem(t, s.call(t, http.MethodDelete, "/v1/updates/ended", ""), http.StatusConflict, "already_ended")
	wantProblem(t, s.call(t, http.MethodDelete, "/v1/updates/never", ""), http.StatusNotFound, "unknown_update")
}

// given an update that waits, and a request that waits for its end;
// when it ends;
// then the request is answered with the outcome, long before its time is over.
func TestUpdate_LongPollEndsWithTheUpdate(t *testing.T) {
	t.Parallel()
	s := newSiteOn(t, redistest.Real(t).Client(t), nil)
	wantStatus(t, s.post(t, map[string]any{"groupId": group, "photo": "https://example.com/a.png", "id": "polled"}), http.StatusAccepted)
	began := time.Now()
	got := background(func() answer { return s.call(t, http.MethodGet, "/v1/updates/polled?wait=50s", "") })
	end(t, s, "polled", tasks.Updated)
	a := <-got
	wantStatus(t, a, http.StatusOK)
	if a.json(t)["state"] != "updated" || time.Since(began) > 20*time.Second {
		t.Errorf("got %s after %s", a.body, time.Since(began))
	}
}

// given a request that waits for an update's end;
// when its time is over, or the server shuts down;
// then it is told where the update stands.
func TestUpdate_LongPollEndsWithoutTheUpdate(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	wantStatus(t, s.post(t, map[string]any{"groupId": group, "photo": "https://example.com/a.png", "id": "polled"}), http.StatusAccepted)
	a := s.call(t, http.MethodGet, "/v1/updates/polled?wait=100ms", "")
	wantStatus(t, a, http.StatusOK)
	if a.json(t)["state"] != "waiting" {
		t.Errorf("got %s", a.body)
	}
	got := background(func() answer { return s.call(t, http.MethodGet, "/v1/updates/polled?wait=60", "") })
	if err := s.web.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	a = <-got
	wantStatus(t, a, http.StatusOK)
	if a.json(t)["state"] != "waiting" {
		t.Errorf("got %s", a.body)
	}
}

// given a real Redis that is stopped;
// when an update is posted, looked up and cancelled;
// then each is answered 503 with a time to come back, never 202; and after a restart the same call is accepted.
func TestUpdates_RedisAway(t *testing.T) {
	t.Parallel()
	server := redistest.Real(t)
	s := newSiteOn(t, server.Client(t), nil)
	fields := map[string]any{"groupId": group, "photo": jpegBase64(t), "id": "once"}
	server.Stop()
	for _, a := range []answer{
		s.post(t, fields),
		s.call(t, http.MethodGet, "/v1/updates/once", ""),
		s.call(t, http.MethodDelete, "/v1/updates/once", ""),
	} {
		wantProblem(t, a, http.StatusServiceUnavailable, "unavailable")
		if a.Header.Get("Retry-After") == "" {
			t.Error("got no Retry-After")
		}
	}
	a := s.call(t, http.MethodGet, "/readyz", "")
	wantStatus(t, a, http.StatusServiceUnavailable)
	if a.body != "not ready\n" {
		t.Errorf("got %q, want no detail", a.body)
	}
	server.Start()
	wantStatus(t, s.post(t, fields), http.StatusAccepted)
	wantStatus(t, s.call(t, http.MethodGet, "/readyz", ""), http.StatusOK)
}

// fake stands in for the client where the real one cannot be brought to it.
type fake struct {
	web.Updates

	update func(context.Context, enqueue.Update) (enqueue.Receipt, error)
}

func (f fake) UpdateGroupPhoto(ctx context.Context, u enqueue.Update, _ ...enqueue.Option) (enqueue.Receipt, error) {
	return f.update(ctx, u)
}

// given a client that panics;
// when an update is posted;
// then the caller gets a problem, the log the place and not the value, and the next call works.
func TestUpdates_Panic(t *testing.T) {
	t.Parallel()
	first := true
	s := newSite(t, func(c *web.Config) {
		inner := c.Updates
		c.Updates = fake{inner, func(ctx context.Context, u enqueue.Update) (enqueue.Receipt, error) {
			if first {
				first = false
				panic(secret)
			}
			return inner.UpdateGroupPhoto(ctx, u)
		}}
	})
	fields := map[string]any{"groupId": group, "photo": "https://example.com/a.png"}
	a := s.post(t, fields)
	wantProblem(t, a, http.StatusInternalServerError, "internal")
	wantClean(t, "the answer", a.body, secret, "goroutine")
	wantClean(t, "the log", s.log.String(), secret)
	if !strings.Contains(s.log.String(), `"http.panicked"`) || !strings.Contains(s.log.String(), "updates_test.go") {
		t.Errorf("the log does not say where: %s", s.log)
	}
	wantStatus(t, s.post(t, fields), http.StatusAccepted)
}
