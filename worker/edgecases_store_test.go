package worker_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
)

// noisy is a PNG that nothing can make small.
func noisy(t *testing.T, side int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	dice := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = byte(dice.Uint32()) | map[bool]byte{true: 255}[i%4 == 3]
	}
	img.Set(0, 0, color.White)
	var b strings.Builder
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return []byte(b.String())
}

func TestEdge20_OneImageForManyGroups(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		// Given one photo of half a megabyte for twenty groups, when all are updated, then
		// Redis held it once as it was given and once as it was sent, and no task carried it.
		const n = 20
		source := noisy(t, 380)
		r := edge(t, rdb, func(_ *edgeRig, c *worker.Config) { c.Accounts[0].Concurrency = 4 })
		ref, err := r.ledger.StorePhoto(t.Context(), tasks.PhotoSource, source, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			r.submit("u"+string(edgeGroup(i)), tasks.Update{GroupID: edgeGroup(i), Photo: ref})
		}
		r.start()
		for i := range n {
			r.ends("u"+string(edgeGroup(i)), tasks.Updated, "", 1)
		}
		hashes := map[string]bool{}
		for _, c := range r.box.Calls() {
			hashes[c.PhotoHash] = true
		}
		dump, err := redistest.Dump(t.Context(), rdb)
		if err != nil {
			t.Fatal(err)
		}
		photos, rest := 0, 0
		for key, text := range dump {
			if strings.HasPrefix(key, "groupphoto:photo:") && len(text) > 10<<10 {
				photos++
				continue
			}
			rest += len(text)
			if len(text) > 16<<10 {
				t.Errorf("%s holds %d bytes", key, len(text))
			}
		}
		if len(hashes) != 1 || photos != 2 || rest > n*4<<10 {
			t.Errorf("%d photos were sent, %d are stored, and %d bytes beside them", len(hashes), photos, rest)
		}
	})
}

func TestEdge21_SecretsAndBulkStayOutOfSight(t *testing.T) {
	t.Parallel()
	// Given a provider whose errors repeat the token, and photos from a signed address
	// and from the store, when their updates end one way or another, then neither token,
	// signature nor image is in the log, the outcomes and what the web UI shows; and the token is not in Redis.
	base := pictures(t, map[string]http.HandlerFunc{"/logo.png": gives(200, string(pngOf(t, 90))), "/gone.png": gives(403, "")})
	r := edgeMini(t, mayFetch).dial(
		"400:n=1,text=who is "+edgeToken+"? see "+base+"/logo.png?signature=marked", "false-text:n=1,text=forbidden for "+edgeToken,
		"500:n=1,text=cannot read data:image/jpeg;base64,/9j/2wCEAAkGBwgHBgkIBwgKCgkLDRYPDQwMDRsUFRAWIB0iIiAdHx8kKDQsJCYxJx8fLT0t")
	ids := map[string]string{"rejected": "/logo.png", "forbidden": "/logo.png", "again": "/logo.png", "gone": "/gone.png"}
	r.start()
	for _, id := range []string{"rejected", "forbidden", "again", "gone"} { // one after the other: the dial has an order
		r.submitURL(id, base+ids[id]+"?signature=marked")
		r.wait(id)
	}
	r.ends("rejected", tasks.Failed, tasks.ProviderRejects, 1)
	r.ends("forbidden", tasks.Refused, tasks.NotAdmin, 1)
	r.ends("again", tasks.Updated, "", 2)
	r.ends("gone", tasks.Failed, "photo_not_found", 0)
	sent, _ := r.box.Group(string(groupA))
	image := base64.StdEncoding.EncodeToString(sent.JPEG)[400:440]
	seen := map[string]string{}
	for id := range ids {
		text, err := json.Marshal(r.wait(id))
		info, taskErr := asynq.NewInspectorFromRedisClient(r.rdb).GetTaskInfo(tasks.Queue("main"), id)
		if err != nil || taskErr != nil {
			t.Fatal(err, taskErr)
		}
		seen["the outcome of "+id], seen["the web UI on "+id] = string(text), info.LastErr+string(info.Result)
	}
	dump, err := redistest.Dump(t.Context(), r.rdb)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.worker.Shutdown(); err != nil {
		t.Fatal(err)
	}
	seen["the log"] = r.logs.String()
	for where, text := range seen {
		for _, secret := range []string{edgeToken, "signature=marked", image, "/9j/2wCEAAkG"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q: %s", where, secret, text)
			}
		}
	}
	for key, text := range dump {
		if strings.Contains(text, edgeToken) || strings.Contains(text, image) {
			t.Errorf("%s holds the token, or the image as text", key)
		}
	}
	if !strings.Contains(seen["the log"], `"msg":"update.attempted"`) {
		t.Error("the log says nothing of the attempts")
	}
}

func TestEdge23_CancelledOrExpired(t *testing.T) {
	t.Parallel()
	cancel := func(r *edgeRig, id string, want ledger.Cancelled) {
		r.t.Helper()
		if got, _, err := r.ledger.Cancel(context.WithoutCancel(r.t.Context()), "main", id, "an operator"); err != nil || got != want {
			r.t.Fatalf("got %d, %v", got, err)
		}
	}
	t.Run("before a call", func(t *testing.T) {
		t.Parallel()
		// Given updates that were cancelled, or whose time was over, before a worker came,
		// when it comes, then each ends by its name and nobody is called.
		r := edgeMini(t)
		r.submit("stopped", tasks.Update{})
		r.submit("over", tasks.Update{GroupID: groupB, ExpiresAt: time.Now().Add(-time.Second)})
		cancel(r, "stopped", ledger.CancelledNow)
		r.start()
		r.ends("stopped", tasks.Cancelled, tasks.Stopped, 0)
		r.ends("over", tasks.Expired, tasks.ExpiredTime, 0)
		r.wantAsked("")
	})
	t.Run("between calls", func(t *testing.T) {
		t.Parallel()
		// Given an update that waits for its second try, when it is cancelled, then it has
		// ended at once, and the try is not made when its time comes.
		r := edgeMini(t, policy(func(p *worker.Policy) { p.Backoff, p.MaxBackoff = time.Hour, time.Hour })).dial("504").start()
		r.submit("stopped", tasks.Update{})
		r.task("stopped", asynq.TaskStateRetry)
		cancel(r, "stopped", ledger.CancelledNow)
		if err := asynq.NewInspectorFromRedisClient(r.rdb).RunTask(tasks.Queue("main"), "stopped"); err != nil {
			t.Fatal(err)
		}
		if o := r.ends("stopped", tasks.Cancelled, tasks.Stopped, 1); o.Detail != "cancelled by an operator" {
			t.Errorf("the detail is %q", o.Detail)
		}
		r.wantAsked("update")
	})
	t.Run("during a call", func(t *testing.T) {
		t.Parallel()
		// Given a slow call that will get no answer, when its update is cancelled meanwhile,
		// then it ends as its call ends; and a call that turns out true has changed the photo, whatever was wished.
		r := edgeMini(t).dial("slow:latency=400ms", "504:group="+string(groupA)).start()
		for id, group := range map[string]tasks.GroupID{"lost": groupA, "true": groupB} {
			before := len(r.box.Calls())
			r.submit(id, tasks.Update{GroupID: group})
			redistest.Eventually(t, 10*time.Second, func() bool { return len(r.box.Calls()) > before }, "%s is not called", id)
			cancel(r, id, ledger.CancelledLater)
			r.wait(id)
		}
		r.ends("lost", tasks.Cancelled, tasks.Stopped, 1)
		r.ends("true", tasks.Updated, "", 1)
		r.wantAsked("update update")
	})
	t.Run("while the account is held", func(t *testing.T) {
		t.Parallel()
		// Given a number that is offline, when an update's time is over before it is back,
		// then the update expires and is never sent; the other one goes on.
		r := edgeMini(t).dial("disconnected").start()
		r.submit("patient", tasks.Update{GroupID: groupB})
		r.held(ledger.Provider, tasks.Disconnected)
		r.submit("over", tasks.Update{ExpiresAt: time.Now().Add(300 * time.Millisecond)})
		r.ends("over", tasks.Expired, tasks.ExpiredTime, 0)
		r.dial()
		r.ends("patient", tasks.Updated, "", 2)
		if r.changes(groupA) != 0 || r.spent("over") != 0 {
			t.Errorf("%d changes, spent %d", r.changes(groupA), r.spent("over"))
		}
	})
}

func TestEdge24_PhotoUnchanged(t *testing.T) {
	t.Parallel()
	// Given a group that shows a photo, when the same is asked for again with skipping, then
	// nobody is called and the group has no notice; without skipping it is sent.
	r := edgeMini(t, policy(func(p *worker.Policy) { p.Attempts = 1 })).start()
	r.submit("first", tasks.Update{Photo: r.photo(50)})
	first := r.ends("first", tasks.Updated, "", 1)
	r.submit("same", tasks.Update{Photo: r.photo(50), SkipUnchanged: true})
	if o := r.ends("same", tasks.Unchanged, "", 0); o.Photo != first.Photo {
		t.Errorf("got %+v", o)
	}
	r.submit("sent", tasks.Update{Photo: r.photo(50)})
	r.ends("sent", tasks.Updated, "", 1)
	if r.changes(groupA) != 2 {
		t.Errorf("%d changes", r.changes(groupA))
	}
	// And when another photo may have landed without an answer, then nobody knows what the
	// group shows: it is sent although skipping was asked for.
	r.dial("land-then-504:n=1")
	r.submit("other", tasks.Update{Photo: r.photo(51)})
	r.ends("other", tasks.Failed, tasks.NoAnswer, 1)
	r.submit("back", tasks.Update{Photo: r.photo(50), SkipUnchanged: true})
	r.ends("back", tasks.Updated, "", 1)
	if g, _ := r.box.Group(string(groupA)); "sha256:"+g.PhotoHash != first.Photo || g.Changes != 4 {
		t.Errorf("got %+v", g)
	}
}
