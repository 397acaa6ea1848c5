package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/hibiken/asynqmon"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/redisconn"
)

const (
	uiRoot = "/monitoring"
	// maxPageSize and maxPage bound a list of tasks, which asynqmon leaves open:
	// one request could ask Redis for everything. Its page offers 100 at most.
	maxPageSize = 100
	maxPage     = 1_000_000
)

// uiTypes are the files of asynqmon's page with the types it does not give them.
var uiTypes = map[string]string{
	".js": "text/javascript; charset=utf-8", ".map": "application/json", ".svg": "image/svg+xml", ".png": "image/png",
	".ico": "image/x-icon", ".txt": "text/plain; charset=utf-8", ".json": "application/json",
}

// monitoring is the asynq web UI, made fit to be shown: without requests to
// other hosts, without secrets in payloads, with bounded lists and true types.
type monitoring struct {
	ui      *asynqmon.HTTPHandler
	rdb     redis.UniversalClient
	actions bool
	page    []byte // its one page, mended; nil where asynqmon cannot serve it
	policy  string // the page's Content-Security-Policy
}

func newMonitoring(rdb redis.UniversalClient, actions bool) (*monitoring, error) {
	m := &monitoring{rdb: rdb, actions: actions}
	m.ui = asynqmon.New(asynqmon.Options{
		RootPath: uiRoot, RedisConnOpt: redisconn.AsynqOpt(rdb), ReadOnly: !actions,
		PayloadFormatter: asynqmon.PayloadFormatterFunc(showPayload),
		ResultFormatter:  asynqmon.ResultFormatterFunc(showResult),
	})
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, uiRoot+"/", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("asking for its page: %w", err)
	}
	var raw capture
	m.ui.ServeHTTP(&raw, r)
	if !bytes.HasPrefix(raw.Bytes(), htmlStart) {
		return m, nil // on Windows asynqmon looks for its files under a drive; its API works there
	}
	page := mendPage(raw.String())
	m.page = []byte(page)
	m.policy = "default-src 'none'; script-src 'self' " + hashes(page, inlineScript) +
		"; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'" +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return m, nil
}

// Close ends what asynqmon holds; the connection stays the caller's.
func (m *monitoring) Close() error { return m.ui.Close() }

var (
	outsideLink  = regexp.MustCompile(`<link\b[^>]*\bhref="https?://[^>]*>`)
	manifestLink = regexp.MustCompile(`<link\b[^>]*\brel="manifest"[^>]*>`)
)

// mendPage takes out what would be asked of other hosts, which is fonts that the
// page does without, and the manifest, which browsers fetch without a login and
// whose icons lie elsewhere.
func mendPage(page string) string {
	return manifestLink.ReplaceAllString(outsideLink.ReplaceAllString(page, ""), "")
}

// ServeHTTP serves the page, its files and its API.
func (m *monitoring) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	looks := r.Method == http.MethodGet || r.Method == http.MethodHead
	rest := strings.TrimPrefix(r.URL.Path, uiRoot+"/")
	isAPI := strings.HasPrefix(rest, "api/")
	switch {
	case !looks && !m.actions:
		w.Header().Set("Allow", "GET, HEAD")
		readOnly.write(w, "nothing can be changed here; use the groupphoto command, or start the worker with actions allowed")
		return
	case !looks && !isAPI:
		allow(w, "GET, HEAD")
		return
	case rest == "api/redis_info":
		m.redisInfo(w, r)
		return
	}
	kind, isFile := fileType(rest)
	switch {
	case isAPI:
		m.pass(w, r, "application/json")
	case isFile:
		if strings.HasPrefix(rest, "static/") { // their names carry a hash of what is in them
			w.Header().Set("Cache-Control", "private, max-age=86400, immutable")
		}
		m.pass(w, r, kind)
	case m.page == nil:
		noPage.write(w, "the asynq web UI cannot be shown on this system; run the worker on Linux or macOS, or look with: groupphoto outcome")
	default:
		w.Header().Set("Content-Security-Policy", m.policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(m.page) // a caller that hung up is no error of ours
	}
}

// fileType tells files from places within the page: queues have dots in their
// names, so an ending alone says nothing.
func fileType(rest string) (kind string, ok bool) {
	if !strings.HasPrefix(rest, "static/") && strings.Contains(rest, "/") {
		return "", false
	}
	kind, ok = uiTypes[path.Ext(rest)]
	return kind, ok
}

// pass hands a request on to asynqmon, bounded, and its answer back, mended.
func (m *monitoring) pass(w http.ResponseWriter, r *http.Request, kind string) {
	inner := r.Clone(r.Context())
	if inner.Method == http.MethodHead {
		inner.Method = http.MethodGet // net/http leaves the body out by itself
	}
	q := inner.URL.Query()
	bound(q, "size", maxPageSize)
	bound(q, "page", maxPage)
	inner.URL.RawQuery = q.Encode()
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	m.ui.ServeHTTP(&mended{ResponseWriter: w, kind: kind}, inner)
}

// bound keeps a number of the query between 1 and most; what is no number goes.
func bound(q url.Values, name string, most int) {
	if !q.Has(name) {
		return
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil {
		q.Del(name)
		return
	}
	q.Set(name, strconv.Itoa(min(max(n, 1), most)))
}

var htmlStart = []byte("<!doctype html>")

// mended corrects asynqmon's answers: it types JSON as text, answers unknown
// addresses with its page, and shows errors of Redis as they are.
type mended struct {
	http.ResponseWriter

	kind      string
	begun     bool
	swallowed bool
}

// WriteHeader replaces failures by a sentence of ours.
func (m *mended) WriteHeader(status int) {
	if m.begun {
		return
	}
	m.begun = true
	switch {
	case status >= http.StatusInternalServerError:
		m.instead(status, "asynq could not tell: there is no such queue, or Redis is not available")
	case status >= http.StatusBadRequest:
		m.ResponseWriter.WriteHeader(status) // a short text, typed as such by asynqmon
	default:
		m.Header().Set("Content-Type", m.kind)
		m.ResponseWriter.WriteHeader(status)
	}
}

// Write passes the body on, unless it is the page in the place of something that
// does not exist.
func (m *mended) Write(b []byte) (int, error) {
	if !m.begun {
		if bytes.HasPrefix(b, htmlStart) {
			m.begun = true
			m.instead(http.StatusNotFound, "there is nothing at this address")
		} else {
			m.WriteHeader(http.StatusOK)
		}
	}
	if m.swallowed {
		return len(b), nil
	}
	return m.ResponseWriter.Write(b)
}

func (m *mended) instead(status int, text string) {
	m.swallowed = true
	m.Header().Set("Cache-Control", "no-store")
	writeText(m.ResponseWriter, status, text)
}

// capture takes an answer in memory.
type capture struct {
	bytes.Buffer

	header http.Header
}

// Header returns the header, which nobody reads.
func (c *capture) Header() http.Header {
	if c.header == nil {
		c.header = http.Header{}
	}
	return c.header
}

// WriteHeader does nothing: what was written tells enough.
func (c *capture) WriteHeader(int) {}
