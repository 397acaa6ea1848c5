//go:build unix

package worker_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/internal/sandbox"
	"github.com/plugchat-go/groupphoto/tasks"
	"github.com/plugchat-go/groupphoto/worker"
)

// fleet is several worker processes on one real Redis, with the sandbox as judge.
type fleet struct {
	t      testing.TB
	config fleetConfig
	redis  *redistest.Server
	rdb    redis.UniversalClient
	ledger *ledger.Ledger
	box    *sandbox.Sandbox
	photos []tasks.PhotoRef

	members []*member
	mu      sync.Mutex
	from    map[string]int // calls by account and process, "main one"
}

func newFleet(t testing.TB, accounts ...fleetAccount) *fleet {
	t.Helper()
	f := &fleet{t: t, redis: redistest.Real(t), box: sandbox.New(sandbox.Config{Seed: 1}), from: map[string]int{}}
	f.rdb = f.redis.Client(t)
	f.ledger = ledger.New(f.rdb, 0)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			f.mu.Lock()
			f.from[r.Header.Get("Authorization")+" "+r.Header.Get("User-Agent")]++
			f.mu.Unlock()
		}
		f.box.ServeHTTP(w, r)
	}))
	t.Cleanup(provider.Close)
	f.config = fleetConfig{
		Redis: f.redis.URL(), Provider: provider.URL, Accounts: accounts, HTTPTimeout: 10 * time.Second, LeaseMargin: 5 * time.Second,
		CheckInterval: 50 * time.Millisecond,
		Policy: worker.Policy{
			Attempts: 100, RefusalDelay: 10 * time.Millisecond, Backoff: 50 * time.Millisecond, MaxBackoff: 500 * time.Millisecond,
			QuickBackoff: 20 * time.Millisecond, Hold: 200 * time.Millisecond, MaxHold: time.Second, ThrottleHold: 100 * time.Millisecond,
		},
	}
	return f
}

// start adds processes to the fleet and waits until they work.
func (f *fleet) start(names ...string) []*member {
	f.t.Helper()
	var started []*member
	for _, name := range names {
		c := f.config
		c.Name = name
		text, err := json.Marshal(c)
		if err != nil {
			f.t.Fatal(err)
		}
		m := &member{t: f.t, name: name, cmd: exec.CommandContext(context.WithoutCancel(f.t.Context()), os.Args[0]), gone: make(chan struct{})}
		m.cmd.Env = append(os.Environ(), fleetMember+"="+string(text))
		m.cmd.Stderr = m
		in, err := m.cmd.StdinPipe()
		if err != nil {
			f.t.Fatal(err)
		}
		if err := m.cmd.Start(); err != nil {
			f.t.Fatal(err)
		}
		go func() {
			_ = m.cmd.Wait() // its state is looked at
			close(m.gone)
		}()
		f.t.Cleanup(func() {
			_ = in.Close()
			_ = m.cmd.Process.Kill() // a stopped one too
			<-m.gone
			f.complain(m)
		})
		started = append(started, m)
	}
	f.members = append(f.members, started...)
	for _, m := range started {
		redistest.Eventually(f.t, 30*time.Second, func() bool { return len(m.says("fleet.started")) > 0 }, "process %s does not start: %v", m.name, m.says(""))
	}
	return started
}

// complain fails the test for what no worker should ever say.
func (f *fleet) complain(m *member) {
	for _, e := range m.says("") {
		text := fmt.Sprint(e["msg"])
		if strings.Contains(text, "DATA RACE") || strings.HasPrefix(text, "panic") || text == "update.panicked" || text == "fleet.failed" {
			f.t.Errorf("process %s: %v", m.name, e)
		}
	}
}

// drain ends all processes as an operator does.
func (f *fleet) drain() {
	f.t.Helper()
	for _, m := range f.members {
		m.signal(syscall.SIGTERM)
	}
	for _, m := range f.members {
		m.ended(30 * time.Second)
	}
}

// photo returns the n-th of different finished photos.
func (f *fleet) photo(n int) tasks.PhotoRef {
	f.t.Helper()
	for len(f.photos) <= n {
		img := image.NewGray(image.Rect(0, 0, 200, 200))
		for i := range img.Pix {
			img.Pix[i] = uint8(20 + 10*len(f.photos))
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, nil); err != nil {
			f.t.Fatal(err)
		}
		ref, err := f.ledger.StorePhoto(f.t.Context(), tasks.PhotoMade, b.Bytes(), time.Now().Add(time.Hour))
		if err != nil {
			f.t.Fatal(err)
		}
		f.photos = append(f.photos, ref)
	}
	return f.photos[n]
}

func groupNo(n int) tasks.GroupID {
	return tasks.GroupID(strconv.Itoa(120363000000000000+n) + "-group")
}

// wish is one update to be enqueued.
type wish struct {
	id       string
	group    tasks.GroupID
	photo    int
	campaign string
}

// wishes are n updates of as many groups.
func wishes(prefix string, n int) []wish {
	list := make([]wish, n)
	for i := range list {
		list[i] = wish{id: prefix + strconv.Itoa(i), group: groupNo(i)}
	}
	return list
}

// enqueue does what the client does: the records, in order, then the tasks.
func (f *fleet) enqueue(account string, list ...wish) {
	f.t.Helper()
	f.photo(0)
	entries := make([]ledger.Entry, len(list))
	for i, w := range list {
		entries[i] = ledger.Entry{ID: w.id, Update: tasks.Update{
			GroupID: w.group, Photo: f.photo(w.photo), Account: account, Campaign: w.campaign,
			EnqueuedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
		}}
	}
	client := asynq.NewClientFromRedisClient(f.rdb)
	for from := 0; from < len(list); from += 500 {
		to := min(from+500, len(list))
		registered, err := f.ledger.Register(f.t.Context(), account, entries[from:to])
		if err != nil {
			f.t.Fatal(err)
		}
		const lines = 8 // at a time, because Redis writes each to its disk
		var all sync.WaitGroup
		for line := range lines {
			all.Go(func() {
				for i := line; i < len(registered); i += lines {
					f.send(client, list[from+i], tasks.BulkQueue(account), tasks.Queue(account), registered[i].Update.Marshal())
				}
			})
		}
		all.Wait()
	}
}

// send enqueues one task.
func (f *fleet) send(client *asynq.Client, w wish, bulk, queue string, payload []byte) {
	if w.campaign != "" {
		queue = bulk
	}
	if _, err := client.EnqueueContext(f.t.Context(), asynq.NewTask(tasks.TypeUpdate, payload), asynq.TaskID(w.id), asynq.Queue(queue),
		asynq.MaxRetry(tasks.EngineRetries), asynq.Timeout(tasks.EngineTimeout), asynq.Retention(tasks.EngineRetention)); err != nil {
		f.t.Error(err)
	}
}

// ended waits until n updates of the account have ended, repairs included.
func (f *fleet) ended(account string, n int, within time.Duration) {
	f.t.Helper()
	var got int64
	redistest.Eventually(f.t, within, func() bool {
		got = f.rdb.XLen(f.t.Context(), "groupphoto:{"+account+"}:outcomes").Val()
		return got >= int64(n)
	}, "%d updates of %s have not ended; lane and queues: %s", n, account, later(func() string { return f.standing(account) }))
}

// later is a text that is made only when it is printed.
type later func() string

func (l later) String() string { return l() }

// standing tells how an account stands, for a test that fails.
func (f *fleet) standing(account string) string {
	ctx := context.WithoutCancel(f.t.Context())
	s, err := f.ledger.Lane(ctx, account)
	single, _ := asynq.NewInspectorFromRedisClient(f.rdb).GetQueueInfo(tasks.Queue(account))
	bulk, _ := asynq.NewInspectorFromRedisClient(f.rdb).GetQueueInfo(tasks.BulkQueue(account))
	return fmt.Sprintf("%d ended; %+v %v; single %+v; bulk %+v", f.rdb.XLen(ctx, "groupphoto:{"+account+"}:outcomes").Val(), s, err,
		cmp.Or(single, &asynq.QueueInfo{}), cmp.Or(bulk, &asynq.QueueInfo{}))
}

// story is what the processes say of one update, for a test that fails.
func (f *fleet) story(id string) string {
	var lines []string
	for _, m := range f.members {
		for _, e := range m.says("") {
			if e["id"] == id {
				lines = append(lines, fmt.Sprint(e["time"], " ", m.name, ": ", e["msg"], " ", e["outcome"], " ", e["reason"], " ", e["detail"], " again ", e["again_ms"]))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (f *fleet) record(account, id string) ledger.Record {
	f.t.Helper()
	r, err := f.ledger.Record(f.t.Context(), account, id)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

func (f *fleet) lane(account string) ledger.LaneState {
	f.t.Helper()
	s, err := f.ledger.Lane(f.t.Context(), account)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// dial turns the sandbox's dial to these rules, none for healthy.
func (f *fleet) dial(rules ...string) {
	f.t.Helper()
	list := make([]sandbox.Rule, len(rules))
	for i, text := range rules {
		var err error
		if list[i], err = sandbox.ParseRule(text); err != nil {
			f.t.Fatal(err)
		}
	}
	f.box.SetDial(list...)
}

// posts are the calls that ask for a photo of one account, in order.
func (f *fleet) posts(account string) []sandbox.Call {
	var list []sandbox.Call
	for _, c := range f.box.Calls() {
		if c.Method == http.MethodPost && c.Account == sandbox.AccountOf(tokenOf(account)) {
			list = append(list, c)
		}
	}
	return list
}
