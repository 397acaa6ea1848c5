package sandbox

import (
	"slices"
	"strings"
	"time"
)

// Call is one request of the provider's endpoints, as the server saw it. It holds no token and no photo.
type Call struct {
	// Start and End are when the request came in and when its answer was written; End is zero while it is under way.
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// Account is AccountOf the token; "" without one.
	Account string `json:"account"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	GroupID string `json:"groupId,omitempty"`
	// PhotoHash is the SHA-256 in hex of the decoded JPEG, or of the address; "" if there was none that could be read.
	PhotoHash string `json:"photoHash,omitempty"`
	// Status is 0 while under way and when the connection was left without an answer; Answer is the body's beginning.
	Status int    `json:"status"`
	Answer string `json:"answer"`
	// Rule is what the dial drew, more than one joined by " + "; Why says what was wrong with a request that failed without a rule.
	Rule string `json:"rule,omitempty"`
	Why  string `json:"why,omitempty"`
	// Landed says whether the group's photo was changed.
	Landed bool `json:"landed,omitempty"`
	// InFlight is how many calls of the account were under way when it came in, itself included.
	InFlight int `json:"inFlight"`
}

// counts are the sums that the page shows. They go on when the log forgets.
type counts struct {
	Total   int `json:"total"`
	Updated int `json:"updated"`
	Refused int `json:"refused"`
	Failed  int `json:"failed"`
}

// Calls returns every call in the order in which they came in, those under way included.
func (s *Sandbox) Calls() []Call { return s.lastCalls(-1) }

// lastCalls returns copies of the newest n calls, of all for -1.
func (s *Sandbox) lastCalls(n int) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := 0
	if n >= 0 {
		from = max(len(s.calls)-n, 0)
	}
	calls := make([]Call, 0, len(s.calls)-from)
	for _, c := range s.calls[from:] {
		calls = append(calls, *c)
	}
	return calls
}

// ForgetCalls empties the log and its sums. Groups keep their photos.
func (s *Sandbox) ForgetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.counts = nil, counts{}
}

func (s *Sandbox) begin(c *Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight[c.Account]++
	c.Start, c.InFlight = s.now(), s.inFlight[c.Account]
	if len(s.calls) >= s.maxCalls {
		s.calls = slices.Clone(s.calls[(len(s.calls)+1)/2:])
	}
	s.calls = append(s.calls, c)
}

// note changes a call of the log under the lock that its readers take.
func (s *Sandbox) note(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *Sandbox) end(c *Call, on string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.End = s.now()
	if s.inFlight[c.Account]--; s.inFlight[c.Account] == 0 {
		delete(s.inFlight, c.Account)
	}
	s.counts.Total++
	if on != onUpdate {
		return
	}
	switch {
	case c.Answer == answerTrue:
		s.counts.Updated++
	case strings.HasPrefix(c.Answer, strings.TrimSuffix(answerFalse, "}")):
		s.counts.Refused++
	default:
		s.counts.Failed++
	}
	if g := s.groups[c.GroupID]; g != nil {
		g.Calls++
		g.LastStatus, g.LastAnswer = c.Status, c.Answer
	}
}
