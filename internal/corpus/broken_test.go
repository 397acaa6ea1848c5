package corpus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	"github.com/plugchat-go/groupphoto/internal/corpus"
	"github.com/plugchat-go/groupphoto/worker/photo"
)

const (
	cuts  = 8
	flips = 16
	// brokenSide keeps the cost of what is not under test small.
	brokenSide = 64
	// brokenBytes is the largest file that is broken: there are small ones of every kind.
	brokenBytes = 100 << 10
)

// Pictures that are cut off or damaged anywhere end in a photo or a named refusal, in bounded time. A panic would end the
// test binary.
func TestBroken_PhotoOrRefusal(t *testing.T) {
	m := maker(t, photo.Options{AllowSmall: true, Side: brokenSide})
	verdicts := map[string]int{}
	for _, format := range []struct {
		name  string
		files int
	}{{"jpeg", 14}, {"png", 12}, {"webp", 8}, {"gif", 5}, {"bmp", 5}} {
		for _, file := range breakable(t, format.name, format.files) {
			src := read(t, file)
			for i := range cuts {
				at := len(src) * (i + 1) / (cuts + 1)
				verdicts[format.name+" cut: "+attempt(t, m, fmt.Sprintf("%s cut to %d bytes", file.Name, at), src[:at])]++
			}
			dice := rand.New(rand.NewPCG(uint64(len(src)), 1))
			for i := range flips {
				flipped, at := bytes.Clone(src), dice.IntN(len(src))
				if i%2 == 0 {
					at = dice.IntN(min(len(src), 256)) // headers are short and matter most
				}
				flipped[at] ^= byte(1 + dice.IntN(255))
				verdicts[format.name+" flip: "+attempt(t, m, fmt.Sprintf("%s with byte %d flipped to %#x", file.Name, at, flipped[at]), flipped)]++
			}
		}
	}
	t.Log(verdicts)
}

// breakable picks files of one format, spread over the sets.
func breakable(t *testing.T, format string, n int) []corpus.File {
	t.Helper()
	var small []corpus.File
	for _, file := range distinct(t, pictures(t, judged(t, "\t"+format+"\t")...)) {
		if len(read(t, file)) <= brokenBytes {
			small = append(small, file)
		}
	}
	if len(small) < n {
		t.Fatalf("only %d files are %s and small", len(small), format)
	}
	some := make([]corpus.File, n)
	for i := range some {
		some[i] = small[i*len(small)/n]
	}
	return some
}

// attempt returns the reason, or "photo".
func attempt(t *testing.T, m *photo.Maker, what string, src []byte) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	made, err := m.Make(ctx, src)
	if err != nil {
		refusal, ok := errors.AsType[*photo.Error](err)
		if !ok || refusal.Detail == "" {
			t.Errorf("%s: not a named refusal: %v", what, err)
			return "unnamed"
		}
		return string(refusal.Reason)
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(made.JPEG))
	if err != nil || config.Width != brokenSide || config.Height != brokenSide {
		t.Errorf("%s: the photo is no JPEG of %d pixels: %v", what, brokenSide, err)
	}
	return "photo"
}
