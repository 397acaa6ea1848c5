package webhook_test

import (
	"math"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/webhook"
)

func TestBackoff_Table(t *testing.T) {
	t.Parallel()
	for n, mean := range map[int]time.Duration{
		math.MinInt: 5 * time.Second, -1: 5 * time.Second, 0: 5 * time.Second, 1: 5 * time.Second, 2: 10 * time.Second, 3: 20 * time.Second,
		7: 320 * time.Second, 8: 10 * time.Minute, 9: 10 * time.Minute, 63: 10 * time.Minute, 64: 10 * time.Minute, math.MaxInt32: 10 * time.Minute, math.MaxInt: 10 * time.Minute,
	} {
		for draw, want := range map[float64]time.Duration{0: 0, 0.5: mean, 1: 2 * mean} {
			if got := webhook.BackoffOf(n, draw); got != want {
				t.Errorf("failure %d, draw %g: got %s, want %s", n, draw, got, want)
			}
		}
		for range 100 {
			if got := webhook.Backoff(n); got < 0 || got >= 2*mean {
				t.Errorf("failure %d: got %s, want less than %s", n, got, 2*mean)
			}
		}
	}
}
