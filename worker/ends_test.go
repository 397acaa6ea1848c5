package worker_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/fetch"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
	"github.com/plugchat-go/groupphoto/worker/plugchat"
)

func TestWorker_NearItsExpiryAnUpdateIsNotCalledEarly(t *testing.T) {
	t.Parallel()
	// Given a call without an answer, a backoff of an hour and about three seconds
	// to live, when the time is up, then the update expires and was called once.
	c := answers(lost(), true)
	b := setup(t, redistest.Mini(t).Client(t), c, func(c *worker.Config) {
		c.Policy.Backoff, c.Policy.MaxBackoff = 1000*time.Hour, 1000*time.Hour // jitter may draw a small part of it
	}).start()
	// The engine cuts the next run's time to whole seconds: late in its second the
	// expiry leaves nearly all of it to be early in.
	b.submit("short", tasks.Update{ExpiresAt: time.Now().Truncate(time.Second).Add(3*time.Second + 990*time.Millisecond)})
	if o := b.wait("short"); o.State != tasks.Expired || o.Attempts != 1 || c.count() != 1 {
		t.Fatalf("%d calls, got %+v", c.count(), o)
	}
}

func TestWorker_AnErrorOfUnknownKindEndsTheUpdate(t *testing.T) {
	t.Parallel()
	// Given a caller whose error is not plugchat's, when it goes on, then the
	// update fails after a few calls instead of coming back for ever.
	c := &caller{do: func(context.Context, int, plugchat.Call) (bool, error) { return false, errors.New("odd") }}
	b := setup(t, redistest.Mini(t).Client(t), c).start()
	b.submit("odd", tasks.Update{})
	if o := b.wait("odd"); o.State != tasks.Failed || o.Reason != tasks.UnclearAnswer || o.Attempts != 3 {
		t.Fatalf("got %+v", o)
	}
}

func TestWorker_ShutdownEndsFetches(t *testing.T) {
	t.Parallel()
	// Given a photo's server that never answers, when the worker shuts down, then
	// the fetch ends with it.
	asked, gone := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(gone)
	}))
	t.Cleanup(server.Close)
	b := setup(t, redistest.Mini(t).Client(t), answers(true), func(c *worker.Config) {
		c.Fetcher = fetch.New(fetch.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: time.Hour})
	}).start()
	ref, err := tasks.ParsePhoto(server.URL + "/slow.png")
	if err != nil {
		t.Fatal(err)
	}
	b.submit("slow", tasks.Update{Photo: ref})
	<-asked
	ended := make(chan error, 1)
	go func() { ended <- b.worker.Shutdown() }()
	select {
	case <-gone:
	case <-time.After(3 * time.Second): // the fetch's own patience is 5 s
		t.Error("the fetch goes on although the worker shuts down")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
