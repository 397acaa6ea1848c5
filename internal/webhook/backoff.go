package webhook

import (
	"math/rand/v2"
	"time"
)

const (
	firstPause   = 5 * time.Second
	longestPause = 10 * time.Minute
	doublings    = 7 // 5 s << 7 is beyond the longest
)

// Backoff returns how long to wait after the n-th failure in a row: on average 5 s after the first, twice as long after
// each further one, and at most 10 min, drawn from 0 to twice that, so that many senders do not come back together. An n
// below 1 counts as 1. A longer RetryAfter of the receiver is the caller's to honour.
func Backoff(n int) time.Duration { return backoff(n, rand.Float64()) }

// backoff takes the draw, from 0 to 1.
func backoff(n int, draw float64) time.Duration {
	mean := min(firstPause<<min(max(n, 1)-1, doublings), longestPause)
	return time.Duration(draw * 2 * float64(mean))
}
