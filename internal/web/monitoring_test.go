package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/web"
	"github.com/plugchat-go/groupphoto/tasks"
)

// enqueueRaw puts tasks into the queue as a hand-written producer may.
func enqueueRaw(t *testing.T, s *site, taskType, payload string, opts ...asynq.Option) {
	t.Helper()
	c := asynq.NewClientFromRedisClient(s.redis)
	opts = append(opts, asynq.Queue("photo.main"))
	if _, err := c.EnqueueContext(t.Context(), asynq.NewTask(taskType, []byte(payload)), opts...); err != nil {
		t.Fatal(err)
	}
}

// given tasks whose payloads hold image data, signed URLs and tokens;
// when the asynq web UI lists and shows them;
// then nothing of that is in any answer, and what a person needs is.
func TestMonitoring_PayloadsMasked(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	long := strings.Repeat(secret, 30)
	for id, payload := range map[string]string{
		"url":     `{"groupId": "` + group + `", "groupPhoto": "https://example.com/logo.png?sig=` + secret + `", "ref": "order-881"}`,
		"data":    `{"groupId": "` + group + `", "groupPhoto": "data:image/jpeg;base64,` + long + `"}`,
		"bare":    `{"groupId": "` + group + `", "groupPhoto": "` + long + `"}`,
		"sales":   `{"groupId": "` + group + `", "groupPhoto": "` + long + `", "account": "sales"}`,
		"broken":  `{"groupId": 7, "groupPhoto": "` + long + `", "token": "` + secret + `"}`,
		"no-json": `groupPhoto=` + long + `&token=` + secret,
		"huge":    `{"groupPhoto": "` + strings.Repeat(secret, 60_000) + `"}`,
	} {
		enqueueRaw(t, s, tasks.TypeUpdate, payload, asynq.TaskID(id))
	}
	enqueueRaw(t, s, "other:task", `{"nested": [{"apiKey": "`+secret+`", "link": "https://u:`+secret+`@h/p?`+secret+`"}], "n": 120363019502650977}`, asynq.TaskID("other"))
	enqueueRaw(t, s, "other:bytes", "\x00\x01"+secret, asynq.TaskID("bytes"))

	list := s.call(t, http.MethodGet, "/monitoring/api/queues/photo.main/pending_tasks", "")
	wantStatus(t, list, http.StatusOK)
	if got := list.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("got Content-Type %q", got)
	}
	wantClean(t, "the list", list.body, secret)
	for _, want := range []string{"https://example.com/logo.png", "order-881", "inline image", group, "sales", "too much to show", "120363019502650977", "no text"} {
		if !strings.Contains(list.body, want) {
			t.Errorf("the list does not have %q: %s", want, list.body)
		}
	}
	one := s.call(t, http.MethodGet, "/monitoring/api/queues/photo.main/tasks/data", "")
	wantStatus(t, one, http.StatusOK)
	wantClean(t, "the task", one.body, secret)
}

func TestMonitoring_ReadOnlyUnlessActions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		actions bool
		status  int
	}{{"read-only", false, http.StatusMethodNotAllowed}, {"actions", true, http.StatusNoContent}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *web.Config) { c.Actions = tt.actions })
			enqueueRaw(t, s, tasks.TypeUpdate, "{}", asynq.TaskID("a"))
			a := s.call(t, http.MethodPost, "/monitoring/api/queues/photo.main:pause", "")
			wantStatus(t, a, tt.status)
			info, err := asynq.NewInspector(redisconn.AsynqOpt(s.redis)).GetQueueInfo("photo.main")
			if err != nil || info.Paused != tt.actions {
				t.Errorf("got paused %v, %v, want %t", info, err, tt.actions)
			}
			page := s.call(t, http.MethodGet, "/monitoring/", "").body
			flag := regexp.MustCompile(`FLAG_READ_ONLY="(\w+)"`).FindStringSubmatch(page)
			if len(flag) != 2 || (flag[1] == "true") == tt.actions {
				t.Errorf("got flag %v", flag)
			}
			for _, path := range []string{"/monitoring/", "/monitoring/queues/photo.main"} {
				wantStatus(t, s.call(t, http.MethodDelete, path, ""), http.StatusMethodNotAllowed)
			}
		})
	}
}

func TestMonitoring_PageSizeIsBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for range 130 {
		enqueueRaw(t, s, "t", "{}")
	}
	for _, tt := range []struct {
		query string
		want  int
	}{
		{"", 20},
		{"?size=60&page=1", 60},
		{"?size=100000", 100},
		{"?size=-5", 1},
		{"?size=0", 1},
		{"?size=9999999999999999999999", 20},
		{"?size=100&page=2", 30},
		{"?size=100&page=9223372036854775807", 0},
		{"?size=100&page=-3", 100},
		{"?size=1000&size=2000", 100},
	} {
		t.Run(tt.query, func(t *testing.T) {
			t.Parallel()
			a := s.call(t, http.MethodGet, "/monitoring/api/queues/photo.main/pending_tasks"+tt.query, "")
			wantStatus(t, a, http.StatusOK)
			var list struct{ Tasks []json.RawMessage }
			if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list.Tasks) != tt.want {
				t.Errorf("got %d tasks, %v, want %d", len(list.Tasks), err, tt.want)
			}
		})
	}
}

// The page, its files and its API are what they say, and ask nothing of other hosts.
func TestMonitoring_Answers(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	enqueueRaw(t, s, tasks.TypeUpdate, "{}", asynq.TaskID("a"))
	page := s.call(t, http.MethodGet, "/monitoring/", "").body
	script := regexp.MustCompile(`src="(/monitoring/static/js/main\.[^"]+)"`).FindStringSubmatch(page)
	if len(script) != 2 {
		t.Fatalf("the page has no script: %s", page)
	}
	logo := regexp.MustCompile(`static/media/logo-color[^"]+\.svg`).FindString(s.call(t, http.MethodGet, "/monitoring/asset-manifest.json", "").body)
	for _, tt := range []struct {
		name, method, path string
		status             int
		kind               string
	}{
		{"page", "GET", "/monitoring/", 200, "text/html; charset=utf-8"},
		{"page by HEAD", "HEAD", "/monitoring/", 200, "text/html; charset=utf-8"},
		{"place within the page", "GET", "/monitoring/queues/photo.main", 200, "text/html; charset=utf-8"},
		{"queue named like a picture", "GET", "/monitoring/queues/photo.png", 200, "text/html; charset=utf-8"},
		{"script", "GET", script[1], 200, "text/javascript; charset=utf-8"},
		{"logo", "GET", "/monitoring/" + logo, 200, "image/svg+xml"},
		{"icon", "GET", "/monitoring/favicon.ico", 200, "image/x-icon"},
		{"file that is not there", "GET", "/monitoring/static/js/none.js", 404, "text/plain; charset=utf-8"},
		{"queues", "GET", "/monitoring/api/queues", 200, "application/json"},
		{"queues by HEAD", "HEAD", "/monitoring/api/queues", 200, "application/json"},
		{"servers", "GET", "/monitoring/api/servers", 200, "application/json"},
		{"entries", "GET", "/monitoring/api/scheduler_entries", 200, "application/json"},
		{"redis", "GET", "/monitoring/api/redis_info", 200, "application/json"},
		{"stats", "GET", "/monitoring/api/queue_stats", 200, "application/json"},
		{"unknown API", "GET", "/monitoring/api/nothing", 404, "text/plain; charset=utf-8"},
		{"unknown task", "GET", "/monitoring/api/queues/photo.main/tasks/none", 404, "text/plain; charset=utf-8"},
		{"unknown queue", "GET", "/monitoring/api/queues/none/pending_tasks", 500, "text/plain; charset=utf-8"},
		{"metrics without Prometheus", "GET", "/monitoring/api/metrics", 500, "text/plain; charset=utf-8"},
		{"without the slash", "GET", "/monitoring", 307, "text/html; charset=utf-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := s.call(t, tt.method, tt.path, "")
			wantStatus(t, a, tt.status)
			if got := a.Header.Get("Content-Type"); got != tt.kind {
				t.Errorf("got Content-Type %q, want %q", got, tt.kind)
			}
			if got := a.Header.Values("Content-Type"); len(got) > 1 {
				t.Errorf("got Content-Type more than once: %q", got)
			}
			if a.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Error("got no nosniff")
			}
			if strings.HasPrefix(tt.kind, "text/html") && tt.status == 200 {
				wantClean(t, "the page", a.body, "http://", "https://", "manifest.json")
				policy := a.Header.Get("Content-Security-Policy")
				wantClean(t, "the policy", strings.Replace(policy, "style-src 'self' 'unsafe-inline'", "", 1), "unsafe-", "http:", "https:", "*")
				if strings.Count(policy, "'sha256-") != 2 {
					t.Errorf("got policy %q, want the page's two inline scripts in it", policy)
				}
			}
		})
	}
}

// given completed tasks with results;
// when the asynq web UI lists them;
// then the outcome is there, in its order and without what another writer put into it.
func TestMonitoring_ResultsMasked(t *testing.T) {
	t.Parallel()
	s := newSiteOn(t, redistest.Real(t).Client(t), nil)
	enqueueRaw(t, s, tasks.TypeUpdate, "{}", asynq.TaskID("a"), asynq.Retention(time.Hour))
	srv := asynq.NewServer(redisconn.AsynqOpt(s.redis), asynq.Config{
		Queues: map[string]int{"photo.main": 1}, Logger: redisconn.AsynqLogger(nil), TaskCheckInterval: 100 * time.Millisecond,
	})
	done := make(chan error, 1)
	if err := srv.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		_, err := task.ResultWriter().Write([]byte(`{"id":"a","state":"updated","value":true,"photo":"https://h/p.png?sig=` + secret + `","detail":"Bearer ` + secret + `"}`))
		done <- err
		return err
	})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Shutdown)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var list answer
	redistest.Eventually(t, 10*time.Second, func() bool {
		list = s.call(t, http.MethodGet, "/monitoring/api/queues/photo.main/completed_tasks", "")
		return strings.Contains(list.body, `"result"`)
	}, "the task completed")
	wantClean(t, "the list", list.body, secret)
	if !strings.Contains(list.body, `\"state\":\"updated\",\"value\":true`) {
		t.Errorf("got %s", list.body)
	}
}
