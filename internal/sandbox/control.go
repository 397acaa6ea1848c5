package sandbox

import (
	"crypto/sha256"
	_ "embed" // for the page
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

//go:embed page.html
var page string

// policy lets the page run its own inline script and style, by their hashes, show our photos, and nothing else.
var policy = "default-src 'none'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src " +
	inlineHash("script") + "; style-src " + inlineHash("style")

func inlineHash(element string) string {
	_, rest, _ := strings.Cut(page, "<"+element+">")
	inline, _, _ := strings.Cut(rest, "</"+element+">")
	sum := sha256.Sum256([]byte(inline))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func servePage(w http.ResponseWriter, r *http.Request) {
	answer{status: http.StatusOK, contentType: typeHTML, body: page}.write(w, r)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", typeJSON)
	_ = json.NewEncoder(w).Encode(v) // a reader that went away has nothing to be told
}

// shownCalls is how many of the last calls the page lists.
const shownCalls = 14

// serveGroups gives all that the page shows, in one answer.
func (s *Sandbox) serveGroups(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	sums, inFlight := s.counts, 0
	for _, n := range s.inFlight {
		inFlight += n
	}
	s.mu.Unlock()
	writeJSON(w, struct {
		Groups   []Group  `json:"groups"`
		Counts   counts   `json:"counts"`
		InFlight int      `json:"inFlight"`
		Dial     []string `json:"dial"`
		Last     []Call   `json:"last"`
	}{s.Groups(), sums, inFlight, s.dialTexts(), s.lastCalls(shownCalls)})
}

func (s *Sandbox) servePhoto(w http.ResponseWriter, r *http.Request) {
	g, ok := s.Group(r.PathValue("id"))
	if !ok || g.JPEG == nil {
		failing(http.StatusNotFound, "the sandbox has no JPEG of this group").write(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write(g.JPEG) // a reader that went away has nothing to be told
}

func (s *Sandbox) serveCalls(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Calls()) }

func (s *Sandbox) deleteCalls(w http.ResponseWriter, _ *http.Request) {
	s.ForgetCalls()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sandbox) dialTexts() []string {
	texts := []string{}
	for _, r := range s.Dial() {
		texts = append(texts, r.String())
	}
	return texts
}

func (s *Sandbox) serveDial(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.dialTexts()) }

// maxRules bounds the dial, since every call walks through it.
const maxRules = 1000

// putDial replaces the dial by a JSON array of rule texts, all or nothing.
func (s *Sandbox) putDial(w http.ResponseWriter, r *http.Request) {
	var texts []string
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&texts); err != nil || len(texts) > maxRules {
		failing(http.StatusBadRequest, fmt.Sprintf("send a JSON array of at most %d rule texts", maxRules)).write(w, r)
		return
	}
	rules := make([]Rule, 0, len(texts))
	for _, text := range texts {
		rule, err := ParseRule(text)
		if err != nil {
			failing(http.StatusBadRequest, err.Error()).write(w, r)
			return
		}
		rules = append(rules, rule)
	}
	s.SetDial(rules...)
	s.serveDial(w, r)
}
