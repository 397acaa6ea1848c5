package enqueue_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const group = "120363019502650977-group"

var (
	png  = append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{1}, 100)...)
	jpeg = append([]byte("\xff\xd8\xff\xe0"), bytes.Repeat([]byte{2}, 100)...)
	link = enqueue.URL("https://cdn.example.com/logo.jpg?sig=hush")
)

func open(t *testing.T, rdb redis.UniversalClient, opts ...enqueue.ClientOption) *enqueue.Client {
	t.Helper()
	gp, err := enqueue.New(rdb, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := gp.Close(); err != nil {
			t.Error(err)
		}
	})
	return gp
}

func update(photo enqueue.Photo) enqueue.Update { return enqueue.Update{GroupID: group, Photo: photo} }

func mustUpdate(t *testing.T, gp *enqueue.Client, u enqueue.Update, opts ...enqueue.Option) enqueue.Receipt {
	t.Helper()
	r, err := gp.UpdateGroupPhoto(t.Context(), u, opts...)
	if err != nil {
		t.Fatalf("UpdateGroupPhoto: %v", err)
	}
	return r
}

func task(t *testing.T, rdb redis.UniversalClient, account, id string) *asynq.TaskInfo {
	t.Helper()
	info, err := asynq.NewInspectorFromRedisClient(rdb).GetTaskInfo(tasks.Queue(account), id)
	if err != nil {
		t.Fatalf("the task of update %s: %v", id, err)
	}
	return info
}

func keyCount(t *testing.T, rdb redis.UniversalClient) int64 {
	t.Helper()
	n, err := rdb.DBSize(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// settle ends an update as a worker does.
func settle(t *testing.T, rdb redis.UniversalClient, account, id string, state tasks.State) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	l := ledger.New(rdb, 0)
	r, err := l.Record(ctx, account, id)
	if err != nil {
		t.Fatal(err)
	}
	h := ledger.Handle{Account: account, ID: id, Group: r.Update.GroupID, Token: "run-" + time.Now().String()}
	claim, err := l.Claim(ctx, h, r.Update)
	if err != nil || claim.Verdict != ledger.Run {
		t.Fatalf("Claim: %v, %v", claim.Verdict, err)
	}
	o := r.Outcome
	o.State, o.FinishedAt = state, time.Now().UTC()
	recorded, err := l.Settle(ctx, ledger.Settlement{Handle: h, Outcome: o})
	if err != nil || recorded.Verdict != "" {
		t.Fatalf("Settle: %q, %v", recorded.Verdict, err)
	}
}
