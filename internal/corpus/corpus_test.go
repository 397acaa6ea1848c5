package corpus_test

import (
	"context"
	"crypto/sha256"
	"os"
	"path"
	"sync"
	"testing"
	"time"

	"github.com/plugchat-go/groupphoto/internal/corpus"
	"github.com/plugchat-go/groupphoto/worker/photo"
)

// patience ends a file that never ends. It is no judgement of speed.
const patience = time.Minute

var find = sync.OnceValues(func() ([]corpus.File, error) { return corpus.Find(context.Background(), corpus.Sets()) })

// pictures returns all files of all sets whose names match one of the patterns of path.Match; no pattern means all.
func pictures(t *testing.T, patterns ...string) []corpus.File {
	t.Helper()
	all, err := find()
	if err != nil {
		t.Skipf("NO PICTURES, NOTHING IS TESTED: %v", err)
	}
	if len(patterns) == 0 {
		return all
	}
	var some []corpus.File
	for _, pattern := range patterns {
		before := len(some)
		for _, file := range all {
			if ok, err := path.Match(pattern, file.Name); err != nil {
				t.Fatal(err)
			} else if ok {
				some = append(some, file)
			}
		}
		if len(some) == before {
			t.Fatalf("no picture is named %s: the sets have changed", pattern)
		}
	}
	return some
}

func read(t *testing.T, file corpus.File) []byte {
	t.Helper()
	src, err := os.ReadFile(file.Path)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func maker(t *testing.T, options photo.Options) *photo.Maker {
	t.Helper()
	m, err := photo.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustMake(t *testing.T, m *photo.Maker, name string, src []byte) photo.Photo {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	made, err := m.Make(ctx, src)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return made
}

// mustShow makes the photo and returns its grid.
func mustShow(t *testing.T, m *photo.Maker, name string, src []byte) grid {
	t.Helper()
	g, err := shown(mustMake(t, m, name, src), cells)
	if err != nil {
		t.Fatalf("%s: the photo does not decode: %v", name, err)
	}
	return g
}

// thin keeps every twentieth with the race detector, and all without.
func thin[T any](t *testing.T, list []T) []T {
	t.Helper()
	if !raced {
		return list
	}
	var some []T
	for i := 0; i < len(list); i += 20 {
		some = append(some, list[i])
	}
	t.Logf("WITH THE RACE DETECTOR ONLY %d OF %d ARE LOOKED AT", len(some), len(list))
	return some
}

// distinct leaves out files that were in the list before under another name.
func distinct(t *testing.T, files []corpus.File) []corpus.File {
	t.Helper()
	seen := map[[sha256.Size]byte]bool{}
	var once []corpus.File
	for _, file := range files {
		sum := sha256.Sum256(read(t, file))
		if !seen[sum] {
			once = append(once, file)
		}
		seen[sum] = true
	}
	return once
}
