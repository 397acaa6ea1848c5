package enqueue_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/plugchat-go/groupphoto/enqueue"
	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/internal/redistest"
	"github.com/plugchat-go/groupphoto/tasks"
)

func TestUpdateGroupPhoto_Accepted(t *testing.T) {
	t.Parallel()
	// Given a fresh Redis, when an update is enqueued, then its record and its
	// task are there, and the engine's own limits cannot bite.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := open(t, rdb, enqueue.WithBy("shop"))
		r := mustUpdate(t, gp, update(link), enqueue.ID("order-881"), enqueue.Ref("r1"), enqueue.SkipUnchanged())
		if r.ID != "order-881" || r.Account != "main" || r.Duplicate || r.State != enqueue.Waiting || !r.Due.IsZero() {
			t.Errorf("receipt is %+v", r)
		}
		if life := time.Until(r.ExpiresAt); life < 23*time.Hour || life > 25*time.Hour {
			t.Errorf("it expires in %s, want about 24h", life)
		}
		info := task(t, rdb, "main", "order-881")
		if info.State != asynq.TaskStatePending || info.MaxRetry != math.MaxInt32 || info.Timeout != 7*24*time.Hour ||
			info.Retention != 24*time.Hour || info.Type != tasks.TypeUpdate {
			t.Errorf("task is %+v", info)
		}
		u, err := tasks.ParseUpdate(info.Payload, "main")
		if err != nil {
			t.Fatal(err)
		}
		if u.Seq != 1 || u.Ref != "r1" || u.By != "shop" || !u.SkipUnchanged || string(u.GroupID) != group || !u.ExpiresAt.Equal(r.ExpiresAt) {
			t.Errorf("payload is %+v", u)
		}
		o, err := gp.Outcome(t.Context(), "order-881")
		if err != nil || o.State != enqueue.Waiting {
			t.Errorf("outcome is %+v, %v", o, err)
		}
		if id := mustUpdate(t, gp, update(link)).ID; len(id) != 26 || tasks.CheckID(id) != nil {
			t.Errorf("fresh id is %q", id)
		}
	})
}

func TestUpdateGroupPhoto_Duplicate(t *testing.T) {
	t.Parallel()
	// Given an accepted update whose task was lost, when the same call is made
	// again, then it is a duplicate and the task is back; another content is
	// refused; and after its end the duplicate brings the outcome.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := open(t, rdb)
		first := mustUpdate(t, gp, update(link), enqueue.ID("a"))
		if err := asynq.NewInspectorFromRedisClient(rdb).DeleteTask("photo.main", "a"); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time the task is there
			again := mustUpdate(t, gp, update(link), enqueue.ID("a"), enqueue.ExpiresIn(time.Hour))
			first.Duplicate = true
			if diff := cmp.Diff(first, again); diff != "" {
				t.Errorf("duplicate's receipt (-first +again):\n%s", diff)
			}
		}
		if got := task(t, rdb, "main", "a"); got.State != asynq.TaskStatePending {
			t.Errorf("task is %s", got.State)
		}
		_, err := gp.UpdateGroupPhoto(t.Context(), update(enqueue.URL("https://other.example/x.png")), enqueue.ID("a"))
		if !errors.Is(err, enqueue.ErrIDReused) {
			t.Errorf("other content under the same id: %v", err)
		}
		settle(t, rdb, "main", "a", enqueue.Updated)
		ended := mustUpdate(t, gp, update(link), enqueue.ID("a"))
		if !ended.Duplicate || ended.State != enqueue.Updated || ended.Outcome == nil || ended.Outcome.State != enqueue.Updated {
			t.Errorf("receipt after the end: %+v", ended)
		}
	})
}

func TestUpdateGroupPhoto_Scheduled(t *testing.T) {
	t.Parallel()
	// Given a due time within a second, when the update is enqueued, then its task
	// waits, never early, and its life counts from the due time.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := open(t, rdb, enqueue.WithExpiry(2*time.Hour))
		due := time.Now().Add(time.Hour).Truncate(time.Second).Add(400 * time.Millisecond)
		r := mustUpdate(t, gp, update(link), enqueue.ID("later"), enqueue.At(due))
		if r.State != enqueue.Scheduled || !r.Due.Equal(due) || !r.ExpiresAt.Equal(due.Add(2*time.Hour)) {
			t.Errorf("receipt is %+v", r)
		}
		info := task(t, rdb, "main", "later")
		if info.State != asynq.TaskStateScheduled || info.NextProcessAt.Before(due) || info.NextProcessAt.Sub(due) > time.Second {
			t.Errorf("task is %s at %s, want scheduled at %s", info.State, info.NextProcessAt, due)
		}
		if past := mustUpdate(t, gp, update(link), enqueue.At(time.Now().Add(-time.Hour))); past.State != enqueue.Waiting || !past.Due.IsZero() {
			t.Errorf("due in the past: %+v", past)
		}
		d, err := gp.Details(t.Context(), "later")
		if err != nil || d.Outcome.State != enqueue.Scheduled || !d.Due.Equal(due) {
			t.Errorf("details are %+v, %v", d, err)
		}
	})
}

func TestUpdateGroupPhoto_BadInput(t *testing.T) {
	t.Parallel()
	// Given an empty Redis, when the input is bad, then the error names it and
	// nothing is stored.
	mini := redistest.Mini(t)
	rdb := mini.Client(t)
	gp := open(t, rdb)
	dir := t.TempDir()
	file := func(name, content string) enqueue.Photo {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return enqueue.File(path)
	}
	huge := filepath.Join(dir, "huge.png")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, enqueue.MaxPhoto+1); err != nil {
		t.Fatal(err)
	}
	tooBig := append(bytes.Clone(png), make([]byte, enqueue.MaxPhoto)...)
	now := time.Now()
	rows := []struct {
		name string
		u    enqueue.Update
		opts []enqueue.Option
		want error
		says string
	}{
		{"no photo", enqueue.Update{GroupID: group}, nil, enqueue.ErrPhoto, "missing"},
		{"a person", enqueue.Update{GroupID: "5511999999999@c.us", Photo: link}, nil, enqueue.ErrGroupID, "person"},
		{"no group", enqueue.Update{Photo: link}, nil, enqueue.ErrGroupID, "empty"},
		{"HTML file", update(file("a.jpg", "<!DOCTYPE html><p>")), nil, enqueue.ErrPhoto, "HTML page"},
		{"HEIC file", update(file("b.jpg", "\x00\x00\x00\x18ftypheic\x00\x00")), nil, enqueue.ErrPhoto, "export it as JPEG"},
		{"PDF file", update(file("c.jpg", "%PDF-1.7")), nil, enqueue.ErrPhoto, "PDF"},
		{"SVG file", update(file("d.svg", "<?xml version='1.0'?>\n<svg>")), nil, enqueue.ErrPhoto, "SVG"},
		{"text file", update(file("e.txt", "hello")), nil, enqueue.ErrPhoto, "e.txt\" looks like text"},
		{"text like BMP", update(file("f.txt", "BM is a fine car company")), nil, enqueue.ErrPhoto, "text"},
		{"empty file", update(file("g.png", "")), nil, enqueue.ErrPhoto, "empty"},
		{"folder", update(enqueue.File(dir)), nil, enqueue.ErrPhoto, "not a regular file"},
		{"no such file", update(enqueue.File(filepath.Join(dir, "no"))), nil, os.ErrNotExist, "cannot be read"},
		{"huge file", update(enqueue.File(huge)), nil, enqueue.ErrPhotoTooLarge, "10 MiB"},
		{"huge bytes", update(enqueue.Bytes(tooBig)), nil, enqueue.ErrPhotoTooLarge, "10 MiB"},
		{"huge Base64", update(enqueue.Base64(strings.Repeat("A", enqueue.MaxPhoto*2))), nil, enqueue.ErrPhotoTooLarge, "10 MiB"},
		{"cut Base64", update(enqueue.Base64("data:image/png;base64,!!!!")), nil, enqueue.ErrPhoto, "Base64"},
		{"data URI without Base64", update(enqueue.Base64("data:image/svg+xml,<svg>")), nil, enqueue.ErrPhoto, "not in Base64"},
		{"URL with a password", update(enqueue.URL("https://u:hush@x.example/")), nil, enqueue.ErrPhoto, "password"},
		{"data URI as URL", update(enqueue.URL("data:image/png;base64,AAAA")), nil, enqueue.ErrPhoto, "Base64"},
		{"not stored", update(enqueue.Stored("sha256:" + strings.Repeat("a", 64))), nil, enqueue.ErrPhoto, "not in the photo store"},
		{"bad reference", update(enqueue.Stored("sha256:zz")), nil, enqueue.ErrPhoto, "hexadecimal"},
		{"URL as reference", update(enqueue.Stored("https://x.example/")), nil, enqueue.ErrPhoto, "no reference"},
		{"bad id", update(link), []enqueue.Option{enqueue.ID("a.b")}, enqueue.ErrID, "a.b"},
		{"empty id", update(link), []enqueue.Option{enqueue.ID("")}, enqueue.ErrID, "1 to 64"},
		{"two ids", update(link), []enqueue.Option{enqueue.ID("a"), enqueue.ID("b")}, enqueue.ErrInvalid, "ID is given twice"},
		{"At and In", update(link), []enqueue.Option{enqueue.At(now), enqueue.In(1)}, enqueue.ErrInvalid, "At and In"},
		{"two expiries", update(link), []enqueue.Option{enqueue.ExpiresAt(now), enqueue.ExpiresIn(1)}, enqueue.ErrInvalid, "ExpiresAt and ExpiresIn"},
		{"In the past", update(link), []enqueue.Option{enqueue.In(-1)}, enqueue.ErrInvalid, "option In"},
		{"far ahead", update(link), []enqueue.Option{enqueue.At(now.Add(1000 * 24 * time.Hour))}, enqueue.ErrInvalid, "year ahead"},
		{"far expiry", update(link), []enqueue.Option{enqueue.ExpiresIn(math.MaxInt64)}, enqueue.ErrInvalid, "year ahead"},
		{"absurd expiry", update(link), []enqueue.Option{enqueue.ExpiresAt(time.Unix(1<<55, 0))}, enqueue.ErrInvalid, "year ahead"},
		{"expired", update(link), []enqueue.Option{enqueue.ExpiresAt(now.Add(-1))}, enqueue.ErrExpired, "expire"},
		{"expires before it is due", update(link), []enqueue.Option{enqueue.In(time.Hour), enqueue.ExpiresAt(now.Add(time.Minute))}, enqueue.ErrExpired, "due"},
		{"no life", update(link), []enqueue.Option{enqueue.ExpiresIn(0)}, enqueue.ErrExpired, "expire"},
		{"bad account", enqueue.Update{GroupID: group, Photo: link, Account: "Main!"}, nil, enqueue.ErrInvalid, "a-z"},
		{"long ref", update(link), []enqueue.Option{enqueue.Ref(strings.Repeat("x", 129))}, enqueue.ErrInvalid, "129 bytes"},
		{"broken by", update(link), []enqueue.Option{enqueue.By("\xff")}, enqueue.ErrInvalid, "UTF-8"},
		{"two refs", enqueue.Update{GroupID: group, Photo: link, Ref: "a"}, []enqueue.Option{enqueue.Ref("b")}, enqueue.ErrInvalid, "ref is given twice"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r, err := gp.UpdateGroupPhoto(t.Context(), row.u, row.opts...)
			if !errors.Is(err, row.want) {
				t.Fatalf("got %+v, %v; want %v", r, err, row.want)
			}
			if !strings.Contains(err.Error(), row.says) {
				t.Errorf("error %q does not say %q", err, row.says)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("error %q shows a secret", err)
			}
		})
	}
	if n := keyCount(t, rdb); n != 0 {
		t.Errorf("%d keys were stored for bad input", n)
	}
	t.Run("all problems at once", func(t *testing.T) {
		_, err := gp.UpdateGroupPhoto(t.Context(), enqueue.Update{GroupID: "x"}, enqueue.ID("."), enqueue.In(-1))
		for _, want := range []error{enqueue.ErrGroupID, enqueue.ErrPhoto, enqueue.ErrID, enqueue.ErrInvalid} {
			if !errors.Is(err, want) {
				t.Errorf("error %q lacks %q", err, want)
			}
		}
	})
}

func TestUpdateGroupPhoto_Pictures(t *testing.T) {
	t.Parallel()
	// Given a picture in any form, when the update is enqueued, then the bytes
	// are in the photo store and nowhere else.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := open(t, rdb)
		path := filepath.Join(t.TempDir(), "logo.png")
		if err := os.WriteFile(path, png, 0o600); err != nil {
			t.Fatal(err)
		}
		plain := base64.StdEncoding.EncodeToString(png)
		rows := []struct {
			name  string
			photo enqueue.Photo
		}{
			{"file", enqueue.File(path)},
			{"bytes", enqueue.Bytes(png)},
			{"data URI", enqueue.Base64("data:image/png;base64," + plain)},
			{"bare Base64, folded", enqueue.Base64(plain[:40] + "\r\n" + strings.TrimRight(plain[40:], "="))},
			{"URL alphabet", enqueue.Base64(base64.RawURLEncoding.EncodeToString(png))},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				r := mustUpdate(t, gp, update(row.photo))
				info := task(t, rdb, "main", r.ID)
				u, err := tasks.ParseUpdate(info.Payload, "main")
				if err != nil {
					t.Fatal(err)
				}
				if u.Photo.Kind != tasks.PhotoSource || len(info.Payload) > 400 {
					t.Errorf("payload has %d bytes and photo %s", len(info.Payload), u.Photo)
				}
				got, err := ledger.New(rdb, 0).Photo(t.Context(), u.Photo)
				if err != nil || !bytes.Equal(got, png) {
					t.Errorf("stored photo: %d bytes, %v", len(got), err)
				}
				if r := mustUpdate(t, gp, update(enqueue.Stored(u.Photo.Wire()))); r.State != enqueue.Waiting {
					t.Errorf("by reference: %+v", r)
				}
			})
		}
	})
}

func TestUpdateGroupPhoto_FetchNow(t *testing.T) {
	t.Parallel()
	// Given photo servers of several moods, when FetchNow is asked for, then a
	// picture is stored and everything else is refused by kind.
	mini := redistest.Mini(t)
	rdb := mini.Client(t)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			_, _ = w.Write(jpeg)
		case "/page":
			_, _ = w.Write([]byte("<html>"))
		case "/down":
			w.WriteHeader(http.StatusBadGateway)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(site.Close)
	open1 := open(t, rdb, enqueue.WithFetchRules(enqueue.FetchRules{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}))
	rows := []struct {
		name, path string
		want       error
	}{
		{"page", "/page", enqueue.ErrPhoto},
		{"missing", "/no?sig=hush", enqueue.ErrPhoto},
		{"down", "/down?sig=hush", enqueue.ErrPhotoUnavailable},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := open1.UpdateGroupPhoto(t.Context(), update(enqueue.URL(site.URL+row.path)), enqueue.FetchNow())
			if !errors.Is(err, row.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
	t.Run("private address", func(t *testing.T) {
		_, err := open(t, rdb).UpdateGroupPhoto(t.Context(), update(enqueue.URL(site.URL+"/ok")), enqueue.FetchNow())
		if !errors.Is(err, enqueue.ErrPhoto) {
			t.Errorf("got %v, want ErrPhoto", err)
		}
	})
	if n := keyCount(t, rdb); n != 0 {
		t.Errorf("%d keys were stored for photos that cannot be had", n)
	}
	r := mustUpdate(t, open1, update(enqueue.URL(site.URL+"/ok")), enqueue.FetchNow())
	u, err := tasks.ParseUpdate(task(t, rdb, "main", r.ID).Payload, "main")
	if err != nil || u.Photo.Kind != tasks.PhotoSource {
		t.Errorf("photo of the payload is %s, %v", u.Photo, err)
	}
}

func TestUpdateGroupPhoto_UnknownAccount(t *testing.T) {
	t.Parallel()
	// Given workers that serve two accounts, when a third is named, then it is
	// refused with the nearest spelling, unless asked otherwise.
	redistest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		gp := open(t, rdb)
		u := update(link)
		u.Account = "shpo"
		mustUpdate(t, gp, u) // nobody has served anything yet
		if err := ledger.New(rdb, 0).Serve(t.Context(), "p1", "shop", "main"); err != nil {
			t.Fatal(err)
		}
		gp = open(t, rdb)
		_, err := gp.UpdateGroupPhoto(t.Context(), u)
		if !errors.Is(err, enqueue.ErrUnknownAccount) || !strings.Contains(err.Error(), `did you mean "shop"?`) ||
			!strings.Contains(err.Error(), "known: main, shop") {
			t.Errorf("got %v", err)
		}
		mustUpdate(t, gp, u, enqueue.AllowUnknownAccount())
		u.Account = "shop"
		r := mustUpdate(t, gp, u, enqueue.ID("x"))
		if o, err := gp.Outcome(t.Context(), r.ID); err != nil || o.Account != "shop" {
			t.Errorf("found without naming its account: %+v, %v", o, err)
		}
		list, err := gp.Accounts(t.Context())
		var names []string
		for _, a := range list {
			names = append(names, a.Name)
		}
		if diff := cmp.Diff([]string{"main", "shop", "shpo"}, names); diff != "" || err != nil {
			t.Errorf("accounts (-want +got): %s %v", diff, err)
		}
	})
}

func TestUpdateGroupPhoto_RedisDown(t *testing.T) {
	t.Parallel()
	// Given a Redis that is gone, when an update is enqueued, then it is
	// ErrUnavailable within the context, and the id is there to call again.
	mini := redistest.Mini(t)
	gp := open(t, mini.Client(t))
	mini.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	r, err := gp.UpdateGroupPhoto(ctx, update(link))
	if !errors.Is(err, enqueue.ErrUnavailable) || r.ID == "" {
		t.Errorf("got %+v, %v", r, err)
	}
	if ctx.Err() != nil {
		t.Error("it took longer than its context")
	}
	gone, stop := context.WithCancelCause(t.Context())
	why := errors.New("tea time")
	stop(why)
	if _, err := gp.UpdateGroupPhoto(gone, update(link)); !errors.Is(err, why) || errors.Is(err, enqueue.ErrUnavailable) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestUpdateGroupPhoto_RedisBusy(t *testing.T) {
	t.Parallel()
	// Given a Redis that answers but cannot write, when an update is enqueued,
	// then that is ErrUnavailable too; an answer about rights is not.
	mini := redistest.Mini(t)
	gp := open(t, mini.Client(t))
	for reply, want := range map[string]bool{
		"LOADING Redis is loading the dataset in memory": true,
		"OOM command not allowed":                        true,
		"NOPERM this user has no permissions":            false,
	} {
		mini.SetError(reply)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		_, err := gp.UpdateGroupPhoto(ctx, update(link))
		if err == nil || errors.Is(err, enqueue.ErrUnavailable) != want {
			t.Errorf("%s: got %v, unavailable should be %t", reply, err, want)
		}
		cancel()
	}
}

func TestPhoto_PrintsFactsOnly(t *testing.T) {
	t.Parallel()
	rows := map[string]enqueue.Photo{
		"https://cdn.example.com/logo.jpg":      link,
		"picture of 108 bytes":                  enqueue.Bytes(png),
		"picture in Base64 (29 characters)":     enqueue.Base64("data:image/png;base64,c2VjcmV"),
		`file "logo.png"`:                       enqueue.File("logo.png"),
		"no photo":                              {},
		"photo reference that cannot be read":   enqueue.URL("data:image/png;base64,c2VjcmV0"),
		"src:sha256:" + strings.Repeat("0", 64): enqueue.Stored("src:sha256:" + strings.Repeat("0", 64)),
	}
	for want, photo := range rows {
		if got := photo.String(); got != want || photo.GoString() != want || photo.LogValue().String() != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
