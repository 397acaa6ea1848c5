package fetch

import (
	"fmt"
	"sync"
	"time"
)

const (
	restAfter = 5 // transient failures in a row
	restFor   = 30 * time.Second
	maxRows   = 1024
)

// rests leaves servers alone for a while after failures in a row. A server is a host and a port: a closed port 80 must
// not keep anybody from port 443. It keeps at most maxRows servers, and forgets the one whose failure is oldest.
type rests struct {
	mu   sync.Mutex
	rows map[string]row
}

type row struct {
	failures int
	last     time.Time
	until    time.Time // zero until the first rest
}

func newRests() *rests { return &rests{rows: map[string]row{}} }

// resting returns the error for a server that is being left alone, else nil.
func (r *rests) resting(server, host string) *Error {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.rows[server]
	if !time.Now().Before(known.until) {
		return nil
	}
	return &Error{Reason: Unavailable, Host: host, Detail: fmt.Sprintf("it has failed %d times in a row; left alone for %s", known.failures, restFor)}
}

// failed counts a transient failure. After a rest a single further one begins the next.
func (r *rests) failed(server string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.rows[server]
	if !ok && len(r.rows) >= maxRows {
		r.forgetOldest()
	}
	now := time.Now()
	known.failures++
	known.last = now
	if known.failures >= restAfter && !now.Before(known.until) {
		known.until = now.Add(restFor)
	}
	r.rows[server] = known
}

// answered ends the row of failures.
func (r *rests) answered(server string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.rows, server)
}

func (r *rests) forgetOldest() {
	var oldest string
	for server, known := range r.rows {
		if oldest == "" || known.last.Before(r.rows[oldest].last) {
			oldest = server
		}
	}
	delete(r.rows, oldest)
}
