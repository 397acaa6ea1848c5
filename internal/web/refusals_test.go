package web_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/web"
)

const goodBody = `{"groupId": "120363019502650977-group", "groupPhoto": "https://example.com/a.png"}`

// Every row is a request that must be refused, with nothing enqueued.
func TestUpdates_Refused(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	if err := ledger.New(s.redis, 0).Serve(t.Context(), "p1", "main", "sales"); err != nil {
		t.Fatal(err)
	}
	before, err := redistest.Dump(t.Context(), s.redis)
	if err != nil {
		t.Fatal(err)
	}
	fields := func(more string) string {
		return strings.TrimSuffix(goodBody, "}") + ", " + more + "}"
	}
	photo := func(value string) string {
		return `{"groupId": "120363019502650977-group", "groupPhoto": "` + value + `"}`
	}
	groupIs := func(value string) string {
		return `{"groupId": ` + value + `, "groupPhoto": "https://example.com/a.png"}`
	}
	page := base64.StdEncoding.EncodeToString([]byte("<!doctype html><html><body>" + strings.Repeat("not a picture ", 20)))
	tooBig := base64.StdEncoding.EncodeToString(append([]byte("\xff\xd8\xff\xe0"), make([]byte, enqueue.MaxPhoto)...))
	tests := []struct {
		name     string
		body     string
		header   []string
		status   int
		reason   string
		pointers []string
	}{
		{"empty body", "", nil, 400, "malformed", nil},
		{"not JSON", "groupId=1", nil, 400, "malformed", nil},
		{"cut off", goodBody[:40], nil, 400, "malformed", nil},
		{"cut within the braces", `{`, nil, 400, "malformed", nil},
		{"a list", "[" + goodBody + "]", nil, 400, "malformed", nil},
		{"a text", `"` + group + `"`, nil, 400, "malformed", nil},
		{"null", "null", nil, 400, "malformed", nil},
		{"two objects", goodBody + goodBody, nil, 400, "malformed", nil},
		{"rubbish behind", goodBody + "x", nil, 400, "malformed", nil},
		{"single quotes", `{'groupId': 'x'}`, nil, 400, "malformed", nil},
		{"not UTF-8", fields("\"ref\": \"\xff\xfe\""), nil, 400, "malformed", nil},
		{"nested without end", strings.Repeat(`{"a":`, 20000), nil, 400, "malformed", nil},
		{"form", goodBody, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "not_json", nil},
		{"no content type", goodBody, []string{"Content-Type", ""}, 415, "not_json", nil},
		{"content type that is none", goodBody, []string{"Content-Type", ";;"}, 415, "not_json", nil},
		{"other charset", goodBody, []string{"Content-Type", "application/json; charset=latin1"}, 415, "not_json", nil},
		{"compressed", goodBody, []string{"Content-Encoding", "gzip"}, 415, "not_json", nil},
		{"too large", photo(strings.Repeat("A", 14<<20)), nil, 413, "too_large", nil},
		{"photo above 10 MiB", photo(tooBig), nil, 413, "too_large", []string{"/groupPhoto"}},

		{"nothing in it", `{}`, nil, 422, "invalid", []string{"/groupId", "/groupPhoto"}},
		{"nulls", `{"groupId": null, "groupPhoto": null}`, nil, 422, "invalid", []string{"/groupId", "/groupPhoto"}},
		{"group is a number", groupIs("120363019502650977"), nil, 422, "invalid", []string{"/groupId"}},
		{"group is empty", groupIs(`""`), nil, 422, "invalid", []string{"/groupId"}},
		{"group is a phone", groupIs(`"5511999999999"`), nil, 422, "invalid", []string{"/groupId"}},
		{"group is a person", groupIs(`"5511999999999@s.whatsapp.net"`), nil, 422, "invalid", []string{"/groupId"}},
		{"group was rounded", groupIs(`"1.20363E+17"`), nil, 422, "invalid", []string{"/groupId"}},
		{"photo is empty", photo(""), nil, 422, "invalid", []string{"/groupPhoto"}},
		{"photo without scheme", photo("example.com/a.png"), nil, 422, "invalid", []string{"/groupPhoto"}},
		{"photo by ftp", photo("ftp://example.com/a.png"), nil, 422, "invalid", []string{"/groupPhoto"}},
		{"photo with a password", photo("https://me:pw@example.com/a.png"), nil, 422, "invalid", []string{"/groupPhoto"}},
		{"photo is a page", photo(page), nil, 422, "invalid", []string{"/groupPhoto"}},
		{"photo is cut Base64", photo("data:image/jpeg;base64,/9j/4AAQSkZJRgABA"), nil, 422, "invalid", []string{"/groupPhoto"}},
		{"photo is no Base64", photo("data:image/jpeg;base64,%%%%"), nil, 422, "invalid", []string{"/groupPhoto"}},
		{"photo not in the store", photo("sha256:" + strings.Repeat("0", 64)), nil, 422, "invalid", []string{"/groupPhoto"}},
		{"both names of the photo", fields(`"photo": "https://example.com/b.png"`), nil, 422, "invalid", []string{"/photo"}},
		{"misspelt field", fields(`"group_id": "x"`), nil, 422, "invalid", []string{"/group_id"}},
		{"other spelling", `{"groupID": "120363019502650977-group", "groupPhoto": "https://example.com/a.png"}`, nil, 422, "invalid", []string{"/groupId", "/groupID"}},
		{"field twice", fields(`"groupId": "120363019502650977-group"`), nil, 422, "invalid", []string{"/groupId"}},
		{"account in capitals", fields(`"account": "Main"`), nil, 422, "invalid", []string{"/account"}},
		{"account unknown", fields(`"account": "mian"`), nil, 422, "unknown_account", []string{"/account"}},
		{"id with a slash", fields(`"id": "a/b"`), nil, 422, "invalid", []string{"/id"}},
		{"id is empty", fields(`"id": ""`), nil, 422, "invalid", []string{"/id"}},
		{"id is a number", fields(`"id": 7`), nil, 422, "invalid", []string{"/id"}},
		{"at without zone", fields(`"at": "2027-01-01T00:00:00"`), nil, 422, "invalid", []string{"/at"}},
		{"at is a number", fields(`"at": 1790000000`), nil, 422, "invalid", []string{"/at"}},
		{"at far away", fields(`"at": "2999-01-01T00:00:00Z"`), nil, 422, "invalid", []string{"/at"}},
		{"at was never set", fields(`"at": "0001-01-01T00:00:00Z"`), nil, 422, "invalid", []string{"/at"}},
		{"at is the epoch", fields(`"at": "1970-01-01T00:00:00Z"`), nil, 422, "invalid", []string{"/at"}},
		{"at is empty", fields(`"at": ""`), nil, 422, "invalid", []string{"/at"}},
		{"expires was never set", fields(`"expiresAt": "0001-01-01T00:00:00Z"`), nil, 422, "invalid", []string{"/expiresAt"}},
		{"expires far away", fields(`"expiresAt": "2999-01-01T00:00:00Z"`), nil, 422, "invalid", []string{"/expiresAt"}},
		{"both times far away", fields(`"at": "2999-01-01T00:00:00Z", "expiresAt": "2999-01-02T00:00:00Z"`), nil, 422, "invalid", []string{"/at", "/expiresAt"}},
		{"photo is a short page", photo(base64.StdEncoding.EncodeToString([]byte("<html>nothing</html>"))), nil, 422, "invalid", []string{"/groupPhoto"}},
		{"expired on arrival", fields(`"expiresAt": "2020-01-01T00:00:00Z"`), nil, 422, "expired", []string{"/expiresAt"}},
		{"expires before it is due", fields(fmt.Sprintf(`"at": %q, "expiresAt": %q`,
			time.Now().Add(2*time.Hour).Format(time.RFC3339), time.Now().Add(time.Hour).Format(time.RFC3339))), nil, 422, "expired", []string{"/expiresAt"}},
		{"ref too long", fields(`"ref": "` + strings.Repeat("r", 129) + `"`), nil, 422, "invalid", []string{"/ref"}},
		{"skipUnchanged is a text", fields(`"skipUnchanged": "yes"`), nil, 422, "invalid", []string{"/skipUnchanged"}},
		{"several at once", `{"groupId": "x", "groupPhoto": "y", "account": "Z", "at": "soon"}`, nil, 422, "invalid", []string{"/groupId", "/groupPhoto", "/account", "/at"}},

		{"key is empty", goodBody, []string{"Idempotency-Key", `""`}, 400, "bad_idempotency_key", nil},
		{"key is not closed", goodBody, []string{"Idempotency-Key", `"abc`}, 400, "bad_idempotency_key", nil},
		{"key goes on", goodBody, []string{"Idempotency-Key", `"abc"def`}, 400, "bad_idempotency_key", nil},
		{"key twice", goodBody, []string{"Idempotency-Key", "a", "Idempotency-Key", "b"}, 400, "bad_idempotency_key", nil},
		{"key too long", goodBody, []string{"Idempotency-Key", strings.Repeat("k", 256)}, 400, "bad_idempotency_key", nil},
		{"key and other id", fields(`"id": "b"`), []string{"Idempotency-Key", "a"}, 400, "conflicting_ids", nil},
	}
	t.Run("rows", func(t *testing.T) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				a := s.call(t, http.MethodPost, "/v1/updates", tt.body, tt.header...)
				m := wantProblem(t, a, tt.status, tt.reason)
				var pointers []string
				list, _ := m["errors"].([]any)
				for _, e := range list {
					field, _ := e.(map[string]any)
					p, _ := field["pointer"].(string)
					pointers = append(pointers, p)
					if field["reason"] == "" || field["detail"] == "" {
						t.Errorf("got field problem %v, want a reason and a detail", field)
					}
				}
				slices.Sort(pointers)
				slices.Sort(tt.pointers)
				if diff := cmp.Diff(tt.pointers, pointers); diff != "" {
					t.Errorf("pointers (-want +got):\n%s\n%s", diff, a.body)
				}
			})
		}
	})
	after, err := redistest.Dump(t.Context(), s.redis)
	if err != nil {
		t.Fatal(err)
	}
	for key := range after {
		if _, was := before[key]; !was && key != "groupphoto:schema" {
			t.Errorf("a refused request left the key %s", key)
		}
	}
}

func TestUpdates_RefusalsHelp(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	if err := ledger.New(s.redis, 0).Serve(t.Context(), "p1", "main", "sales"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, body, want string }{
		{"position", `{"groupId": nope}`, "near byte 12"},
		{"nearest field", `{"groupid": "x", "groupPhoto": "https://example.com/a.png"}`, "did you mean groupId?"},
		{"known accounts", `{"groupId": "` + group + `", "photo": "https://example.com/a.png", "account": "mian"}`, `known: main, sales; did you mean \"main\"?`},
		{"a person", `{"groupId": "55119@c.us", "photo": "https://example.com/a.png"}`, "is a person, not a group"},
		{"a short page", `{"groupId": "` + group + `", "photo": "` + base64.StdEncoding.EncodeToString([]byte("<html>nothing here</html>")) + `"}`, "looks like an HTML page"},
		{"a file's name", `{"groupId": "` + group + `", "photo": "logo"}`, "a data URI or Base64"},
		{"a time never set", `{"groupId": "` + group + `", "photo": "https://example.com/a.png", "expiresAt": "0001-01-01T00:00:00Z"}`, "leave the field out"},
		{"a scheme", `{"groupId": "` + group + `", "photo": "ftp://example.com/a.png"}`, "must begin with http:// or https://"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if a := s.call(t, http.MethodPost, "/v1/updates", tt.body); !strings.Contains(a.body, tt.want) {
				t.Errorf("got %s, want it to say %q", a.body, tt.want)
			}
		})
	}
}

func TestAddresses_Refused(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, tt := range []struct {
		name, method, path string
		status             int
		reason, allow      string
	}{
		{"GET of the collection", "GET", "/v1/updates", 405, "wrong_method", "POST"},
		{"PUT of the collection", "PUT", "/v1/updates", 405, "wrong_method", "POST"},
		{"POST of one", "POST", "/v1/updates/a", 405, "wrong_method", "GET, HEAD, DELETE"},
		{"own method", "BREW", "/v1/updates/a", 405, "wrong_method", "GET, HEAD, DELETE"},
		{"POST of health", "POST", "/livez", 405, "wrong_method", "GET, HEAD"},
		{"POST of the page", "POST", "/", 405, "wrong_method", "GET, HEAD"},
		{"unknown update", "GET", "/v1/updates/never", 404, "unknown_update", ""},
		{"unknown account", "GET", "/v1/updates/never?account=nobody", 404, "unknown_update", ""},
		{"id that cannot be", "GET", "/v1/updates/a.b", 404, "unknown_update", ""},
		{"below an update", "GET", "/v1/updates/a/b", 404, "no_such_page", ""},
		{"unknown API", "GET", "/v1/groups", 404, "no_such_page", ""},
		{"unknown page", "GET", "/admin", 404, "no_such_page", ""},
		{"wait too long", "GET", "/v1/updates/a?wait=61s", 400, "bad_query", ""},
		{"wait negative", "GET", "/v1/updates/a?wait=-1s", 400, "bad_query", ""},
		{"wait is no time", "GET", "/v1/updates/a?wait=long", 400, "bad_query", ""},
		{"wait and cancel", "DELETE", "/v1/updates/a?wait=1s", 400, "bad_query", ""},
		{"account that cannot be", "GET", "/v1/updates/a?account=Main", 400, "bad_query", ""},
		{"account twice", "GET", "/v1/updates/a?account=a&account=b", 400, "bad_query", ""},
		{"unknown question", "GET", "/v1/updates/a?acount=main", 400, "bad_query", ""},
		{"query that is none", "GET", "/v1/updates/a?%zz", 400, "bad_query", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := s.call(t, tt.method, tt.path, "")
			wantProblem(t, a, tt.status, tt.reason)
			if got := a.Header.Get("Allow"); got != tt.allow {
				t.Errorf("got Allow %q, want %q", got, tt.allow)
			}
		})
	}
}

// given marked photos, queries, tokens and group ids in every place of a request;
// when each is refused or accepted;
// then no answer and no log line repeats the mark.
func TestUpdates_NothingIsRepeated(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *web.Config) { c.Token = token })
	var all strings.Builder
	values := []string{
		secret, "data:image/jpeg;base64," + secret + strings.Repeat("A", 100), strings.Repeat(secret, 20), secret + " " + secret,
		"https://example.com/a.png?sig=" + secret, "https://u:" + secret + "@example.com/a.png", "https://example.com:bad/?" + secret,
		"ftp://example.com/?" + secret, "src:sha256:" + secret, "120363019502650977-group" + secret, "\\u0000" + secret, "\\\"" + secret,
	}
	send := func(body string, header ...string) {
		a := s.call(t, http.MethodPost, "/v1/updates", body, header...)
		all.WriteString(a.body)
	}
	auth := []string{"Authorization", "Bearer " + token}
	for _, v := range values {
		for _, field := range []string{"groupId", "groupPhoto", "photo", "account", "at", "expiresAt", "skipUnchanged", v + " "} {
			send(`{"groupId": "`+group+`", "groupPhoto": "https://example.com/a.png", "`+field+`": "`+v+`"}`, auth...)
			send(`{"`+field+`": "`+v+`"}`, auth...)
			send(`{"`+field+`": `+v, auth...)
		}
		send(`{"ref": "`+strings.Repeat(v, 20)+`", "id": "`+v+`/"}`, auth...)
	}
	send(goodBody, "Authorization", "Bearer "+secret)
	send(goodBody, "Authorization", secret)
	send(goodBody, "Authorization", "Bearer "+token, "Idempotency-Key", "\""+secret)
	for _, path := range []string{"/v1/updates/x?account=" + secret, "/v1/updates/x?" + secret + "=1", "/v1/updates/x?wait=" + secret, "/nowhere?" + secret, "/monitoring/api/queues/" + secret + "/pending_tasks?x=" + secret} {
		all.WriteString(s.call(t, http.MethodGet, path, "", auth...).body)
	}
	wantClean(t, "an answer", all.String(), secret, token)
	wantClean(t, "the log", s.log.String(), secret, token)
	if n := strings.Count(s.log.String(), "http.answered"); n < len(values)*20 {
		t.Errorf("got %d log events, want one per request", n)
	}
}
