package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/ledger"
	"github.com/plugchat-go/groupphoto/tasks"
)

// everyByte is a photo that no text encoding survives.
func everyByte() []byte {
	var b []byte
	for i := range 1024 {
		b = append(b, byte(i), byte(i>>2))
	}
	return b
}

func TestPhotos_StoredOnceAndReadBack(t *testing.T) {
	t.Parallel()
	// Given bytes, when they are stored as a source and as a finished photo,
	// then each comes back unchanged under its hash; stored again they are the
	// same reference, and the key's bytes are not sent again.
	each(t, func(t *testing.T, e *env) {
		b := everyByte()
		hash := tasks.HashHex(sha256.Sum256(b))
		until := e.clock(t).Add(time.Hour)
		for kind, want := range map[tasks.PhotoKind]tasks.PhotoRef{tasks.PhotoSource: tasks.SourceRef(hash), tasks.PhotoMade: tasks.MadeRef(hash)} {
			if ok, err := e.KeepPhoto(t.Context(), want, until); err != nil || ok {
				t.Fatalf("KeepPhoto before it is stored = %t, %v; want false", ok, err)
			}
			for range 2 {
				ref, err := e.StorePhoto(t.Context(), kind, b, until)
				if err != nil || ref != want {
					t.Fatalf("StorePhoto = %s, %v; want %s", ref, err, want)
				}
			}
			got, err := e.Photo(t.Context(), want)
			if err != nil || !bytes.Equal(got, b) {
				t.Errorf("Photo gives %d bytes, %v; want the %d stored ones", len(got), err, len(b))
			}
		}
		if n := e.rdb.DBSize(t.Context()).Val(); n != 2 {
			t.Errorf("%d keys; want one per kind", n)
		}
	})
}

func TestPhotos_LivesAreOnlyProlonged(t *testing.T) {
	t.Parallel()
	// Given a photo kept for two hours, when somebody needs it for one, then
	// its life stays; when for three, then it grows; after it the photo is gone.
	each(t, func(t *testing.T, e *env) {
		start := e.clock(t)
		ref, err := e.StorePhoto(t.Context(), tasks.PhotoMade, []byte("photo"), start.Add(2*time.Hour))
		if err != nil {
			t.Fatalf("StorePhoto: %v", err)
		}
		stored := "groupphoto:photo:{" + ref.Hash() + "}:made"
		for _, step := range []struct{ ask, want time.Duration }{{time.Hour, 2 * time.Hour}, {3 * time.Hour, 3 * time.Hour}, {-time.Hour, 3 * time.Hour}} {
			if ok, err := e.KeepPhoto(t.Context(), ref, start.Add(step.ask)); err != nil || !ok {
				t.Fatalf("KeepPhoto = %t, %v; want true", ok, err)
			}
			got := e.rdb.PTTL(t.Context(), stored).Val()
			if got > step.want || got < step.want-time.Minute {
				t.Errorf("asked for %s it lives %s; want %s", step.ask, got, step.want)
			}
		}
		if e.mini == nil {
			return // three hours pass on a clock of our own only
		}
		e.pass(t, 3*time.Hour+time.Second)
		if _, err := e.Photo(t.Context(), ref); !errors.Is(err, ledger.ErrNoPhoto) {
			t.Errorf("Photo after its life: %v; want ErrNoPhoto", err)
		}
	})
}

func TestPhotos_MissingOrOtherBytes(t *testing.T) {
	t.Parallel()
	// Given a reference whose photo is missing or is not what its name says,
	// when it is read, then the error is ErrNoPhoto and shows no bytes.
	each(t, func(t *testing.T, e *env) {
		ref, err := e.StorePhoto(t.Context(), tasks.PhotoSource, []byte("photo"), e.clock(t).Add(time.Hour))
		if err != nil {
			t.Fatalf("StorePhoto: %v", err)
		}
		if _, err := e.Photo(t.Context(), tasks.MadeRef(ref.Hash())); !errors.Is(err, ledger.ErrNoPhoto) {
			t.Errorf("the source's bytes as a finished photo: %v; want ErrNoPhoto", err)
		}
		if err := e.rdb.Set(t.Context(), "groupphoto:photo:{"+ref.Hash()+"}:src", "markedbytes", 0).Err(); err != nil {
			t.Fatalf("spoiling the photo: %v", err)
		}
		got, err := e.Photo(t.Context(), ref)
		if !errors.Is(err, ledger.ErrNoPhoto) || got != nil || bytes.Contains([]byte(err.Error()), []byte("markedbytes")) {
			t.Errorf("Photo = %q, %v; want ErrNoPhoto without the bytes", got, err)
		}
	})
}

func TestPhotos_SpoiledOnesAreReplaced(t *testing.T) {
	t.Parallel()
	// Given a photo whose place in the store holds something else, when it was read
	// (and not found) and is stored again, then its own bytes are there.
	each(t, func(t *testing.T, e *env) {
		until := e.clock(t).Add(time.Hour)
		for name, spoil := range map[string]func(key string){
			"other bytes": func(key string) { e.rdb.Set(t.Context(), key, "nonsense", 0) },
			"a list":      func(key string) { e.rdb.Del(t.Context(), key); e.rdb.RPush(t.Context(), key, "nonsense") },
		} {
			ref, err := e.StorePhoto(t.Context(), tasks.PhotoMade, []byte("photo"), until)
			if err != nil {
				t.Fatal(err)
			}
			spoil("groupphoto:photo:{" + ref.Hash() + "}:made")
			if _, err := e.TakePhoto(t.Context(), ref, until); !errors.Is(err, ledger.ErrNoPhoto) {
				t.Errorf("%s: %v; want ErrNoPhoto", name, err)
			}
			spoil("groupphoto:photo:{" + ref.Hash() + "}:made")
			if _, err := e.Photo(t.Context(), ref); !errors.Is(err, ledger.ErrNoPhoto) {
				t.Errorf("%s: %v; want ErrNoPhoto", name, err)
			}
			if _, err := e.StorePhoto(t.Context(), tasks.PhotoMade, []byte("photo"), until); err != nil {
				t.Fatal(err)
			}
			if b, err := e.TakePhoto(t.Context(), ref, until); err != nil || string(b) != "photo" {
				t.Errorf("after %s: %q, %v", name, b, err)
			}
		}
	})
}

func TestPhotos_TakingProlongs(t *testing.T) {
	t.Parallel()
	// Given a photo kept for an hour, when it is taken for two, then it lives two.
	each(t, func(t *testing.T, e *env) {
		ref, err := e.StorePhoto(t.Context(), tasks.PhotoMade, everyByte(), e.clock(t).Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		b, err := e.TakePhoto(t.Context(), ref, e.clock(t).Add(2*time.Hour))
		if err != nil || !bytes.Equal(b, everyByte()) {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		e.ttlAtLeast(t, "groupphoto:photo:{"+ref.Hash()+"}:made", 2*time.Hour)
	})
}
