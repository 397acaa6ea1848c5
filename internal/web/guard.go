package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

const (
	apiChallenge = `Bearer realm="groupphoto"`
	uiChallenge  = `Basic realm="groupphoto: any user, the HTTP token as password", charset="UTF-8"`
)

// guard refuses what browsers may be tricked into, before anything is looked at.
func (s *Server) guard(next http.Handler) http.Handler {
	var origins http.CrossOriginProtection
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case r.URL.Path == "/livez" || r.URL.Path == "/readyz": // a probe calls by any name
		case s.cfg.Token == "" && !namesLoopback(r):
			foreignHost.write(w, "without a token only requests to localhost or a loopback address are answered; call 127.0.0.1, or set GROUPPHOTO_HTTP_TOKEN")
			return
		case origins.Check(r) != nil:
			foreignOrigin.write(w, "a page of another origin must not change anything here; call from a program, or from a page of this address")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// api asks for the bearer token before anything of the request is looked at.
func (s *Server) api(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.bearer(r) {
			refuseLogin(w, r, apiChallenge, "send the header Authorization: Bearer with the token of GROUPPHOTO_HTTP_TOKEN")
			return
		}
		next(w, r)
	})
}

// requireLogin also takes the token as a password, which browsers ask for
// themselves.
func (s *Server) requireLogin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, ok := r.BasicAuth(); s.bearer(r) || ok && s.matches(password) {
			next.ServeHTTP(w, r)
			return
		}
		refuseLogin(w, r, uiChallenge, "log in with any user name and the token of GROUPPHOTO_HTTP_TOKEN as the password")
	})
}

func refuseLogin(w http.ResponseWriter, r *http.Request, challenge, mend string) {
	w.Header().Set("WWW-Authenticate", challenge)
	if r.Header.Get("Authorization") == "" {
		unauthorized.write(w, "no token was given; "+mend)
		return
	}
	unauthorized.write(w, "the token is not the right one; "+mend)
}

func (s *Server) bearer(r *http.Request) bool {
	if s.cfg.Token == "" {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer") && s.matches(strings.TrimSpace(token))
}

// matches compares in a time that tells neither the token nor its length.
func (s *Server) matches(given string) bool {
	want, got := sha256.Sum256([]byte(s.cfg.Token)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}
