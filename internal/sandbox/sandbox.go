// Package sandbox is a simulated PlugChat: the documented endpoints, groups that keep their photo, and failures on a dial.
//
// It owns what a server can do to its caller, good and bad, and a log of every call by which tests judge the program. People use it through
// `groupphoto dev` and `groupphoto sandbox`. It refuses to know the client, the worker and Redis: it reads requests as strictly as it can by itself,
// so that a mistake of ours can't be hidden by code that both sides share. It reaches no network; photo addresses are recorded, never fetched.
package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

const defaultMaxCalls = 1_000_000

// Config is what a Sandbox is made of. The zero value accepts any token.
type Config struct {
	// Tokens are the Authorization headers that are accepted, compared whole; empty accepts any that is not empty.
	Tokens []string
	// Seed makes the draws of rules with a probability repeatable.
	Seed uint64
	// Now is the clock of the log and the groups; nil is time.Now. Latencies are real time.
	Now func() time.Time
	// Groups is how many groups there are from the beginning, with every account in them; others come into being when a call names them.
	Groups int
	// MaxCalls bounds the log: beyond it the oldest half is forgotten. 0: 1,000,000.
	MaxCalls int
}

// Sandbox is one simulated PlugChat, an http.Handler for the root of a server. It is safe for concurrent use.
// Requests that wait, on purpose or in a latency, end with their request's context: a server ends them by cancelling its BaseContext.
type Sandbox struct {
	tokens   []string
	now      func() time.Time
	maxCalls int
	handler  http.Handler
	photos   photoChecks

	mu       sync.Mutex
	random   *rand.Rand
	dial     []Rule
	groups   map[string]*group
	calls    []*Call
	inFlight map[string]int
	drawnAt  map[drawer]time.Time
	counts   counts
}

// New makes a Sandbox with an empty dial.
func New(cfg Config) *Sandbox {
	s := &Sandbox{
		tokens: slices.Clone(cfg.Tokens), now: cfg.Now, maxCalls: cfg.MaxCalls,
		random: rand.New(rand.NewPCG(cfg.Seed, 0x9E3779B97F4A7C15)), //nolint:gosec // a simulation that must be repeatable
		groups: map[string]*group{}, inFlight: map[string]int{}, drawnAt: map[drawer]time.Time{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.maxCalls <= 0 {
		s.maxCalls = defaultMaxCalls
	}
	for i := range cfg.Groups {
		s.meet(madeGroup(i + 1))
	}
	s.handler = s.routes()
	return s
}

// ServeHTTP answers the provider's endpoints under /api/whatsapp/ and the controls: the page at / and what is under /sandbox/.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/whatsapp/update-group-photo", s.endpoint(onUpdate, http.MethodPost, s.update))
	mux.Handle("/api/whatsapp/status", s.endpoint(onStatus, http.MethodGet, s.status))
	mux.Handle("/api/whatsapp/group-metadata/{id}", s.endpoint(onMetadata, http.MethodGet, s.metadata))
	mux.Handle("/api/whatsapp/chats", s.endpoint(onChats, http.MethodGet, s.chats))
	mux.Handle("/api/", s.endpoint("", "", func(*exchange) answer { return failing(http.StatusNotFound, "there is no such endpoint") }))

	control := http.NewServeMux()
	control.HandleFunc("GET /{$}", servePage)
	control.HandleFunc("GET /sandbox/groups", s.serveGroups)
	control.HandleFunc("GET /sandbox/photo/{id}", s.servePhoto)
	control.HandleFunc("GET /sandbox/calls", s.serveCalls)
	control.HandleFunc("DELETE /sandbox/calls", s.deleteCalls)
	control.HandleFunc("GET /sandbox/dial", s.serveDial)
	control.HandleFunc("PUT /sandbox/dial", s.putDial)
	// A page of another site must not turn the dial of somebody's sandbox.
	mux.Handle("/", http.NewCrossOriginProtection().Handler(headers(control)))
	return mux
}

// AccountOf returns the name under which a token's calls appear in the log and in rules: the beginning of its SHA-256, in hex.
func AccountOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:4])
}

// phoneOf returns the number that the sandbox says is behind an account.
func phoneOf(account string) string {
	digits := []byte("5511900000000")
	for i := range account {
		digits[5+i%8] = '0' + (digits[5+i%8]-'0'+account[i])%10
	}
	return string(digits)
}
