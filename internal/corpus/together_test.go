package corpus_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/corpus"
	"github.com/plugchat-go/groupphoto/worker/photo"
)

// Photos made at the same time are those made one by one.
func TestTogether_SameAsAlone(t *testing.T) {
	var files []corpus.File
	for _, format := range []string{"jpeg", "png", "webp", "gif", "bmp"} {
		files = append(files, breakable(t, format, 4)...)
	}
	files = append(files, pictures(t, pizza+"rgb8-displayp3.jpg", pizza+"cmyk8-usswop.jpg", "kovid/prism/test-images/pizza-jpegli.jpeg")...)
	m := maker(t, photo.Options{AllowSmall: true, Side: brokenSide})
	verdictOf := func(src []byte) string {
		made, err := m.Make(t.Context(), src)
		if refusal, ok := errors.AsType[*photo.Error](err); ok {
			return string(refusal.Reason)
		}
		return made.Hash
	}
	alone := make([]string, len(files))
	sources := make([][]byte, len(files))
	for i, file := range files {
		sources[i] = read(t, file)
		alone[i] = verdictOf(sources[i])
	}
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for k := range files {
				i := (k + worker*len(files)/4) % len(files)
				if got := verdictOf(sources[i]); got != alone[i] {
					t.Errorf("%s: made beside others %.12q, alone %.12q", files[i].Name, got, alone[i])
				}
			}
		})
	}
	group.Wait()
}
